// SPDX-License-Identifier: Apache-2.0

package claim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Outcome of a search.
type Outcome string

// Outcomes. Undecided means that the budget ended before there was an answer:
// neither a way nor a proof that there is none.
const (
	Fits      Outcome = "fits"
	Refused   Outcome = "refused"
	Undecided Outcome = "undecided"
)

// DefaultBudget is how many looks at a device one search has unless told.
const DefaultBudget = 200_000

// Options bound a search. The zero value is the default budget and the best
// answer.
type Options struct {
	Budget int // looks at a device; 0 is DefaultBudget
	// AnyWay takes the first way that meets all demands, whatever alternatives it
	// uses.
	AnyWay bool
}

// Answer is what a search found.
type Answer struct {
	Outcome     Outcome
	Allocations []Allocation // by demand, where it fits
	Preference  int          // sum over all of them
	// Optimal says that no way has a smaller sum: the search ended by itself.
	Optimal bool
	Reason  string // why not, in one sentence
	// Counted says that counting alone proves a refusal; otherwise a search that
	// went through everything does.
	Counted bool
	Looks   int // how much of the budget was used
}

// Solve looks for devices for all demands together, with the least sum of
// positions of alternatives. It changes nothing in u but caches. An error means
// a claim that no API server would have taken, or a selector that failed.
func (u *Use) Solve(demands []Demand, o Options) (Answer, error) {
	if o.Budget <= 0 {
		o.Budget = DefaultBudget
	}
	a := Answer{Outcome: Fits, Allocations: make([]Allocation, len(demands)), Optimal: true}
	problems, unmet, err := u.split(demands)
	if err != nil {
		return Answer{}, fmt.Errorf("solve claims: %w", err)
	}
	if unmet != nil {
		return Answer{Outcome: Refused, Reason: u.explain(unmet, &demands[unmet.at]), Counted: true}, nil
	}
	for _, p := range problems {
		if why := p.short(); why != "" {
			if len(p.demands) == 1 {
				why = u.explain(p.demands[0], &demands[p.demands[0].at])
			}
			return Answer{Outcome: Refused, Reason: why, Counted: true, Looks: a.Looks}, nil
		}
	}
	for _, p := range problems {
		s := newSearch(p, o.Budget-a.Looks, o.AnyWay)
		least := s.best(0)
		if !s.out && !o.AnyWay && least < s.price {
			s.retrace(least)
		}
		a.Looks += s.spent
		switch {
		case s.price < impossible:
			a.Optimal = a.Optimal && !s.out && (!o.AnyWay || s.price == p.lower[0])
			a.add(s)
		case s.out:
			return Answer{Outcome: Undecided, Reason: fmt.Sprintf("counting does not rule it out, and the search ended after %d looks at a device", a.Looks), Looks: a.Looks}, nil
		default:
			return Answer{Outcome: Refused, Reason: p.why(demands, s), Looks: a.Looks}, nil
		}
	}
	return a, nil
}

// add takes over what a search found.
func (a *Answer) add(s *search) {
	a.Preference += s.price
	for i, picks := range s.found {
		d := s.p.demands[i]
		out := &a.Allocations[d.at]
		counted := -1
		for _, p := range picks {
			alt := &d.requests[p.request].alts[p.alt]
			if p.request != counted {
				out.Preference += alt.preference
				counted = p.request
			}
			dev := &s.u.inv.devices[p.device]
			r := Result{Request: alt.name, Device: dev.ID()}
			for c, v := range p.amounts {
				if r.Consumed == nil {
					r.Consumed = map[string]int64{}
				}
				r.Consumed[s.u.inv.capsOf(p.device)[c].name] = v
			}
			out.Results = append(out.Results, r)
		}
	}
}

// why says which demand fits not even alone, or that all do, but not together.
func (p *problem) why(demands []Demand, s *search) string {
	for _, d := range p.demands {
		alone, unmet, err := p.u.split([]Demand{demands[d.at]})
		if err != nil || unmet != nil || len(alone) == 0 {
			continue
		}
		if one := newSearch(alone[0], DefaultBudget, true); one.best(0) >= impossible && !one.out {
			return p.u.explain(d, &demands[d.at])
		}
	}
	return fmt.Sprintf("each of %s fits alone; a search through all ways (%d looks) found none for them together", plural(len(p.demands), "claim"), s.spent)
}

// explain says of every request of a demand what it wants and what is there.
func (u *Use) explain(d *demand, in *Demand) string {
	seen := u.inv.seenBy(d.node)
	var parts []string
	for _, r := range in.Claim.Requests {
		for i := range r.Alternatives {
			parts = append(parts, u.explainRequest(&r, i, seen))
		}
	}
	text := fmt.Sprintf("claim %q on node %q: %s", in.Claim.Name, in.Node, strings.Join(parts, "; "))
	for _, k := range in.Claim.Constraints {
		if k.MatchAttribute != "" {
			text += "; one value of " + k.MatchAttribute
		} else {
			text += "; different values of " + k.DistinctAttribute
		}
	}
	return text
}

// explainRequest is "gpu: 2 devices wanted, 8 there, 3 match, 1 free".
func (u *Use) explainRequest(r *Request, i int, seen []int32) string {
	e := &r.Alternatives[i]
	name := r.Name
	if e.Name != "" {
		name += "/" + e.Name
	}
	m, err := u.match(e)
	if err != nil {
		return name + ": " + err.Error()
	}
	var match, free, tainted int
	incomplete := map[string]bool{}
	for _, d := range seen {
		if m.tainted[d] {
			tainted++
		}
		if !m.suits[d] {
			continue
		}
		match++
		if u.available(d, m.amounts[d]) {
			free++
		}
		if pool := u.inv.pools[u.inv.pool[d]]; pool.Incomplete {
			incomplete[pool.Name] = true
		}
	}
	want := plural(max(1, e.Count), "device")
	if e.All {
		want = "all matching devices"
	}
	text := fmt.Sprintf("%s: %s wanted, %d there, %d match, %d free", name, want, len(seen), match, free)
	if tainted > 0 {
		text += fmt.Sprintf(", %d more are tainted", tainted)
	}
	if e.All && len(incomplete) > 0 {
		text += fmt.Sprintf(", pools %v are incomplete", slices.Sorted(maps.Keys(incomplete)))
	}
	return text
}
