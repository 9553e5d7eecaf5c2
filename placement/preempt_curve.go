// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"math"
	"slices"
)

// Bounds of the counting of victims by node: pods that make room on one node,
// and work in all, in looks at a node.
const (
	curveUnits  = 8
	curveBudget = 2_000_000
)

// toll is what room on nodes costs: gangs in the high half, pods in the low one.
type toll int64

const noToll = toll(math.MaxInt64)

func tollOf(units []unit) toll { return toll(int64(len(units))<<32 | int64(podsOf(units))) }

// nodeToll is, for one node, the least toll for room for at least 0, 1, ... pods
// more than fit now, and who leaves then. It never falls.
type nodeToll struct {
	toll    []toll
	victims [][]unit
}

// byCurve finds the victims of a gang of one pod set whose only rules are
// required levels: the least toll of every number of pods on each node, then the
// cheapest way to add up to the gang in each domain. That is exact where every
// unit stands on one node; nil where it does not apply.
func (p *preemption) byCurve() ([]unit, error) {
	if !p.q.plain() {
		return nil, nil
	}
	byNode := map[int][]unit{}
	for _, v := range p.units {
		node := v.held[0].node
		if slices.ContainsFunc(v.held, func(b booking) bool { return b.node != node }) {
			return nil, nil
		}
		byNode[node] = append(byNode[node], v)
	}
	spent := 0
	for _, units := range byNode {
		if len(units) > curveUnits {
			return nil, nil
		}
		spent += 1 << len(units)
	}
	a := p.u.barest(p.q)
	count := p.q.sets[0].count
	for _, c := range a.lay.cells {
		spent += len(c.nodes) * count
	}
	if spent > curveBudget {
		return nil, nil
	}
	best, victims := noToll, []unit(nil)
	for c := range a.lay.cells {
		if err := p.ctx.Err(); err != nil {
			return nil, err
		}
		if t, found := p.cheapest(a.lay.cells[c].nodes, byNode, count); t < best {
			best, victims = t, found
		}
	}
	return victims, nil
}

// plain tells whether a gang is one pod set with no rules but levels of all its
// pods together: what fits then follows from the sum over the nodes of a domain.
func (q *query) plain() bool {
	if len(q.sets) != 1 || len(q.gang.PodSets) != 1 || len(q.gang.Groups) > 0 || q.gang.MinPods > 0 {
		return false
	}
	s := q.gang.PodSets[0]
	return (s.Min == 0 || s.Min == s.Count) && len(s.Rules)+len(s.Slices)+len(s.Limits)+s.Spares+len(s.Held) == 0 && s.Balance == ""
}

// cheapest adds up the nodes of one domain: the least toll for count pods.
func (p *preemption) cheapest(nodes []int32, byNode map[int][]unit, count int) (toll, []unit) {
	var curves []nodeToll
	// Room that costs nothing is taken whole.
	free := 0
	counts := p.u.counts(p.q.sets[0].s)
	for _, n := range nodes {
		free += int(min(counts.pods[n], int64(count)))
		if units := byNode[int(n)]; len(units) > 0 {
			curves = append(curves, p.curve(int(n), counts.pods[n], units, count))
		}
	}
	want := count - free
	if want <= 0 {
		return 0, nil
	}
	least := make([]toll, want+1)
	for j := 1; j <= want; j++ {
		least[j] = noToll
	}
	took := make([][]int32, len(curves))
	for i, c := range curves {
		next := slices.Clone(least)
		took[i] = make([]int32, want+1)
		for j := range least {
			if least[j] == noToll {
				continue
			}
			for m := 1; m < len(c.toll) && j+m <= want; m++ {
				if t := least[j] + c.toll[m]; t < next[j+m] {
					next[j+m], took[i][j+m] = t, int32(m)
				}
			}
		}
		least = next
	}
	if least[want] == noToll {
		return noToll, nil
	}
	var victims []unit
	for i, j := len(curves)-1, want; i >= 0; i-- {
		m := int(took[i][j])
		victims = append(victims, curves[i].victims[m]...)
		j -= m
	}
	return least[want], victims
}

// curve tries every set of the units of one node.
func (p *preemption) curve(node int, now int64, units []unit, most int) nodeToll {
	u, s := p.u, p.q.sets[0].s
	c := nodeToll{toll: []toll{0}, victims: [][]unit{nil}}
	for mask := 1; mask < 1<<len(units); mask++ {
		var set []unit
		for i, v := range units {
			if mask>>i&1 == 1 {
				set = append(set, v)
			}
		}
		var room int64
		// The error is that of the function, which has none.
		_, _ = u.without(set, func() (Decision, error) {
			room, _ = u.fit(s, node)
			return Decision{}, nil
		})
		t := tollOf(set)
		more := int(min(room-now, int64(most)))
		for len(c.toll) <= more {
			c.toll, c.victims = append(c.toll, noToll), append(c.victims, nil)
		}
		for m := more; m > 0; m-- {
			if t < c.toll[m] {
				c.toll[m], c.victims[m] = t, set
			}
		}
	}
	return c
}
