// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/bits"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utiljson "k8s.io/apimachinery/pkg/util/json"

	"tarsia.dev/tarsia/internal/edit"
)

// decode fills into from the object. A value of the wrong type is an error with
// its own line and path, and so is an unknown field of a hand-written workload:
// a mistyped "paralelism" would otherwise be a job of another size.
func (r *reader) decode(o *object, into any) bool {
	if (o.handWritten && o.kind != "Node") || suspicious(o.raw) {
		if !r.matches(o, into) {
			return false
		}
	}
	if err := utiljson.Unmarshal(o.raw, into); err != nil {
		r.wrongTypes(o, into, err)
		return false
	}
	return true
}

// wrongTypes reports what is wrong with an object that did not decode: the exact
// places where they are found, else the decoder's own words.
func (r *reader) wrongTypes(o *object, into any, err error) {
	if r.matches(o, into) {
		r.fail(o.at().errorf("%w", err))
	}
}

// matches checks the object's tree against the Go type that will hold it.
func (r *reader) matches(o *object, into any) bool {
	before := len(r.problems)
	s := schema{r: r, o: o}
	s.check(o.at(), o.tree(), reflect.TypeOf(into).Elem())
	return len(r.problems) == before
}

// schema compares a tree with Go types by their JSON tags.
type schema struct {
	r *reader
	o *object
}

var (
	quantityType    = reflect.TypeFor[resource.Quantity]()
	timeType        = reflect.TypeFor[metav1.Time]()
	unmarshalerType = reflect.TypeFor[json.Unmarshaler]()
	ourPackage      = reflect.TypeFor[header]().PkgPath()
)

func (s schema) check(w where, n *yaml.Node, t reflect.Type) {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return
	}
	switch {
	case t == quantityType:
		if err := checkQuantity(n); err != nil {
			s.r.fail(w.errorf("%w", err))
		}
	case t == timeType:
		var into metav1.Time
		if text, _ := json.Marshal(n.Value); n.Kind != yaml.ScalarNode || into.UnmarshalJSON(text) != nil {
			s.wrong(w, n, "a time such as 2026-01-31T12:00:00Z")
		}
	case reflect.PointerTo(t).Implements(unmarshalerType), t.Kind() == reflect.Interface:
		// IntOrString and the like; nothing read here depends on one.
	case t.Kind() == reflect.Struct:
		s.fields(w, n, t)
	case t.Kind() == reflect.Map:
		if n.Kind != yaml.MappingNode {
			s.wrong(w, n, "a mapping")
			return
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			if key.Tag == "!!merge" {
				s.merged(w, value, t)
			} else {
				s.check(w.in(key.Value), value, t.Elem())
			}
		}
	case t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8:
		if n.Kind != yaml.SequenceNode {
			s.wrong(w, n, "a list")
			return
		}
		for i, c := range n.Content {
			s.check(w.in(strconv.Itoa(i)), c, t.Elem())
		}
	default:
		s.scalar(w, n, t)
	}
}

// merged checks what a merge key (<<) brings in: one mapping or a list of them.
func (s schema) merged(w where, n *yaml.Node, t reflect.Type) {
	if n.Kind != yaml.SequenceNode {
		s.check(w, n, t)
		return
	}
	for _, c := range n.Content {
		s.check(w, c, t)
	}
}

func (s schema) scalar(w where, n *yaml.Node, t reflect.Type) {
	switch t.Kind() {
	case reflect.Bool:
		if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" {
			s.wrong(w, n, "true or false")
		}
	case reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint8, reflect.Uint32, reflect.Uint64:
		size := t.Bits()
		if _, err := strconv.ParseInt(n.Value, 0, size); n.Kind != yaml.ScalarNode || n.Tag != "!!int" || err != nil {
			s.wrong(w, n, fmt.Sprintf("a whole number of at most %d bits", min(size, bits.UintSize)))
		}
	case reflect.String, reflect.Slice:
		if n.Kind != yaml.ScalarNode || (n.Tag != "!!str" && n.Tag != "!!binary" && n.Tag != "!!timestamp") {
			s.wrong(w, n, "a string (in quotes, where YAML would read another type)")
		}
	}
}

// fields checks a mapping against a struct.
func (s schema) fields(w where, n *yaml.Node, t reflect.Type) {
	if n.Kind != yaml.MappingNode {
		s.wrong(w, n, "a mapping")
		return
	}
	known := map[string]reflect.Type{}
	jsonFields(t, known)
	// The structs of this package hold only what is read of a kind; those of
	// k8s.io/api, which all have names, hold all of it.
	open := t.PkgPath() == ourPackage || t.Name() == "" || !s.o.handWritten
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Tag == "!!merge" {
			s.merged(w, value, t)
			continue
		}
		ft, ok := known[key.Value]
		switch {
		case ok:
			s.check(w.in(key.Value), value, ft)
		case !open:
			s.r.fail(w.in(key.Value).errorf("found a field that Kubernetes does not have%s", near(key.Value, known)))
		}
	}
}

// jsonFields lists a struct's fields by their JSON names, those of embedded
// structs included.
func jsonFields(t reflect.Type, into map[string]reflect.Type) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || !f.IsExported():
		case f.Anonymous && name == "":
			jsonFields(f.Type, into)
		case name != "":
			into[name] = f.Type
		}
	}
}

// wrong reports a value of another type than wanted.
func (s schema) wrong(w where, n *yaml.Node, wanted string) {
	found := map[yaml.Kind]string{yaml.MappingNode: "a mapping", yaml.SequenceNode: "a list"}[n.Kind]
	if found == "" {
		found = quoted(n.Value)
		if n.Tag != "!!str" {
			found = cut(n.Value)
		}
	}
	s.r.fail(w.errorf("found %s, wanted %s", found, wanted))
}

// near names the known field that a mistyped one resembles most.
func near(key string, known map[string]reflect.Type) string {
	best, least := "", 3
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if d := edit.Distance(strings.ToLower(key), strings.ToLower(name)); d < least {
			best, least = name, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(", did you mean %s?", best)
}
