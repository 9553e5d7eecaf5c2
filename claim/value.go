// SPDX-License-Identifier: Apache-2.0

package claim

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Kind is the type of an attribute.
type Kind string

// Kinds.
const (
	KindInt     Kind = "int"
	KindBool    Kind = "bool"
	KindString  Kind = "string"
	KindVersion Kind = "version" // semver 2.0.0
)

// Value is an attribute: one item, or a list of them (KEP-5491), in the text
// form of its kind. The zero Value is no attribute.
type Value struct {
	Kind  Kind
	Items []string
	List  bool
}

// Int is a number.
func Int(v int64) Value { return Value{Kind: KindInt, Items: []string{strconv.FormatInt(v, 10)}} }

// Ints is a list of numbers.
func Ints(vs ...int64) Value {
	v := Value{Kind: KindInt, List: true}
	for _, i := range vs {
		v.Items = append(v.Items, strconv.FormatInt(i, 10))
	}
	return v
}

// Bool is a truth value.
func Bool(v bool) Value { return Value{Kind: KindBool, Items: []string{strconv.FormatBool(v)}} }

// String is a text.
func String(v string) Value { return Value{Kind: KindString, Items: []string{v}} }

// Strings is a list of texts.
func Strings(vs ...string) Value { return Value{Kind: KindString, Items: vs, List: true} }

// Version is a semantic version.
func Version(v string) Value { return Value{Kind: KindVersion, Items: []string{v}} }

// common is what two values share: the intersection of their items, an absent
// value where there is none. Values of different kinds share nothing.
func (v Value) common(w Value) Value {
	out := Value{Kind: v.Kind, List: true}
	if v.Kind != w.Kind {
		return Value{}
	}
	for _, i := range v.Items {
		if slices.Contains(w.Items, i) {
			out.Items = append(out.Items, i)
		}
	}
	if len(out.Items) == 0 {
		return Value{}
	}
	return out
}

func (v Value) absent() bool { return len(v.Items) == 0 }

// compareItems orders two items of a kind; false where they have no order.
func compareItems(kind Kind, a, b string) (int, bool) {
	switch kind {
	case KindInt:
		x, err := strconv.ParseInt(a, 10, 64)
		y, err2 := strconv.ParseInt(b, 10, 64)
		return cmp.Compare(x, y), err == nil && err2 == nil
	case KindVersion:
		return compareVersions(a, b)
	case KindString:
		return cmp.Compare(a, b), true
	}
	return 0, a == b
}

// compareVersions follows semver 2.0.0, section 11; build metadata is cut off.
func compareVersions(a, b string) (int, bool) {
	coreA, preA, okA := cutVersion(a)
	coreB, preB, okB := cutVersion(b)
	if !okA || !okB {
		return 0, false
	}
	if c := slices.Compare(coreA, coreB); c != 0 {
		return c, true
	}
	switch {
	case len(preA) == 0 || len(preB) == 0:
		return cmp.Compare(len(preB), len(preA)), true // a release comes after its pre-releases
	default:
		return slices.CompareFunc(preA, preB, comparePre), true
	}
}

func cutVersion(s string) (core []int, pre []string, ok bool) {
	s, _, _ = strings.Cut(s, "+")
	s, tail, has := strings.Cut(s, "-")
	parts := strings.Split(s, ".")
	for _, p := range parts {
		n, err := strconv.Atoi(p)
		if err != nil || n < 0 {
			return nil, nil, false
		}
		core = append(core, n)
	}
	if has {
		pre = strings.Split(tail, ".")
	}
	return core, pre, len(core) == 3
}

func comparePre(a, b string) int {
	x, errA := strconv.Atoi(a)
	y, errB := strconv.Atoi(b)
	switch {
	case errA == nil && errB == nil:
		return cmp.Compare(x, y)
	case errA == nil:
		return -1
	case errB == nil:
		return 1
	}
	return cmp.Compare(a, b)
}
