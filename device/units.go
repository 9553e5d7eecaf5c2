// SPDX-License-Identifier: Apache-2.0

package device

import (
	"math"
	"math/bits"
)

// noLimit is how many pods a request takes that asks for nothing countable.
const noLimit = math.MaxInt32

// units is how often a request fits on one device of its kind.
func (a *Ask) units(st *State, r *ask, pos int) int64 {
	if r.never || !r.only[pos] || st.Open[r.kind]>>pos&1 == 0 {
		return 0
	}
	dev := a.t.Kinds[r.kind].Device[pos]
	switch {
	case r.Profile != "":
		i, _ := a.t.profileAt(dev, r.Profile)
		return a.t.Kinds[r.kind].slots[pos].room(i, &st.Rows[dev])
	case r.Function:
		return min(a.freeFunctions(st, r, pos), a.shares(st, r, dev))
	case len(r.Share) > 0:
		return a.shares(st, r, dev)
	}
	return int64(st.Free[r.kind] >> pos & 1)
}

func (a *Ask) shares(st *State, r *ask, dev int) int64 {
	n := int64(noLimit)
	for c, want := range r.share {
		if want > 0 {
			n = min(n, max(0, st.Left[dev*len(a.t.Caps)+c])/want)
		}
	}
	return n
}

func (a *Ask) freeFunctions(st *State, r *ask, pos int) int64 {
	var n int64
	dev := a.t.Kinds[r.kind].Device[pos]
	for i := range a.t.Kinds[r.kind].functions[pos] {
		if !st.Rows[dev].has(i) && r.labelled(&a.t.Kinds[r.kind].functions[pos][i]) {
			n++
		}
	}
	return n
}

func (r *ask) labelled(f *Function) bool {
	for name, v := range r.Labels {
		if got, has := f.Labels[name]; !has || got != v {
			return false
		}
	}
	return true
}

// candidates are the devices on which a request fits once more.
func (a *Ask) candidates(st *State, r *ask, within uint64) uint64 {
	if r.Whole() {
		return st.Free[r.kind] & within
	}
	var m uint64
	for left := st.Open[r.kind] & within; left != 0; left &= left - 1 {
		if pos := bits.TrailingZeros64(left); a.units(st, r, pos) > 0 {
			m |= 1 << pos
		}
	}
	return m
}

// bound is how many pods fit at most: for each request alone, the largest m for
// which the devices, none of them twice in one pod, are m times its count.
func (a *Ask) bound(st *State, rooms []Room) int64 {
	n := int64(noLimit)
	if rooms != nil {
		n = 0
		for _, r := range rooms {
			n += r.Pods
		}
	}
	for i := range a.requests {
		r := &a.requests[i]
		k := int64(r.count)
		if r.Whole() {
			n = min(n, int64(Members(st.Free[r.kind]))/k)
			continue
		}
		var units []int64
		var sum int64
		for pos := range r.only {
			u := a.units(st, r, pos)
			units, sum = append(units, u), sum+u
		}
		for n = min(n, sum/k); n > 0; n-- {
			var have int64
			for _, u := range units {
				have += min(u, n)
			}
			if have >= n*k {
				break
			}
		}
	}
	return n
}

// Room is how many pods a NUMA zone takes by everything that is no device. An
// aligned pod lies in one zone with all its devices.
type Room struct {
	Zone int
	Pods int64
}
