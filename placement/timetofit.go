// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"cmp"
	"context"
	"slices"
	"sort"
)

// maxWaits is up to how many ending pods it is found out which of them the gang
// waits for; beyond, all that end on its nodes are named.
const maxWaits = 200

// ending is a running pod whose end is known.
type ending struct {
	name string
	b    booking
}

// waitFor completes a refusal by the earliest time at which the gang fits if
// nothing new arrives. Pods of unknown end run on for ever.
func (u *Usage) waitFor(ctx context.Context, q *query, d *Decision) error {
	all := u.endings()
	if len(all) == 0 {
		return nil
	}
	last, err := u.afterEnds(ctx, q, all)
	if err != nil || last.Outcome != Placed {
		return err
	}
	// Ends never take room away, so that the first that makes the gang fit is
	// found by halving.
	var ends []int // how many have ended at each time
	for i := range all {
		if i+1 == len(all) || *all[i+1].b.end != *all[i].b.end {
			ends = append(ends, i+1)
		}
	}
	first := sort.Search(len(ends)-1, func(i int) bool {
		if err != nil {
			return false
		}
		var e Decision
		e, err = u.afterEnds(ctx, q, all[:ends[i]])
		if e.Outcome == Placed {
			last = e
		}
		return e.Outcome == Placed
	})
	if err != nil {
		return err
	}
	over := all[:ends[first]]
	d.FitsAfter = new(max(0, *over[len(over)-1].b.end))
	d.WaitsFor, err = u.neededEnds(ctx, q, over, last)
	return err
}

// endings lists the running pods whose end is known, the earliest first.
func (u *Usage) endings() []ending {
	var all []ending
	for name, b := range u.running {
		if b.end != nil {
			all = append(all, ending{name, b})
		}
	}
	slices.SortFunc(all, func(a, b ending) int {
		return cmp.Or(cmp.Compare(*a.b.end, *b.b.end), compareNatural(a.name, b.name), cmp.Compare(a.name, b.name))
	})
	return all
}

// afterEnds decides as if pods had ended.
func (u *Usage) afterEnds(ctx context.Context, q *query, over []ending) (Decision, error) {
	units := make([]unit, len(over))
	for i, e := range over {
		units[i].held = []booking{e.b}
	}
	return u.decideWithout(ctx, q, units)
}

// neededEnds names the pods that must have ended for the gang to fit: of those
// that are over and lie where it would run, the late ones only if need be.
func (u *Usage) neededEnds(ctx context.Context, q *query, over []ending, d Decision) ([]string, error) {
	uses := map[int]bool{}
	for _, a := range d.Assignments {
		uses[int(u.f.index[a.Node])] = true
	}
	needed := slices.DeleteFunc(slices.Clone(over), func(e ending) bool { return !uses[e.b.node] })
	if len(needed) <= maxWaits {
		for i := len(needed) - 1; i >= 0; i-- {
			fewer := slices.Delete(slices.Clone(needed), i, i+1)
			e, err := u.afterEnds(ctx, q, fewer)
			if err != nil {
				return nil, err
			}
			if e.Outcome == Placed {
				needed = fewer
			}
		}
	}
	names := make([]string, len(needed))
	for i, e := range needed {
		names[i] = e.name
	}
	return names, nil
}
