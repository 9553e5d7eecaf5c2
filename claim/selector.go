// SPDX-License-Identifier: Apache-2.0

package claim

import (
	"fmt"
	"slices"
	"strings"
)

// Selector tells whether a device may be had. Text is its source: selectors of
// one text are the same one, which is what answers are cached by. An error of
// Match (a CEL run-time error) ends the search, as it ends kube-scheduler's.
type Selector struct {
	Text  string
	Match func(d *Device) (bool, error)
}

// Attribute finds an attribute by its full name, or by its identifier within
// the driver's domain.
func (d *Device) Attribute(name string) Value { return d.Attributes[qualify(d.Driver, name)] }

func qualify(driver, name string) string {
	if strings.Contains(name, "/") {
		return name
	}
	return driver + "/" + name
}

// Where is a selector on one attribute, for those who have no CEL at hand.
// Operator is "exists", "=", "!=", "in", ">=" or "<="; the values are in the
// text form of the attribute's kind. A list matches = and "in" where one of its
// items does. A device without the attribute matches nothing, != included.
func Where(attribute, operator string, values ...string) (Selector, error) {
	s := Selector{Text: strings.TrimSpace(fmt.Sprintf("%s %s %q", attribute, operator, values))}
	want := 1
	switch operator {
	case "exists":
		want = 0
	case "in":
		want = max(1, len(values))
	case "=", "!=", ">=", "<=":
	default:
		return s, fmt.Errorf("select by attribute %q: operator %q, want exists, =, !=, in, >= or <=", attribute, operator)
	}
	if len(values) != want {
		return s, fmt.Errorf("select by attribute %q: operator %s has %d values, want %d", attribute, operator, len(values), want)
	}
	s.Match = func(d *Device) (bool, error) {
		v := d.Attribute(attribute)
		if v.absent() {
			return false, nil
		}
		is := slices.ContainsFunc(v.Items, func(i string) bool { return slices.Contains(values, i) })
		switch operator {
		case "exists":
			return true, nil
		case "=", "in":
			return is, nil
		case "!=":
			return !is, nil
		}
		c, ordered := compareItems(v.Kind, v.Items[0], values[0])
		if !ordered || v.List {
			return false, fmt.Errorf("compare attribute %q of device %q: %v has no order with %q", attribute, d.ID(), v.Items, values[0])
		}
		return operator == ">=" && c >= 0 || operator == "<=" && c <= 0, nil
	}
	return s, nil
}

// Named is a selector of devices by name.
func Named(names ...string) Selector {
	return Selector{
		Text:  fmt.Sprintf("name in %q", names),
		Match: func(d *Device) (bool, error) { return slices.Contains(names, d.Name), nil },
	}
}
