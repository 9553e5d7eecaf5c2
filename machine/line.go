// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// record is one line of a snapshot: a JSON object of strings.
type record struct {
	keys   string // in the order of the line, joined by commas: "f,t"
	values []string
}

// maxPairs bounds the pairs of one line; the format has no record with more
// than two.
const maxPairs = 4

// appendRecord writes a line from keys and values by turns.
func appendRecord(to []byte, pairs ...string) []byte {
	for i := 0; i < len(pairs); i += 2 {
		open := byte(',')
		if i == 0 {
			open = '{'
		}
		to = appendQuoted(append(to, open), pairs[i])
		to = append(to, ':')
		to = appendQuoted(to, pairs[i+1])
	}
	return append(to, "}\n"...)
}

// appendQuoted writes a JSON string.
func appendQuoted(to []byte, s string) []byte {
	const hex = "0123456789abcdef"
	to = append(to, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			to = append(to, '\\', c)
		case c == '\n':
			to = append(to, '\\', 'n')
		case c == '\t':
			to = append(to, '\\', 't')
		case c == '\r':
			to = append(to, '\\', 'r')
		case c < ' ' || c == 0x7f:
			to = append(to, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			to = append(to, c)
		}
	}
	return append(to, '"')
}

// parseRecord reads a line: an object of strings in which no key is there twice.
// encoding/json would take keys in any case and the last of two.
func parseRecord(line []byte) (record, error) {
	var rec record
	s := scanner{rest: line}
	if !s.take('{') {
		return rec, s.want("{")
	}
	var keys []string
	for {
		key, err := s.quoted()
		if err != nil {
			return rec, err
		}
		if !s.take(':') {
			return rec, s.want(":")
		}
		value, err := s.quoted()
		if err != nil {
			return rec, err
		}
		if len(keys) == maxPairs || strings.Contains(key, ",") {
			return rec, fmt.Errorf("found the key %q, want one of this format", clip(key))
		}
		for _, k := range keys {
			if k == key {
				return rec, fmt.Errorf("found the key %q twice", clip(key))
			}
		}
		keys, rec.values = append(keys, key), append(rec.values, value)
		if s.take(',') {
			continue
		}
		if !s.take('}') {
			return rec, s.want("a comma or }")
		}
		break
	}
	if s.space(); len(s.rest) > 0 {
		return rec, s.want("the end of the line")
	}
	rec.keys = strings.Join(keys, ",")
	return rec, nil
}

// scanner reads the tokens of one line.
type scanner struct{ rest []byte }

func (s *scanner) space() { s.rest = bytes.TrimLeft(s.rest, " \t\r") }

func (s *scanner) take(c byte) bool {
	if s.space(); len(s.rest) == 0 || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

func (s *scanner) want(what string) error {
	return fmt.Errorf("found %q, want %s", clip(string(s.rest)), what)
}

// quoted reads a JSON string. One that holds U+FFFD, or half of a surrogate pair,
// which decodes to it, is refused: such text is stored as base64.
func (s *scanner) quoted() (string, error) {
	if s.space(); len(s.rest) == 0 || s.rest[0] != '"' {
		return "", s.want("a string in quotes")
	}
	end, plain := 1, true
	for ; end < len(s.rest) && s.rest[end] != '"'; end++ {
		switch c := s.rest[end]; {
		case c == '\\':
			plain = false
			end++
		case c < ' ':
			return "", s.want("no bare control character in a string")
		}
	}
	if end >= len(s.rest) {
		return "", s.want("a string with its closing quote")
	}
	raw := s.rest[:end+1]
	var text string
	if plain {
		text = string(raw[1:end])
	} else if err := json.Unmarshal(raw, &text); err != nil {
		return "", fmt.Errorf("found %q, want a JSON string: %w", clip(string(raw)), err)
	}
	if strings.ContainsRune(text, utf8.RuneError) {
		return "", fmt.Errorf("found %q, which holds U+FFFD or half a character, want base64", clip(string(raw)))
	}
	s.rest = s.rest[end+1:]
	return text, nil
}
