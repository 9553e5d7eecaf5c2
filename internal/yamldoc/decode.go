// SPDX-License-Identifier: Apache-2.0

package yamldoc

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Decode fills what into points to from the one document in data. Keys are those
// of the yaml tags; a struct field without one has its name in lower case. An
// unknown key, a key that is there twice, a value of another kind and a second
// document are errors; all that were found are joined, in the order of the text.
// A null leaves its field as it is. Types that unmarshal themselves do.
func Decode(name string, data []byte, into any) error {
	return decode(walk{name: name}, data, into)
}

// DecodeColumns is Decode for files that hold expressions: its errors begin
// "NAME:LINE:COLUMN: ", but for syntax errors, of which the parser knows the line
// only.
func DecodeColumns(name string, data []byte, into any) error {
	return decode(walk{name: name, columns: true}, data, into)
}

func decode(w walk, data []byte, into any) error {
	name := w.name
	out := reflect.ValueOf(into)
	if out.Kind() != reflect.Pointer || out.IsNil() {
		return fmt.Errorf("decode %s: want a pointer, found %T", name, into)
	}
	if err := bounded(name, data); err != nil {
		return err
	}
	docs, err := splitYAML(name, utf8Of(data))
	switch {
	case err != nil:
		return err
	case len(docs) == 0:
		return fmt.Errorf("%s:1: found no document, want one", name)
	case len(docs) > 1:
		return fmt.Errorf("%s:%d: found a second document, want one", name, docs[1].Line)
	}
	d := decoder{walk: w}
	d.value(docs[0].Node, out.Elem(), "")
	return errors.Join(d.errs...)
}

// maxErrors bounds what one Decode reports.
const maxErrors = 20

type decoder struct {
	walk
	errs []error
}

func (d *decoder) fail(err error) {
	if len(d.errs) < maxErrors {
		d.errs = append(d.errs, err)
	}
}

// failf reports a fault at a path of keys, "" for the document.
func (d *decoder) failf(n *yaml.Node, path, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if path != "" {
		text = path + ": " + text
	}
	d.fail(d.errorf(n, "%s", text))
}

func (d *decoder) value(n *yaml.Node, out reflect.Value, path string) {
	if len(d.errs) >= maxErrors {
		return
	}
	real, err := d.enter(n)
	defer d.leave(n)
	if err != nil {
		d.fail(err)
		return
	}
	switch {
	case out.Type() == reflect.TypeFor[yaml.Node]():
		out.Set(reflect.ValueOf(*real))
	case real.Kind == yaml.ScalarNode && real.Tag == "!!null":
	case unmarshalsItself(out):
		d.leaf(real, out, path)
	case out.Kind() == reflect.Pointer:
		if out.IsNil() {
			out.Set(reflect.New(out.Type().Elem()))
		}
		d.value(real, out.Elem(), path)
	case out.Kind() == reflect.Struct:
		d.structure(real, out, path)
	case out.Kind() == reflect.Map:
		d.table(real, out, path)
	case out.Kind() == reflect.Slice || out.Kind() == reflect.Array:
		d.list(real, out, path)
	default:
		d.leaf(real, out, path)
	}
}

func unmarshalsItself(out reflect.Value) bool {
	if !out.CanAddr() {
		return false
	}
	switch out.Addr().Interface().(type) {
	case yaml.Unmarshaler, encoding.TextUnmarshaler:
		return true
	}
	return false
}

func (d *decoder) structure(n *yaml.Node, out reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		d.failf(n, path, "found %s, want a map", kindOf(n))
		return
	}
	fields, err := d.fields(n)
	if err != nil {
		d.fail(err)
		return
	}
	known := map[string]reflect.Value{}
	names := keysOf(out, known)
	for _, f := range fields {
		key := deref(f.key).Value
		field, ok := known[key]
		if !ok {
			d.failf(f.key, path, "found the unknown key %q, %s", clip(key), wanted(key, names))
			continue
		}
		d.value(f.value, field, join(path, key))
	}
}

// keysOf lists the keys of a struct in the order of its fields, embedded and
// inlined ones in their place.
func keysOf(out reflect.Value, known map[string]reflect.Value) []string {
	var names []string
	for sf, field := range out.Fields() {
		tag, options, _ := strings.Cut(sf.Tag.Get("yaml"), ",")
		switch {
		case tag == "-" || !sf.IsExported():
			continue
		case slices.Contains(strings.Split(options, ","), "inline"):
			names = append(names, keysOf(field, known)...)
			continue
		case tag == "":
			tag = strings.ToLower(sf.Name)
		}
		known[tag] = field
		names = append(names, tag)
	}
	return names
}

func (d *decoder) table(n *yaml.Node, out reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		d.failf(n, path, "found %s, want a map", kindOf(n))
		return
	}
	fields, err := d.fields(n)
	if err != nil {
		d.fail(err)
		return
	}
	if out.IsNil() {
		out.Set(reflect.MakeMapWithSize(out.Type(), len(fields)))
	}
	for _, f := range fields {
		key := reflect.New(out.Type().Key()).Elem()
		value := reflect.New(out.Type().Elem()).Elem()
		d.value(f.key, key, path)
		d.value(f.value, value, join(path, deref(f.key).Value))
		out.SetMapIndex(key, value)
	}
}

func (d *decoder) list(n *yaml.Node, out reflect.Value, path string) {
	if n.Kind != yaml.SequenceNode {
		d.failf(n, path, "found %s, want a list", kindOf(n))
		return
	}
	if out.Kind() == reflect.Slice {
		out.Set(reflect.MakeSlice(out.Type(), len(n.Content), len(n.Content)))
	} else if out.Len() != len(n.Content) {
		d.failf(n, path, "found %d items, want %d", len(n.Content), out.Len())
		return
	}
	for i, item := range n.Content {
		d.value(item, out.Index(i), fmt.Sprintf("%s[%d]", path, i))
	}
}

// leaf leaves the conversion of one value to the library, and says what it
// wanted in the user's words.
func (d *decoder) leaf(n *yaml.Node, out reflect.Value, path string) {
	want := wish(out.Type())
	isWhole := strings.HasPrefix(want, "a whole number")
	own := unmarshalsItself(out)
	// The library would cut 1.5 down to 1.
	cut := isWhole && !own && n.Kind == yaml.ScalarNode && n.Tag == "!!float"
	if err := safely(n, out); err != nil || cut {
		switch {
		case own:
			d.failf(n, path, "found %s: %s", kindOf(n), message(err))
		case isWhole && n.Tag == "!!int":
			d.failf(n, path, "found %s, want %s that fits %s", kindOf(n), want, out.Type())
		case want != "":
			d.failf(n, path, "found %s, want %s", kindOf(n), want)
		default:
			d.failf(n, path, "found %s: %s", kindOf(n), message(err))
		}
	}
}

// wish names what a value of a type looks like; "" for a type of its own.
func wish(t reflect.Type) string {
	if t == reflect.TypeFor[time.Duration]() {
		return "a duration such as 1m30s"
	}
	switch t.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "a whole number"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number, not negative"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a word"
	}
	return ""
}

// safely keeps a panic of the library, or of a type that unmarshals itself, from
// ending the program because of a file.
func safely(n *yaml.Node, out reflect.Value) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("decoder gave up: %v", r)
		}
	}()
	return n.Decode(out.Addr().Interface())
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
