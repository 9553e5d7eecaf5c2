// SPDX-License-Identifier: Apache-2.0

package expect

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Wanted is what a fact may be: one or more alternatives, separated by " | ".
//
//	6.8.0-45-generic     this text
//	nvidia 570.*         * stands for any text, ? for one character
//	>= 570.86            also <=, > and <: numbers in the text are compared as numbers
//	2000 GiB..2100 GiB   from one to another, both included
//	=>= x                the text after the first =, as it stands
type Wanted struct {
	text string
	any  []alternative
}

type alternative struct {
	operator string // "=", "glob", ">=", "<=", ">", "<", ".."
	a, b     string
}

// maxWanted bounds the text of one Wanted.
const maxWanted = 4096

// ParseWanted reads the text form.
func ParseWanted(text string) (Wanted, error) {
	w := Wanted{text: strings.TrimSpace(text)}
	if w.text == "" {
		return w, errors.New("found nothing, want a value (\"*\" is any that is known)")
	}
	if len(text) > maxWanted {
		return w, fmt.Errorf("found %d bytes, want at most %d", len(text), maxWanted)
	}
	for part := range strings.SplitSeq(w.text, " | ") {
		alt, err := parseAlternative(strings.TrimSpace(part))
		if err != nil {
			return w, err
		}
		w.any = append(w.any, alt)
	}
	return w, nil
}

func parseAlternative(text string) (alternative, error) {
	for _, op := range []string{">=", "<=", ">", "<"} {
		if bound, ok := strings.CutPrefix(text, op); ok {
			bound = strings.TrimSpace(bound)
			if !strings.ContainsAny(bound, "0123456789") {
				return alternative{}, fmt.Errorf("found %q, want a number or version behind %s", clip(text), op)
			}
			return alternative{operator: op, a: bound}, nil
		}
	}
	if literal, ok := strings.CutPrefix(text, "="); ok {
		return alternative{operator: "=", a: literal}, nil
	}
	if low, high, ok := strings.Cut(text, ".."); ok && !strings.ContainsAny(text, "*?") {
		low, high = strings.TrimSpace(low), strings.TrimSpace(high)
		if !strings.ContainsAny(low, "0123456789") || !strings.ContainsAny(high, "0123456789") {
			return alternative{}, fmt.Errorf("found %q, want a range such as 8..16", clip(text))
		}
		if order, ok := compare(low, high); !ok || order > 0 {
			return alternative{}, fmt.Errorf("found %q, want a range from a lesser to a greater value of one unit", clip(text))
		}
		return alternative{operator: "..", a: low, b: high}, nil
	}
	if text == "" {
		return alternative{}, errors.New("found an empty alternative, want a value on both sides of |")
	}
	if strings.ContainsAny(text, "*?") {
		return alternative{operator: "glob", a: text}, nil
	}
	return alternative{operator: "=", a: text}, nil
}

// String is the text form.
func (w Wanted) String() string { return w.text }

// Matches tells whether a known value is as wanted.
func (w Wanted) Matches(found string) bool {
	for _, a := range w.any {
		if a.matches(found) {
			return true
		}
	}
	return false
}

func (a alternative) matches(found string) bool {
	switch a.operator {
	case "=":
		return found == a.a || sameNumber(found, a.a)
	case "glob":
		return glob(a.a, found)
	case "..":
		low, ok1 := compare(found, a.a)
		high, ok2 := compare(found, a.b)
		return ok1 && ok2 && low >= 0 && high <= 0
	}
	order, ok := compare(found, a.a)
	if !ok {
		return false
	}
	switch a.operator {
	case ">=":
		return order >= 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order < 0
}

// sameNumber tells amounts that are written in two ways: 2 TiB and 2048 GiB,
// "18" of "18 lanes". Texts that are no amounts have one spelling.
func sameNumber(a, b string) bool {
	x, ok1 := amount(a)
	y, ok2 := amount(b)
	return ok1 && ok2 && x.unit != "" && x.agrees(y) && x.value == y.value
}

// glob matches a whole text; * stands for any characters, ? for one.
func glob(pattern, text string) bool {
	p, t := []rune(pattern), []rune(text)
	star, mark := -1, 0
	i, j := 0, 0
	for j < len(t) {
		switch {
		case i < len(p) && p[i] == '*':
			star, mark = i, j
			i++
		case i < len(p) && (p[i] == '?' || p[i] == t[j]):
			i, j = i+1, j+1
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(p) && p[i] == '*' {
		i++
	}
	return i == len(p)
}

// quantity is a number with a unit, memory in bytes.
type quantity struct {
	value float64
	unit  string
}

var bytesOf = map[string]float64{
	"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
	"kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
}

// amount reads "503.5 GiB", "18 lanes", "8".
func amount(text string) (quantity, bool) {
	number, unit, _ := strings.Cut(text, " ")
	v, err := strconv.ParseFloat(number, 64)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) || strings.ContainsAny(number, "xXpP_") {
		return quantity{}, false
	}
	unit = strings.TrimSpace(unit)
	if scale, ok := bytesOf[unit]; ok {
		return quantity{v * scale, "bytes"}, true
	}
	return quantity{v, unit}, true
}

// agrees tells whether two amounts can be compared: one unit, or none on one
// side where the other is no memory, whose unit must be said.
func (q quantity) agrees(r quantity) bool {
	return q.unit == r.unit || q.unit != "bytes" && r.unit != "bytes" && (q.unit == "" || r.unit == "")
}

// compare orders two values: amounts by value, everything else by its parts,
// numbers as numbers ("570.9" before "570.86"). Values whose words differ before
// a number decides cannot be compared.
func compare(a, b string) (order int, ok bool) {
	x, ok1 := amount(a)
	y, ok2 := amount(b)
	// Without a unit 570.9 is a version, and older than 570.86.
	if ok1 && ok2 && (x.unit != "" || y.unit != "") {
		if !x.agrees(y) {
			return 0, false
		}
		switch {
		case x.value < y.value:
			return -1, true
		case x.value > y.value:
			return 1, true
		}
		return 0, true
	}
	for a != "" && b != "" {
		var p, q string
		p, a = token(a)
		q, b = token(b)
		if p == q {
			continue
		}
		if !isDigit(p[0]) || !isDigit(q[0]) {
			return 0, false
		}
		p, q = strings.TrimLeft(p, "0"), strings.TrimLeft(q, "0")
		if p == q {
			continue
		}
		if len(p) != len(q) {
			return sign(len(p) < len(q)), true
		}
		return sign(p < q), true
	}
	// The longer one goes on where the shorter ends: 6.8.1 is behind 6.8.
	switch {
	case a == b:
		return 0, true
	case a == "":
		return -1, true
	}
	return 1, true
}

func sign(less bool) int {
	if less {
		return -1
	}
	return 1
}

// token cuts off the first run of digits, or of other characters.
func token(text string) (first, rest string) {
	i := 1
	for i < len(text) && isDigit(text[i]) == isDigit(text[0]) {
		i++
	}
	return text[:i], text[i:]
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
