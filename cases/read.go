// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// maxLine bounds one case: a cluster of 100,000 nodes takes about 30 MiB.
const maxLine = 64 << 20

var amountType = reflect.TypeFor[amount]()

// Reader reads cases, one a line.
type Reader struct {
	name string
	in   *bufio.Reader
	line int
	most int // bytes of a line
}

// NewReader reads cases from r. name stands for it in errors.
func NewReader(name string, r io.Reader) *Reader {
	return &Reader{name: name, in: bufio.NewReaderSize(r, 64<<10), most: maxLine}
}

// ReadError is a line that is no case.
type ReadError struct {
	File  string
	Line  int    // from 1
	Field string // "" is the whole line
	Err   error
}

// Error names file, line and field.
func (e *ReadError) Error() string {
	where := fmt.Sprintf("%s:%d: ", e.File, e.Line)
	if e.Field != "" {
		where += e.Field + ": "
	}
	return where + e.Err.Error()
}

// Unwrap returns what is wrong with the line.
func (e *ReadError) Unwrap() error { return e.Err }

// Line is the number of the line that was read last, from 1.
func (r *Reader) Line() int { return r.line }

// Next returns the next case, io.EOF behind the last one, or a *ReadError for a
// line that is none; reading may go on behind such a line, unless it was too
// long. Empty lines are passed over.
func (r *Reader) Next() (*Case, error) {
	for {
		line, err := r.next()
		if err != nil {
			return nil, err
		}
		if len(bytes.TrimSpace(line)) > 0 {
			c, field, err := parse(line)
			if err != nil {
				return nil, r.fault(field, err)
			}
			return c, nil
		}
	}
}

func (r *Reader) fault(field string, err error) error {
	return &ReadError{File: r.name, Line: r.line, Field: field, Err: err}
}

// next reads one line, the last one also where no newline ends it.
func (r *Reader) next() ([]byte, error) {
	r.line++
	var line []byte
	for {
		part, err := r.in.ReadSlice('\n')
		if len(line)+len(part) > r.most {
			return nil, r.fault("", fmt.Errorf("found a line of more than %d MiB, want one case a line", r.most>>20))
		}
		line = append(line, part...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(line) == 0:
			return nil, io.EOF
		case err == nil, errors.Is(err, io.EOF):
			return line, nil
		default:
			return nil, r.fault("", fmt.Errorf("read line: %w", err))
		}
	}
}

// parse reads one case. The field is where an error stands.
func parse(line []byte) (c *Case, field string, err error) {
	c = &Case{}
	if err := json.Unmarshal(line, c); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return nil, wrong.Field, fmt.Errorf("found %s, want %s", wrong.Value, wanted(wrong.Type))
		}
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return nil, "", fmt.Errorf("found no JSON at byte %d, want an object: %w: %q", syntax.Offset, err, cut(around(line, syntax.Offset)))
		}
		return nil, "", err
	}
	for _, want := range []struct{ field, found string }{{"id", c.ID}, {"kind", c.Kind}} {
		if want.found == "" {
			return nil, want.field, errors.New("found none, want a text")
		}
	}
	if c.Schema != schemaName {
		return nil, "schema", fmt.Errorf("found %q, want %q", cut(c.Schema), schemaName)
	}
	var tree any
	if err := json.Unmarshal(line, &tree); err != nil {
		return nil, "", err
	}
	c.unknown = unknown(tree, reflect.TypeFor[Case](), "")
	return c, "", nil
}

// around is the text before and at an offset.
func around(line []byte, offset int64) string {
	to := min(int(offset), len(line))
	return string(line[max(0, to-20):to])
}

// wanted says what a field of a type holds.
func wanted(t reflect.Type) string {
	switch {
	case t == nil:
		return "another value"
	case t == amountType:
		return "a number of 0 or more with at most three decimals"
	}
	switch t.Kind() {
	case reflect.Pointer:
		return wanted(t.Elem())
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a text"
	case reflect.Slice:
		return "a list"
	case reflect.Map, reflect.Struct:
		return "an object"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	}
	return t.String()
}

// unknown lists the fields of a value that its type does not have, in the order
// of their paths.
func unknown(v any, t reflect.Type, path string) []string {
	if reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) || t == reflect.TypeFor[expected]() {
		return nil // the answer that the source gives is not ours to understand
	}
	var out []string
	switch t.Kind() {
	case reflect.Pointer:
		return unknown(v, t.Elem(), path)
	case reflect.Slice:
		list, _ := v.([]any)
		for _, e := range list {
			out = append(out, unknown(e, t.Elem(), path+"[]")...)
		}
	case reflect.Map:
		fields, _ := v.(map[string]any)
		for key := range sorted(fields) {
			out = append(out, unknown(fields[key], t.Elem(), path+"."+key)...)
		}
	case reflect.Struct:
		fields, _ := v.(map[string]any)
		known := map[string]reflect.Type{}
		for i := range t.NumField() {
			if f := t.Field(i); f.IsExported() {
				known[f.Tag.Get("json")] = f.Type
			}
		}
		for key := range sorted(fields) {
			at := strings.TrimPrefix(path+"."+key, ".")
			if inner, ok := known[key]; ok {
				out = append(out, unknown(fields[key], inner, at)...)
			} else {
				out = append(out, at)
			}
		}
	}
	return compact(out)
}
