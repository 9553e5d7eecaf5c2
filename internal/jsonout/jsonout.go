// SPDX-License-Identifier: Apache-2.0

// Package jsonout writes JSON as every command of the product does: keys sorted
// at every level, no escapes for HTML, a newline at the end. The same value gives
// the same bytes.
package jsonout

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// Write writes v indented by two spaces.
func Write(w io.Writer, v any) error { return write(w, v, "  ") }

// Lines writes v compact on one line, for streams of JSON lines.
func Lines(w io.Writer, v any) error { return write(w, v, "") }

func write(w io.Writer, v any, indent string) error {
	sorted, err := sortKeys(v)
	if err != nil {
		return err
	}
	out, err := encode(sorted, indent)
	if err != nil {
		return err
	}
	if _, err := w.Write(out); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}

// sortKeys turns structs into maps, whose keys the encoder sorts. Numbers stay
// text, so that none loses digits.
func sortKeys(v any) (any, error) {
	data, err := encode(v, "")
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var sorted any
	if err := dec.Decode(&sorted); err != nil {
		return nil, fmt.Errorf("decode %T for its keys: %w", v, err)
	}
	return sorted, nil
}

func encode(v any, indent string) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encode %T: %w", v, err)
	}
	return b.Bytes(), nil
}
