// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

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
