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

// addUnit adds requests that are placed as one.
func (w *world) addUnit(g *placement.Gang, unit []request) error {
	rules, balance, err := w.rules(unit)
	if err != nil {
		return err
	}
	grouped := unit[0].Group != ""
	var names []string
	for i := range unit {
		set, err := w.podSet(&unit[i])
		if err != nil {
			return err
		}
		set.Balance = balance
		if !grouped {
			set.Rules = rules
		}
		g.PodSets = append(g.PodSets, set)
		names = append(names, set.Name)
	}
	if grouped {
		g.Groups = append(g.Groups, placement.Group{Name: "group " + unit[0].Group, Rules: rules, PodSets: names})
	}
	return nil
}

// rules are the levels that a unit asks for. A preferred level asks for nothing
// that the fewest domains of every level, outermost first, do not give. Balance
// is the level over which the pods are split evenly.
func (w *world) rules(unit []request) (rules []placement.LevelRule, balance string, err error) {
	require := func(name string) error {
		l, err := w.level(name)
		if err == nil && !slices.ContainsFunc(rules, func(r placement.LevelRule) bool { return r.Level == l }) {
			rules = append(rules, placement.LevelRule{Level: l, Mode: placement.Required})
		}
		return err
	}
	last := len(w.levels) - 1
	for _, r := range unit {
		t := or(r.Topology, topology{})
		switch t.Mode {
		case "required":
			err = require(t.Level)
		case "preferred", "balanced":
			_, err = w.level(t.Level)
		case "", "unconstrained", "implied", "slices-only", "none":
		default:
			err = unsupported("topology mode %q is not known", t.Mode)
		}
		if err != nil {
			return nil, "", err
		}
		if balanced := slices.Contains([]string{"required", "preferred", "balanced"}, t.Mode); balanced && balance == "" && w.c.Options.Profile == "balanced" {
			last = slices.Index(w.levels, t.Level)
			balance, _ = w.level(t.Level)
		}
		if r.TopologySpec == nil {
			continue
		}
		for _, g := range r.TopologySpec.GatherStrategy {
			level := g.Layer
			if to, has := r.LayerToLevel[g.Layer]; has {
				level = to
			}
			switch g.Strategy {
			case "MustGather":
				err = require(level)
			case "PreferGather":
				_, err = w.level(level)
			default:
				err = unsupported("gather strategy %q is not known", g.Strategy)
			}
			if err != nil {
				return nil, "", err
			}
		}
	}
	if w.c.Options.Profile == "least-free" {
		return rules, balance, nil
	}
	for _, c := range w.counted(last) {
		if !slices.ContainsFunc(rules, func(r placement.LevelRule) bool { return r.Level == c.Level }) {
			rules = append(rules, c)
		}
	}
	return rules, balance, nil
}

// podSet is a request by itself: shape, slices and limits.
func (w *world) podSet(r *request) (placement.PodSet, error) {
	count := or(r.Count, 1)
	if count < 0 || count > maxPods {
		return placement.PodSet{}, invalid("request %q asks for %d pods: want 0 to %d", r.Name, count, maxPods)
	}
	shape, err := w.shape(r)
	if err != nil {
		return placement.PodSet{}, err
	}
	for _, q := range r.Claims {
		shape.Claims = append(shape.Claims, q.claim())
	}
	set := placement.PodSet{Name: r.Name, Count: count, Shape: shape}
	if err := w.addSlices(&set, r); err != nil {
		return set, err
	}
	if r.AntiAffinity != "" {
		l, err := w.level(r.AntiAffinity)
		if err != nil {
			return set, err
		}
		set.Limits = append(set.Limits, placement.Limit{Level: l, Pods: 1})
	}
	if most := w.c.Options.MaxPerDomain; most != nil {
		if len(w.c.Requests) > 1 {
			return set, unsupported("a limit of pods per domain over several requests together")
		}
		l, err := w.level(most.Level)
		if err != nil {
			return set, err
		}
		set.Limits = append(set.Limits, placement.Limit{Level: l, Pods: most.Pods})
	}
	return set, nil
}

// addSlices adds the slices of a request. A level without a size is no slice for
// a member of a group, and a mistake elsewhere.
func (w *world) addSlices(set *placement.PodSet, r *request) error {
	t := or(r.Topology, topology{})
	top := slices.Index(w.levels, t.Level)
	for _, s := range r.Slices {
		if s.SizeMissing || s.Size == 0 {
			if r.Group != "" {
				continue
			}
			return invalid("request %q has slices of level %q without a size", r.Name, s.Level)
		}
		l, err := w.level(s.Level)
		if err != nil {
			return err
		}
		if (t.Mode == "required" || t.Mode == "preferred") && slices.Index(w.levels, s.Level) < top {
			return invalid("request %q has slices at level %q, which is outside its level %q", r.Name, s.Level, t.Level)
		}
		if s.Size < 0 {
			return invalid("request %q has slices of %d pods", r.Name, s.Size)
		}
		set.Slices = append(set.Slices, placement.Slice{Level: l, Size: s.Size})
	}
	return nil
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
