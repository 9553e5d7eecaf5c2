// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"context"
	"slices"
)

// plan is the tables of one shape and its rules over one layout, kept up to
// date.
type plan struct {
	c     *counts
	lay   *layout
	obj   *objective
	rules *setRules
	pack  packing
	t     tables
	at    []int32 // by vertex: its table
	pods  []int64 // by vertex: pods that fit below it, held ones among them
	seen  int     // position in the log of the usage

	marked []bool // by vertex, during sync
	dirty  []int32
}

// nodeUse is how many pods a node takes.
type nodeUse struct {
	node, pods int
}

// planKey tells plans of one shape apart.
type planKey struct {
	lay   *layout
	obj   string
	rules string
	limit int
	set   int // in query.sets, where prices tell sets apart
}

// plan returns up-to-date tables for up to n pods. The limit is rounded up to a
// power of two so that gangs of like size share tables.
func (u *Usage) plan(ctx context.Context, c *counts, lay *layout, obj *objective, rules *setRules, n int) (*plan, error) {
	limit := 4
	if obj.pricing.p != nil {
		limit = 1 // prices of pods that are not asked for are dear
	}
	for limit < n {
		limit *= 2
	}
	key := planKey{lay: lay, obj: obj.key, rules: rules.key, limit: limit}
	if len(obj.priced) > 0 {
		key.set = rules.set
	}
	p := c.plans[key]
	if p != nil && len(p.t.data) < 8*len(lay.verts)+4096 {
		p.obj, p.rules = obj, rules
		return p, p.sync(u)
	}
	if len(c.plans) >= maxPlans {
		clear(c.plans)
	}
	p = &plan{
		c: c, lay: lay, obj: obj, rules: rules, pack: newPacking(obj.bounds([]*counts{c}, int64(limit), int64(rules.total))),
		at: make([]int32, len(lay.verts)), pods: make([]int64, len(lay.verts)), marked: make([]bool, len(lay.verts)),
	}
	p.t = newTables(p.pack.words, limit)
	c.reference(u)
	if err := p.build(ctx, u); err != nil {
		return nil, err
	}
	c.plans[key] = p
	return p, nil
}

// reference computes the best score of device sets on each empty node.
func (c *counts) reference(u *Usage) {
	if c.best != nil {
		return
	}
	c.best = make([]int64, len(u.f.nodes))
	for node := range c.best {
		if !c.fixed[node] {
			c.best[node] = u.f.bestSets(c.s, node)
		}
	}
}

// build computes every vertex.
func (p *plan) build(ctx context.Context, u *Usage) error {
	for v := range p.lay.verts {
		if v%256 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		p.compute(u, int32(v))
	}
	p.seen = u.now()
	return nil
}

// sync recomputes the paths from the nodes that changed to their roots.
func (p *plan) sync(u *Usage) error {
	changed, ok := u.since(p.seen)
	if !ok {
		return p.build(context.Background(), u)
	}
	dirty := p.dirty[:0]
	for _, node := range changed {
		for v := p.lay.leafOf[node]; v >= 0 && !p.marked[v]; v = p.lay.verts[v].parent {
			dirty, p.marked[v] = append(dirty, v), true
		}
	}
	slices.Sort(dirty)
	for _, v := range dirty {
		p.compute(u, v)
		p.marked[v] = false
	}
	p.dirty = dirty
	p.seen = u.now()
	return nil
}

// compute derives the table of a vertex from its node or its children.
func (p *plan) compute(u *Usage, at int32) {
	v := p.lay.verts[at]
	switch {
	case v.node >= 0:
		p.pods[at] = p.c.pods[v.node] + int64(p.rules.heldOn(int(v.node)))
		p.at[at] = p.t.leaf(p.leaf(u, int(v.node)))
	case v.right >= 0:
		p.pods[at] = p.pods[v.left] + p.pods[v.right]
		p.at[at] = p.t.merge(p.at[v.left], p.at[v.right])
	default:
		level := p.lay.soft[v.soft]
		outside := int(v.domain) >= len(p.obj.f.levels[level].domains)
		p.pods[at] = p.pods[v.left]
		places := u.domainSlots(level, v.domain)
		p.at[at] = p.t.wrap(wrapKey{p.at[v.left], v.soft, outside, p.pods[at], places}, func(cost []uint64, n int) {
			if !p.rules.allows(level, outside, n) {
				forbid(cost)
				return
			}
			p.addGangsLost(cost, level, places)
			p.addDomain(cost, p.position(level), p.pods[at]-int64(n))
		})
	}
}

// position of a level in the objective; -1 when it has no line.
func (p *plan) position(level int) int { return slices.Index(p.obj.levels, level) }

func (p *plan) addDomain(cost []uint64, pos int, free int64) {
	if pos < 0 {
		return
	}
	p.pack.add(cost, p.obj.domains[pos], 1)
	p.pack.add(cost, p.obj.free[pos], free)
}

// leaf is the cost of 0, 1, ... pods on one node. Held pods are among them: they
// stay, or, when the set shrinks, some may go and none comes.
func (p *plan) leaf(u *Usage, node int) []uint64 {
	w, held := p.pack.words, p.rules.heldOn(node)
	least, most := held, held+int(min(p.c.pods[node], int64(p.t.limit)))
	if p.rules.shrink {
		least, most = 0, held
	}
	most = min(most, p.t.limit)
	data := make([]uint64, (most+1)*w)
	if most == 0 {
		return data
	}
	u.rough = false
	costs := u.costs(p.c.s, node, max(0, most-held), p.c.best[node])
	p.c.rough = p.c.rough || u.rough
	lost := u.opportunities(p.c, node, max(0, most-held))
	taints, gap := p.c.s.softTaints(&u.f.nodes[node]), p.c.s.gap(&u.f.nodes[node])
	for m := range most + 1 {
		v := data[m*w : (m+1)*w]
		switch {
		case m < least:
			forbid(v)
		case m > 0:
			p.addNode(u, v, node, m, held, costs[max(0, m-held)])
			p.addOpportunity(v, lost[max(0, m-held)])
			p.pack.add(v, p.obj.taints, taints*int64(m))
			p.pack.add(v, p.obj.affinity, gap*int64(m))
		}
	}
	return data
}

// addNode adds what m pods cost on a node of which held run already.
func (p *plan) addNode(u *Usage, v []uint64, node, m, held int, cost nodeCost) {
	o, n := p.obj, int64(m)
	p.pack.add(v, o.nodes, 1)
	for i := range o.priced {
		p.pack.add(v, o.priced[i].line, o.priced[i].at(p.rules.set, node, n))
	}
	p.pack.add(v, o.lost, cost.lost)
	p.pack.add(v, o.broken, cost.broken)
	o.devices.each(u.f, node, cost.asked, func(line int, x int64) { p.pack.add(v, line, x) })
	p.pack.add(v, o.accel, u.accelLeft(node, p.c.s, n-int64(held)))
	p.pack.add(v, o.freeNodes, p.c.pods[node]-n+int64(held))
	p.pack.add(v, o.zones, cost.zones)
}

// accelLeft is how many accelerators of a node stay free beside m pods.
func (u *Usage) accelLeft(node int, s *shape, m int64) int64 {
	var sum int64
	for r, is := range u.f.accel {
		if !is {
			continue
		}
		free := u.freeOf(node, int32(r))
		for _, n := range s.needs {
			if n.res == int32(r) {
				free -= m * n.qty
			}
		}
		sum += max(0, free)
	}
	return sum
}

// room is how many pods fit in a cell.
func (p *plan) room(c int) int64 { return p.pods[p.lay.cells[c].root] }

// cost is the packed cost of n pods in a cell: the tree below it and the
// domains it stands for. It returns nil where n pods cannot lie there. kept are
// the levels that its whole gang shares a domain of; they are not in the tree.
// The result lies in into, which it overwrites.
func (p *plan) cost(u *Usage, c, n int, kept []int, into []uint64) []uint64 {
	f := u.f
	root := p.lay.cells[c].root
	if n > p.t.most(p.at[root]) || p.t.cost(p.at[root], n)[0] >= impossible {
		return nil
	}
	cost := append(into[:0], p.t.cost(p.at[root], n)...)
	for _, l := range kept {
		if !p.rules.allows(l, false, n) {
			return nil
		}
		d := f.levels[l].of[p.lay.cells[c].nodes[0]]
		if p.obj.pricing.gangs >= 0 && d >= 0 {
			p.addGangsLost(cost, l, u.domainSlots(l, d))
		}
		if pos := p.position(l); pos >= 0 {
			p.addDomain(cost, pos, p.c.level[l][d]+p.heldIn(f, l, d)-int64(n))
		}
	}
	return cost
}

// heldIn is how many held pods lie in a domain.
func (p *plan) heldIn(f *Fleet, level int, d int32) int64 {
	var sum int64
	for _, h := range p.rules.held {
		if f.levels[level].of[h.node] == d {
			sum += int64(h.pods)
		}
	}
	return sum
}

// assign spreads n pods over the nodes of a cell as its table found cheapest;
// among equals the earlier half takes the more.
func (p *plan) assign(c, n int) []nodeUse {
	var uses []nodeUse
	var walk func(at int32, n int)
	walk = func(at int32, n int) {
		v := p.lay.verts[at]
		switch {
		case n == 0:
		case v.node >= 0:
			uses = append(uses, nodeUse{int(v.node), n})
		case v.right >= 0:
			left := p.t.split(p.at[at], p.at[v.left], p.at[v.right], n)
			walk(v.left, left)
			walk(v.right, n-left)
		default:
			walk(v.left, n)
		}
	}
	walk(p.lay.cells[c].root, n)
	return uses
}
