// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
)

// Demand is one kind of gang that a site expects to come.
type Demand struct {
	Shape  Shape
	Weight int64  // how often it comes, against the others of the mix
	Pods   int    // of one gang; 0 is 1
	Level  string // of which a gang of several pods lies in one domain; "" is any nodes
}

// Prices say what free room is worth under a demand mix: the opportunity cost
// of taking it. They are a sample of the future: the pods of the mix arrive at a
// node in a drawn order, and what the node then holds of them is its worth. Each
// kind of pod is drawn as often as it comes, divided by the places that the
// fleet has for it: who can go anywhere seldom comes to one node, who fits on a
// few nodes only comes there often.
//
// Worth is counted in thousandths of an accelerator, or, where the mix asks for
// none, in milli-cores. Resources, shares and whole devices are counted; NUMA
// zones, links, partitions and slots are not. Prices are of the moment for which
// they were computed, do not change, and may be shared.
type Prices struct {
	f       *Fleet
	demands []priceDemand
	plain   []int32     // resources that the mix asks for, by number
	kinds   []priceKind // resources of which it asks for shares
	class   []int32     // by node: position in may
	may     [][]bool    // by class, by demand: it may run there
	draws   [][]int32   // demands in the order in which they arrive
	drawn   [][]int32   // by class: demands that are drawn and may run there
	shared  bool        // every demand of worth takes devices of kinds
	least   []int64     // by plain: what every demand of worth needs at least
	gangs   []priceGang
}

// Size of the sample: so many futures of so many arrivals. Twice of either
// changes the allocation on the traces of docs/measurements by less than their
// spread between seeds.
const (
	priceFutures  = 32
	priceArrivals = 64
	maxDemands    = 1 << 14
	maxShareCaps  = 2
)

// priceDemand is a pod of the mix in the numbers of Prices.
type priceDemand struct {
	s      *shape
	weight int64
	worth  int64
	ask    priceAsk
}

// priceAsk is what one pod takes.
type priceAsk struct {
	plain []int64 // by plain
	takes []priceTake
}

// priceTake is devices of a kind: whole ones, or shares of each.
type priceTake struct {
	kind  int
	count int
	whole bool
	share [maxShareCaps]int64
}

// priceKind is a resource of which devices can be shared.
type priceKind struct {
	res   int32
	plain int
	caps  []string // of the shares in the mix, at most maxShareCaps
	most  int64    // the largest first capacity of a device
}

// NewPrices computes prices for what is free in u. Seed draws the sample; the
// same seed gives the same prices. It refuses an empty mix, a weight below 1, a
// shape that is not valid, and what cannot be priced: slots, virtual functions,
// shares by more than two capacities of a resource.
func NewPrices(u *Usage, mix []Demand, seed uint64) (*Prices, error) {
	if len(mix) == 0 || len(mix) > maxDemands {
		return nil, fmt.Errorf("price a mix: it has %d demands, want 1 to %d", len(mix), maxDemands)
	}
	p := &Prices{f: u.f}
	for i, d := range mix {
		if d.Weight < 1 || d.Weight > 1<<32 || d.Pods < 0 || d.Pods > maxGangPods {
			return nil, fmt.Errorf("price a mix: demand %d has weight %d and %d pods, want a weight from 1 and up to %d pods", i+1, d.Weight, d.Pods, maxGangPods)
		}
		s, err := compileShape(u.f, d.Shape)
		if err != nil {
			return nil, fmt.Errorf("price a mix: demand %d: %w", i+1, err)
		}
		p.addDemand(s, d.Weight*int64(max(1, d.Pods)))
	}
	if err := p.number(); err != nil {
		return nil, fmt.Errorf("price a mix: %w", err)
	}
	p.classes()
	p.addGangs(mix)
	p.draw(p.places(u), seed)
	return p, nil
}

// addDemand joins demands of one shape.
func (p *Prices) addDemand(s *shape, weight int64) {
	for i := range p.demands {
		if p.demands[i].s.key == s.key {
			p.demands[i].weight += weight
			return
		}
	}
	p.demands = append(p.demands, priceDemand{s: s, weight: weight})
}

// number finds the resources that the mix speaks of.
func (p *Prices) number() error {
	for i := range p.demands {
		s := p.demands[i].s
		for _, n := range s.needs {
			p.plainOf(n.res)
		}
		for _, r := range s.Devices {
			if r.Profile != "" || r.Function {
				return fmt.Errorf("a demand asks for %q as a slot or virtual function, want whole devices or shares", r.Resource)
			}
			res, ok := p.f.resIndex[r.Resource]
			if !ok {
				continue
			}
			k := p.kindOf(res)
			for name := range r.Share {
				if !slices.Contains(p.kinds[k].caps, name) {
					p.kinds[k].caps = append(p.kinds[k].caps, name)
				}
			}
			slices.Sort(p.kinds[k].caps)
			if len(p.kinds[k].caps) > maxShareCaps {
				return fmt.Errorf("shares of %q are by %d capacities, want at most %d", r.Resource, len(p.kinds[k].caps), maxShareCaps)
			}
		}
	}
	for k := range p.kinds {
		for i := range p.f.nodes {
			for _, d := range p.f.nodes[i].Devices {
				if d.Resource == p.f.res[p.kinds[k].res] && len(p.kinds[k].caps) > 0 {
					p.kinds[k].most = max(p.kinds[k].most, d.Capacity[p.kinds[k].caps[0]])
				}
			}
		}
	}
	accelerators := false
	for i := range p.demands {
		d := &p.demands[i]
		d.ask = p.askOf(d.s)
		d.worth = p.accelWorth(&d.ask)
		accelerators = accelerators || d.worth > 0
	}
	p.least = make([]int64, len(p.plain))
	first := true
	p.shared = true
	for i := range p.demands {
		d := &p.demands[i]
		if !accelerators {
			d.worth = d.s.Requests[CPU]
		}
		if d.worth == 0 {
			continue
		}
		p.shared = p.shared && len(d.ask.takes) > 0
		for r, qty := range d.ask.plain {
			if first || qty < p.least[r] {
				p.least[r] = qty
			}
		}
		first = false
	}
	return nil
}

func (p *Prices) plainOf(res int32) int {
	at := slices.Index(p.plain, res)
	if at < 0 {
		at = len(p.plain)
		p.plain = append(p.plain, res)
	}
	return at
}

func (p *Prices) kindOf(res int32) int {
	at := slices.IndexFunc(p.kinds, func(k priceKind) bool { return k.res == res })
	if at < 0 {
		at = len(p.kinds)
		p.kinds = append(p.kinds, priceKind{res: res, plain: p.plainOf(res)})
	}
	return at
}

// askOf is what a pod of any shape takes of what the mix speaks of.
func (p *Prices) askOf(s *shape) priceAsk {
	a := priceAsk{plain: make([]int64, len(p.plain))}
	for _, n := range s.needs {
		k := slices.IndexFunc(p.kinds, func(k priceKind) bool { return k.res == n.res })
		if k >= 0 {
			a.takes = append(a.takes, priceTake{kind: k, count: int(n.qty), whole: true})
		} else if at := slices.Index(p.plain, n.res); at >= 0 {
			a.plain[at] = n.qty
		}
	}
	for _, r := range s.Devices {
		res, ok := p.f.resIndex[r.Resource]
		k := slices.IndexFunc(p.kinds, func(k priceKind) bool { return k.res == res })
		switch {
		case !ok:
		case k >= 0:
			t := priceTake{kind: k, count: max(1, r.Count), whole: r.Whole()}
			for c, name := range p.kinds[k].caps {
				t.share[c] = r.Share[name]
			}
			a.takes = append(a.takes, t)
		case r.Whole():
			if at := slices.Index(p.plain, res); at >= 0 {
				a.plain[at] += int64(max(1, r.Count))
			}
		}
	}
	return a
}

// accelWorth is the accelerators that a pod takes, in thousandths.
func (p *Prices) accelWorth(a *priceAsk) int64 {
	var sum int64
	for r, qty := range a.plain {
		if p.f.accel[p.plain[r]] {
			sum += 1000 * qty
		}
	}
	for _, t := range a.takes {
		k := &p.kinds[t.kind]
		switch {
		case !p.f.accel[k.res]:
		case t.whole:
			sum += 1000 * int64(t.count)
		case k.most > 0:
			sum += int64(t.count) * t.share[0] * 1000 / k.most
		}
	}
	return sum
}

// classes groups the nodes by which demands may run there.
func (p *Prices) classes() {
	p.class = make([]int32, len(p.f.nodes))
	index := map[string]int32{}
	key := make([]byte, len(p.demands))
	for i := range p.f.nodes {
		for d := range p.demands {
			_, blocked := p.demands[d].s.standing(&p.f.nodes[i])
			key[d] = 0
			if !blocked {
				key[d] = 1
			}
		}
		c, known := index[string(key)]
		if !known {
			c = int32(len(p.may))
			index[string(key)] = c
			may := make([]bool, len(key))
			for d := range key {
				may[d] = key[d] == 1
			}
			p.may = append(p.may, may)
		}
		p.class[i] = c
	}
}

// draw makes the futures. The n-th arrivals of all futures take one number from
// each of as many equal parts of the range, in random order, and demands of like
// worth lie side by side in it: few futures stand for the mix well.
func (p *Prices) draw(places []int64, seed uint64) {
	const unit = 1 << 40 // an unlikely demand still has a chance
	order := make([]int32, len(p.demands))
	var all, sum uint64
	for d := range p.demands {
		order[d] = int32(d)
		all += uint64(p.demands[d].weight)
	}
	slices.SortStableFunc(order, func(a, b int32) int {
		x, y := &p.demands[a], &p.demands[b]
		return cmp.Or(cmp.Compare(x.worth, y.worth), cmp.Compare(x.s.Requests[CPU], y.s.Requests[CPU]))
	})
	upTo := make([]uint64, len(order))
	for i, d := range order {
		hi, lo := bits.Mul64(uint64(p.demands[d].weight), unit)
		share, _ := bits.Div64(hi, lo, all)
		sum += max(1, share/uint64(max(1, places[d])))
		upTo[i] = sum
	}
	r := drawer(seed)
	p.draws = make([][]int32, priceFutures)
	part := make([]uint64, priceFutures)
	for f := range part {
		part[f] = uint64(f)
	}
	for range priceArrivals {
		for i := len(part) - 1; i > 0; i-- {
			j := r.below(uint64(i + 1))
			part[i], part[j] = part[j], part[i]
		}
		for f := range p.draws {
			hi, lo := bits.Mul64(sum, part[f])
			from, _ := bits.Div64(hi, lo, priceFutures)
			x := from + r.below(max(1, sum/priceFutures))
			at, exact := slices.BinarySearch(upTo, x)
			if exact { // upTo is where the next begins
				at++
			}
			p.draws[f] = append(p.draws[f], order[min(at, len(upTo)-1)])
		}
	}
	p.sortDrawn()
}

// sortDrawn lists, by class, the demands that are drawn and may run there.
func (p *Prices) sortDrawn() {
	drawn := make([]bool, len(p.demands))
	for _, future := range p.draws {
		for _, d := range future {
			drawn[d] = true
		}
	}
	p.drawn = make([][]int32, len(p.may))
	for c := range p.may {
		for d, is := range drawn {
			if is && p.may[c][d] {
				p.drawn[c] = append(p.drawn[c], int32(d))
			}
		}
	}
}

// drawer is SplitMix64 (Steele, Lea, Flood 2014): an engine may not import a
// source of randomness, and prices are the same on every machine.
type drawer uint64

func (r *drawer) below(n uint64) uint64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	hi, _ := bits.Mul64(z^z>>31, n)
	return hi
}
