// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"tarsia.dev/tarsia/placement"
	"tarsia.dev/tarsia/topology"
)

// Explain names the lines of the policy that decided where a gang runs, or that
// it does not: the class; every line that keeps pods off some nodes, and how many
// nodes meet all of them; and, for a placement, the line of the objective by
// which it is better than the best one on other nodes. u is the use in which d
// was decided; it is not changed.
func (b *Bound) Explain(ctx context.Context, u *placement.Usage, a Applied, d placement.Decision) ([]Line, error) {
	if a.class == nil {
		return []Line{}, nil
	}
	out := slices.Clone(a.Lines)
	meet := b.meetAll(a)
	if meet < len(b.nodes) {
		out = append(out, Line{a.At, KindClass, fmt.Sprintf("%d of %d nodes meet every line", meet, len(b.nodes))})
	}
	if d.Outcome != placement.Placed {
		return out, nil
	}
	line, err := b.separated(ctx, u, a, d)
	if err != nil {
		return nil, fmt.Errorf("explain %q: %w", d.Gang, err)
	}
	return append(out, line), nil
}

// meetAll counts the nodes that no bar and no required level keeps some pod off.
func (b *Bound) meetAll(a Applied) int {
	meet := 0
	for _, n := range b.nodes {
		inside := !slices.ContainsFunc(a.Gang.Rules, func(r placement.LevelRule) bool {
			return r.Mode == placement.Required && r.Level != placement.LevelNode && n.levels[r.Level] == ""
		})
		if inside && slices.ContainsFunc(a.Gang.PodSets, func(s placement.PodSet) bool {
			return !slices.ContainsFunc(s.Shape.Bars, func(x placement.Bar) bool { return x.Nodes.Has(n.Name) })
		}) {
			meet++
		}
	}
	return meet
}

// separated compares a placement with the best one that uses none of its nodes.
func (b *Bound) separated(ctx context.Context, u *placement.Usage, a Applied, d placement.Decision) (Line, error) {
	var used []string
	for _, x := range d.Assignments {
		if !slices.Contains(used, x.Node) {
			used = append(used, x.Node)
		}
	}
	g := a.Gang
	g.PodSets = slices.Clone(g.PodSets)
	bar := placement.Bar{Constraint: "used", Wanted: "other nodes", Found: "a node of the placement", Nodes: placement.NewNodeSet(used)}
	for i := range g.PodSets {
		s := &g.PodSets[i].Shape
		s.Bars = append(slices.Clip(s.Bars), bar)
	}
	other, err := placement.Place(ctx, u, g)
	if err != nil {
		return Line{}, err
	}
	if other.Outcome != placement.Placed {
		return Line{a.At, KindObjective, "no placement on other nodes was found"}, nil
	}
	where := nodesText(other)
	for i, here := range d.Objective {
		if i >= len(other.Objective) || other.Objective[i].Name != here.Name {
			break
		}
		if there := other.Objective[i].Value; there != here.Value {
			return b.decidedBy(a, here, there, where), nil
		}
	}
	return Line{a.At, KindObjective, "the best on other nodes, " + where + ", is as good; names decide"}, nil
}

// decidedBy cites the line that ordered the deciding family.
func (b *Bound) decidedBy(a Applied, here placement.Score, there int64, where string) Line {
	at := a.At
	for _, o := range a.class.objective {
		if o.family == here.Family {
			at = o.at
		}
	}
	text := fmt.Sprintf("%s: %d here, %d on %s, the best on other nodes", here.Name, here.Value, there, where)
	for i := range a.class.costs {
		c := &a.class.costs[i]
		if here.Family == placement.FamilyCost && strings.TrimPrefix(here.Name, "cost: ") == b.lineName(c) {
			at = c.at
			text = fmt.Sprintf("%s: %s here, %s on %s, the best on other nodes", c.name, b.describe(c, here.Value), b.describe(c, there), where)
		}
	}
	return Line{at, KindObjective, text}
}

// nodesText names the nodes of a decision.
func nodesText(d placement.Decision) string {
	var nodes []string
	for _, x := range d.Assignments {
		nodes = append(nodes, x.Node)
	}
	return topology.NameRange(nodes)
}
