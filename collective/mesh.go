// SPDX-License-Identifier: Apache-2.0

package collective

import "math/bits"

// maxMesh bounds how many directly linked accelerators are looked at in all
// their halves: 2^15 of them.
const maxMesh = 16

// cut is the least capacity between a set of members and the others.
type cut struct {
	members  uint32
	capacity int64
}

// narrowest returns, for each size of the smaller side, the set of members with
// the least capacity to the others; of equals the lowest members. Rate is
// symmetric. The walk flips one member at a time (Gray code), so that each set
// costs one row of additions.
func narrowest(rate [][]int64) []cut {
	n := len(rate)
	best := make([]cut, n/2+1)
	var set uint32
	var capacity int64
	for g := uint32(1); g < 1<<(n-1); g++ {
		i := bits.TrailingZeros32(g) // member n-1 stays outside: a set and its complement are one cut
		for j := range n {
			if j == i {
				continue
			}
			if set>>j&1 == set>>i&1 {
				capacity += rate[i][j] // they part
			} else {
				capacity -= rate[i][j]
			}
		}
		set ^= 1 << i
		small := set
		if size := bits.OnesCount32(set); 2*size > n {
			small = ^set & (1<<n - 1)
		} else if 2*size == n && set&1 == 0 {
			small = ^set & (1<<n - 1)
		}
		b := &best[bits.OnesCount32(small)]
		if b.members == 0 || capacity < b.capacity || capacity == b.capacity && lower(small, b.members) {
			*b = cut{small, capacity}
		}
	}
	return best[1:]
}

// lower tells which of two sets of equal size has the lower members.
func lower(a, b uint32) bool { return bits.Reverse32(a) > bits.Reverse32(b) }
