// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"slices"

	"tarsia.dev/tarsia/placement"
)

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
