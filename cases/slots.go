// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"context"

	"tarsia.dev/tarsia/placement"
)

// slots answers how many of some pods fit, where nodes say how many they take
// and domains take multiples.
func (c *Case) slots(ctx context.Context) (Answer, error) {
	w, err := c.newWorld(ctx, participation{ready: true, levels: true}, func(out *placement.Node, n node) error {
		if n.OfferSlots != nil && *n.OfferSlots < 0 {
			return invalid("node %q offers %d slots", n.Name, *n.OfferSlots)
		}
		out.Allocatable[placement.Pods] = or(n.OfferSlots, 0)
		return nil
	})
	if err != nil {
		return Answer{}, err
	}
	var a Answer
	for i := range c.Requests {
		res, err := w.distribute(ctx, &c.Requests[i])
		if err != nil {
			res = refusal(c.Requests[i].Name, err)
		}
		a.Results = append(a.Results, res)
	}
	return a, nil
}

func (w *world) distribute(ctx context.Context, r *request) (Result, error) {
	set, err := w.podSet(r)
	if err != nil {
		return Result{}, err
	}
	set.Min = 1 // as many as fit
	for layer := range sorted(r.PodCountMultiple) {
		if _, err := w.level(layer); err != nil {
			return Result{}, err
		}
	}
	for _, layer := range w.levels {
		if size := r.PodCountMultiple[layer]; size > 1 {
			l, _ := w.level(layer)
			set.Slices = append(set.Slices, placement.Slice{Level: l, Size: size})
		}
	}
	g := placement.Gang{
		Name: r.Name, Rules: w.counted(len(w.levels) - 1), PodSets: []placement.PodSet{set},
		Objective: []placement.Family{placement.FamilyPlaced, placement.FamilyDomains},
	}
	d, err := placement.Place(ctx, w.usage, g)
	if err != nil {
		return Result{}, err
	}
	res := outcomeOf(r.Name, d)
	switch d.Outcome {
	case placement.Refused:
		// To give out nothing is a distribution too.
		res.Outcome, res.Proved = Placed, false
	case placement.Placed:
		res.Placements = spots(d, func(placement.Assignment) bool { return true }, nil)
		err = w.usage.Commit(g, d)
	}
	return res, err
}
