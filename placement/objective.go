// SPDX-License-Identifier: Apache-2.0

package placement

import "math/bits"

// The lines of the objective, in their order. Every one is a sum over nodes or
// domains, which is what lets a table over pod counts find the optimum.
const (
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

// objective is the list of lines for one gang: which levels it speaks of.
type objective struct {
	f      *Fleet
	levels []int  // outermost first
	rule   []bool // by position: a rule names it, it is not only an outer level of one
	names  []string
	// Positions in names. domains and free are by position in levels; free is -1
	// where no rule names the level.
	givenUp, nodes, taints, lost, broken, accel, freeNodes, zones int
	domains, free                                                 []int
}

func newObjective(f *Fleet, levels []int, rule []bool) *objective {
	o := &objective{f: f, levels: levels, rule: rule}
	line := func(name string) int {
		o.names = append(o.names, name)
		return len(o.names) - 1
	}
	o.givenUp = line(nameGivenUp)
	for _, l := range levels {
		o.domains = append(o.domains, line(nameDomains+f.levels[l].name))
	}
	o.nodes = line(nameNodes)
	o.taints = line(nameTaints)
	o.lost = line(nameLost)
	o.broken = line(nameBroken)
	for i, l := range levels {
		o.free = append(o.free, -1)
		if rule[i] {
			o.free[i] = line(nameFree + f.levels[l].name)
		}
	}
	o.accel = line(nameAccel)
	o.freeNodes = line(nameFreeNodes)
	o.zones = line(nameZones)
	return o
}

// scores pairs values with the names of the lines.
func (o *objective) scores(values []int64) []Score {
	out := make([]Score, len(values))
	for i, v := range values {
		out[i] = Score{o.names[i], v}
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

// newPacking makes room for the largest sum of each line. No sum reaches 63
// bits: link scores, devices of a node and pods of a table are bounded.
func newPacking(bounds []int64) packing {
	var p packing
	left := 0
	for _, b := range bounds {
		w := bits.Len64(uint64(max(b, 0)))
		if w > left {
			p.words++
			left = 64
		}
		left -= w
		p.word = append(p.word, uint8(max(p.words-1, 0)))
		p.shift = append(p.shift, uint8(left))
		p.width = append(p.width, uint8(w))
	}
	p.words = max(p.words, 1)
	return p
}

func (p *packing) add(v []uint64, line int, x int64) { v[p.word[line]] += uint64(x) << p.shift[line] }

func (p *packing) unpack(v []uint64) []int64 {
	out := make([]int64, len(p.word))
	for i := range out {
		out[i] = int64(v[p.word[i]] >> p.shift[i] & (1<<p.width[i] - 1))
	}
	return out
}

// bounds returns the largest value that each line can take for n pods.
func (o *objective) bounds(c *counts, n int64) []int64 {
	f := o.f
	b := make([]int64, len(o.names))
	var room, accel, soft, devices, nodeDevices int64
	for i := range f.nodes {
		if c.fixed[i] {
			continue
		}
		most := int64(maxPods)
		for _, need := range c.s.needs {
			most = min(most, f.alloc[i*len(f.res)+int(need.res)]/need.qty)
		}
		room += most
		soft = max(soft, c.s.softTaints(&f.nodes[i]))
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
	for _, need := range c.s.needs {
		devices += min(need.qty, nodeDevices)
	}
	nodes := min(n, int64(len(f.nodes)))
	for i := range o.levels {
		b[o.domains[i]] = nodes
		if o.free[i] >= 0 {
			b[o.free[i]] = room
		}
	}
	b[o.nodes], b[o.taints] = nodes, n*soft
	b[o.lost] = n * devices * devices / 2 * f.maxScore
	b[o.broken] = nodes * nodeDevices * nodeDevices / 2 * f.maxScore
	b[o.accel], b[o.freeNodes] = accel, room
	b[o.zones] = n
	return b
}
