// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"context"
	"fmt"
	"slices"
)

// balanceBudget is how many pairs of bounds for the shares of a balanced set are
// tried.
const balanceBudget = 400

// balance finds the most even split that is as good as free in all lines before
// the balance: with the difference of largest and smallest share growing from
// nothing, it bounds the shares from both sides and asks the tables. The
// difference that the free split has always succeeds.
func (u *Usage) balance(ctx context.Context, q *query, a *attempt, counts *counts, free *split) (*split, error) {
	set, o := &q.sets[0], q.obj
	unit := u.unit(set.rules)
	uses := [][]nodeUse{free.plan.assign(free.choice.cell, free.pods)}
	worst := int(u.unevenness(q, uses))
	free.choice.values[o.balance] = int64(worst)
	least, most := free.pods, free.pods
	if o.placed > o.balance {
		least, most = q.span()
	}
	first, last := u.shares(q, free, most, unit)
	tries := 0
	for d := range worst {
		var best *split
		for lo := last; lo >= max(1, first-d); lo-- {
			if tries++; tries > balanceBudget {
				free.choice.exact = false
				free.choice.notes = append(free.choice.notes, fmt.Sprintf("the search for an even split stopped after %d pairs of bounds", balanceBudget))
				return free, nil
			}
			s, err := u.trySet(ctx, q, a, counts, set.rules.balanced(lo*unit, (lo+d)*unit), least, most)
			if err != nil {
				return nil, err
			}
			if s == nil || slices.Compare(s.choice.values[:o.balance], free.choice.values[:o.balance]) > 0 {
				continue
			}
			s.choice.values[o.balance] = int64(d)
			for i := range s.choice.others {
				s.choice.others[i].values[o.balance] = int64(d)
			}
			if best == nil || slices.Compare(s.choice.values, best.choice.values) < 0 {
				best = s
			}
		}
		if best != nil {
			best.choice.exact = best.choice.exact && free.choice.exact
			return best, nil
		}
	}
	return free, nil
}

// shares bounds the smallest share: where the numbers of domains and
// pods are settled before the balance, it is near their equal part.
func (u *Usage) shares(q *query, free *split, most, unit int) (first, last int) {
	o := q.obj
	pos, all := slices.Index(o.levels, o.balanceLevel), most/unit
	if o.domains[pos] > o.balance || o.placed > o.balance {
		return 0, all
	}
	domains := int(max(1, free.choice.values[o.domains[pos]]))
	return (all + domains - 1) / domains, all / domains
}

// balance is the same for several sets: of those that are balanced, the first
// with more than one pod is split as evenly as possible.
func (j *joint) balance(ctx context.Context, free *jointSplit) (*jointSplit, error) {
	o := j.q.obj
	spread := func(s *jointSplit) int64 { return j.u.unevenness(j.q, j.assign(s.choice.cell, s.pods)) }
	worst := int(spread(free))
	free.choice.values[o.balance] = int64(worst)
	many := func(s gangSet) bool { return s.rules.balance >= 0 && s.count > 1 }
	at := slices.IndexFunc(j.q.sets, many)
	if worst == 0 || at < 0 {
		return free, nil
	}
	alone := !slices.ContainsFunc(j.q.sets[at+1:], many)
	rules, unit, tries := j.rules[at], j.u.unit(j.rules[at]), 0
	defer func() { j.rules[at] = rules }()
	best, bounds := free, rules
	for d := range worst {
		for lo := free.pods[at] / unit; lo >= 1; lo-- {
			if tries++; tries > balanceBudget {
				alone = false
				break
			}
			j.rules[at] = rules.balanced(lo*unit, (lo+d)*unit)
			s, err := j.best(ctx, free.pods)
			if err != nil {
				return nil, err
			}
			if s == nil || slices.Compare(s.choice.values[:o.balance], free.choice.values[:o.balance]) > 0 {
				continue
			}
			s.choice.values[o.balance] = spread(s)
			if slices.Compare(s.choice.values, best.choice.values) < 0 {
				best, bounds = s, j.rules[at]
			}
		}
		if best != free && alone {
			break
		}
	}
	best.choice.exact = best.choice.exact && alone && (o.placed < 0 || o.placed < o.balance)
	// The grids of the best bounds, for who reads them next.
	j.rules[at] = bounds
	_, err := j.best(ctx, best.pods)
	return best, err
}
