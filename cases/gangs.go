// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"context"
	"fmt"
	"slices"

	"tarsia.dev/tarsia/placement"
)

// gangs answers requests for like pods under levels: all of a case together, or
// one after the other where they come in sequence.
func (c *Case) gangs(ctx context.Context) (Answer, error) {
	w, err := c.newWorld(ctx, participation{ready: true, levels: true}, func(out *placement.Node, n node) error {
		c.markUnhealthy(out, n)
		return addPool(out, n)
	})
	if err != nil {
		return Answer{}, err
	}
	if c.Options.CustomFilter {
		return Answer{}, unsupported("the source puts a filter of its own between, and the case does not say what it refuses")
	}
	if err := w.keepRoom(); err != nil {
		return Answer{}, err
	}
	batches := [][]request{c.Requests}
	if c.Kind == "gang-sequence" {
		batches = unitsOf(c.Requests)
	}
	var a Answer
	for i, batch := range batches {
		results, err := w.gang(ctx, fmt.Sprintf("gang%d", i), batch)
		if err != nil {
			for _, r := range batch {
				results = append(results, refusal(r.Name, err))
			}
		}
		a.Results = append(a.Results, results...)
	}
	return a, nil
}

// unitsOf gathers requests that are placed as one: those of a group, or one
// alone, in the order of the first of each.
func unitsOf(requests []request) [][]request {
	var units [][]request
	for _, r := range requests {
		at := -1
		if r.Group != "" {
			at = slices.IndexFunc(units, func(u []request) bool { return u[0].Group == r.Group })
		}
		if at < 0 {
			units = append(units, []request{r})
		} else {
			units[at] = append(units[at], r)
		}
	}
	return units
}

// gang places requests that run together or not at all, and books them.
func (w *world) gang(ctx context.Context, name string, requests []request) ([]Result, error) {
	g := placement.Gang{Name: name, Objective: w.objective()}
	for _, unit := range unitsOf(requests) {
		if err := w.addUnit(&g, unit); err != nil {
			return nil, err
		}
	}
	for _, r := range requests {
		g.Priority = max(g.Priority, r.priority())
	}
	g.Preempt = w.c.preempts()
	held, err := w.hold(ctx, &g, requests)
	if err != nil {
		return nil, err
	}
	d, remark, err := w.ask(ctx, g, held)
	if err != nil {
		return nil, err
	}
	var out []Result
	for _, r := range requests {
		res := outcomeOf(r.Name, d)
		if d.Outcome == placement.Placed {
			res.Reason = remark
			res.Placements = spots(d, func(a placement.Assignment) bool { return a.PodSet == r.Name }, nil)
			if len(d.Victims) > 0 && w.c.proposes() {
				res.Outcome, res.Placements, res.Reason = Rejected, nil, "fits once the victims are gone"
			}
		}
		out = append(out, res)
	}
	if d.Outcome != placement.Placed || len(d.Victims) > 0 {
		return out, nil
	}
	return out, w.usage.Commit(g, d)
}

// preempts tells whether running pods may give way: a case about preemption, or
// a scheduler that tries it whenever a gang does not fit.
func (c *Case) preempts() bool { return c.Kind == "preemption" || c.proposes() }

// proposes tells whether the scheduler of the case answers a preemption with a
// rejection that names the victims, and places the gang when they are gone.
func (c *Case) proposes() bool { return c.Options.Profile == "koordinator" }

func (r *request) priority() int32 {
	if r.Priority != nil {
		return clamp(*r.Priority)
	}
	var most int64
	for _, p := range r.Pods {
		most = max(most, or(p.Priority, 0))
	}
	return clamp(most)
}

// keepRoom prices what is free by the gangs for which the case wants to keep
// room: of whole nodes in one domain of a level. How many it wants is not read.
func (w *world) keepRoom() error {
	for _, e := range w.c.Expected.Assert {
		if e.Kind != "remaining-gangs" {
			continue
		}
		level, err := w.level(e.Level)
		if err != nil {
			return err
		}
		if e.NodesPerGang < 1 || e.NodesPerGang > maxPods {
			return invalid("room for gangs of %d nodes", e.NodesPerGang)
		}
		w.mix = append(w.mix, placement.Demand{Shape: placement.Shape{Requests: w.perPod(e.PerPod)}, Weight: 1, Pods: e.NodesPerGang, Level: level})
	}
	if len(w.mix) == 0 {
		return nil
	}
	prices, err := placement.NewPrices(w.usage, w.mix, 1)
	if err != nil {
		return err
	}
	return w.usage.SetPrices(prices)
}

// objective is what the scheduler of the case looks at first.
func (w *world) objective() []placement.Family {
	switch w.c.Options.Profile {
	case "least-free":
		return []placement.Family{placement.FamilyPlaced, placement.FamilyVictims, placement.FamilyAffinity, placement.FamilyFree}
	case "balanced":
		return []placement.Family{placement.FamilyPlaced, placement.FamilyVictims, placement.FamilyAffinity, placement.FamilyDomains, placement.FamilyBalance}
	}
	if len(w.mix) > 0 {
		return []placement.Family{placement.FamilyPlaced, placement.FamilyVictims, placement.FamilyAffinity, placement.FamilyOpportunity, placement.FamilyDomains}
	}
	return []placement.Family{placement.FamilyPlaced, placement.FamilyVictims, placement.FamilyAffinity, placement.FamilyDomains}
}

// spots gathers the assignments of a request by node, in the order of the
// decision. name, where given, is the name of a pod.
func spots(d placement.Decision, of func(placement.Assignment) bool, name func(placement.Assignment) string) []Spot {
	var out []Spot
	for _, a := range d.Assignments {
		if a.Spare || !of(a) {
			continue
		}
		at := slices.IndexFunc(out, func(s Spot) bool { return s.Node == a.Node })
		if at < 0 {
			at = len(out)
			out = append(out, Spot{Node: a.Node})
		}
		out[at].Pods++
		if name != nil {
			out[at].PodNames = append(out[at].PodNames, name(a))
		}
	}
	return out
}
