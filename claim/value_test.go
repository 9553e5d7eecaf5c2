// SPDX-License-Identifier: Apache-2.0

package claim

import (
	"strings"
	"testing"
)

func TestWhere(t *testing.T) {
	d := &Device{Driver: "d.example.com", Name: "x", Attributes: map[string]Value{
		"d.example.com/cores": Int(12), "d.example.com/model": String("H100"), "d.example.com/driver": Version("570.9.0"),
		"d.example.com/ecc": Bool(true), "example.com/roots": Strings("r0", "r1"), "d.example.com/nodes": Ints(1, 3),
	}}
	for _, c := range []struct {
		attribute, operator string
		values              []string
		want                bool
	}{
		{"cores", "exists", nil, true},
		{"d.example.com/cores", "=", []string{"12"}, true},
		{"cores", ">=", []string{"9"}, true}, // as numbers
		{"cores", "<=", []string{"9"}, false},
		{"model", "in", []string{"A100", "H100"}, true},
		{"model", "!=", []string{"H100"}, false},
		{"absent", "!=", []string{"H100"}, false},
		{"driver", ">=", []string{"570.10.0"}, false}, // as versions
		{"driver", ">=", []string{"570.9.0-rc.1"}, true},
		{"ecc", "=", []string{"true"}, true},
		{"example.com/roots", "=", []string{"r1"}, true},
		{"roots", "=", []string{"r1"}, false},
		{"nodes", "in", []string{"2", "3"}, true},
	} {
		s, err := Where(c.attribute, c.operator, c.values...)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.Match(d); got != c.want || err != nil {
			t.Errorf("%s: got %v, %v, want %v", s.Text, got, err, c.want)
		}
	}
	for _, c := range [][]string{{"a", "~", "x"}, {"a", "="}, {"a", "exists", "x"}, {"a", "in"}} {
		if _, err := Where(c[0], c[1], c[2:]...); err == nil {
			t.Errorf("%q: got no error", c)
		}
	}
	s, err := Where("nodes", ">=", "1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Match(d); err == nil || !strings.Contains(err.Error(), "has no order") {
		t.Errorf("order of a list: got %v", err)
	}
}

func TestCompareVersions(t *testing.T) {
	// The example of semver 2.0.0, section 11.
	ordered := []string{"1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.10.0", "2.0.0+build"}
	for i, a := range ordered {
		for j, b := range ordered {
			got, ok := compareVersions(a, b)
			if !ok || (got < 0) != (i < j) || (got > 0) != (i > j) {
				t.Errorf("%s and %s: got %d, %v", a, b, got, ok)
			}
		}
	}
	if _, ok := compareVersions("1.0", "1.0.0"); ok {
		t.Error("1.0 is no version")
	}
}

func TestConsumed(t *testing.T) {
	ten := int64(10)
	for _, c := range []struct {
		name string
		c    Capacity
		ask  int64
		said bool
		want int64
		ok   bool
	}{
		{"nothing asked is everything", Capacity{Value: 40}, 0, false, 40, true},
		{"or the default", Capacity{Value: 40, Policy: &CapacityPolicy{Default: &ten}}, 0, false, 10, true},
		{"any amount", Capacity{Value: 40}, 7, true, 7, true},
		{"the next valid value", Capacity{Value: 40, Policy: &CapacityPolicy{ValidValues: []int64{5, 10, 20}}}, 6, true, 10, true},
		{"none is large enough", Capacity{Value: 40, Policy: &CapacityPolicy{ValidValues: []int64{5, 10, 20}}}, 21, true, 0, false},
		{"the least of a range", Capacity{Value: 40, Policy: &CapacityPolicy{Range: &CapacityRange{Min: 4}}}, 1, true, 4, true},
		{"the next step", Capacity{Value: 40, Policy: &CapacityPolicy{Range: &CapacityRange{Min: 4, Step: 8}}}, 13, true, 20, true},
		{"beyond the range", Capacity{Value: 40, Policy: &CapacityPolicy{Range: &CapacityRange{Min: 4, Max: 12, Step: 8}}}, 13, true, 20, false},
	} {
		if got, ok := c.c.consumed(c.ask, c.said); ok != c.ok || ok && got != c.want {
			t.Errorf("%s: got %d, %v, want %d, %v", c.name, got, ok, c.want, c.ok)
		}
	}
}

func TestHold(t *testing.T) {
	p := halves("n", 1)
	p.Devices = append(p.Devices, Device{Name: "nic", Shared: true, Capacity: map[string]Capacity{"gbps": {Value: 100}}})
	u := newUse(t, p)
	id := func(name string) string { return "widget.example.com/n/" + name }
	whole, nic := Result{Device: id("w0-whole")}, Result{Device: id("nic"), Consumed: map[string]int64{"widget.example.com/gbps": 60}}
	if err := u.Hold([]Result{whole, nic}); err != nil {
		t.Fatal(err)
	}
	before := u.Clone()
	for want, r := range map[string][]Result{
		"it is held already":      {nic, whole},
		"no pool lists it":        {nic, {Device: id("w9")}},
		`it has no capacity "gb"`: {nic, {Device: id("nic"), Consumed: map[string]int64{"gb": 1}}},
	} {
		if err := u.Hold(r); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
		if !u.Equal(before) {
			t.Errorf("%s: a refused hold left something", want)
		}
	}
	if a := solve(t, u, "n", wholeOrHalf(t)); a.Outcome != Refused {
		t.Errorf("the counters are used up: got %s", a.Outcome)
	}
	c := Claim{Name: "c", Requests: []Request{{Name: "r", Alternatives: []Exact{{Capacity: map[string]int64{"gbps": 50}}}}}}
	if a := solve(t, u, "n", c); a.Outcome != Refused {
		t.Errorf("60 of 100 are used: got %s", a.Outcome)
	}
	if err := u.Release([]Result{whole, nic}); err != nil {
		t.Fatal(err)
	}
	if !u.Equal(newUse(t, p)) {
		t.Error("what was released is not free again")
	}
	if err := u.Release([]Result{whole}); err == nil {
		t.Error("a device was released twice")
	}
	if a := solve(t, u, "n", c, c); a.Outcome != Fits || a.Allocations[1].Results[0].Consumed["widget.example.com/gbps"] != 50 {
		t.Errorf("two halves of a shared device: got %+v", a)
	}
}
