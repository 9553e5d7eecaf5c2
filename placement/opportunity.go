// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"cmp"
	"fmt"
	"slices"
)

// Lines of FamilyOpportunity. The first counts, by domain, what gangs of the mix
// no longer find a domain for; the others decide within a domain, and on nodes.
const (
	nameGangsLost = "demand lost, gangs, milli-accelerators"
	nameSlotsLost = "places lost for gangs: " // and their number
	nameLostWorth = "demand lost, milli-accelerators"
)

// maxPriceGangs is for how many kinds of gangs the domains are counted: the
// heaviest. The others are priced pod by pod only.
const maxPriceGangs = 3

// slotCounts is a number for each of the gangs of Prices.
type slotCounts [maxPriceGangs]int64

// priceGang is gangs of the mix of one shape and level, of any sizes.
type priceGang struct {
	s     *shape
	ask   priceAsk
	level int
	worth int64 // a pod
	sizes []gangSize
	total int64 // of the weights
}

type gangSize struct{ pods, weight int64 }

// addGangs gathers the gangs that must lie in one domain, heaviest first.
func (p *Prices) addGangs(mix []Demand) {
	for _, d := range mix {
		level, known := p.f.levelIndex[d.Level]
		if d.Pods < 2 || !known {
			continue
		}
		key := d.Shape.Key()
		at := slices.IndexFunc(p.gangs, func(g priceGang) bool { return g.level == level && g.s.key == key })
		if at < 0 {
			of := slices.IndexFunc(p.demands, func(d priceDemand) bool { return d.s.key == key })
			at = len(p.gangs)
			p.gangs = append(p.gangs, priceGang{s: p.demands[of].s, ask: p.demands[of].ask, level: level, worth: p.demands[of].worth})
		}
		g := &p.gangs[at]
		g.sizes = append(g.sizes, gangSize{int64(d.Pods), d.Weight})
		g.total += d.Weight
	}
	slices.SortStableFunc(p.gangs, func(a, b priceGang) int { return cmp.Compare(b.weight(), a.weight()) })
	p.gangs = p.gangs[:min(len(p.gangs), maxPriceGangs)]
}

// weight is what all pods of the gangs are worth together.
func (g *priceGang) weight() int64 {
	var sum int64
	for _, s := range g.sizes {
		sum += s.pods * min(s.weight, 1<<20)
	}
	return sum * g.worth
}

// lost is what gangs of the mix are worth, on average over their sizes, that a
// domain no longer holds when some of its places for their pods go.
func (g *priceGang) lost(places, gone int64) int64 {
	left := max(0, places-gone)
	var sum int64
	for _, s := range g.sizes {
		sum += (places/s.pods - left/s.pods) * s.pods * min(s.weight, 1<<20)
	}
	return sum / min(g.total, 1<<20*int64(len(g.sizes))) * g.worth
}

// SetPrices makes the demand mix a part of every decision on u from now on; nil
// takes it back. It is an error when the prices are of another fleet.
func (u *Usage) SetPrices(p *Prices) error {
	if p != nil && p.f != u.f {
		return fmt.Errorf("set prices: they are of another fleet")
	}
	u.mix, u.worths = p, nil
	for _, c := range u.shapes {
		clear(c.plans)
		c.ask = nil
	}
	return nil
}

// pricing is what an objective knows of prices: the lines, -1 where there are
// none.
type pricing struct {
	p     *Prices
	gangs int // line of gangs lost
	slots slotLines
	worth int
}

type slotLines [maxPriceGangs]int

func noPricing() pricing { return pricing{gangs: -1, slots: slotLines{-1, -1, -1}, worth: -1} }

// build writes the lines.
func (pr *pricing) build(p *Prices, line func(string) int) {
	*pr = noPricing()
	if pr.p = p; p == nil {
		return
	}
	if len(p.gangs) > 0 {
		pr.gangs = line(nameGangsLost)
	}
	for i := range p.gangs {
		pr.slots[i] = line(fmt.Sprint(nameSlotsLost, i+1))
	}
	pr.worth = line(nameLostWorth)
}

// bounds are the largest values of the lines for n pods on so many nodes.
func (pr *pricing) bounds(put func(int, int64), n, nodes int64) {
	if pr.p == nil {
		return
	}
	f := pr.p.f
	var most, all int64
	for i := range f.nodes {
		here := pr.p.capacity(i)
		most, all = max(most, here), all+here
	}
	put(pr.worth, min(n*most, all))
	put(pr.gangs, all*maxPriceGangs)
	for _, l := range pr.slots {
		put(l, nodes*maxPods)
	}
}

// capacity bounds what the mix could be worth on a node.
func (p *Prices) capacity(node int) int64 {
	var accel, cpu int64
	row := node * len(p.f.res)
	for _, res := range p.plain {
		if v := p.f.alloc[row+int(res)]; p.f.accel[res] {
			accel += 1000 * max(v, maxDevices)
		} else if p.f.res[res] == CPU {
			cpu = v
		}
	}
	return max(accel, cpu)
}

// opportunity is what pods on a node take from the mix.
type opportunity struct {
	worth int64
	slots slotCounts
}

// opportunities returns what 0..most pods of a shape take from the mix on a
// node.
func (u *Usage) opportunities(c *counts, node, most int) []opportunity {
	p := u.mix
	out := make([]opportunity, most+1)
	if p == nil || most == 0 {
		return out
	}
	if c.ask == nil {
		c.ask = new(p.askOf(c.s))
	}
	st, scratch := &u.mixState[0], &u.mixState[1]
	u.priceState(p, node, st)
	whole := u.worthOf(p, st, scratch)
	var places slotCounts
	for i := range p.gangs {
		places[i] = p.placesFor(i, st)
	}
	for m := 1; m <= most; m++ {
		if !st.take(p, c.ask) {
			// It fits by rules that prices do not know; nothing more can be lost.
			out[m] = out[m-1]
			continue
		}
		slices.SortFunc(st.devices, priceDevice.compare)
		out[m].worth = max(0, whole-u.worthOf(p, st, scratch)) / priceFutures
		for i := range p.gangs {
			out[m].slots[i] = max(0, places[i]-p.placesFor(i, st))
		}
	}
	return out
}

// placesFor counts the places for pods of a gang of the mix.
func (p *Prices) placesFor(gang int, st *priceState) int64 {
	g := &p.gangs[gang]
	of := slices.IndexFunc(p.demands, func(d priceDemand) bool { return d.s == g.s })
	if !p.may[st.class][of] {
		return 0
	}
	return st.count(p, &g.ask)
}

// maxWorths bounds the states whose worth is remembered.
const maxWorths = 1 << 16

// worthOf remembers Prices.worth.
func (u *Usage) worthOf(p *Prices, st, scratch *priceState) int64 {
	u.mixKey = st.key(u.mixKey[:0])
	if v, ok := u.worths[string(u.mixKey)]; ok {
		return v
	}
	if u.worths == nil || len(u.worths) >= maxWorths {
		u.worths = map[string]int64{}
	}
	v := p.worth(st, scratch)
	u.worths[string(u.mixKey)] = v
	return v
}

// domainSlots is how many places each gang of the mix has in a domain of its
// level; 0 for gangs of other levels.
func (u *Usage) domainSlots(level int, domain int32) slotCounts {
	var n slotCounts
	if u.mix == nil || int(domain) >= len(u.f.levels[level].domains) {
		return n
	}
	for i := range u.mix.gangs {
		if g := &u.mix.gangs[i]; g.level == level {
			n[i] = u.counts(g.s).level[level][domain]
		}
	}
	return n
}

// gangsLost is what the mix loses in a domain when places in it go.
func (p *Prices) gangsLost(level int, places, gone slotCounts) int64 {
	if p == nil {
		return 0
	}
	var sum int64
	for i := range p.gangs {
		if g := &p.gangs[i]; g.level == level {
			sum += g.lost(places[i], gone[i])
		}
	}
	return sum
}

// addOpportunity adds the lines of a node to a cost.
func (p *plan) addOpportunity(v []uint64, o opportunity) {
	pr := &p.obj.pricing
	p.pack.add(v, pr.worth, o.worth)
	for i, line := range pr.slots {
		p.pack.add(v, line, o.slots[i])
	}
}

// addGangsLost adds what a domain loses to a cost that has its nodes in it.
func (p *plan) addGangsLost(v []uint64, level int, places slotCounts) {
	pr := &p.obj.pricing
	if pr.gangs < 0 || places == (slotCounts{}) {
		return
	}
	var gone slotCounts
	for i, line := range pr.slots {
		if line >= 0 {
			gone[i] = p.pack.get(v, line)
		}
	}
	p.pack.add(v, pr.gangs, pr.p.gangsLost(level, places, gone))
}

// evaluateOpportunity counts the lines from where the pods lie, each set as if
// the others were not there.
func (u *Usage) evaluateOpportunity(q *query, uses [][]nodeUse, put func(int, int64)) {
	pr := &q.obj.pricing
	if pr.p == nil {
		return
	}
	gone := map[[2]int32]slotCounts{} // by level and domain
	for i, set := range q.sets {
		c := u.counts(set.s)
		for _, use := range uses[i] {
			m := use.pods - set.rules.heldOn(use.node)
			if m <= 0 {
				continue
			}
			o := u.opportunities(c, use.node, m)[m]
			put(pr.worth, o.worth)
			for g, line := range pr.slots {
				put(line, o.slots[g])
				if line < 0 {
					continue
				}
				level := pr.p.gangs[g].level
				if d := u.f.levels[level].of[use.node]; d >= 0 {
					n := gone[[2]int32{int32(level), d}]
					n[g] += o.slots[g]
					gone[[2]int32{int32(level), d}] = n
				}
			}
		}
	}
	for at, n := range gone {
		level := int(at[0])
		put(pr.gangs, pr.p.gangsLost(level, u.domainSlots(level, at[1]), n))
	}
}
