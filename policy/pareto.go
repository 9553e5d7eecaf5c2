// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"tarsia.dev/tarsia/placement"
)

// Axis is one thing that alternatives are compared by; less is better.
type Axis string

// Axes. Locality is the domains used by level, outermost first, then nodes.
const (
	AxisLocality    Axis = "locality"
	AxisMoney       Axis = "money"
	AxisWatts       Axis = "watts"
	AxisOpportunity Axis = "opportunity"
)

// Alternative is a placement to which none that was found is better or equal in
// every axis and better in one.
type Alternative struct {
	Nodes  []string    `json:"nodes"` // each once, in the order of the decision
	Values []AxisValue `json:"values"`
	Order  []Axis      `json:"order"` // the order of the axes under which it was found
	// Optimal tells that nothing is better by that order; then no placement at all
	// is better or equal in every axis and better in one.
	Optimal bool `json:"optimal"`
	Chosen  bool `json:"chosen"` // it is the one that the policy chooses
}

// candidate is an alternative with the decision that it comes from.
type candidate struct {
	Alternative
	decision placement.Decision
}

// AxisValue is what an alternative costs along one axis.
type AxisValue struct {
	Axis  Axis    `json:"axis"`
	Value []int64 `json:"value"` // the first difference decides; empty is not known, and worse than any
	Text  string  `json:"text"`
}

// Pareto lists alternatives to a placed decision: the best by each order of the
// axes, less those that another is better than. It is a subset of all placements
// that nothing is better than: what is best by no order is not found. Preferred
// levels are counted here and not insisted on, since giving one up is what an
// alternative may be about, and so is every level that joins nodes; required
// levels and rules hold. Axes without a price
// or a demand mix are left out.
func (b *Bound) Pareto(ctx context.Context, u *placement.Usage, a Applied, d placement.Decision) ([]Alternative, error) {
	if d.Outcome != placement.Placed {
		return nil, nil
	}
	axes := b.axes()
	var found []candidate
	for order := range permutations(axes) {
		g := b.ordered(a, order)
		other, err := placement.Place(ctx, u, g)
		if err != nil {
			return nil, fmt.Errorf("alternatives of %q: %w", d.Gang, err)
		}
		if other.Outcome == placement.Placed {
			found = append(found, b.alternative(g, other, axes, order))
		}
	}
	return keepBest(found, d), nil
}

// axes are those that can be told apart.
func (b *Bound) axes() []Axis {
	axes := []Axis{AxisLocality}
	if b.policy.has(costMoney) || b.policy.energy != nil {
		axes = append(axes, AxisMoney)
	}
	if b.policy.has(costWatts) {
		axes = append(axes, AxisWatts)
	}
	if len(b.policy.demand) > 0 {
		axes = append(axes, AxisOpportunity)
	}
	return axes
}

// permutations yields every order of a few axes, the given one first.
func permutations(axes []Axis) func(yield func([]Axis) bool) {
	return func(yield func([]Axis) bool) {
		permute(slices.Clone(axes), 0, yield)
	}
}

func permute(axes []Axis, from int, yield func([]Axis) bool) bool {
	if from == len(axes) {
		return yield(slices.Clone(axes))
	}
	for i := from; i < len(axes); i++ {
		// Moving one to the front keeps the others in their order.
		next := slices.Clone(axes)
		next = slices.Insert(slices.Delete(next, i, i+1), from, axes[i])
		if !permute(next, from+1, yield) {
			return false
		}
	}
	return true
}

// familyOf is what orders an axis.
var familyOf = map[Axis]placement.Family{
	AxisLocality: placement.FamilyDomains, AxisMoney: placement.FamilyCost,
	AxisWatts: placement.FamilyCost, AxisOpportunity: placement.FamilyOpportunity,
}

// ordered is the gang with its objective in an order of the axes.
func (b *Bound) ordered(a Applied, order []Axis) placement.Gang {
	g := a.Gang
	g.Rules = counted(g.Rules)
	for _, level := range b.joins {
		if len(g.Rules) < maxLevels && !slices.ContainsFunc(g.Rules, func(r placement.LevelRule) bool { return r.Level == level }) {
			g.Rules = append(g.Rules, placement.LevelRule{Level: level, Mode: placement.Counted})
		}
	}
	g.PodSets = slices.Clone(g.PodSets)
	for i := range g.PodSets {
		g.PodSets[i].Rules = counted(g.PodSets[i].Rules)
	}
	g.Objective = []placement.Family{placement.FamilyPlaced, placement.FamilyVictims}
	c := Class{}
	for _, x := range order {
		if !slices.Contains(g.Objective, familyOf[x]) {
			g.Objective = append(g.Objective, familyOf[x])
		}
		if x == AxisMoney || x == AxisWatts {
			c.costs = append(c.costs, costLine{name: string(x)})
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	g.Costs = b.costsOf(&c, &g, a.waited)
	return g
}

func counted(rules []placement.LevelRule) []placement.LevelRule {
	out := slices.Clone(rules)
	for i := range out {
		if out[i].Mode == placement.Preferred {
			out[i].Mode = placement.Counted
		}
	}
	return out
}

func (b *Bound) alternative(g placement.Gang, d placement.Decision, axes, order []Axis) candidate {
	alt := candidate{Alternative{Order: order, Optimal: d.Optimal}, d}
	for _, x := range d.Assignments {
		if !slices.Contains(alt.Nodes, x.Node) {
			alt.Nodes = append(alt.Nodes, x.Node)
		}
	}
	bill := b.Bill(g, d)
	for _, x := range axes {
		v := AxisValue{Axis: x, Value: []int64{}}
		switch x {
		case AxisMoney:
			v.Text = bill.MoneyText(bill.Money)
			v.Value = known(bill.Money)
		case AxisWatts:
			v.Text = PowerText(bill.Power)
			v.Value = known(bill.Power)
		default:
			var parts []string
			for _, s := range d.Objective {
				if s.Family == familyOf[x] {
					v.Value = append(v.Value, s.Value)
					parts = append(parts, fmt.Sprintf("%s %d", s.Name, s.Value))
				}
			}
			v.Text = strings.Join(parts, ", ")
		}
		alt.Values = append(alt.Values, v)
	}
	return alt
}

func known(v *int64) []int64 {
	if v == nil {
		return []int64{}
	}
	return []int64{*v}
}

// compare orders values of one axis; what is not known is worst.
func (v AxisValue) compare(w AxisValue) int {
	if len(v.Value) == 0 || len(w.Value) == 0 {
		return cmp.Compare(len(w.Value), len(v.Value))
	}
	return slices.Compare(v.Value, w.Value)
}

// beats tells whether an alternative is nowhere worse and somewhere better.
func (a *Alternative) beats(o *Alternative) bool {
	better := false
	for i := range a.Values {
		switch c := a.Values[i].compare(o.Values[i]); {
		case c > 0:
			return false
		case c < 0:
			better = true
		}
	}
	return better
}

func (a *Alternative) equals(o *Alternative) bool {
	return slices.EqualFunc(a.Values, o.Values, func(x, y AxisValue) bool { return x.compare(y) == 0 })
}

// keepBest drops what another is better than and all but one of equals, and
// marks the one that was chosen.
func keepBest(found []candidate, chosen placement.Decision) []Alternative {
	var out []Alternative
	for _, x := range found {
		if slices.ContainsFunc(found, func(o candidate) bool { return o.beats(&x.Alternative) }) {
			continue
		}
		x.Chosen = slices.Equal(spots(x.decision), spots(chosen))
		switch at := slices.IndexFunc(out, func(o Alternative) bool { return o.equals(&x.Alternative) }); {
		case at < 0:
			out = append(out, x.Alternative)
		case x.Chosen:
			out[at] = x.Alternative
		}
	}
	slices.SortStableFunc(out, func(x, y Alternative) int {
		for i := range x.Values {
			if c := x.Values[i].compare(y.Values[i]); c != 0 {
				return c
			}
		}
		return 0
	})
	return out
}

// spots are the pods' places without their numbers, which are interchangeable.
func spots(d placement.Decision) []string {
	var out []string
	for _, x := range d.Assignments {
		out = append(out, x.PodSet+" "+x.Node)
	}
	slices.Sort(out)
	return out
}
