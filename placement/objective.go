// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"math/bits"
	"slices"
)

// The lines of the objective, in their order. Every one is a sum over nodes or
// domains, which is what lets a table over pod counts find the optimum.
const (
	namePlaced    = "pods not placed"
	nameAffinity  = "affinity weight not met"
	nameBalance   = "largest less smallest share: " // and the level
	nameCost      = "cost: "                        // and its name
	nameGivenUp   = "preferred levels given up"
	nameDomains   = "domains used: " // and the level; outermost first
	nameNodes     = "nodes used"
	nameTaints    = "PreferNoSchedule taints"
	nameLost      = "device-set score lost"
	nameBroken    = "device sets broken"
	nameFree      = "free pods left: " // and the level; outermost first
	nameAccel     = "accelerators left on used nodes"
	nameFreeNodes = "free pods left: node"
	nameZones     = "NUMA zones opened"
)

// objective is the list of lines for one gang: which levels it speaks of. A
// line that could not differ between placements is left out; its position is -1.
type objective struct {
	f      *Fleet
	levels []int        // outermost first
	rule   []bool       // by position: a rule names it, it is not only an outer level of one
	counts []scopeLevel // whose domains are counted, for each level
	priced []price
	pricing
	names    []string
	families []Family // by position in names
	key      string   // equal for objectives that are equal
	// Positions in names. domains and free are by position in levels; free is -1
	// where no rule names the level.
	placed, givenUp, affinity, nodes, balance, taints, lost, broken, accel, freeNodes, zones int
	domains, free                                                                            []int
	balanceLevel                                                                             int
	devices                                                                                  *deviceLines
}

// scopeLevel says that the domains of a level that a scope uses are counted.
type scopeLevel struct{ scope, level int }

// build writes the lines in the order of the families.
func (o *objective) build(q *query, order []Family) {
	var family Family
	line := func(name string) int {
		o.names, o.families = append(o.names, name), append(o.families, family)
		return len(o.names) - 1
	}
	balanced := o.balance >= 0
	o.placed, o.affinity, o.balance = -1, -1, -1
	o.domains, o.free = make([]int, len(o.levels)), make([]int, len(o.levels))
	for _, family = range order {
		switch family {
		case FamilyPlaced:
			if q.elastic() {
				o.placed = line(namePlaced)
			}
		case FamilyGivenUp:
			o.givenUp = line(nameGivenUp)
		case FamilyAffinity:
			if slices.ContainsFunc(q.sets, func(s gangSet) bool { return len(s.s.Preferences) > 0 }) {
				o.affinity = line(nameAffinity)
			}
		case FamilyDomains:
			// How evenly a level is used matters more than what lies within it.
			for i, l := range o.levels {
				if balanced && o.balance < 0 && l > o.balanceLevel {
					o.balance = line(nameBalance + o.f.levels[o.balanceLevel].name)
				}
				o.domains[i] = line(nameDomains + o.f.levels[l].name)
			}
			if balanced && o.balance < 0 {
				o.balance = line(nameBalance + o.f.levels[o.balanceLevel].name)
			}
			o.nodes = line(nameNodes)
		case FamilyBalance:
			if balanced && o.balance < 0 {
				o.balance = line(nameBalance + o.f.levels[o.balanceLevel].name)
			}
		case FamilyTaints:
			o.taints = line(nameTaints)
		case FamilyOpportunity:
			o.pricing.build(q.mix, line)
		case FamilyCost:
			for i := range o.priced {
				o.priced[i].line = line(o.priced[i].name)
			}
		case FamilyDevices:
			o.buildDevices(q, line)
		case FamilyFree:
			o.buildFree(line, slices.Index(order, FamilyFree) < slices.Index(order, FamilyDomains))
		}
	}
}

// buildFree writes what stays free. Asked for before the domains, the pods that
// the used nodes could still take come first.
func (o *objective) buildFree(line func(string) int, nodesFirst bool) {
	if nodesFirst {
		o.freeNodes = line(nameFreeNodes)
	}
	for i, l := range o.levels {
		o.free[i] = -1
		// Of LevelNode, what stays free on the used nodes says the same.
		if o.rule[i] && o.f.levels[l].name != LevelNode {
			o.free[i] = line(nameFree + o.f.levels[l].name)
		}
	}
	o.accel = line(nameAccel)
	if !nodesFirst {
		o.freeNodes = line(nameFreeNodes)
	}
	o.zones = line(nameZones)
}

// scores pairs values with the names of the lines.
func (o *objective) scores(values []int64) []Score {
	out := make([]Score, len(values))
	for i, v := range values {
		out[i] = Score{o.names[i], o.families[i], v}
	}
	return out
}

// packing lays the lines into words, most significant first and none across a
// word, so that adding words adds lines and comparing words compares lines in
// their order.
type packing struct {
	words int
	word  []uint8
	shift []uint8
	width []uint8
}

// newPacking makes room for the largest sum of each line. No sum reaches 62
// bits: link scores, prices, devices of a node and pods of a table are bounded.
// The first word stays below impossible.
func newPacking(bounds []int64) packing {
	var p packing
	left := 0
	for _, b := range bounds {
		w := bits.Len64(uint64(max(b, 0)))
		if w > left {
			left = 64
			if p.words == 0 {
				left = 62
			}
			p.words++
		}
		left -= w
		p.word = append(p.word, uint8(max(p.words-1, 0)))
		p.shift = append(p.shift, uint8(left))
		p.width = append(p.width, uint8(w))
	}
	p.words = max(p.words, 1)
	return p
}

// add adds to a line; a line that is left out takes nothing.
func (p *packing) add(v []uint64, line int, x int64) {
	if line >= 0 {
		v[p.word[line]] += uint64(x) << p.shift[line]
	}
}

// get reads a line.
func (p *packing) get(v []uint64, line int) int64 {
	return int64(v[p.word[line]] >> p.shift[line] & (1<<p.width[line] - 1))
}

func (p *packing) unpack(v []uint64) []int64 {
	out := make([]int64, len(p.word))
	for i := range out {
		out[i] = p.get(v, i)
	}
	return out
}

// bounds returns the largest value that each line can take for n pods of some
// sets, of which held run already.
func (o *objective) bounds(sets []*counts, n, held int64) []int64 {
	f := o.f
	b := make([]int64, len(o.names))
	put := func(line int, v int64) {
		if line >= 0 {
			b[line] = v
		}
	}
	var room, accel, soft, gap, devices, nodeDevices, wholes int64
	for i := range f.nodes {
		usable := held > 0
		for _, c := range sets {
			if c.fixed[i] && held == 0 {
				continue
			}
			usable = true
			most := int64(maxPods)
			for _, need := range c.s.needs {
				most = min(most, f.alloc[i*len(f.res)+int(need.res)]/need.qty)
			}
			room += most
			soft = max(soft, c.s.softTaints(&f.nodes[i]))
		}
		if !usable {
			continue
		}
		here := int64(0)
		for r := range f.res {
			if f.accel[r] {
				accel += max(f.alloc[i*len(f.res)+r], maxDevices)
			}
		}
		for _, g := range f.groups[i] {
			here += int64(len(g.device))
		}
		nodeDevices = max(nodeDevices, here)
	}
	for _, c := range sets {
		var mine int64
		for _, need := range c.s.needs {
			mine += min(need.qty, nodeDevices)
		}
		for range c.s.Devices {
			mine += nodeDevices
		}
		wholes = max(wholes, int64(len(c.s.Devices)+len(c.s.needs)))
		devices, gap = max(devices, mine), max(gap, c.s.mostGap())
	}
	room += held // and what shrinking gives back
	nodes := min(n, int64(len(f.nodes)))
	for i, l := range o.levels {
		scopes := int64(0)
		for _, c := range o.counts {
			if c.level == l {
				scopes++
			}
		}
		put(o.domains[i], nodes*max(1, scopes))
		put(o.free[i], room)
	}
	for _, p := range o.priced {
		put(p.line, n*p.most)
	}
	o.pricing.bounds(put, n, nodes)
	put(o.placed, n)
	put(o.affinity, n*gap)
	put(o.balance, n)
	put(o.nodes, nodes)
	put(o.taints, n*soft)
	put(o.lost, n*devices*devices/2*f.maxScore)
	put(o.broken, nodes*wholes*nodeDevices*nodeDevices/2*f.maxScore)
	o.devices.bounds(f, n, nodes, nodeDevices, put)
	put(o.accel, accel)
	put(o.freeNodes, room)
	put(o.zones, n)
	return b
}
