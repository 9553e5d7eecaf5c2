// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"

	"github.com/google/cel-go/common/types"

	"tarsia.dev/tarsia/placement"
)

// costTable is what one pod costs by one line on every node.
type costTable struct {
	perPod  map[string]int64
	unknown map[string]int64 // 1 for each node of which it is not known; nil where it is for all
}

// lineName is how a cost is called in the objective, with its unit.
func (b *Bound) lineName(c *costLine) string {
	switch {
	case c.perPod != nil:
		return c.name
	case c.name == costWatts:
		return "milliwatts"
	}
	return "millionths of " + b.policy.Currency + " an hour"
}

// unknownName is the line before a cost that counts pods of which it is not
// known: they are worse than any that have a price.
func unknownName(c *costLine) string { return "pods of unknown " + c.name }

// table prices a pod set on every node by one line. b.mu is held.
func (b *Bound) table(c *costLine, v values) *costTable {
	key := c.name + "|" + requestsKey(v.set.Shape.Requests)
	k := b.priced
	if c.perPod != nil {
		key = c.name + "|" + v.keyOf(c.perPod.reads, ofJob, ofPod)
		k = b.kindsOf(c.perPod)
	}
	if known, ok := b.costs[key]; ok {
		return known
	}
	value := make([]int64, len(k.first))
	known := make([]bool, len(k.first))
	for kind, n := range k.first {
		value[kind], known[kind] = b.oneCost(c, v, n)
	}
	t := &costTable{perPod: make(map[string]int64, len(b.nodes))}
	for i, n := range b.nodes {
		if kind := k.of[i]; known[kind] {
			t.perPod[n.Name] = value[kind]
		} else {
			if t.unknown == nil {
				t.unknown = map[string]int64{}
			}
			t.unknown[n.Name] = 1
		}
	}
	if len(b.costs) >= maxKept {
		clear(b.costs)
	}
	b.costs[key] = t
	return t
}

// oneCost is what a line says of a pod on a node; false where that is not known.
func (b *Bound) oneCost(c *costLine, v values, node int32) (int64, bool) {
	if c.perPod == nil {
		p := b.podOn(v.set.Shape.Requests, node)
		s := p.total(b.policy.energy != nil)
		if c.name == costWatts {
			s = p.watts
		}
		return s.value, s.why == ""
	}
	v.node = b.nodes[node]
	out, err := c.perPod.eval(&v)
	if err != nil {
		return 0, false
	}
	n, ok := out.(types.Int)
	return int64(n), ok && n >= 0 && n <= maxPerPod
}

// costs turns the lines of a class into those of a gang.
func (b *Bound) costsOf(c *Class, g *placement.Gang, waited int64) []placement.Cost {
	var out []placement.Cost
	for i := range c.costs {
		line := &c.costs[i]
		known := placement.Cost{Name: b.lineName(line)}
		unknown := placement.Cost{Name: unknownName(line)}
		for j := range g.PodSets {
			t := b.table(line, values{gang: g, waited: waited, set: &g.PodSets[j]})
			addSet(&known, g, j, t.perPod)
			addSet(&unknown, g, j, t.unknown)
		}
		if len(unknown.PerPod) > 0 || len(unknown.Sets) > 0 {
			out = append(out, unknown)
		}
		out = append(out, known)
	}
	return out
}

// addSet gives a cost what the pods of one set cost; a gang of one set has no
// need for a list by set.
func addSet(c *placement.Cost, g *placement.Gang, set int, perPod map[string]int64) {
	if len(g.PodSets) == 1 {
		c.PerPod = perPod
		return
	}
	if perPod == nil {
		return
	}
	if c.Sets == nil {
		c.Sets = map[string]placement.SetCost{}
	}
	c.Sets[g.PodSets[set].Name] = placement.SetCost{PerPod: perPod}
}

// describe writes a value of a cost line as people read it, with its unit.
func (b *Bound) describe(c *costLine, v int64) string {
	switch {
	case c.perPod != nil:
		return fmt.Sprintf("%s %d", c.name, v)
	case c.name == costWatts:
		return written(v, 1000) + " W"
	}
	return written(v, millionth) + " " + b.policy.Currency + "/h"
}
