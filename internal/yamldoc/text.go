// SPDX-License-Identifier: Apache-2.0

package yamldoc

import (
	"errors"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Text is a scalar that remembers where it stands, so that what is wrong inside
// it can be pointed at. Line and Column count from 1, columns in characters; both
// are 0 where the document does not hold it. As a struct field it takes any
// scalar, as it is written but for quotes.
type Text struct {
	Value        string
	Line, Column int
	style        yaml.Style
}

// UnmarshalYAML keeps the scalar and its place.
func (t *Text) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode {
		return errors.New("want one value")
	}
	*t = Text{Value: n.Value, Line: n.Line, Column: n.Column, style: n.Style}
	return nil
}

// IsZero tells whether the document holds no such value.
func (t Text) IsZero() bool { return t.Line == 0 }

// Place finds a character of the value in the document that it was read from:
// line and column count from 1 in both. Quotes, escapes, block marks and folded
// lines lie between the two; characters that are no space stand in the same order
// in both, so they are counted. A place behind the value is that of its last
// character.
func (t Text) Place(document []byte, line, column int) (int, int) {
	src := source{text: utf8Of(document), line: 1, column: 1}
	for src.line < t.Line || src.column < t.Column {
		if !src.next() {
			return t.Line, t.Column
		}
	}
	switch {
	case t.style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		for at := src.line; src.line == at; {
			if !src.next() {
				return t.Line, t.Column
			}
		}
	case t.style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		src.next()
	}
	all := solid(t.Value, math.MaxInt, 0)
	for before := min(solid(t.Value, line, column), max(all-1, 0)); ; {
		r, fromLine, fromColumn, ok := src.take(t.style)
		switch {
		case !ok:
			return t.Line, t.Column
		case unicode.IsSpace(r):
		case before == 0:
			return fromLine, fromColumn
		default:
			before--
		}
	}
}

// solid counts the characters before a place that are no space.
func solid(value string, line, column int) int {
	n := 0
	for at, col := 1, 1; len(value) > 0 && (at < line || at == line && col < column); {
		r, size := utf8.DecodeRuneInString(value)
		value = value[size:]
		if r == '\n' {
			at, col = at+1, 1
			continue
		}
		col++
		if !unicode.IsSpace(r) {
			n++
		}
	}
	return n
}

// source walks through a document.
type source struct {
	text         []byte
	line, column int
	last         rune
}

// next takes one character of the document.
func (s *source) next() bool {
	if len(s.text) == 0 {
		return false
	}
	r, size := utf8.DecodeRune(s.text)
	s.text, s.last = s.text[size:], r
	if r == '\n' {
		s.line, s.column = s.line+1, 1
	} else {
		s.column++
	}
	return true
}

// take takes one character of the value, which in quotes may be written as
// several, and tells where it began.
func (s *source) take(style yaml.Style) (rune, int, int, bool) {
	line, column := s.line, s.column
	if !s.next() {
		return 0, 0, 0, false
	}
	r := s.last
	switch {
	case style&yaml.SingleQuotedStyle != 0 && r == '\'':
		if !s.next() || s.last != '\'' { // doubled is one, single is the end
			return 0, 0, 0, false
		}
	case style&yaml.DoubleQuotedStyle != 0 && r == '"':
		return 0, 0, 0, false
	case style&yaml.DoubleQuotedStyle != 0 && r == '\\':
		r = s.escape()
	}
	return r, line, column, true
}

// escape takes what stands behind a backslash (YAML 1.2, section 5.7); only
// whether it is a space matters.
func (s *source) escape() rune {
	if !s.next() {
		return ' '
	}
	kind := s.last
	for range map[rune]int{'x': 2, 'u': 4, 'U': 8}[kind] {
		s.next()
	}
	if strings.ContainsRune("tnvfr _NLP\n\t", kind) {
		return ' '
	}
	return kind
}
