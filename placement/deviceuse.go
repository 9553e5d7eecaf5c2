// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"fmt"
	"slices"

	"tarsia.dev/tarsia/device"
)

// partUse is what pods hold of the devices of a fleet other than whole.
type partUse struct {
	touched []uint64     // by group: devices that are held in part
	left    []int64      // from Fleet.leftAt: device*capacities+capacity
	rows    []device.Row // from Fleet.rowAt: by device
	parts   []int32      // from Fleet.rowAt: by device, how many parts of it are held
}

func newPartUse(f *Fleet) partUse {
	p := partUse{
		touched: make([]uint64, f.groupAt[len(f.nodes)]), left: make([]int64, 0, f.leftLen),
		rows: make([]device.Row, f.rowLen), parts: make([]int32, f.rowLen),
	}
	for i := range f.nodes {
		if t := f.table[i]; t >= 0 {
			p.left = append(p.left, f.tables[t].Whole()...)
		}
	}
	return p
}

func (p *partUse) clone() partUse {
	return partUse{slices.Clone(p.touched), slices.Clone(p.left), slices.Clone(p.rows), slices.Clone(p.parts)}
}

// devicePart is one part of a device that a pod holds.
type devicePart struct {
	grp, dev int // index of the group of the node, and of the device in its list
	take     device.Take
}

// holdParts books parts (1) or gives them back (-1).
func (u *Usage) holdParts(b *booking, sign int) {
	if len(b.parts) == 0 {
		return
	}
	f := u.f
	t := f.tables[f.table[b.node]]
	state := u.state(b.node)
	for i := range b.parts {
		p := &b.parts[i]
		at := int(f.rowAt[b.node]) + p.dev
		t.Hold(&state, &p.take, sign)
		u.part.parts[at] += int32(sign)
		pos := slices.Index(f.groups[b.node][p.grp].device, p.dev)
		if g := int(f.groupAt[b.node]) + p.grp; u.part.parts[at] > 0 {
			u.part.touched[g] |= 1 << pos
		} else {
			u.part.touched[g] &^= 1 << pos
		}
	}
}

// state is what is free of the devices of a node. Left and Rows are the usage's
// own; Free and Open are good until the next call.
func (u *Usage) state(node int) device.State {
	f := u.f
	t := f.tables[f.table[node]]
	n := len(f.groups[node])
	u.masks = slices.Grow(u.masks[:0], 2*n)[:2*n]
	st := device.State{Free: u.masks[:n:n], Open: u.masks[n:]}
	for grp := range f.groups[node] {
		st.Free[grp] = u.freeDevices(node, grp)
		st.Open[grp] = f.groups[node][grp].usable &^ u.held[int(f.groupAt[node])+grp]
	}
	left := int(f.leftAt[node])
	st.Left = u.part.left[left : left+t.Devices()*len(t.Caps)]
	if t.Cut() {
		row := int(f.rowAt[node])
		st.Rows = u.part.rows[row : row+t.Devices()]
	}
	return st
}

// bookPart resolves one device name of a running pod.
func (u *Usage) bookPart(b *booking, name string) error {
	n := &u.f.nodes[b.node]
	part, err := device.ParsePart(name)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(n.Devices, func(d Device) bool {
		return d.ID == part.ID || slices.ContainsFunc(d.Functions, func(f device.Function) bool { return f.ID == part.ID })
	})
	if at < 0 {
		return fmt.Errorf("it holds device %q, which node %q does not list", part.ID, n.Name)
	}
	grp := u.f.groupOf(b.node, u.f.resIndex[n.Devices[at].Resource])
	bit := uint64(1) << slices.Index(u.f.groups[b.node][grp].device, at)
	index := int(u.f.groupAt[b.node]) + grp
	take := device.Take{Device: at, Profile: part.Profile, Slot: part.Start, Share: part.Share, Function: -1}
	if part.ID != n.Devices[at].ID {
		take.Function = slices.IndexFunc(n.Devices[at].Functions, func(f device.Function) bool { return f.ID == part.ID })
	}
	take.Whole = take.Profile == "" && take.Function < 0 && take.Share == nil
	taken := b.masks[grp] | u.held[index]
	if take.Whole {
		taken |= u.part.touched[index]
		for _, p := range b.parts {
			if p.dev == at {
				taken |= bit
			}
		}
	}
	if taken&bit != 0 {
		return fmt.Errorf("it holds device %q of node %q, which is held already", name, n.Name)
	}
	if take.Whole {
		b.masks[grp] |= bit
		return nil
	}
	t := u.f.tables[u.f.table[b.node]]
	state := u.state(b.node)
	state = state.Clone()
	for i := range b.parts {
		t.Hold(&state, &b.parts[i].take, 1)
	}
	if err := t.CheckPart(&state, &take); err != nil {
		return fmt.Errorf("it holds %q of node %q: %w", name, n.Name, err)
	}
	b.parts = append(b.parts, devicePart{grp, at, take})
	return nil
}
