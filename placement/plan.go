// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"context"
	"fmt"
	"slices"
)

// plan is the tables of one shape over one layout, kept up to date.
type plan struct {
	c    *counts
	lay  *layout
	obj  *objective
	pack packing
	t    tables
	at   []int32 // by vertex: its table
	pods []int64 // by vertex: pods that fit below it
	seen int     // position in the log of the usage

	marked []bool // by vertex, during sync
	dirty  []int32
}

// nodeUse is how many pods a node takes.
type nodeUse struct {
	node, pods int
}

// plan returns up-to-date tables for up to n pods. The limit is rounded up to a
// power of two so that gangs of like size share tables.
func (u *Usage) plan(ctx context.Context, c *counts, lay *layout, obj *objective, n int) (*plan, error) {
	limit := 4
	for limit < n {
		limit *= 2
	}
	key := fmt.Sprint(lay.hard, lay.soft, obj.levels, obj.rule, limit)
	p := c.plans[key]
	if p != nil && len(p.t.data) < 8*len(lay.verts)+4096 {
		return p, p.sync(u)
	}
	if len(c.plans) >= maxPlans {
		clear(c.plans)
	}
	p = &plan{
		c: c, lay: lay, obj: obj, pack: newPacking(obj.bounds(c, int64(limit))),
		at: make([]int32, len(lay.verts)), pods: make([]int64, len(lay.verts)), marked: make([]bool, len(lay.verts)),
	}
	p.t = newTables(p.pack.words, limit)
	if c.best == nil {
		c.best = make([]int64, len(u.f.nodes))
		for node := range c.best {
			if !c.fixed[node] {
				c.best[node] = u.f.bestSets(c.s, node)
			}
		}
	}
	if err := p.build(ctx, u); err != nil {
		return nil, err
	}
	c.plans[key] = p
	return p, nil
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
		p.pods[at] = p.c.pods[v.node]
		p.at[at] = p.t.leaf(p.leaf(u, int(v.node)))
	case v.right >= 0:
		p.pods[at] = p.pods[v.left] + p.pods[v.right]
		p.at[at] = p.t.merge(p.at[v.left], p.at[v.right])
	default:
		p.pods[at] = p.pods[v.left]
		p.at[at] = p.t.wrap(p.at[v.left], v.soft, p.pods[at], func(cost []uint64, n int) {
			p.addDomain(cost, p.position(p.lay.soft[v.soft]), p.pods[at]-int64(n))
		})
	}
}

// position of a level in the objective.
func (p *plan) position(level int) int { return slices.Index(p.obj.levels, level) }

func (p *plan) addDomain(cost []uint64, pos int, free int64) {
	p.pack.add(cost, p.obj.domains[pos], 1)
	if p.obj.free[pos] >= 0 {
		p.pack.add(cost, p.obj.free[pos], free)
	}
}

// leaf is the cost of 0, 1, ... pods on one node.
func (p *plan) leaf(u *Usage, node int) []uint64 {
	w, o := p.pack.words, p.obj
	most := int(min(p.c.pods[node], int64(p.t.limit)))
	data := make([]uint64, (most+1)*w)
	if most == 0 {
		return data
	}
	costs := u.costs(p.c.s, node, most, p.c.best[node])
	taints := p.c.s.softTaints(&u.f.nodes[node])
	for m := 1; m <= most; m++ {
		v := data[m*w : (m+1)*w]
		p.pack.add(v, o.nodes, 1)
		p.pack.add(v, o.taints, taints*int64(m))
		p.pack.add(v, o.lost, costs[m].lost)
		p.pack.add(v, o.broken, costs[m].broken)
		p.pack.add(v, o.accel, u.accelLeft(node, p.c.s, int64(m)))
		p.pack.add(v, o.freeNodes, p.c.pods[node]-int64(m))
		p.pack.add(v, o.zones, costs[m].zones)
	}
	return data
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

// cost is the packed cost of the whole gang in a cell: the tree below it and
// the domains it stands for. kept are the levels that its whole gang shares a
// domain of; they are not in the tree.
func (p *plan) cost(f *Fleet, c, n int, kept []int) []uint64 {
	root := p.lay.cells[c].root
	cost := slices.Clone(p.t.cost(p.at[root], n))
	for _, l := range kept {
		if pos := p.position(l); pos >= 0 {
			d := f.levels[l].of[p.lay.cells[c].nodes[0]]
			p.addDomain(cost, pos, p.c.level[l][d]-int64(n))
		}
	}
	return cost
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
