// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"context"
	"fmt"
	"slices"
)

// maxJointStates bounds the product of the numbers of pods of sets that are
// counted together, maxJointSets how many sets.
const (
	maxJointStates = 20_000
	maxJointSets   = 32
)

// joint is the grids of several sets over one layout.
type joint struct {
	u     *Usage
	q     *query
	a     *attempt
	rules []*setRules
	c     []*counts
	pack  packing
	g     *grids
	depth []int32          // by vertex: how many soft levels are around it
	alone [][]uint64       // by depth: masks of sets of which one side of a merge has all
	rooms [][]int64        // by vertex and set: pods that fit below, held ones among them
	at    []int32          // by vertex: its grid
	kinds map[string]int32 // grids of nodes that are alike
	wraps map[string]int32
	rough bool // a cost of devices on a shared node is not proven
}

// newJoint prepares the computation; nil when it would be too large.
func (u *Usage) newJoint(q *query, a *attempt) *joint {
	if len(q.sets) > maxJointSets {
		return nil
	}
	j := &joint{u: u, q: q, a: a, kinds: map[string]int32{}, wraps: map[string]int32{}}
	limit, states, total, held := []int{}, 1, 0, 0
	for i := range q.sets {
		set := &q.sets[i]
		if states *= set.count + 1; states > maxJointStates {
			return nil
		}
		limit, total, held = append(limit, set.count), total+set.count, held+set.rules.total
		j.rules, j.c = append(j.rules, set.rules), append(j.c, u.counts(set.s))
		last(j.c).reference(u)
	}
	j.pack = newPacking(q.obj.bounds(j.c, int64(total), int64(held)))
	j.g = newGrids(j.pack.words, limit)
	verts := a.lay.verts
	j.depth, j.rooms, j.at = make([]int32, len(verts)), make([][]int64, len(verts)), make([]int32, len(verts))
	for at := len(verts) - 1; at >= 0; at-- {
		v := verts[at]
		if v.parent >= 0 {
			j.depth[at] = j.depth[v.parent]
			if p := verts[v.parent]; p.right < 0 {
				j.depth[at] = p.soft + 1
			}
		}
	}
	for d := range len(a.lay.soft) + 1 {
		var masks []uint64
		for _, in := range a.inner {
			if at := slices.Index(a.lay.soft, in.level); at >= d {
				masks = append(masks, q.maskOf(in.scope))
			}
		}
		j.alone = append(j.alone, masks)
	}
	return j
}

// maskOf is the sets of a scope.
func (q *query) maskOf(scope int) uint64 {
	var m uint64
	for _, s := range q.scopes[scope].sets {
		m |= 1 << s
	}
	return m
}

// build computes every vertex.
func (j *joint) build(ctx context.Context) error {
	for at, v := range j.a.lay.verts {
		if at%64 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		var err error
		switch {
		case v.node >= 0:
			j.rooms[at] = j.room(int(v.node))
			j.at[at], err = j.leaf(ctx, int(v.node), j.rooms[at])
		case v.right >= 0:
			j.rooms[at] = make([]int64, len(j.c))
			for s := range j.c {
				j.rooms[at][s] = j.rooms[v.left][s] + j.rooms[v.right][s]
			}
			j.at[at], err = j.g.merge(j.at[v.left], j.at[v.right], j.alone[j.depth[at]], j.depth[at])
		default:
			j.rooms[at] = j.rooms[v.left]
			j.at[at] = j.wrap(at, v)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// room is how many pods of each set a node holds, held ones among them.
func (j *joint) room(node int) []int64 {
	out := make([]int64, len(j.c))
	for s, c := range j.c {
		out[s] = int64(j.rules[s].heldOn(node)) + c.pods[node]
	}
	return out
}

// most is how many pods of each set may lie on a node: none where a level that
// they share is missing, no new ones of a set that shrinks.
func (j *joint) most(node int, room []int64) []int {
	out := make([]int, len(room))
	for s, r := range room {
		if j.rules[s].shrink {
			r = int64(j.rules[s].heldOn(node))
		}
		out[s] = int(min(r, int64(j.g.limit[s])))
	}
	for _, in := range j.a.inner {
		if j.u.f.levels[in.level].of[node] < 0 {
			for _, s := range j.q.scopes[in.scope].sets {
				out[s] = 0
			}
		}
	}
	return out
}

// wrap adds the cost of a domain and applies the rules of its level.
func (j *joint) wrap(at int, v vertex) int32 {
	o, level := j.q.obj, j.a.lay.soft[v.soft]
	outside := int(v.domain) >= len(j.u.f.levels[level].domains)
	pos := slices.Index(o.levels, level)
	key := fmt.Sprint(j.at[v.left], v.soft, outside)
	if pos >= 0 && o.free[pos] >= 0 {
		key += fmt.Sprint(j.rooms[at])
	}
	for _, r := range j.rules {
		if r.hi > 0 {
			key += fmt.Sprint(" b", r.lo, r.hi)
		}
	}
	if id, ok := j.wraps[key]; ok {
		return id
	}
	from := &j.g.all[j.at[v.left]]
	out := grid{from.ext, slices.Clone(from.data)}
	n := make([]int, len(j.c))
	for i := 0; ; i++ {
		if cost := j.g.at(&out, i); cost[0] < impossible {
			if j.allowed(level, outside, n) {
				j.addDomain(cost, level, n, func(s int) int64 { return j.rooms[at][s] })
			} else {
				forbid(cost)
			}
		}
		if !next(n, out.ext) {
			break
		}
	}
	id := j.g.keep(out)
	j.wraps[key] = id
	return id
}

// allowed tells whether numbers of pods may lie in one domain of a level. The
// spares of a set share its limits.
func (j *joint) allowed(level int, outside bool, n []int) bool {
	for s, r := range j.rules {
		if !r.allows(level, outside, n[s]) {
			return false
		}
		for o := range s {
			if n[s] > 0 && n[o] > 0 && j.q.sets[o].name == j.q.sets[s].name && !(&setRules{limits: r.limits, balance: -1}).allows(level, outside, n[s]+n[o]) {
				return false
			}
		}
	}
	return true
}

// addDomain adds what a domain of a level costs with n pods of each set in it,
// of which room says how many it holds.
func (j *joint) addDomain(cost []uint64, level int, n []int, room func(s int) int64) {
	o, used := j.q.obj, maskOf(n)
	pos := slices.Index(o.levels, level)
	if pos < 0 {
		return
	}
	for _, c := range o.counts {
		if c.level == level && used&j.q.maskOf(c.scope) != 0 {
			j.pack.add(cost, o.domains[pos], 1)
		}
	}
	if o.free[pos] < 0 {
		return
	}
	j.q.eachFree(n, func(s int, pods int64) { j.pack.add(cost, o.free[pos], room(s)-pods) })
}

// eachFree goes through the sets that have pods in one place, with how many. A
// set and its spares, which want the same room, are one.
func (q *query) eachFree(n []int, do func(s int, pods int64)) {
	for s, m := range n {
		spare := s+1 < len(n) && q.sets[s+1].isSpare() && q.sets[s+1].name == q.sets[s].name
		switch {
		case q.sets[s].isSpare() && s > 0 && q.sets[s-1].name == q.sets[s].name:
		case spare && m+n[s+1] > 0:
			do(s, int64(m+n[s+1]))
		case m > 0:
			do(s, int64(m))
		}
	}
}

// cost is the cost of n pods of each set in a cell; nil where they cannot lie
// there.
func (j *joint) cost(cell int, n []int) []uint64 {
	f, c := j.u.f, j.a.lay.cells[cell]
	root := &j.g.all[j.at[c.root]]
	i := root.flat(n)
	if i < 0 || j.g.at(root, i)[0] >= impossible {
		return nil
	}
	cost := slices.Clone(j.g.at(root, i))
	for _, l := range j.a.kept {
		if !j.allowed(l, false, n) {
			return nil
		}
		d := f.levels[l].of[c.nodes[0]]
		j.addDomain(cost, l, n, func(s int) int64 {
			sum := j.c[s].level[l][d]
			for _, h := range j.rules[s].held {
				if f.levels[l].of[h.node] == d {
					sum += int64(h.pods)
				}
			}
			return sum
		})
	}
	return cost
}

// assign spreads n pods of each set over the nodes of a cell.
func (j *joint) assign(cell int, n []int) [][]nodeUse {
	uses := make([][]nodeUse, len(n))
	var walk func(at int32, n []int)
	walk = func(at int32, n []int) {
		v := j.a.lay.verts[at]
		switch {
		case maskOf(n) == 0:
		case v.node >= 0:
			for s, m := range n {
				if m > 0 {
					uses[s] = append(uses[s], nodeUse{int(v.node), m})
				}
			}
		case v.right >= 0:
			left := j.g.split(j.at[at], j.at[v.left], j.at[v.right], n, j.alone[j.depth[at]])
			right := slices.Clone(n)
			for s := range right {
				right[s] -= left[s]
			}
			walk(v.left, left)
			walk(v.right, right)
		default:
			walk(v.left, n)
		}
	}
	walk(j.a.lay.cells[cell].root, n)
	return uses
}
