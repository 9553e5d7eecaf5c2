// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"cmp"
	"context"
	"slices"
)

// hierarchyBudget bounds how often one set is tried in one place while a large
// gang of several sets is placed.
const hierarchyBudget = 20_000

// block is a scope that must share a domain, with what lies in it: the part of a
// gang that hierarchy places as one.
type block struct {
	scope  int
	levels []int // that it must share a domain of
	sets   []int // in no inner block
	inner  []*block
	weight int64
}

// blocks arranges the scopes of an attempt as a tree.
func (u *Usage) blocks(q *query, a *attempt) *block {
	root := &block{}
	for s := range q.sets {
		root.sets = append(root.sets, s)
	}
	scopes := slices.Clone(a.inner)
	// The larger scopes first, so that each finds the block around it.
	slices.SortStableFunc(scopes, func(x, y scopeLevel) int {
		return cmp.Or(cmp.Compare(len(q.scopes[y.scope].sets), len(q.scopes[x.scope].sets)), cmp.Compare(x.scope, y.scope))
	})
	for _, in := range scopes {
		root.insert(q, in)
	}
	root.weigh(u.f, q)
	return root
}

func (b *block) insert(q *query, in scopeLevel) {
	sets := q.scopes[in.scope].sets
	for _, k := range b.inner {
		if k.scope == in.scope {
			k.levels = append(k.levels, in.level)
			return
		}
		if slices.ContainsFunc(sets, func(s int) bool { return slices.Contains(q.scopes[k.scope].sets, s) }) {
			k.insert(q, in)
			return
		}
	}
	b.sets = slices.DeleteFunc(b.sets, func(s int) bool { return slices.Contains(sets, s) })
	b.inner = append(b.inner, &block{scope: in.scope, levels: []int{in.level}, sets: slices.Clone(sets)})
}

// weigh orders what is placed: the most devices and pods first.
func (b *block) weigh(f *Fleet, q *query) {
	heavy := func(s int) int64 { return int64(q.sets[s].count) * (1 + f.weight(q.sets[s].s)) }
	for _, s := range b.sets {
		b.weight += heavy(s)
	}
	for _, k := range b.inner {
		k.weigh(f, q)
		b.weight += k.weight
	}
	slices.SortStableFunc(b.sets, func(x, y int) int { return cmp.Compare(heavy(y), heavy(x)) })
	slices.SortStableFunc(b.inner, func(x, y *block) int { return cmp.Compare(y.weight, x.weight) })
}

// hierarchy places a gang of several sets block by block, each in the domain that
// it leaves the least room in, and steps back where a block finds none.
type hierarchy struct {
	ctx   context.Context
	u     *Usage
	q     *query
	pods  []podPlace
	held  []booking
	spent int
	uses  [][]nodeUse
}

// tryHierarchy places several sets where they are too many to count together.
// What it finds keeps all rules; that nothing better exists is not proven, and
// neither is that there is nothing when it finds nothing.
func (u *Usage) tryHierarchy(ctx context.Context, q *query, a *attempt) (*choice, error) {
	root := u.blocks(q, a)
	var best *choice
	for c := range a.lay.cells {
		if _, short := u.shortOf(q, a.lay, c); short {
			continue
		}
		h := &hierarchy{ctx: ctx, u: u, q: q, uses: make([][]nodeUse, len(q.sets))}
		ok, err := h.block(root, a, c)
		h.undo(0)
		if err != nil {
			return nil, err
		}
		n := make([]int, len(q.sets))
		for s, on := range h.uses {
			for _, use := range on {
				n[s] += use.pods
			}
		}
		if !ok || !q.runs(n) || !u.lawful(q, a, h.uses) {
			continue
		}
		slices.SortStableFunc(h.pods, func(a, b podPlace) int { return cmp.Compare(a.set, b.set) })
		found := &choice{cell: c, uses: h.uses, pods: h.pods, values: u.evaluate(q, a, c, h.uses, u.stage(q, h.pods))}
		if best != nil {
			found.fits, found.others = best.fits, best.others
		}
		found.fits++
		if best == nil || slices.Compare(found.values, best.values) < 0 {
			best = found
		} else {
			best.fits = found.fits
		}
	}
	if best != nil {
		best.notes = append(best.notes, "the sets are too many or too large to count together: they are placed one after another, and the objective is not proven to be the best")
	}
	return best, nil
}

// undo releases what was booked since there were so many pods. The list of pods
// stays for who succeeded.
func (h *hierarchy) undo(to int) {
	for _, b := range h.held[to:] {
		h.u.release(b)
	}
	h.held = h.held[:to]
}

// block places all of a block in a cell of an attempt. Blocks that the gang can
// do without are left out where they do not fit.
func (h *hierarchy) block(b *block, a *attempt, c int) (bool, error) {
	mark := len(h.held)
	fail := func() {
		h.undo(mark)
		h.pods = h.pods[:mark]
		for s := range h.uses {
			if slices.Contains(b.all(), s) {
				h.uses[s] = nil
			}
		}
	}
	for _, k := range b.inner {
		ok, err := h.somewhere(k, a, c)
		if err != nil {
			return false, err
		}
		if !ok && !h.q.dispensable(k.all()) {
			fail()
			return false, nil
		}
	}
	for _, s := range b.sets {
		ok, err := h.set(s, a, c)
		if err != nil {
			return false, err
		}
		if !ok && !h.q.dispensable([]int{s}) {
			fail()
			return false, nil
		}
	}
	return true, nil
}

// all lists the sets of a block.
func (b *block) all() []int {
	out := slices.Clone(b.sets)
	for _, k := range b.inner {
		out = append(out, k.all()...)
	}
	return out
}

// dispensable tells whether the gang may run without some sets.
func (q *query) dispensable(sets []int) bool {
	return !slices.ContainsFunc(sets, func(s int) bool {
		return q.must(s) > 0 || q.sets[s].rules.total > 0 && !q.sets[s].rules.shrink
	})
}

// somewhere places a block in one domain of its levels within a cell: where the
// least room is left for its first set.
func (h *hierarchy) somewhere(b *block, a *attempt, c int) (bool, error) {
	in := &attempt{kept: slices.Concat(a.kept, b.levels), inner: a.inner}
	slices.Sort(in.kept)
	in.kept = slices.Compact(in.kept)
	h.u.arrange(h.q, in)
	type place struct {
		cell int
		room int64
	}
	var places []place
	all := b.all()
	for at, cell := range in.lay.cells {
		if a.lay.cellOf[cell.nodes[0]] != int32(c) {
			continue
		}
		if _, short := h.u.shortSets(h.q, all, in.lay, at); short {
			continue
		}
		var room int64
		for _, s := range all {
			room += in.lay.room(h.u.counts(h.q.sets[s].s), at)
		}
		places = append(places, place{at, room})
	}
	slices.SortFunc(places, func(x, y place) int { return cmp.Or(cmp.Compare(x.room, y.room), cmp.Compare(x.cell, y.cell)) })
	for _, p := range places {
		ok, err := h.block(b, in, p.cell)
		if ok || err != nil || h.spent > hierarchyBudget {
			return ok, err
		}
	}
	return false, nil
}

// set spreads one set over a cell as things stand.
func (h *hierarchy) set(s int, a *attempt, c int) (bool, error) {
	if h.spent++; h.spent > hierarchyBudget {
		return false, h.ctx.Err()
	}
	set := &h.q.sets[s]
	counts := h.u.counts(set.s)
	if set.count > mostPods || !set.rules.shrink && heldInside(a.lay, set.rules, c) < set.rules.total {
		return false, nil
	}
	p, err := h.u.plan(h.ctx, counts, a.lay, h.q.obj, set.rules, set.count)
	if err != nil {
		return false, err
	}
	for n := set.count; n >= max(1, set.least); n-- {
		if p.cost(h.u, c, n, a.kept, nil) == nil {
			continue
		}
		h.uses[s] = p.assign(c, n)
		for _, use := range h.uses[s] {
			if m := use.pods - set.rules.heldOn(use.node); m > 0 {
				for _, place := range h.u.place(set.s, s, use.node, m) {
					h.pods, h.held = append(h.pods, place), append(h.held, h.u.bookingOf(set.s, place))
					h.u.hold(last(h.held))
				}
			}
		}
		return true, nil
	}
	return false, nil
}

// lawful tells whether pods keep to all rules of an attempt, counted anew.
func (u *Usage) lawful(q *query, a *attempt, uses [][]nodeUse) bool {
	for i := range q.sets {
		if !u.keepsRules(&q.sets[i], uses[i]) {
			return false
		}
		if i > 0 && q.sets[i].isSpare() {
			joined := gangSet{rules: &setRules{limits: q.sets[i].rules.limits, balance: -1}}
			if !u.keepsRules(&joined, slices.Concat(uses[i-1], uses[i])) {
				return false
			}
		}
	}
	for _, in := range a.inner {
		domain := int32(-1)
		for _, s := range q.scopes[in.scope].sets {
			for _, use := range uses[s] {
				d := u.f.levels[in.level].of[use.node]
				if d < 0 || domain >= 0 && d != domain {
					return false
				}
				domain = d
			}
		}
	}
	return true
}
