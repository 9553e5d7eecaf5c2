// SPDX-License-Identifier: Apache-2.0

package placement

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

func TestChoose(t *testing.T) {
	neighbours := map[[2]int]int64{{0, 1}: 100, {2, 3}: 100, {4, 5}: 100, {6, 7}: 100}
	crossed := map[[2]int]int64{{0, 2}: 100, {1, 3}: 100, {4, 6}: 100, {5, 7}: 100}
	pairs, even := newSetTable(matrix(8, 10, neighbours)), newSetTable(matrix(8, 18, nil))
	wide := newSetTable(matrix(20, 10, map[[2]int]int64{{17, 19}: 100}))
	chain := newSetTable(matrix(4, 0, map[[2]int]int64{{0, 1}: 50, {1, 2}: 50, {2, 3}: 50}))
	for _, c := range []struct {
		name string
		t    *setTable
		free uint64
		k, m int
		want []string
	}{
		{"lowest of equals", even, mask(0, 1, 2, 3, 4, 5, 6, 7), 4, 1, []string{"[0 1 2 3]"}},
		{"lowest of what is free", even, mask(3, 5, 6), 2, 1, []string{"[3 5]"}},
		{"a joined pair", pairs, mask(1, 2, 3, 4, 6), 2, 1, []string{"[2 3]"}},
		{"pairs by their links, not by number", newSetTable(matrix(8, 10, crossed)), mask(0, 1, 2, 3), 2, 2, []string{"[0 2]", "[1 3]"}},
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
			for _, set := range c.t.choose(c.free, c.k, c.m) {
				got = append(got, members8(set))
				total += c.t.value(set)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if best, _ := c.t.best(c.free, c.k, c.m); best != total {
				t.Errorf("best says %d, the sets have %d", best, total)
			}
		})
	}
	if wide.exact() || !pairs.exact() || !newSetTable(matrix(64, 7, nil)).exact() {
		t.Error("exact is wrong: even links and up to 16 devices are")
	}
}

func TestCompareNatural(t *testing.T) {
	order := []string{"", "a", "a1", "a1b", "a02", "a2", "a10", "a10-2", "a10-10", "b"}
	for i, a := range order {
		for j, b := range order {
			if got, want := compareNatural(a, b) < 0, i < j; got != want {
				t.Errorf("%q before %q: %t, want %t", a, b, got, want)
			}
		}
	}
}

// TestPackingKeepsOrder: packed lines read back, and compare as the lines do.
func TestPackingKeepsOrder(t *testing.T) {
	bounds := []int64{3, 0, 1 << 40, 1 << 30, 5, 1 << 62}
	p := newPacking(bounds)
	pack := func(values ...int64) []uint64 {
		v := make([]uint64, p.words)
		for i, x := range values {
			p.add(v, i, x)
		}
		return v
	}
	small, large := []int64{1, 0, 1 << 39, 7, 5, 1 << 61}, []int64{1, 0, 1<<39 + 1, 0, 0, 0}
	if diff := cmp.Diff(small, p.unpack(pack(small...))); diff != "" {
		t.Error(diff)
	}
	a, b := pack(small...), pack(large...)
	for i := range a {
		if a[i] != b[i] {
			if a[i] > b[i] {
				t.Error("packing turned the order of two vectors around")
			}
			break
		}
	}
	if p.words != 3 {
		t.Errorf("%d words, want 3: no line lies across two", p.words)
	}
}
