// SPDX-License-Identifier: Apache-2.0

package device

import (
	"math/bits"
	"slices"
)

// State is what is free of the devices of a node.
type State struct {
	Free []uint64 // by kind: usable devices that nothing touches
	Open []uint64 // by kind: usable devices that are not given whole; holds Free
	Left []int64  // device*len(Table.Caps)+capacity: what is left of it
	Rows []Row    // by device; nil where the table is not Cut
}

// Row is what is taken of a device that is cut.
type Row struct {
	Taken [MaxSlots / 64]uint64 // slots, or functions
	Mode  uint8                 // 1 + the profile that a Uniform device holds, 0 for none
}

func (r *Row) has(at int) bool { return r.Taken[at/64]>>(at%64)&1 == 1 }
func (r *Row) flip(at int)     { r.Taken[at/64] ^= 1 << (at % 64) }

// NewState is a node of which everything is free, apart from unusable devices.
func NewState(t *Table, devices []Device) State {
	s := State{Free: make([]uint64, len(t.Kinds)), Open: make([]uint64, len(t.Kinds)), Left: t.Whole()}
	for i, d := range devices {
		if d.Unusable == "" {
			s.Free[t.kind[i]] |= 1 << t.pos[i]
		}
	}
	copy(s.Open, s.Free)
	if t.cut {
		s.Rows = make([]Row, len(devices))
	}
	return s
}

// Clone is an independent copy.
func (st *State) Clone() State {
	return State{slices.Clone(st.Free), slices.Clone(st.Open), slices.Clone(st.Left), slices.Clone(st.Rows)}
}

// Take is what one pod holds of one device.
type Take struct {
	Request  int // which of the pod's requests
	Device   int // index in the node's list
	Whole    bool
	Share    Amounts // of its capacity
	Profile  string  // an instance of it, that begins at Slot
	Slot     int     // of the instance
	Function int     // index of the virtual function, -1 for none
}

// Part names the take.
func (t *Take) Part(devices []Device) Part {
	d := &devices[t.Device]
	p := Part{ID: d.ID, Profile: t.Profile, Start: t.Slot, Share: t.Share}
	if t.Function >= 0 {
		p.ID = d.Functions[t.Function].ID
	}
	return p
}

// profileAt finds a profile of a device, nil when it does not know it.
func (t *Table) profileAt(device int, name string) (index int, p *Profile) {
	slots := t.Kinds[t.kind[device]].slots[t.pos[device]]
	if slots == nil {
		return -1, nil
	}
	i := slices.IndexFunc(slots.Profiles, func(p Profile) bool { return p.Name == name })
	if i < 0 {
		return -1, nil
	}
	return i, &slots.Profiles[i]
}

// span is the mask of slots from one on.
func span(start, size int) uint64 { return (1<<size - 1) << start }

// firstSlot is the lowest of a mask.
func firstSlot(mask uint64) int { return bits.TrailingZeros64(mask) }
