// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"cmp"
	"context"
	"errors"
	"slices"
)

// tryJoint places several sets by counting them together. It returns
// errTooLarge where that would take too long.
func (u *Usage) tryJoint(ctx context.Context, q *query, a *attempt) (*choice, error) {
	j := u.newJoint(q, a)
	if j == nil {
		return nil, errTooLarge
	}
	best, err := j.best(ctx, nil)
	if err != nil || best == nil {
		return nil, err
	}
	if q.obj.balance >= 0 {
		if best, err = j.balance(ctx, best); err != nil {
			return nil, err
		}
	}
	c := best.choice
	c.uses = j.assign(c.cell, best.pods)
	if c.pods, err = u.placeAll(ctx, q, c.uses); err != nil {
		return nil, err
	}
	if j.rough {
		c.exact = false
		c.notes = append(c.notes, "pod sets share nodes with devices: they fit, but the device sets are not proven to be the best")
	}
	u.qualify(q, a, c)
	return c, nil
}

// jointSplit is the best numbers of pods and where.
type jointSplit struct {
	pods   []int
	choice *choice
}

// best finds the best cell and numbers of pods; want is the numbers, where they
// are settled.
func (j *joint) best(ctx context.Context, want []int) (*jointSplit, error) {
	if err := j.build(ctx); err != nil {
		return nil, err
	}
	type candidate struct {
		cell int
		pods []int
		cost []uint64
	}
	var fits []candidate
	for c := range j.a.lay.cells {
		if !j.holdsAll(c) {
			continue
		}
		best := candidate{cell: c}
		n := make([]int, len(j.c))
		for {
			if want != nil && slices.Equal(n, want) || want == nil && j.q.runs(n) {
				if cost := j.cost(c, n); cost != nil {
					j.pack.add(cost, j.q.obj.placed, int64(j.q.wanted()-sumOf(n)))
					if best.cost == nil || slices.Compare(cost, best.cost) < 0 {
						best.pods, best.cost = slices.Clone(n), cost
					}
				}
			}
			if !next(n, j.g.all[j.at[j.a.lay.cells[c].root]].ext) {
				break
			}
		}
		if best.cost != nil {
			fits = append(fits, best)
		}
	}
	if len(fits) == 0 {
		return nil, nil
	}
	slices.SortFunc(fits, func(a, b candidate) int { return cmp.Or(slices.Compare(a.cost, b.cost), cmp.Compare(a.cell, b.cell)) })
	c := &choice{cell: fits[0].cell, values: j.pack.unpack(fits[0].cost), fits: len(fits), exact: true}
	for _, f := range fits[1:min(len(fits), 1+maxOthers)] {
		c.others = append(c.others, other{f.cell, j.pack.unpack(f.cost)})
	}
	return &jointSplit{fits[0].pods, c}, nil
}

// holdsAll tells whether the held pods that stay lie in a cell.
func (j *joint) holdsAll(cell int) bool {
	for _, r := range j.rules {
		if !r.shrink && heldInside(j.a.lay, r, cell) < r.total {
			return false
		}
	}
	return true
}

func sumOf(n []int) int {
	sum := 0
	for _, m := range n {
		sum += m
	}
	return sum
}

// runs tells whether numbers of pods of each set are enough.
func (q *query) runs(n []int) bool {
	running := 0
	for s, m := range n {
		switch set := &q.sets[s]; {
		case !set.isSpare():
			running += m - min(m, set.spares)
		case n[s-1] == 0 && m > 0, n[s-1] > 0 && m < set.count:
			return false // a set that runs has all of its spares
		}
	}
	if running < max(1, q.minPods) {
		return false
	}
	grouped := map[int]bool{}
	ok := 0
	for i := range q.groups {
		if !q.groups[i].top {
			continue
		}
		for _, s := range q.groups[i].sets {
			grouped[s] = true
		}
		switch whole := q.groupRuns(i, n); {
		case whole:
			ok++
		case !q.absent(i, n) || !q.groups[i].optional && q.allGroups:
			return false
		}
	}
	if !q.allGroups && ok < q.minGroups {
		return false
	}
	for s := range q.sets {
		if !grouped[s] && !q.sets[s].isSpare() && n[s] < q.sets[s].least {
			return false
		}
	}
	return true
}

// groupRuns tells whether a group has what it needs.
func (q *query) groupRuns(i int, n []int) bool {
	g := &q.groups[i]
	inner := map[int]bool{}
	ok := 0
	for _, k := range g.inner {
		for _, s := range q.groups[k].sets {
			inner[s] = true
		}
		switch whole := q.groupRuns(k, n); {
		case whole:
			ok++
		case !q.absent(k, n) || !q.groups[k].optional && g.allGroups:
			return false
		}
	}
	if !g.allGroups && ok < g.minGroups {
		return false
	}
	pods := 0
	for _, s := range g.sets {
		if !inner[s] && !q.sets[s].isSpare() && n[s] < q.sets[s].least {
			return false
		}
		if !q.sets[s].isSpare() {
			pods += n[s] - min(n[s], q.sets[s].spares)
		}
	}
	return pods >= g.minPods
}

// absent tells whether a group has no pods.
func (q *query) absent(i int, n []int) bool {
	return !slices.ContainsFunc(q.groups[i].sets, func(s int) bool { return n[s] > 0 })
}

// placeAll chooses devices and zones for what is not held, node by node.
func (u *Usage) placeAll(ctx context.Context, q *query, uses [][]nodeUse) ([]podPlace, error) {
	fresh := map[int][]int{}
	var nodes []int
	for s, on := range uses {
		for _, use := range on {
			if fresh[use.node] == nil {
				fresh[use.node] = make([]int, len(uses))
				nodes = append(nodes, use.node)
			}
			fresh[use.node][s] = max(0, use.pods-q.sets[s].rules.heldOn(use.node))
		}
	}
	var pods []podPlace
	for _, node := range nodes {
		if sumOf(fresh[node]) == 0 {
			continue
		}
		here, _, err := u.placeTogether(ctx, q, node, fresh[node])
		if err != nil {
			return nil, err
		}
		if here == nil {
			return nil, errors.New("pods that were counted to fit on one node do not")
		}
		pods = append(pods, here...)
	}
	slices.SortStableFunc(pods, func(a, b podPlace) int { return cmp.Compare(a.set, b.set) })
	return pods, nil
}

// tryAll places several sets: counted together where that is possible; else one
// after another.
func (u *Usage) tryAll(ctx context.Context, q *query, a *attempt) (*choice, bool, error) {
	// Pods that compete for devices of several nodes are not counted node by node.
	if !u.entangled(q) {
		c, err := u.tryJoint(ctx, q, a)
		if !errors.Is(err, errTooLarge) {
			return c, false, err
		}
	}
	if len(a.inner) > 0 || q.elastic() || slices.ContainsFunc(q.sets, func(s gangSet) bool { return !s.rules.plain() || s.rules.balance >= 0 }) {
		c, err := u.tryHierarchy(ctx, q, a)
		return c, c == nil && err == nil, err
	}
	return u.trySets(ctx, q, a)
}
