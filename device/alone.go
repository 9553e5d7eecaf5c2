// SPDX-License-Identifier: Apache-2.0

package device

import (
	"cmp"
	"math/bits"
	"slices"
)

// The devices of an Ask that is alone count by themselves: how many pods each
// takes depends on nothing else.

// unitsAlone sums what fits, by NUMA zone where there are rooms.
func (a *Ask) unitsAlone(st *State, rooms []Room) int64 {
	r := &a.requests[0]
	sum := func(mask uint64) int64 {
		var n int64
		for ; mask != 0; mask &= mask - 1 {
			n += a.units(st, r, bits.TrailingZeros64(mask))
		}
		return n
	}
	if rooms == nil {
		return sum(st.Open[r.kind])
	}
	var n int64
	for _, room := range rooms {
		n += min(room.Pods, sum(st.Open[r.kind]&a.t.zoneMask(r.kind, room.Zone)))
	}
	return n
}

// flat tells whether nothing but the number of untouched devices matters to the
// cost: a share of devices of which no NUMA node or switch is known and that
// cannot be cut.
func (a *Ask) flat(rooms []Room) bool {
	return a.alone && rooms == nil && len(a.requests[0].Share) > 0 && !a.requests[0].Function && a.t.Kinds[a.requests[0].kind].flat
}

// flatCosts fills the touched devices, then opens as few as can be.
func (a *Ask) flatCosts(st *State, most int) []Cost {
	out := make([]Cost, most+1)
	m := 0
	for _, d := range a.filled(st) {
		for u := int64(0); u < d.units && m < most; u++ {
			taken := out[m][LineTaken]
			if u == 0 && d.fresh {
				taken++
			}
			m++
			out[m][LineTaken] = taken
		}
	}
	return out
}

// flatChoose gives the devices that flatCosts counts.
func (a *Ask) flatChoose(st *State, m int) []Pod {
	r := &a.requests[0]
	pods := make([]Pod, 0, m)
	for _, d := range a.filled(st) {
		for u := int64(0); u < d.units && len(pods) < m; u++ {
			pods = append(pods, Pod{Zone: -1, Takes: []Take{{Device: a.t.Kinds[r.kind].Device[d.pos], Share: r.Share, Function: -1}}})
		}
	}
	return pods
}

// filler is a device that takes pods of an ask that is alone.
type filler struct {
	pos   int
	units int64
	fresh bool
	left  int64 // of the first capacity that is taken
}

// filled lists the devices in the order in which they are filled: those touched
// before, the one with the least left first; then the others, those first that
// take the most.
func (a *Ask) filled(st *State) []filler {
	r := &a.requests[0]
	var room [16]filler
	out := room[:0]
	first := slices.IndexFunc(r.share, func(v int64) bool { return v > 0 })
	for mask := st.Open[r.kind]; mask != 0; mask &= mask - 1 {
		pos := bits.TrailingZeros64(mask)
		f := filler{pos: pos, units: a.units(st, r, pos), fresh: st.Free[r.kind]>>pos&1 == 1}
		if f.units == 0 {
			continue
		}
		if first >= 0 {
			f.left = st.Left[a.t.Kinds[r.kind].Device[pos]*len(a.t.Caps)+first]
		}
		out = append(out, f)
	}
	slices.SortFunc(out, func(x, y filler) int {
		switch {
		case x.fresh != y.fresh:
			if y.fresh {
				return -1
			}
			return 1
		case x.fresh:
			return cmp.Or(cmp.Compare(y.units, x.units), cmp.Compare(x.pos, y.pos))
		}
		return cmp.Or(cmp.Compare(x.left, y.left), cmp.Compare(x.pos, y.pos))
	})
	return out
}
