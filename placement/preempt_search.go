// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"context"
	"slices"
)

// victimBudget bounds how many sets of victims are tried whole.
const victimBudget = 4000

// preemption is the search for the smallest set of victims among units, which
// make room if all of them leave.
type preemption struct {
	ctx   context.Context
	u     *Usage
	q     *query
	units []unit

	// proven: no set of fewer gangs, of these none of fewer pods, makes room.
	// compared: of the sets that are as small, the objective chose.
	proven, compared bool
}

// run finds the victims. d is the decision when all units leave.
func (p *preemption) run(d Decision) (Decision, error) {
	p.units = p.useful()
	found, err := p.byCurve()
	if err != nil {
		return d, err
	}
	if found != nil {
		// Pods that share devices beyond their nodes do not add up.
		e, err := p.u.decideWithout(p.ctx, p.q, found)
		if err != nil {
			return d, err
		}
		if e.Outcome != Placed {
			found = nil
		}
	}
	exact := found != nil
	if !exact {
		if found, err = p.byLeaving(d); err != nil {
			return d, err
		}
	}
	least := 1
	if exact {
		least = len(found)
	}
	if sets(len(p.units), least, len(found)) <= victimBudget {
		return p.byTrying(least, len(found))
	}
	p.proven = p.proven && exact
	if d, err = p.u.decideWithout(p.ctx, p.q, found); err != nil {
		return d, err
	}
	return p.evict(d, found), nil
}

// useful drops units that make no room: for one pod set, those on nodes that
// hold no more pods of it when all units leave.
func (p *preemption) useful() []unit {
	u := p.u
	gains := make([]bool, len(u.f.nodes))
	for i := range p.q.sets {
		c := u.counts(p.q.sets[i].s)
		before := slices.Clone(c.pods)
		// The error is that of the function, which has none.
		_, _ = u.without(p.units, func() (Decision, error) {
			after := u.counts(p.q.sets[i].s)
			for node := range gains {
				gains[node] = gains[node] || after.pods[node] > before[node] || len(p.q.sets) > 1 && !after.fixed[node]
			}
			return Decision{}, nil
		})
	}
	return slices.DeleteFunc(slices.Clone(p.units), func(v unit) bool {
		return !slices.ContainsFunc(v.held, func(b booking) bool { return gains[b.node] })
	})
}

// byLeaving begins with the place that the gang finds when all leave, and lets
// units stay, the highest and the largest first, while the gang still fits.
func (p *preemption) byLeaving(d Decision) ([]unit, error) {
	uses := map[int]bool{}
	for _, a := range d.Assignments {
		uses[int(p.u.f.index[a.Node])] = true
	}
	leave := slices.DeleteFunc(slices.Clone(p.units), func(v unit) bool {
		return !slices.ContainsFunc(v.held, func(b booking) bool { return uses[b.node] })
	})
	for i := len(leave) - 1; i >= 0; i-- {
		fewer := slices.Delete(slices.Clone(leave), i, i+1)
		e, err := p.u.decideWithout(p.ctx, p.q, fewer)
		if err != nil {
			return nil, err
		}
		if e.Outcome == Placed {
			leave = fewer
		}
	}
	return leave, nil
}

// sets is how many sets of from..to units there are among n, or a large number.
func sets(n, from, to int) int {
	const many = 1 << 30
	sum, c := 0, 1
	for k := 1; k <= to; k++ {
		if c > many/(n-k+1) {
			return many
		}
		c = c * (n - k + 1) / k
		if k >= from {
			sum += c
		}
		if sum > many {
			return many
		}
	}
	return sum
}

// byTrying tries every set of from to at most to units, the smaller first, and
// compares those of the first size that makes room. One of the last size does.
func (p *preemption) byTrying(from, to int) (Decision, error) {
	var best Decision
	var victims []unit
	for k := from; k <= to && victims == nil; k++ {
		err := p.eachSet(k, func(set []unit) error {
			if victims != nil && podsOf(set) > podsOf(victims) {
				return nil
			}
			d, err := p.u.decideWithout(p.ctx, p.q, set)
			if err != nil {
				return err
			}
			switch {
			case d.Outcome == Undecided:
				p.proven = false
			case d.Outcome == Placed && (victims == nil || podsOf(set) < podsOf(victims) || lessScores(d.Objective, best.Objective)):
				best, victims = d, slices.Clone(set)
			}
			return nil
		})
		if err != nil {
			return best, err
		}
	}
	p.compared = true
	return p.evict(best, victims), nil
}

// eachSet calls f for every set of k units, in their order.
func (p *preemption) eachSet(k int, f func([]unit) error) error {
	at := make([]int, k)
	for i := range at {
		at[i] = i
	}
	set := make([]unit, k)
	for {
		for i, x := range at {
			set[i] = p.units[x]
		}
		if err := f(set); err != nil {
			return err
		}
		i := k - 1
		for i >= 0 && at[i] == len(p.units)-k+i {
			i--
		}
		if i < 0 {
			return nil
		}
		at[i]++
		for j := i + 1; j < k; j++ {
			at[j] = at[j-1] + 1
		}
	}
}

func lessScores(a, b []Score) bool {
	return slices.CompareFunc(a, b, func(x, y Score) int { return int(min(1, max(-1, x.Value-y.Value))) }) < 0
}
