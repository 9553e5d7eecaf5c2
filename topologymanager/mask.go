// SPDX-License-Identifier: Apache-2.0

package topologymanager

import (
	"iter"
	"math"
	"math/bits"
)

// A zone set is a bit mask over the positions of a node's zones, which are
// sorted by id: the smaller number is the set with more low zones, as in
// kubelet's own mask.

func size(mask uint64) int { return bits.OnesCount64(mask) }

// positions yields the members of a set, lowest first.
func positions(mask uint64) iter.Seq[int] {
	return func(yield func(int) bool) {
		for ; mask != 0; mask &= mask - 1 {
			if !yield(bits.TrailingZeros64(mask)) {
				return
			}
		}
	}
}

// narrower tells whether a has fewer zones than b, or as many and lower ones.
func narrower(a, b uint64) bool {
	if size(a) != size(b) {
		return size(a) < size(b)
	}
	return a < b
}

// distances is the zones' distances by position, -1 where unknown.
type distances [][]int

func distancesOf(zones []Zone) distances {
	d := make(distances, len(zones))
	for i, a := range zones {
		d[i] = make([]int, len(zones))
		for j, b := range zones {
			d[i][j] = -1
			if v, known := a.Distances[b.ID]; known {
				d[i][j] = v
			}
		}
	}
	return d
}

// total is the sum over all ordered pairs of a set, which compares averages of
// sets of one size. A set with an unknown distance is farther than any other.
func (d distances) total(mask uint64) int {
	sum := 0
	for a := range positions(mask) {
		for b := range positions(mask) {
			if d[a][b] < 0 {
				return math.MaxInt
			}
			sum += d[a][b]
		}
	}
	return sum
}
