// SPDX-License-Identifier: Apache-2.0

package topology_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tarsia.dev/tarsia/topology"
)

func TestNameRange(t *testing.T) {
	for _, c := range []struct {
		name, want string
		in         []string
	}{
		{"none", "", nil},
		{"one", "hgx-01", []string{"hgx-01"}},
		{"run", "hgx-[01-04]", []string{"hgx-03", "hgx-01", "hgx-04", "hgx-02"}},
		{"gap", "hgx-[01-02,04]", []string{"hgx-01", "hgx-02", "hgx-04"}},
		{"repeated", "hgx-01", []string{"hgx-01", "hgx-01"}},
		{"two prefixes", "arm-03,hgx-[01-02]", []string{"hgx-01", "arm-03", "hgx-02"}},
		{"last number counts", "gb200-r1-[01-02],gb200-r2-01", []string{"gb200-r1-01", "gb200-r1-02", "gb200-r2-01"}},
		{"suffix", "n[1-2].example", []string{"n1.example", "n2.example"}},
		{"width grows without padding", "n[9-11]", []string{"n9", "n10", "n11"}},
		{"width grows at its padding", "n[098-101]", []string{"n098", "n099", "n100", "n101"}},
		{"two widths", "n[1,01-02]", []string{"n01", "n1", "n02"}},
		{"no number", "login,storage", []string{"storage", "login"}},
		{"number too long", "n99999999999999999999", []string{"n99999999999999999999"}},
		{"brackets are kept apart", "a[1],a[2]", []string{"a[1]", "a[2]"}},
		{"not ASCII", "nœud[1-2]", []string{"nœud2", "nœud1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := topology.NameRange(c.in); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestNameRangeLosesNothing(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	for range 500 {
		set := map[string]bool{}
		for range r.IntN(40) {
			set[fmt.Sprintf("%s%0*d%s", []string{"a-", "b", "c1-"}[r.IntN(3)], 1+r.IntN(3), r.IntN(120), []string{"", ".x"}[r.IntN(2)])] = true
		}
		var names []string
		for n := range set {
			names = append(names, n)
		}
		slices.Sort(names)
		text := topology.NameRange(names)
		got := expand(t, text)
		slices.Sort(got)
		if !slices.Equal(got, names) {
			t.Fatalf("%v became %q, which reads back as %v", names, text, got)
		}
	}
}

// expand is a host-list reader of its own: what Slurm and pdsh would make of
// the text.
func expand(t *testing.T, text string) []string {
	t.Helper()
	var out []string
	for text != "" {
		end, depth := 0, 0
		for end < len(text) && (text[end] != ',' || depth > 0) {
			switch text[end] {
			case '[':
				depth++
			case ']':
				depth--
			}
			end++
		}
		item := text[:end]
		text = strings.TrimPrefix(text[end:], ",")
		prefix, rest, ok := strings.Cut(item, "[")
		if !ok {
			out = append(out, item)
			continue
		}
		list, suffix, _ := strings.Cut(rest, "]")
		for r := range strings.SplitSeq(list, ",") {
			first, last, isRange := strings.Cut(r, "-")
			if !isRange {
				last = first
			}
			a, err1 := strconv.Atoi(first)
			b, err2 := strconv.Atoi(last)
			if err1 != nil || err2 != nil || b < a {
				t.Fatalf("range %q in %q", r, item)
			}
			for n := a; n <= b; n++ {
				out = append(out, fmt.Sprintf("%s%0*d%s", prefix, len(first), n, suffix))
			}
		}
	}
	return out
}

func TestCompareNames(t *testing.T) {
	names := []string{"gpu-10", "gpu-2", "gpu-02", "cpu-3", "gpu"}
	slices.SortFunc(names, topology.CompareNames)
	if want := []string{"cpu-3", "gpu", "gpu-2", "gpu-02", "gpu-10"}; !slices.Equal(names, want) {
		t.Errorf("got %v, want %v", names, want)
	}
}
