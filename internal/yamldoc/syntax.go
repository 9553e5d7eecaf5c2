// SPDX-License-Identifier: Apache-2.0

package yamldoc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"

	"go.yaml.in/yaml/v3"
)

// parse reads every document of a stream. It also tells the line that the
// parser had come to, which is that of the fault or a few after it.
func parse(data []byte) (nodes []*yaml.Node, line int, err error) {
	src := &lineReader{rest: data}
	defer func() {
		// The parser panics where its own invariants break; for a caller that is
		// one more kind of input which cannot be read.
		if r := recover(); r != nil {
			nodes, line, err = nil, src.line, fmt.Errorf("parser gave up: %v", r)
		}
	}()
	for dec := yaml.NewDecoder(src); ; {
		var doc yaml.Node
		switch err := dec.Decode(&doc); {
		case errors.Is(err, io.EOF):
			return nodes, src.line, nil
		case err != nil:
			return nil, src.line, err
		}
		nodes = append(nodes, doc.Content...)
	}
}

// lineReader hands out one line a call, so that it knows how far the parser is.
type lineReader struct {
	rest []byte
	line int // lines handed out
}

func (r *lineReader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		return 0, io.EOF
	}
	n := len(r.rest)
	if i := bytes.IndexByte(r.rest, '\n'); i >= 0 {
		n = i + 1
	}
	n = copy(p, r.rest[:n])
	if r.rest[n-1] == '\n' || n == len(r.rest) {
		r.line++
	}
	r.rest = r.rest[n:]
	return n, nil
}

var errorPrefix = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

func message(err error) string {
	text := err.Error()
	return text[len(errorPrefix.FindString(text)):]
}

// Bounds of the search for a faulty line.
const (
	maxBack      = 64
	maxBackBytes = 64 << 20
)

// locate finds the line of a syntax error. The parser names that of the block
// around the fault, counted from 0 or from 1 by the kind of error, or none.
func locate(data []byte, err error) int {
	text := message(err)
	switch {
	case strings.Contains(text, "expected ',' or"):
		// An unclosed list or map: the line where it was opened. With a line put
		// before the text, the parser's count from 0 is ours from 1.
		return parserLine(data)
	case text == "found unexpected end of stream":
		return parserLine(data) - 1
	}
	// Any other fault is found by what comes before it: the shortest text that
	// shows the same error ends in the faulty line.
	_, line, _ := parse(data)
	for spent, back := 0, 0; line > 1 && back < maxBack && spent < maxBackBytes; back++ {
		shorter := data[:lineStart(data, line)]
		if _, _, err := parse(shorter); err == nil || message(err) != text {
			break
		}
		spent += len(shorter)
		line--
	}
	return max(line, 1)
}

func parserLine(data []byte) int {
	_, _, err := parse(append([]byte("\n"), data...))
	if err == nil {
		return 1
	}
	line, err := strconv.Atoi(errorPrefix.FindStringSubmatch(err.Error())[1])
	if err != nil {
		return 1
	}
	return max(line, 1)
}

// lineStart is the offset of a line, counted from 1.
func lineStart(data []byte, line int) int {
	at := 0
	for ; line > 1; line-- {
		i := bytes.IndexByte(data[at:], '\n')
		if i < 0 {
			return len(data)
		}
		at += i + 1
	}
	return at
}

// lineText is a line as an error shows it.
func lineText(data []byte, line int) string {
	text, _, _ := bytes.Cut(data[lineStart(data, line):], []byte("\n"))
	return clip(strings.TrimRight(string(text), "\r"))
}

func clip(text string) string {
	if len(text) > 80 {
		return text[:80] + "..."
	}
	return text
}

// utf8Of turns UTF-16 with a byte order mark, which some shells write when
// output is sent to a file, into UTF-8, and takes off the mark.
func utf8Of(data []byte) []byte {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return data[3:]
	case bytes.HasPrefix(data, []byte("\xff\xfe")):
		order = binary.LittleEndian
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		order = binary.BigEndian
	default:
		return data
	}
	units := make([]uint16, 0, len(data)/2)
	for i := 2; i+1 < len(data); i += 2 {
		units = append(units, order.Uint16(data[i:]))
	}
	return []byte(string(utf16.Decode(units)))
}
