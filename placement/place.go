// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"tarsia.dev/tarsia/device"
)

// exactPods is up to how many pods of one set the best split is computed; above,
// nodes are filled by size and the decision does not claim to be optimal.
const exactPods = 2048

// Place decides where a gang runs, or why it cannot. It changes nothing; what
// it computes stays cached in u, which must not be used by another goroutine
// meanwhile. An error means that the gang itself is not valid, or that ctx
// ended; a gang that fits nowhere is a Decision.
func Place(ctx context.Context, u *Usage, g Gang) (Decision, error) {
	q, err := u.newQuery(g)
	if err != nil {
		return Decision{}, err
	}
	d, err := u.decide(ctx, q)
	if err != nil {
		return Decision{}, fmt.Errorf("place gang %q: %w", g.Name, err)
	}
	if d.Outcome == Refused {
		if d, err = u.preemptOrExplain(ctx, q, d); err != nil {
			return Decision{}, fmt.Errorf("place gang %q: %w", g.Name, err)
		}
	}
	return d, nil
}

// choice is a placement of a whole gang, with what it is worth.
type choice struct {
	cell   int
	values []int64 // by line of the objective
	pods   []podPlace
	others []other // cells that hold the gang too, best first
	fits   int     // how many cells hold the gang
	exact  bool
	notes  []string
}

// other is a cell that was not chosen.
type other struct {
	cell   int
	values []int64
}

// decide walks through the attempts. The first that holds the gang says how
// many levels are given up; of the attempts that give up as many, the objective
// chooses. A search that stopped on the way leaves the answer unproven.
func (u *Usage) decide(ctx context.Context, q *query) (Decision, error) {
	if err := ctx.Err(); err != nil {
		return Decision{}, err
	}
	d := Decision{Gang: q.gang.Name, Outcome: Refused, Objective: []Score{}, Assignments: []Assignment{}, Reasons: []string{}, Refusals: []Refusal{}}
	if len(q.strangeRequired) > 0 {
		return u.refuseStrange(q, d), nil
	}
	attempts := u.attempts(q)
	var stopped, last bool
	exact := true
	var best *choice
	var kept *attempt
	for i := range attempts {
		a := &attempts[i]
		if best != nil && len(a.dropped) > len(kept.dropped) {
			break
		}
		u.arrange(q, a)
		c, gaveUp, err := u.try(ctx, q, a)
		if err != nil {
			return d, err
		}
		stopped, last = stopped || gaveUp, gaveUp
		if c == nil {
			continue
		}
		c.values[q.obj.givenUp] = int64(len(a.dropped) + len(q.strangePreferred))
		exact = exact && c.exact
		if best == nil || slices.Compare(c.values, best.values) < 0 {
			best, kept = c, a
		}
	}
	if best == nil {
		return u.refused(q, d, &attempts[len(attempts)-1], last), nil
	}
	best.exact = exact && !stopped
	return u.placed(q, d, &attempts[0], kept, best), nil
}

// try looks for the best placement that keeps the levels of an attempt. It
// returns nil when there is none, and true when a search stopped before it knew.
func (u *Usage) try(ctx context.Context, q *query, a *attempt) (*choice, bool, error) {
	if len(q.sets) > 1 {
		return u.trySets(ctx, q, a)
	}
	set := q.sets[0]
	counts := u.counts(set.s)
	if !slices.ContainsFunc(a.lay.rooms(counts), func(room int64) bool { return room >= int64(set.count) }) {
		return nil, false, nil
	}
	if set.count > exactPods {
		c, err := u.tryFill(ctx, q, a)
		return c, false, err
	}
	p, err := u.plan(ctx, counts, a.lay, q.obj, set.count)
	if err != nil {
		return nil, false, err
	}
	type candidate struct {
		cell int
		cost []uint64
	}
	var fits []candidate
	for c := range a.lay.cells {
		if p.room(c) >= int64(set.count) {
			fits = append(fits, candidate{c, p.cost(u.f, c, set.count, a.kept)})
		}
	}
	slices.SortFunc(fits, func(a, b candidate) int { return cmp.Or(slices.Compare(a.cost, b.cost), cmp.Compare(a.cell, b.cell)) })
	c := &choice{cell: fits[0].cell, values: p.pack.unpack(fits[0].cost), fits: len(fits), exact: true}
	for _, f := range fits[1:min(len(fits), 1+maxOthers)] {
		c.others = append(c.others, other{f.cell, p.pack.unpack(f.cost)})
	}
	for _, use := range p.assign(c.cell, set.count) {
		c.pods = append(c.pods, u.place(set.s, 0, use.node, use.pods)...)
	}
	u.qualify(q, a, c)
	return c, false, nil
}

// qualify takes the claim of optimality back where the objective was not
// followed to the end: levels that cross, device sets beyond device.ExactDevices. For
// crossing levels the lines are counted anew.
func (u *Usage) qualify(q *query, a *attempt, c *choice) {
	if !a.lay.nested {
		c.exact = false
		c.notes = append(c.notes, "the levels cross, so the fewest domains of the inner one are not proven")
		st := u.stage(q, c.pods)
		c.values = u.evaluate(q, a, c.cell, c.pods, st)
		c.others = nil
	}
	if !u.f.greedy {
		return
	}
	for _, node := range a.lay.cells[c.cell].nodes {
		for _, set := range q.sets {
			if u.counts(set.s).pods[node] > 0 && !u.f.exactSets(set.s, int(node)) {
				c.exact = false
				c.notes = append(c.notes, fmt.Sprintf("a node lists more than %d devices of unequal links, so device sets are good, not proven best", device.ExactDevices))
				return
			}
		}
	}
}

// rooms is how many pods fit in each cell.
func (l *layout) rooms(c *counts) []int64 {
	rooms := make([]int64, len(l.cells))
	for node, at := range l.cellOf {
		if at >= 0 {
			rooms[at] += c.pods[node]
		}
	}
	return rooms
}

// tryFill places one large set: in the cell with the least room left, domains
// with the most room first, then nodes with the most room.
func (u *Usage) tryFill(ctx context.Context, q *query, a *attempt) (*choice, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	set, counts := q.sets[0], u.counts(q.sets[0].s)
	c := &choice{cell: -1}
	rooms := a.lay.rooms(counts)
	for i, room := range rooms {
		if room < int64(set.count) {
			continue
		}
		c.fits++
		if c.cell < 0 || room < rooms[c.cell] {
			c.cell = i
		}
	}
	for _, use := range u.fill(counts, a.lay, c.cell, set.count) {
		c.pods = append(c.pods, u.place(set.s, 0, use.node, use.pods)...)
	}
	c.values = u.evaluate(q, a, c.cell, c.pods, u.stage(q, c.pods))
	c.notes = append(c.notes, fmt.Sprintf("a set of more than %d pods is placed by size of domains and nodes, not proven best", exactPods))
	return c, nil
}

// fill takes nodes by the room of their domains, outermost first, then by
// their own, until n pods have a place.
func (u *Usage) fill(counts *counts, lay *layout, c, n int) []nodeUse {
	room := make([]map[int32]int64, len(lay.soft))
	for i, l := range lay.soft {
		room[i] = map[int32]int64{}
		for _, node := range lay.cells[c].nodes {
			room[i][u.f.levels[l].soft[node]] += counts.pods[node]
		}
	}
	nodes := slices.SortedFunc(slices.Values(lay.cells[c].nodes), func(a, b int32) int {
		for i, l := range lay.soft {
			x, y := u.f.levels[l].soft[a], u.f.levels[l].soft[b]
			if o := cmp.Or(cmp.Compare(room[i][y], room[i][x]), cmp.Compare(x, y)); o != 0 {
				return o
			}
		}
		return cmp.Or(cmp.Compare(counts.pods[b], counts.pods[a]), cmp.Compare(a, b))
	})
	var uses []nodeUse
	for _, node := range nodes {
		m := int(min(int64(n), counts.pods[node]))
		if m > 0 {
			uses = append(uses, nodeUse{int(node), m})
		}
		n -= m
	}
	return uses
}
