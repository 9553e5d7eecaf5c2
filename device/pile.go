// SPDX-License-Identifier: Apache-2.0

package device

import "slices"

// maxPile bounds the work of joining two piles, in sums.
const maxPile = 1 << 20

// pile is the least cost of 0, 1, ... pods of an ask that is alone on some
// devices. Costs of devices add up, and a NUMA node or switch costs once when
// its first device is touched, so piles join as a tree: devices to switches,
// switches to NUMA nodes, NUMA nodes to the node.
type pile struct {
	costs       []Cost
	left, right *pile
	onRight     []int32 // by pods: how many of them lie on the right
	pos         int     // of a single device
}

// piled makes the pile of a node for up to most pods, nil where that is too
// much work.
func (a *Ask) piled(st *State, rooms []Room, most int) *pile {
	r := &a.requests[0]
	kind := &a.t.Kinds[r.kind]
	all := &pile{costs: make([]Cost, 1)}
	done := uint64(0)
	for _, f := range a.filled(st) {
		if done>>f.pos&1 == 1 {
			continue
		}
		zone := kind.scopes[scopeIndex(SameNUMA)][f.pos]
		mask := kind.domain(scopeIndex(SameNUMA), zone) // those of unknown node are together too
		done |= mask
		limit := most
		if rooms != nil {
			limit = min(most, a.roomIn(rooms, mask, r.kind))
		}
		p := a.pileZone(st, mask, limit)
		if p == nil {
			return nil
		}
		if zone >= 0 && mask&^st.Free[r.kind] == 0 {
			p.open(LineNUMAOpened)
		}
		if all = all.join(p, most); all == nil {
			return nil
		}
	}
	return all
}

// roomIn is how many pods the zone of some devices takes, none outside of all.
func (a *Ask) roomIn(rooms []Room, mask uint64, kind int) int {
	for _, room := range rooms {
		if a.t.zoneMask(kind, room.Zone)&mask != 0 {
			return int(room.Pods)
		}
	}
	return 0
}

// pileZone joins the switches of one NUMA node.
func (a *Ask) pileZone(st *State, mask uint64, most int) *pile {
	r := &a.requests[0]
	kind := &a.t.Kinds[r.kind]
	zone := &pile{costs: make([]Cost, 1)}
	done := uint64(0)
	for _, f := range a.filled(st) {
		if bit := uint64(1) << f.pos; done&bit != 0 || mask&bit == 0 {
			continue
		}
		under := uint64(1) << f.pos
		sw := kind.scopes[scopeIndex(SamePCIe)][f.pos]
		if sw >= 0 {
			under = kind.domain(scopeIndex(SamePCIe), sw)
		}
		done |= under
		p := &pile{costs: make([]Cost, 1)}
		for _, f := range a.filled(st) {
			if under>>f.pos&1 == 1 && p != nil {
				p = p.join(a.pileDevice(st, &f, most), most)
			}
		}
		if p == nil {
			return nil
		}
		if sw >= 0 && under&^st.Free[r.kind] == 0 {
			p.open(LinePCIeOpened)
		}
		if zone = zone.join(p, most); zone == nil {
			return nil
		}
	}
	return zone
}

// open adds one to a line of every number of pods but none.
func (p *pile) open(line int) {
	for m := 1; m < len(p.costs); m++ {
		p.costs[m][line]++
	}
}

// join puts two piles together; of equals the left one takes the more.
func (p *pile) join(q *pile, most int) *pile {
	if len(p.costs)*len(q.costs) > maxPile {
		return nil
	}
	out := &pile{left: p, right: q}
	for m := 0; m < len(p.costs)+len(q.costs)-1 && m <= most; m++ {
		var best Cost
		at := int32(-1)
		for j := max(0, m-len(p.costs)+1); j <= min(m, len(q.costs)-1); j++ {
			c := p.costs[m-j]
			c.add(&q.costs[j])
			if at < 0 || c.less(&best) {
				best, at = c, int32(j)
			}
		}
		out.costs, out.onRight = append(out.costs, best), append(out.onRight, at)
	}
	return out
}

// each visits the devices that take pods.
func (p *pile) each(m int, visit func(pos, pods int)) {
	switch {
	case m == 0:
	case p.left == nil:
		visit(p.pos, m)
	default:
		j := int(p.onRight[m])
		p.left.each(m-j, visit)
		p.right.each(j, visit)
	}
}

// pileDevice is one device by itself.
func (a *Ask) pileDevice(st *State, f *filler, most int) *pile {
	p := &pile{pos: f.pos, costs: make([]Cost, min(int64(most), f.units)+1)}
	for m := 1; m < len(p.costs); m++ {
		if f.fresh {
			p.costs[m][LineTaken] = 1
		}
	}
	r := &a.requests[0]
	dev := a.t.Kinds[r.kind].Device[f.pos]
	if slots := a.t.Kinds[r.kind].slots[f.pos]; slots != nil {
		before := slots.standing(a.t, &st.Rows[dev])
		for m := 1; m < len(p.costs); m++ {
			after := before
			if r.Profile != "" {
				after, _ = a.cutBest(st, dev, m)
			}
			for i := range after {
				p.costs[m][LineSlots+i] += before[i] - after[i]
			}
		}
	}
	return p
}

// kept counts the instances of each size that a device still takes.
type kept [MaxSizes]int64

func (s *Slots) standing(t *Table, row *Row) kept {
	var k kept
	for i := range s.Profiles {
		if size := slices.Index(t.SlotSizes, s.Profiles[i].Size); size < MaxSizes {
			k[size] += s.room(i, row)
		}
	}
	return k
}

// cutBest finds where m instances of the ask's profile leave most of a device,
// trying every choice of starts.
func (a *Ask) cutBest(st *State, dev, m int) (kept, []int) {
	slots := a.t.Kinds[a.requests[0].kind].slots[a.t.pos[dev]]
	i, p := a.t.profileAt(dev, a.requests[0].Profile)
	row := st.Rows[dev]
	if slots.Uniform {
		row.Mode = uint8(i + 1)
	}
	var best kept
	var chosen []int
	var walk func(from int, starts []int)
	walk = func(from int, starts []int) {
		if len(starts) == m {
			if k := slots.standing(a.t, &row); chosen == nil || slices.Compare(k[:], best[:]) > 0 {
				best, chosen = k, slices.Clone(starts)
			}
			return
		}
		for at := from; at < len(p.Starts); at++ {
			if mask := span(p.Starts[at], p.Size); row.Taken[0]&mask == 0 {
				row.Taken[0] |= mask
				walk(at+1, append(starts, p.Starts[at]))
				row.Taken[0] &^= mask
			}
		}
	}
	walk(0, nil)
	return best, chosen
}

// pileChoose gives the devices of m pods of a pile.
func (a *Ask) pileChoose(st *State, rooms []Room, p *pile, m int) []Pod {
	r := &a.requests[0]
	kind := &a.t.Kinds[r.kind]
	var pods []Pod
	p.each(m, func(pos, n int) {
		dev := kind.Device[pos]
		zone := -1
		for _, room := range rooms {
			if a.t.zoneMask(r.kind, room.Zone)>>pos&1 == 1 {
				zone = room.Zone
			}
		}
		take := Take{Device: dev, Share: r.Share, Profile: r.Profile, Function: -1}
		var starts, functions []int
		switch {
		case r.Profile != "":
			_, starts = a.cutBest(st, dev, n)
		case r.Function:
			functions = a.functions(st, r, pos, n)
		}
		for i := range n {
			t := take
			if starts != nil {
				t.Slot = starts[i]
			}
			if functions != nil {
				t.Function = functions[i]
			}
			pods = append(pods, Pod{Zone: zone, Takes: []Take{t}})
		}
	})
	return pods
}

// functions finds the lowest n free functions with the wanted labels.
func (a *Ask) functions(st *State, r *ask, pos, n int) []int {
	var out []int
	dev := a.t.Kinds[r.kind].Device[pos]
	for i := range a.t.Kinds[r.kind].functions[pos] {
		if len(out) < n && !st.Rows[dev].has(i) && r.labelled(&a.t.Kinds[r.kind].functions[pos][i]) {
			out = append(out, i)
		}
	}
	return out
}
