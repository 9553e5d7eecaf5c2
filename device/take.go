// SPDX-License-Identifier: Apache-2.0

package device

import (
	"fmt"
	"maps"
	"slices"
)

// take lets a request of the pod being tried take a set, goes on to the next
// request, and gives the set back.
func (s *search) take(at int, set uint64, givenUp int64, zone int, visit func() bool) bool {
	r := &s.a.requests[at]
	acc, used, takes := s.acc, s.used[at], len(s.takes)
	s.acc[LineGivenUp] += givenUp
	s.used[at] = set
	if r.uneven {
		score := s.a.t.Kinds[r.kind].Links.Value(set)
		s.acc[LineBroken] -= score
		s.acc[LineScore] -= score
	}
	if at == 0 {
		s.acc[LineNUMA] += s.a.t.Kinds[r.kind].beyondOne(scopeIndex(SameNUMA), set)
		s.acc[LinePCIe] += s.a.t.Kinds[r.kind].beyondOne(scopeIndex(SamePCIe), set)
	}
	on := s.each(r, at, set, func() bool { return s.request(at+1, zone, visit) })
	s.acc, s.used[at], s.takes = acc, used, s.takes[:takes]
	return on
}

// beyondOne counts the domains of a scope that a set lies in, less one.
func (k *Kind) beyondOne(scope int, set uint64) int64 {
	n := int64(-1)
	for left := set; left != 0; {
		d := k.scopes[scope][firstSlot(left)]
		if d < 0 {
			left &= left - 1
			continue
		}
		left &^= k.domain(scope, d)
		n++
	}
	return max(0, n)
}

// each takes the devices of a set one after another; a device that is cut is
// tried at every slot where the instance can begin.
func (s *search) each(r *ask, at int, set uint64, then func() bool) bool {
	if set == 0 {
		return then()
	}
	pos := firstSlot(set)
	dev := s.a.t.Kinds[r.kind].Device[pos]
	t := Take{Request: at, Device: dev, Whole: r.Whole(), Share: r.Share, Function: -1}
	try := func() bool {
		s.takes = append(s.takes, t)
		undo := s.a.hold(&s.st, &t)
		on := s.each(r, at, set&(set-1), then)
		undo.restore(&s.st)
		s.takes = s.takes[:len(s.takes)-1]
		return on
	}
	switch {
	case r.Function:
		t.Function = s.a.functions(&s.st, r, pos, 1)[0]
	case r.Profile != "":
		t.Profile = r.Profile
		i, p := s.a.t.profileAt(dev, r.Profile)
		for _, start := range p.Starts {
			if !s.a.t.fits(&s.st, dev, i, start) {
				continue
			}
			t.Slot = start
			if s.spent++; s.over() || !try() {
				return false
			}
		}
		return true
	}
	return try()
}

// fits tells whether an instance of a profile can begin at a slot.
func (t *Table) fits(st *State, dev, profile, start int) bool {
	slots := t.Kinds[t.kind[dev]].slots[t.pos[dev]]
	row := &st.Rows[dev]
	if slots.Uniform && row.Mode != 0 && int(row.Mode) != profile+1 {
		return false
	}
	return row.Taken[0]&span(start, slots.Profiles[profile].Size) == 0
}

// undo is what a take changed.
type undo struct {
	t          *Table
	dev        int
	free, open uint64
	left       []int64
	row        Row
}

func (u undo) restore(st *State) {
	k := u.t.kind[u.dev]
	st.Free[k], st.Open[k] = u.free, u.open
	copy(st.Left[u.dev*len(u.t.Caps):], u.left)
	if st.Rows != nil {
		st.Rows[u.dev] = u.row
	}
}

// hold books a take in a state and says how to undo it.
func (a *Ask) hold(st *State, t *Take) undo {
	k := a.t.kind[t.Device]
	u := undo{t: a.t, dev: t.Device, free: st.Free[k], open: st.Open[k]}
	if n := len(a.t.Caps); n > 0 {
		u.left = append(u.left, st.Left[t.Device*n:t.Device*n+n]...)
	}
	if st.Rows != nil {
		u.row = st.Rows[t.Device]
	}
	a.t.Hold(st, t, 1)
	return u
}

// Hold books a take in a state (sign 1), or gives it back (-1), apart from Free
// and Open of a device that is given back.
func (t *Table) Hold(st *State, take *Take, sign int) {
	k, bit := t.kind[take.Device], uint64(1)<<t.pos[take.Device]
	if sign > 0 {
		st.Free[k] &^= bit
		if take.Whole {
			st.Open[k] &^= bit
		}
	}
	for c, name := range t.Caps {
		st.Left[take.Device*len(t.Caps)+c] -= int64(sign) * take.Share[name]
	}
	if st.Rows != nil {
		t.holdSlots(&st.Rows[take.Device], take)
	}
}

// holdSlots flips the slots or the function of a take.
func (t *Table) holdSlots(row *Row, take *Take) {
	if take.Function >= 0 {
		row.flip(take.Function)
	}
	if i, p := t.profileAt(take.Device, take.Profile); p != nil {
		row.Taken[0] ^= span(take.Slot, p.Size)
		if t.Kinds[t.kind[take.Device]].slots[t.pos[take.Device]].Uniform {
			row.Mode = uint8(i + 1)
			if row.Taken[0] == 0 {
				row.Mode = 0
			}
		}
	}
}

// apply books takes for good.
func (a *Ask) apply(st *State, takes []Take) {
	for i := range takes {
		a.t.Hold(st, &takes[i], 1)
	}
}

// CheckPart tells why a part cannot be held: its device does not know the
// profile or capacity, or its slots or its function are held.
func (t *Table) CheckPart(st *State, take *Take) error {
	for _, name := range slices.Sorted(maps.Keys(take.Share)) {
		if !slices.Contains(t.Caps, name) {
			return fmt.Errorf("the device has no capacity %q", name)
		}
	}
	if take.Function >= 0 && st.Rows[take.Device].has(take.Function) {
		return fmt.Errorf("the function is held already")
	}
	if take.Profile != "" {
		i, p := t.profileAt(take.Device, take.Profile)
		if p == nil || !slices.Contains(p.Starts, take.Slot) {
			return fmt.Errorf("the device has no profile %q at slot %d", take.Profile, take.Slot)
		}
		if !t.fits(st, take.Device, i, take.Slot) {
			return fmt.Errorf("the slots are held already")
		}
	}
	return nil
}

// Enough tells whether the share of a take is left.
func (t *Table) Enough(st *State, take *Take) bool {
	for c, name := range t.Caps {
		if st.Left[take.Device*len(t.Caps)+c] < take.Share[name] {
			return false
		}
	}
	return true
}

// Only is a state in which nothing is free but what some takes hold.
func (t *Table) Only(st *State, takes []Take) State {
	only := State{Free: make([]uint64, len(st.Free)), Open: make([]uint64, len(st.Open)), Left: make([]int64, len(st.Left)), Rows: slices.Clone(st.Rows)}
	for i := range only.Rows {
		for w := range only.Rows[i].Taken {
			only.Rows[i].Taken[w] = ^uint64(0)
		}
	}
	for i := range takes {
		take := &takes[i]
		k, bit := t.kind[take.Device], uint64(1)<<t.pos[take.Device]
		only.Open[k] |= st.Open[k] & bit
		if take.Whole {
			only.Free[k] |= st.Free[k] & bit
		}
		for c, name := range t.Caps {
			only.Left[take.Device*len(t.Caps)+c] += take.Share[name]
		}
		if st.Rows != nil {
			row := &only.Rows[take.Device]
			if take.Function >= 0 {
				row.flip(take.Function)
			}
			if _, p := t.profileAt(take.Device, take.Profile); p != nil {
				row.Taken[0] &^= span(take.Slot, p.Size)
			}
		}
	}
	return only
}
