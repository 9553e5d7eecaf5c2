// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"tarsia.dev/tarsia/placement"
)

// nodePrice is what units of resources cost on a kind of node.
type nodePrice struct {
	money, watts map[string]*priceLine // by resource; nil where no line fits
	why          string                // a line could not be evaluated
}

// maxPerPod is the most that one pod can cost; beyond it a price is unknown.
const maxPerPod = 1 << 40

// bindPrices sorts the nodes by what the price lines can see of them and finds
// the lines of each kind.
func (b *Bound) bindPrices() {
	var reads []read
	for i := range b.policy.prices {
		x := &b.policy.prices[i]
		if x.architecture != "" {
			reads = append(reads, read{variable: "node.architecture"})
		}
		if x.model != "" {
			reads = append(reads, read{variable: "node.model"})
		}
		for _, name := range slices.Sorted(maps.Keys(x.labels)) {
			reads = append(reads, read{variable: "node.labels", key: name, keyed: true})
		}
		if x.resource == resourceNode { // a share of the node depends on all that it has
			reads = append(reads, read{variable: "node.allocatable"})
		}
		if x.where != nil {
			reads = append(reads, x.where.reads...)
		}
	}
	b.priced = b.sort(reads)
	for _, n := range b.priced.first {
		p := nodePrice{money: map[string]*priceLine{}, watts: map[string]*priceLine{}}
		for i := range b.policy.prices {
			x := &b.policy.prices[i]
			fits, why := x.fits(b.nodes[n])
			if why != "" {
				p.why = why
			}
			if !fits {
				continue
			}
			if x.money != nil && p.money[x.resource] == nil {
				p.money[x.resource] = x
			}
			if x.watts != nil && p.watts[x.resource] == nil {
				p.watts[x.resource] = x
			}
		}
		b.prices = append(b.prices, p)
	}
}

// fits tells whether a line is for a node.
func (x *priceLine) fits(n *nodeValues) (bool, string) {
	if x.architecture != "" && x.architecture != n.architecture() || x.model != "" && !matchesGlob(x.model, n.model) {
		return false, ""
	}
	for name, value := range x.labels {
		if have, ok := n.Labels[name]; !ok || have != value {
			return false, ""
		}
	}
	if x.where == nil {
		return true, ""
	}
	answer := ask(x.where, &values{node: n})
	return answer.yes, answer.why
}

// sum is what a pod costs in one measure: what the lines add up to, or why it is
// not known.
type sum struct {
	value int64
	lines []*priceLine
	why   string // "" is known
}

// price adds up what a pod costs on a node by the lines of one measure. A
// resource that has a price elsewhere and none here is not known, unless the
// node itself has one, which covers it.
func (b *Bound) price(lines map[string]*priceLine, measure string, requests placement.Resources, n *nodeValues, failed string) sum {
	var out sum
	unknown := func(format string, args ...any) sum {
		return sum{why: fmt.Sprintf(format, args...)}
	}
	if failed != "" {
		return unknown("a price cannot be evaluated: %s", failed)
	}
	add := func(line *priceLine, part, whole int64) {
		price := line.money
		if measure == costWatts {
			price = line.watts
		}
		out.value = plus(out.value, share(*price, part, whole))
		out.lines = append(out.lines, line)
	}
	for _, name := range slices.Sorted(maps.Keys(requests)) {
		if requests[name] == 0 {
			continue
		}
		if line := lines[name]; line != nil {
			add(line, requests[name], unit(name))
		} else if lines[resourceNode] == nil && b.policy.states(name, measure) {
			return unknown("no line of the prices gives the %s of %s on %s", measure, name, n.Name)
		}
	}
	if line := lines[resourceNode]; line != nil {
		part, whole := largestShare(requests, n.Allocatable)
		if whole == 0 {
			return unknown("what node %s offers of its resources is not known", n.Name)
		}
		add(line, part, whole)
	}
	if len(out.lines) == 0 {
		return unknown("no line of the prices gives the %s of what the pod asks for on %s", measure, n.Name)
	}
	if out.value > maxPerPod {
		return unknown("the %s of one pod is more than can be counted", measure)
	}
	return out
}

// states tells whether any line gives a resource a price of a measure.
func (p *Policy) states(resource, measure string) bool {
	return slices.ContainsFunc(p.prices, func(x priceLine) bool {
		return x.resource == resource && (measure == costMoney && x.money != nil || measure == costWatts && x.watts != nil)
	})
}

// largestShare is the largest part of any resource of the node that a pod takes,
// as a fraction; 0 of 0 where the node says nothing of what the pod asks for.
func largestShare(requests, allocatable placement.Resources) (part, whole int64) {
	for _, name := range slices.Sorted(maps.Keys(requests)) {
		have := allocatable[name]
		if have <= 0 || requests[name] <= 0 {
			continue
		}
		// a/b > c/d without overflow: compare as floats, which is far finer than any
		// two shares of real nodes differ.
		if whole == 0 || float64(requests[name])/float64(have) > float64(part)/float64(whole) {
			part, whole = requests[name], have
		}
	}
	return part, whole
}

// podPrice is what one pod costs on one node.
type podPrice struct {
	money, watts, energy sum
}

// total is money for the resources and for their energy, where energy has a
// price.
func (p podPrice) total(energy bool) sum {
	if !energy || p.money.why != "" {
		return p.money
	}
	if p.energy.why != "" {
		return p.energy
	}
	return sum{value: plus(p.money.value, p.energy.value), lines: slices.Concat(p.money.lines, p.energy.lines)}
}

// podOn prices a pod on a node. A policy that prices energy only has bills of
// energy only.
func (b *Bound) podOn(requests placement.Resources, node int32) podPrice {
	n := b.nodes[node]
	p := &b.prices[b.priced.of[node]]
	out := podPrice{
		money: b.price(p.money, costMoney, requests, n, p.why),
		watts: b.price(p.watts, costWatts, requests, n, p.why),
	}
	if b.policy.energy == nil {
		return out
	}
	out.energy = out.watts
	if out.watts.why == "" {
		out.energy.value = share(*b.policy.energy, out.watts.value, 1000*1000)
	}
	if !b.policy.has(costMoney) {
		out.money = sum{}
	}
	return out
}

// kindKey tells pods apart by what they cost.
func requestsKey(r placement.Resources) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(r)) {
		fmt.Fprintf(&b, "%q=%d,", name, r[name])
	}
	return b.String()
}
