// SPDX-License-Identifier: Apache-2.0

package yamldoc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// IsJSON tells whether data begins as a JSON object does: a brace, then a quote
// or a closing brace. A YAML map in braces mostly has bare keys.
func IsJSON(data []byte) bool {
	rest, ok := bytes.CutPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{"))
	if !ok {
		return false
	}
	rest = bytes.TrimLeft(rest, " \t\r\n")
	return len(rest) > 0 && (rest[0] == '"' || rest[0] == '}')
}

// splitJSON cuts a stream of JSON values without building a tree of them: a
// list of a few thousand cluster nodes is hundreds of megabytes.
func splitJSON(name string, data []byte) ([]Doc, error) {
	var docs []Doc
	dec := json.NewDecoder(bytes.NewReader(data))
	for {
		var raw json.RawMessage
		begin := dec.InputOffset()
		switch err := dec.Decode(&raw); {
		case errors.Is(err, io.EOF):
			return docs, nil
		case err != nil:
			return nil, jsonError(name, data, begin, err)
		}
		line := 1 + bytes.Count(data[:dec.InputOffset()-int64(len(raw))], []byte("\n"))
		docs = append(docs, Doc{Name: name, Line: line, json: raw})
	}
}

func jsonError(name string, data []byte, begin int64, err error) error {
	at := int64(len(data))
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		at = min(at, max(syntax.Offset-1, 0))
	}
	line := 1 + bytes.Count(data[:at], []byte("\n"))
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%s:%d: found the end of the text, want the end of the JSON value that begins on line %d",
			name, line, lineBehind(data, begin))
	}
	return fmt.Errorf("%s:%d: %w at %q", name, line, err, lineText(data, line))
}

// lineBehind is the line of the first token at or behind an offset.
func lineBehind(data []byte, at int64) int {
	rest := bytes.TrimLeft(data[at:], " \t\r\n,")
	return 1 + bytes.Count(data[:len(data)-len(rest)], []byte("\n"))
}

// lookJSON walks the tokens of a JSON document along a path. It returns the line
// of the last part that it found, and the whole value when it found all.
func (d Doc) lookJSON(path []string) (line int, value json.RawMessage) {
	dec := json.NewDecoder(bytes.NewReader(d.json))
	line = d.Line
	for _, part := range path {
		open, err := dec.Token()
		if err != nil || open != json.Delim('{') && open != json.Delim('[') {
			return line, nil
		}
		found := false
		for i := 0; !found && dec.More(); i++ {
			if open == json.Delim('{') {
				key, err := dec.Token()
				if err != nil {
					return line, nil
				}
				found = key == part
			} else {
				found = strconv.Itoa(i) == part
			}
			if found {
				line = d.Line - 1 + lineBehind(d.json, dec.InputOffset())
				break
			}
			var skip json.RawMessage
			if dec.Decode(&skip) != nil {
				return line, nil
			}
		}
		if !found {
			return line, nil
		}
	}
	if dec.Decode(&value) != nil {
		return line, nil
	}
	return line, value
}

// scalarJSON is the text of a string, number or boolean.
func scalarJSON(value json.RawMessage) (string, bool) {
	var v any
	dec := json.NewDecoder(bytes.NewReader(value))
	dec.UseNumber()
	if len(value) == 0 || dec.Decode(&v) != nil {
		return "", false
	}
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// JSON returns the document as JSON, keys in the order they are written. Numbers
// keep all their digits. It refuses what JSON cannot say: keys that are no
// scalars or are there twice, infinities, and documents that aliases blow up.
func (d Doc) JSON() ([]byte, error) {
	if d.Node == nil {
		return d.json, nil
	}
	w := walk{name: d.Name}
	return w.appendJSON(nil, d.Node)
}

func (w *walk) appendJSON(to []byte, n *yaml.Node) ([]byte, error) {
	real, err := w.enter(n)
	if err != nil {
		return nil, err
	}
	defer w.leave(n)
	switch real.Kind {
	case yaml.MappingNode:
		return w.appendMap(to, real)
	case yaml.SequenceNode:
		to = append(to, '[')
		for i, item := range real.Content {
			if i > 0 {
				to = append(to, ',')
			}
			if to, err = w.appendJSON(to, item); err != nil {
				return nil, err
			}
		}
		return append(to, ']'), nil
	case yaml.ScalarNode:
		return w.appendScalar(to, real)
	}
	return nil, w.errorf(n, "found a node of kind %d, want a map, a list or a scalar", real.Kind)
}

func (w *walk) appendMap(to []byte, n *yaml.Node) ([]byte, error) {
	fields, err := w.fields(n)
	if err != nil {
		return nil, err
	}
	to = append(to, '{')
	for i, f := range fields {
		if i > 0 {
			to = append(to, ',')
		}
		to = append(appendString(to, deref(f.key).Value), ':')
		if to, err = w.appendJSON(to, f.value); err != nil {
			return nil, err
		}
	}
	return append(to, '}'), nil
}

var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)

func (w *walk) appendScalar(to []byte, n *yaml.Node) ([]byte, error) {
	switch n.Tag {
	case "!!null":
		return append(to, "null"...), nil
	case "!!bool":
		var v bool
		if err := n.Decode(&v); err != nil {
			return nil, w.errorf(n, "found %q, want a boolean", clip(n.Value))
		}
		return strconv.AppendBool(to, v), nil
	case "!!int", "!!float":
		if jsonNumber.MatchString(n.Value) {
			return append(to, n.Value...), nil
		}
		var v any
		if err := n.Decode(&v); err != nil {
			return nil, w.errorf(n, "found %q, want a number", clip(n.Value))
		}
		out, err := json.Marshal(v) // refuses infinities
		if err != nil {
			return nil, w.errorf(n, "found %q, which JSON cannot say", clip(n.Value))
		}
		return append(to, out...), nil
	}
	return appendString(to, n.Value), nil
}

func appendString(to []byte, s string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		panic("a string does not marshal: " + err.Error())
	}
	return append(to, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
}
