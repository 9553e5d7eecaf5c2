// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
)

// unit is running pods that are evicted together: those of one gang, or a pod
// that stands alone.
type unit struct {
	name     string // of the gang, or of the pod
	pods     []string
	held     []booking
	priority int32 // the highest of its pods
}

// complete is the second half of a decision. A refused gang gets victims where it
// may have them and they help, otherwise what would have to change; one with
// spares gets what they are good for.
func (u *Usage) complete(ctx context.Context, q *query, d Decision) (Decision, error) {
	if d.Outcome == Refused && q.gang.Preempt {
		better, err := u.preempt(ctx, q)
		if err != nil {
			return d, err
		}
		if better.Outcome == Placed {
			return u.withSurvival(q, better)
		}
		d.Reasons = append(d.Reasons, better.Reasons...)
	}
	if d.Outcome != Refused {
		return u.withSurvival(q, d)
	}
	var err error
	if d.Relax, err = u.relax(ctx, q); err != nil {
		return d, err
	}
	if d.Certificate != nil {
		d.Certificate.Relax = d.Relax
	}
	return d, u.waitFor(ctx, q, &d)
}

// units lists the running pods whose priority is lower than the gang's, whole
// gangs of which every pod is. The gang's own pods are never among them.
func (u *Usage) units(g Gang) []unit {
	by := map[string]*unit{}
	for name, b := range u.running {
		key := "pod " + name
		if b.gang != "" {
			key = "gang " + b.gang
		}
		v := by[key]
		if v == nil {
			v = &unit{name: cmp.Or(b.gang, name), priority: b.priority}
			by[key] = v
		}
		v.pods = append(v.pods, name)
		v.priority = max(v.priority, b.priority)
	}
	delete(by, "gang "+g.Name)
	for _, set := range g.PodSets {
		for _, a := range set.Held {
			delete(by, "pod "+PodName(g.Name, a.PodSet, a.Pod))
		}
	}
	var out []unit
	for _, key := range slices.Sorted(maps.Keys(by)) {
		v := by[key]
		if v.priority >= g.Priority {
			continue
		}
		slices.SortFunc(v.pods, compareNatural)
		for _, name := range v.pods {
			v.held = append(v.held, u.running[name])
		}
		out = append(out, *v)
	}
	slices.SortStableFunc(out, func(a, b unit) int {
		return cmp.Or(cmp.Compare(a.priority, b.priority), cmp.Compare(len(a.pods), len(b.pods)), compareNatural(a.name, b.name))
	})
	return out
}

// without runs f as if units had left. What runs is the same afterwards.
func (u *Usage) without(units []unit, f func() (Decision, error)) (Decision, error) {
	for _, v := range units {
		for _, b := range v.held {
			u.release(b)
		}
	}
	d, err := f()
	for _, v := range units {
		for _, b := range v.held {
			u.hold(b)
		}
	}
	return d, err
}

// decideWithout decides as if units had left.
func (u *Usage) decideWithout(ctx context.Context, q *query, units []unit) (Decision, error) {
	return u.without(units, func() (Decision, error) { return u.decide(ctx, q) })
}

// preempt looks for the fewest and cheapest victims: of the sets of lower
// priority that make room, the one whose highest priority is lowest, then that
// of the fewest gangs, of the fewest pods, of the best objective. The outcome is
// Refused, with a reason, where no set makes room.
func (u *Usage) preempt(ctx context.Context, q *query) (Decision, error) {
	all := u.units(q.gang)
	none := Decision{Outcome: Refused}
	if len(all) == 0 {
		none.Reasons = append(none.Reasons, fmt.Sprintf("nothing can give way: no pod runs below priority %d", q.gang.Priority))
		return none, nil
	}
	// More room never hurts, so that the least priority up to which everything
	// must go is found by halving.
	tops := make([]int, 0, len(all)) // ends of runs of one priority
	for i := range all {
		if i+1 == len(all) || all[i+1].priority != all[i].priority {
			tops = append(tops, i+1)
		}
	}
	d, err := u.decideWithout(ctx, q, all)
	if err != nil {
		return d, err
	}
	if d.Outcome != Placed {
		what := "it would not fit either"
		if d.Outcome == Undecided {
			what = "the search for a place stops at its bound then"
		}
		none.Reasons = append(none.Reasons, fmt.Sprintf("nothing is evicted: if %s of lower priority left, %s", every(podsOf(all), "pod"), what))
		return none, nil
	}
	proven := true
	low, high := 0, len(tops)-1
	for low < high {
		mid := (low + high) / 2
		e, err := u.decideWithout(ctx, q, all[:tops[mid]])
		switch {
		case err != nil:
			return e, err
		case e.Outcome == Placed:
			d, high = e, mid
		default:
			proven = proven && e.Outcome == Refused
			low = mid + 1
		}
	}
	p := preemption{ctx: ctx, u: u, q: q, units: all[:tops[high]], proven: proven}
	return p.run(d)
}

// every is "all 8 pods", "the only pod".
func every(n int, word string) string {
	if n == 1 {
		return "the only " + word
	}
	return "all " + counted(n, word)
}

func podsOf(units []unit) int {
	sum := 0
	for _, v := range units {
		sum += len(v.pods)
	}
	return sum
}

// evict completes a decision that was made as if victims had left.
func (p *preemption) evict(d Decision, victims []unit) Decision {
	slices.SortFunc(victims, func(a, b unit) int { return compareNatural(a.name, b.name) })
	p.proven = p.proven && !p.u.roughly(p.q)
	highest := victims[0].priority
	var names []string
	for _, v := range victims {
		highest = max(highest, v.priority)
		names = append(names, v.name)
		d.Victims = append(d.Victims, v.pods...)
	}
	d.Objective = slices.Concat([]Score{
		{nameVictimPriority, FamilyVictims, int64(highest)}, {nameVictimGangs, FamilyVictims, int64(len(victims))}, {nameVictimPods, FamilyVictims, int64(len(d.Victims))},
	}, d.Objective)
	line := fmt.Sprintf("%s of priority %d or less must go first: %s", plural(int64(len(d.Victims)), "pod"), highest, shortList(names))
	if p.proven {
		line += "; no set of lower priority, fewer gangs or fewer pods makes room"
	} else {
		line += "; all of them are needed, but a smaller set was not ruled out"
	}
	d.Optimal = d.Optimal && p.proven && p.compared
	d.Reasons = slices.Concat([]string{line}, d.Reasons)
	if !p.compared {
		d.Reasons = append(d.Reasons, "other victims, as many and as low, may leave a better place")
	}
	return d
}

// Lines of FamilyVictims, in a decision that has victims.
const (
	nameVictimPriority = "highest priority of a victim"
	nameVictimGangs    = "gangs evicted"
	nameVictimPods     = "pods evicted"
)

// maxNames is how many names a sentence lists.
const maxNames = 5

// shortList names the first few of many.
func shortList(names []string) string {
	var b []byte
	for i, n := range names {
		if i == maxNames {
			return string(fmt.Appendf(b, " and %d more", len(names)-i))
		}
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, n...)
	}
	return string(b)
}
