// SPDX-License-Identifier: Apache-2.0

package topology_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/topology"
)

func TestParseNameRange(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{"login", []string{"login"}},
		{"hgx-[01-03,07],login", []string{"hgx-01", "hgx-02", "hgx-03", "hgx-07", "login"}},
		{"gpu-[8-11].example", []string{"gpu-8.example", "gpu-9.example", "gpu-10.example", "gpu-11.example"}},
		{"a, b,a", []string{"a", "b"}},
		{"n[0]", []string{"n0"}},
	} {
		got, err := topology.ParseNameRange(c.text)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%q: (-want +got)\n%s", c.text, d)
		}
	}
	for text, want := range map[string]string{
		"":                      "found \"\"",
		"a,,b":                  "found \"\"",
		"gpu-[01":               "found \"gpu-[01\"",
		"gpu-[3-1]":             "found \"gpu-[3-1]\"",
		"gpu-[a-b]":             "want node names such as",
		"gpu-*":                 "found \"gpu-*\"",
		"r[1-2]n[1-2]":          "found \"r[1-2]n[1-2]\"",
		"n[1-999999]":           "more than 100000 names",
		"n[1-90000,1-90]":       "", // repeated ones count while they are spelled, and there is room
		"n[1-90000],m[1-90000]": "more than 100000 names",
	} {
		_, err := topology.ParseNameRange(text)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: error %v, want one with %q", text, err, want)
		}
	}
}

func FuzzParseNameRange(f *testing.F) {
	for _, s := range []string{"hgx-[01-04,07],login", "a", "n[0-3]x,n[08-11]", "[1-3]", "n[18446744073709551615]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		names, err := topology.ParseNameRange(text)
		if err != nil || len(names) > 2000 {
			return
		}
		again, err := topology.ParseNameRange(topology.NameRange(names))
		if err != nil {
			t.Fatalf("%q: NameRange %q does not read back: %v", text, topology.NameRange(names), err)
		}
		slices.Sort(names)
		slices.Sort(again)
		if d := cmp.Diff(names, again); d != "" {
			t.Errorf("%q: (-want +got)\n%s", text, d)
		}
	})
}
