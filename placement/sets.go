// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"cmp"
	"context"
	"maps"
	"slices"
)

// maxOthers is how many cells that were not chosen a decision speaks of.
const maxOthers = 3

// trySets places a gang of several pod sets. In each cell that counting does
// not rule out the sets are placed one after another, each as well as possible,
// in a few orders; the best cell wins. Where that finds nothing, a bounded
// exhaustive search answers for the cells left.
func (u *Usage) trySets(ctx context.Context, q *query, a *attempt) (*choice, bool, error) {
	var found []other
	pods := map[int][]podPlace{}
	var open []int
	for c := range a.lay.cells {
		if err := ctx.Err(); err != nil {
			return nil, false, err
		}
		if _, short := u.shortOf(q, a.lay, c); short {
			continue
		}
		best, err := u.greedy(ctx, q, a, c)
		if err != nil {
			return nil, false, err
		}
		if best == nil {
			open = append(open, c)
			continue
		}
		found = append(found, other{c, u.evaluate(q, a, c, q.usesOf(best), u.stage(q, best))})
		pods[c] = best
	}
	var stopped bool
	if len(found) == 0 {
		for _, c := range open {
			best, gaveUp, err := u.search(ctx, q, a.lay.cells[c].nodes)
			if err != nil {
				return nil, false, err
			}
			stopped = stopped || gaveUp
			if best != nil {
				found = append(found, other{c, u.evaluate(q, a, c, q.usesOf(best), u.stage(q, best))})
				pods[c] = best
			}
		}
	}
	if len(found) == 0 {
		return nil, stopped, nil
	}
	slices.SortFunc(found, func(a, b other) int { return cmp.Or(slices.Compare(a.values, b.values), cmp.Compare(a.cell, b.cell)) })
	return &choice{
		cell: found[0].cell, values: found[0].values, pods: pods[found[0].cell], uses: q.usesOf(pods[found[0].cell]),
		others: found[1:min(len(found), 1+maxOthers)], fits: len(found),
		notes: []string{"several pod sets are placed one after another: they fit, but the objective is not proven to be the best"},
	}, stopped, nil
}

// usesOf counts the pods of each set on each node.
func (q *query) usesOf(pods []podPlace) [][]nodeUse {
	uses := make([][]nodeUse, len(q.sets))
	for i, set := range q.sets {
		by := map[int]int{}
		for _, h := range set.rules.held {
			by[h.node] += h.pods
		}
		for _, p := range pods {
			if p.set == i {
				by[p.node]++
			}
		}
		for _, node := range slices.Sorted(maps.Keys(by)) {
			uses[i] = append(uses[i], nodeUse{node, by[node]})
		}
	}
	return uses
}

// greedy tries the orders of pod sets in one cell: those that fit least often
// first, as given, and backwards. It returns the best that held every set.
func (u *Usage) greedy(ctx context.Context, q *query, a *attempt, c int) ([]podPlace, error) {
	if u.entangled(q) {
		return nil, nil
	}
	given := make([]int, len(q.sets))
	for i := range given {
		given[i] = i
	}
	hardest := slices.Clone(given)
	rooms := make([]float64, len(q.sets))
	for i, set := range q.sets {
		for _, node := range a.lay.cells[c].nodes {
			rooms[i] += float64(u.counts(set.s).pods[node]) / float64(set.count)
		}
	}
	slices.SortStableFunc(hardest, func(x, y int) int { return cmp.Compare(rooms[x], rooms[y]) })
	backwards := slices.Clone(given)
	slices.Reverse(backwards)
	for i, order := range [][]int{hardest, given, backwards} {
		if i > 0 && slices.Equal(order, hardest) {
			continue
		}
		pods, err := u.inOrder(ctx, q, a, c, order)
		if pods != nil || err != nil {
			return pods, err
		}
	}
	return nil, nil
}

// inOrder places the sets one after another in a cell, nil when one finds no
// room. Nothing stays booked.
func (u *Usage) inOrder(ctx context.Context, q *query, a *attempt, c int, order []int) ([]podPlace, error) {
	var pods []podPlace
	var held []booking
	defer func() {
		for _, b := range held {
			u.release(b)
		}
	}()
	for _, at := range order {
		set := q.sets[at]
		counts := u.counts(set.s)
		uses, err := u.splitSet(ctx, q, a, c, set, counts)
		if uses == nil || err != nil {
			return nil, err
		}
		for _, use := range uses {
			for _, p := range u.place(set.s, at, use.node, use.pods) {
				pods, held = append(pods, p), append(held, u.bookingOf(set.s, p))
				u.hold(last(held))
			}
		}
	}
	return pods, nil
}

// splitSet spreads one set over the nodes of a cell as things stand.
func (u *Usage) splitSet(ctx context.Context, q *query, a *attempt, c int, set gangSet, counts *counts) ([]nodeUse, error) {
	var room int64
	for _, node := range a.lay.cells[c].nodes {
		room += counts.pods[node]
	}
	if room < int64(set.count) {
		return nil, nil
	}
	if set.count > exactPods {
		return u.fill(counts, a.lay, c, set.count), nil
	}
	p, err := u.plan(ctx, counts, a.lay, q.obj, set.rules, set.count)
	if err != nil {
		return nil, err
	}
	return p.assign(c, set.count), nil
}
