// SPDX-License-Identifier: Apache-2.0

package cpuset_test

import (
	"testing"

	"tarsia.dev/tarsia/cpuset"
)

func TestParseString(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"empty", "", ""},
		{"newline", "0-3\n", "0-3"},
		{"pair", "0,1", "0-1"},
		{"gaps", "8,0-3,10-11", "0-3,8,10-11"},
		{"overlap", "0-5,3-7", "0-7"},
		{"word boundary", "62-65", "62-65"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := cpuset.Parse(c.in)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.String(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	for _, bad := range []string{"a", "1-", "-1", "3-1", "1,,2", "65536", "99999999999"} {
		if s, err := cpuset.Parse(bad); err == nil {
			t.Errorf("Parse(%q) = %q, want an error", bad, s)
		}
	}
}

func TestParseMask(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"00000003", "0-1"}, {"1,00000000", "32"}, {"ffff0000,0000ffff\n", "0-15,48-63"}, {"0", ""},
	} {
		s, err := cpuset.ParseMask(c.in)
		if err != nil || s.String() != c.want {
			t.Errorf("ParseMask(%q) = %q, %v; want %q", c.in, s, err, c.want)
		}
	}
	if _, err := cpuset.ParseMask("xyz"); err == nil {
		t.Error("a mask of letters was accepted")
	}
}

func TestAlgebra(t *testing.T) {
	a, b := cpuset.Range(0, 7), cpuset.Of(6, 7, 130)
	for _, c := range []struct {
		name, got, want string
	}{
		{"and", a.And(b).String(), "6-7"},
		{"or", a.Or(b).String(), "0-7,130"},
		{"minus", b.Minus(a).String(), "130"},
		{"minus trims", b.Minus(cpuset.Of(130)).String(), "6-7"},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, c.got, c.want)
		}
	}
	if !a.Contains(cpuset.Of(0, 7)) || a.Contains(b) || !a.Overlaps(b) || a.First() != 0 || (cpuset.Set{}).First() != -1 {
		t.Error("Contains, Overlaps or First is wrong")
	}
	if !b.Minus(cpuset.Of(130)).Equal(cpuset.Of(6, 7)) {
		t.Error("sets with the same members differ")
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"0-3,8", "", "1-", "70-99,102-107", "0-7,16-23"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := cpuset.Parse(text)
		if err != nil {
			return
		}
		again, err := cpuset.Parse(s.String())
		if err != nil || !again.Equal(s) {
			t.Fatalf("%q printed as %q, read back as %q, %v", text, s, again, err)
		}
	})
}
