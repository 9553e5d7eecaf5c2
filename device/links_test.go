// SPDX-License-Identifier: Apache-2.0

package device

import (
	"fmt"
	"math/bits"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// matrix builds scores from pairs, with a score for all others.
func matrix(n int, others int64, pairs map[[2]int]int64) [][]int64 {
	m := make([][]int64, n)
	for a := range m {
		m[a] = make([]int64, n)
		for b := range m[a] {
			if a != b {
				m[a][b] = others
			}
		}
	}
	for p, s := range pairs {
		m[p[0]][p[1]], m[p[1]][p[0]] = s, s
	}
	return m
}

func mask(devices ...int) uint64 {
	var m uint64
	for _, d := range devices {
		m |= 1 << d
	}
	return m
}

func members8(m uint64) string {
	var out []int
	for ; m != 0; m &= m - 1 {
		out = append(out, bits.TrailingZeros64(m))
	}
	return fmt.Sprint(out)
}

func TestLinksChoose(t *testing.T) {
	neighbours := map[[2]int]int64{{0, 1}: 100, {2, 3}: 100, {4, 5}: 100, {6, 7}: 100}
	crossed := map[[2]int]int64{{0, 2}: 100, {1, 3}: 100, {4, 6}: 100, {5, 7}: 100}
	pairs, even := NewLinks(matrix(8, 10, neighbours)), NewLinks(matrix(8, 18, nil))
	wide := NewLinks(matrix(20, 10, map[[2]int]int64{{17, 19}: 100}))
	chain := NewLinks(matrix(4, 0, map[[2]int]int64{{0, 1}: 50, {1, 2}: 50, {2, 3}: 50}))
	for _, c := range []struct {
		name string
		t    *Links
		free uint64
		k, m int
		want []string
	}{
		{"lowest of equals", even, mask(0, 1, 2, 3, 4, 5, 6, 7), 4, 1, []string{"[0 1 2 3]"}},
		{"lowest of what is free", even, mask(3, 5, 6), 2, 1, []string{"[3 5]"}},
		{"a joined pair", pairs, mask(1, 2, 3, 4, 6), 2, 1, []string{"[2 3]"}},
		{"pairs by their links, not by number", NewLinks(matrix(8, 10, crossed)), mask(0, 1, 2, 3), 2, 2, []string{"[0 2]", "[1 3]"}},
		{"one device leaves the pairs whole", pairs, mask(0, 1, 2, 3, 5), 1, 1, []string{"[5]"}},
		{"two single devices break one pair only", pairs, mask(0, 1, 2, 3), 1, 2, []string{"[0]", "[1]"}},
		{"four devices are two pairs", pairs, mask(0, 2, 3, 4, 5, 6), 4, 1, []string{"[2 3 4 5]"}},
		{"the end of a chain, so that the rest is joined", chain, mask(0, 1, 2, 3), 2, 1, []string{"[0 1]"}},
		{"three pods", pairs, mask(0, 1, 2, 3, 4, 5, 6), 2, 3, []string{"[0 1]", "[2 3]", "[4 5]"}},
		{"grown greedily", wide, mask(0, 3, 17, 19), 2, 1, []string{"[17 19]"}},
		{"nothing", pairs, mask(0, 1), 2, 0, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			var total int64
			for _, set := range c.t.Choose(c.free, c.k, c.m) {
				got = append(got, members8(set))
				total += c.t.Value(set)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if best, _ := c.t.Best(c.free, c.k, c.m); best != total {
				t.Errorf("best says %d, the sets have %d", best, total)
			}
		})
	}
	if wide.Exact() || !pairs.Exact() || !NewLinks(matrix(64, 7, nil)).Exact() {
		t.Error("exact is wrong: even links and up to 16 devices are")
	}
}
