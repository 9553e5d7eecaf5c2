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

// mostPods is the same for a set with slices, limits, a balance, held pods or a
// least number: beyond, the answer is undecided.
const mostPods = 16384

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
	if u.roughly(q) {
		d = unproven(d)
	}
	if d, err = u.complete(ctx, q, d); err != nil {
		return Decision{}, fmt.Errorf("place gang %q: %w", g.Name, err)
	}
	return d, nil
}

// choice is a placement of a whole gang, with what it is worth.
type choice struct {
	cell   int
	values []int64     // by line of the objective
	uses   [][]nodeUse // by set: its pods on each node, held ones among them
	pods   []podPlace  // those that are new
	others []other     // cells that hold the gang too, best first
	fits   int         // how many cells hold the gang
	exact  bool
	notes  []string
}

// other is a cell that was not chosen.
type other struct {
	cell   int
	values []int64
}

// decide walks through the attempts, those that give up least first, and takes
// the best by the objective. A search that stopped on the way leaves the answer
// unproven.
func (u *Usage) decide(ctx context.Context, q *query) (Decision, error) {
	if err := ctx.Err(); err != nil {
		return Decision{}, err
	}
	d := Decision{Gang: q.gang.Name, Outcome: Refused, Objective: []Score{}, Assignments: []Assignment{}, Reasons: []string{}, Refusals: []Refusal{}}
	if len(q.strangeRequired) > 0 {
		return u.refuseStrange(q, d), nil
	}
	attempts, all := u.attempts(q)
	best, kept, last, err := u.best(ctx, q, attempts, all)
	if err != nil {
		return d, err
	}
	if best == nil {
		return u.refused(q, d, &attempts[len(attempts)-1], last), nil
	}
	if settled, err := u.settleClaims(ctx, q, best); err != nil || !settled {
		return u.refused(q, d, &attempts[len(attempts)-1], true), err
	}
	return u.placed(q, d, &attempts[0], kept, best), nil
}

// best is the search of decide: the best choice and its attempt, nil where there
// is none, and whether the last attempt stopped on the way.
func (u *Usage) best(ctx context.Context, q *query, attempts []attempt, all bool) (best *choice, kept *attempt, last bool, err error) {
	var stopped bool
	exact := all
	for i := range attempts {
		a := &attempts[i]
		if best != nil && a.weight > kept.weight && q.obj.settled(best.values) {
			break
		}
		u.arrange(q, a)
		c, gaveUp, err := u.try(ctx, q, a)
		if err != nil {
			return nil, nil, false, err
		}
		stopped, last = stopped || gaveUp, gaveUp
		if c == nil {
			continue
		}
		if !all {
			// What it keeps by chance may be the choice of no attempt.
			a = u.withoutKept(q, a, c)
		} else if u.keepsLost(q, a, c) {
			// Another attempt has this placement, with less given up. It is no worse
			// there in any line, unless what stays free counts first: that line
			// looks at the cell.
			exact = exact && q.obj.givenUp < q.obj.accel
			continue
		}
		c.values[q.obj.givenUp] = a.weight + q.strangeWeight
		exact = exact && c.exact
		if best == nil || slices.Compare(c.values, best.values) < 0 {
			best, kept = c, a
		}
	}
	if best != nil {
		best.exact = exact && !stopped
	}
	return best, kept, last, nil
}

// keepsLost tells whether a placement keeps to a level that its attempt gives up.
func (u *Usage) keepsLost(q *query, a *attempt, c *choice) bool {
	return slices.ContainsFunc(a.lost, func(w wish) bool { return u.keeps(q, w, c) })
}

// withoutKept is an attempt that gives up no wish to which a placement keeps.
func (u *Usage) withoutKept(q *query, a *attempt, c *choice) *attempt {
	out := *a
	out.lost, out.dropped, out.weight = nil, nil, 0
	for _, w := range a.lost {
		if u.keeps(q, w, c) {
			continue
		}
		out.lost, out.weight = append(out.lost, w), out.weight+w.weight
		if w.scope == 0 {
			out.dropped = append(out.dropped, w.level)
		}
	}
	return &out
}

// keeps tells whether the pods of a wish share a domain of its level.
func (u *Usage) keeps(q *query, w wish, c *choice) bool {
	domain, same := int32(-1), true
	for _, set := range q.scopes[w.scope].sets {
		for _, use := range c.uses[set] {
			d := u.f.levels[w.level].of[use.node]
			same = same && d >= 0 && (domain < 0 || d == domain)
			domain = d
		}
	}
	return same
}

// settled tells whether giving up more cannot be better: no line before it is
// above 0.
func (o *objective) settled(values []int64) bool {
	return !slices.ContainsFunc(values[:o.givenUp], func(v int64) bool { return v > 0 })
}

// try looks for the best placement that keeps the levels of an attempt. It
// returns nil when there is none, and true when a search stopped before it knew.
func (u *Usage) try(ctx context.Context, q *query, a *attempt) (*choice, bool, error) {
	if len(q.sets) > 1 || u.entangled(q) {
		return u.tryAll(ctx, q, a)
	}
	set := &q.sets[0]
	counts := u.counts(set.s)
	least, most := q.span()
	if !slices.ContainsFunc(a.lay.rooms(counts, set.rules), func(room int64) bool { return room >= int64(least) }) {
		return nil, false, nil
	}
	if most > exactPods && set.rules.plain() && set.rules.balance < 0 && least == most {
		c, err := u.tryFill(ctx, q, a)
		return c, false, err
	}
	if most > mostPods {
		return nil, true, nil
	}
	best, err := u.trySet(ctx, q, a, counts, set.rules, least, most)
	if err == nil && best != nil && set.rules.balance >= 0 {
		best, err = u.balance(ctx, q, a, counts, best)
	}
	// Where levels cross, the tree holds a domain in several parts, and rules on it
	// were applied to each part alone.
	parts := !a.lay.nested && !set.rules.plain()
	if best == nil || err != nil {
		return nil, parts && err == nil, err
	}
	c := best.choice
	c.uses = [][]nodeUse{best.plan.assign(c.cell, best.pods)}
	if parts && !u.keepsRules(set, c.uses[0]) {
		return nil, true, nil
	}
	c.pods = u.placeNew(q, c.uses)
	u.qualify(q, a, c)
	return c, false, nil
}

// keepsRules tells whether a split keeps to slices and limits, counted from its
// pods.
func (u *Usage) keepsRules(set *gangSet, uses []nodeUse) bool {
	for _, r := range slices.Concat(set.rules.slices, set.rules.limits) {
		lv, per := &u.f.levels[r.level], map[int32]int{}
		for _, use := range uses {
			per[lv.soft[use.node]] += use.pods
		}
		for d, n := range per {
			if !set.rules.allows(r.level, int(d) >= len(lv.domains), n) {
				return false
			}
		}
	}
	return true
}

// span is the least and the most pods of a gang of one set.
func (q *query) span() (least, most int) {
	set := &q.sets[0]
	least = max(set.least, q.minPods)
	for _, g := range q.groups { // with a single set, a group runs where the gang does
		if len(g.sets) > 0 {
			least = max(least, g.minPods)
		}
	}
	return least, set.count
}

// split is the best of one set in one attempt: how many pods, by which plan.
type split struct {
	plan   *plan
	pods   int
	choice *choice
}

// trySet finds the best cell, and the best number of pods in it, by the tables
// of the rules; nil when no cell holds the least number.
func (u *Usage) trySet(ctx context.Context, q *query, a *attempt, counts *counts, rules *setRules, least, most int) (*split, error) {
	p, err := u.plan(ctx, counts, a.lay, q.obj, rules, most)
	if err != nil {
		return nil, err
	}
	found := podium{cost: make([]uint64, 0, p.pack.words)}
	for c := range a.lay.cells {
		if p.room(c) < int64(least) || !rules.shrink && rules.total > 0 && heldInside(a.lay, rules, c) < rules.total {
			continue
		}
		fits := false
		for n := most; n >= least; n-- {
			cost := p.cost(u, c, n, a.kept, found.cost)
			if cost == nil {
				continue
			}
			p.pack.add(cost, q.obj.placed, int64(most-n))
			found.enter(candidate{c, n, cost})
			fits = true
		}
		if fits {
			found.fits++
		}
	}
	if found.fits == 0 {
		return nil, nil
	}
	best := found.best
	c := &choice{cell: best[0].cell, values: p.pack.unpack(best[0].cost), fits: found.fits, exact: true}
	for _, o := range best[1:] {
		c.others = append(c.others, other{o.cell, p.pack.unpack(o.cost)})
	}
	return &split{p, best[0].pods, c}, nil
}

// heldInside is how many held pods lie in a cell.
func heldInside(lay *layout, rules *setRules, c int) int {
	sum := 0
	for _, h := range rules.held {
		if lay.cellOf[h.node] == int32(c) {
			sum += h.pods
		}
	}
	return sum
}

// placeNew chooses devices and zones for what is not held.
func (u *Usage) placeNew(q *query, uses [][]nodeUse) []podPlace {
	var pods []podPlace
	for set, on := range uses {
		for _, use := range on {
			if m := use.pods - q.sets[set].rules.heldOn(use.node); m > 0 {
				pods = append(pods, u.place(q.sets[set].s, set, use.node, m)...)
			}
		}
	}
	return pods
}

// qualify takes the claim of optimality back where the objective was not
// followed to the end: levels that cross, device sets beyond device.ExactDevices. For
// crossing levels the lines are counted anew.
func (u *Usage) qualify(q *query, a *attempt, c *choice) {
	if !a.lay.nested {
		c.exact = false
		c.notes = append(c.notes, "the levels cross, so the fewest domains of the inner one are not proven")
		c.values = u.evaluate(q, a, c.cell, c.uses, u.stage(q, c.pods))
		c.others = nil
	}
	if u.f.maxScore > 0 && slices.ContainsFunc(c.pods, func(p podPlace) bool { return p.bound != nil }) {
		c.exact = false
		c.notes = append(c.notes, "devices come from the NUMA zones that kubelets would choose, so device sets are good, not proven best")
		c.values = u.evaluate(q, a, c.cell, c.uses, u.stage(q, c.pods))
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

// rooms is how many pods fit in each cell, held ones among them.
func (l *layout) rooms(c *counts, rules *setRules) []int64 {
	rooms := make([]int64, len(l.cells))
	for _, h := range rules.held {
		if at := l.cellOf[h.node]; at >= 0 {
			rooms[at] += int64(h.pods)
		}
	}
	switch {
	case len(l.cells) == 0:
	case len(l.hard) == 0:
		rooms[0] += c.total
	case len(l.hard) == 1:
		for i := range l.cells {
			rooms[i] += c.level[l.hard[0]][l.cells[i].domains[0]]
		}
	default:
		for node, at := range l.cellOf {
			if at >= 0 {
				rooms[at] += c.pods[node]
			}
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
	rooms := a.lay.rooms(counts, set.rules)
	for i, room := range rooms {
		if room < int64(set.count) {
			continue
		}
		c.fits++
		if c.cell < 0 || room < rooms[c.cell] {
			c.cell = i
		}
	}
	c.uses = [][]nodeUse{u.fill(counts, a.lay, c.cell, set.count)}
	c.pods = u.placeNew(q, c.uses)
	c.values = u.evaluate(q, a, c.cell, c.uses, u.stage(q, c.pods))
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
