// SPDX-License-Identifier: Apache-2.0

package claim

import (
	"cmp"
	"fmt"
	"slices"
)

// problem is demands that compete for the same devices, and those devices.
type problem struct {
	u       *Use
	demands []*demand
	blocks  []*block
	blockOf map[int32]int32 // by device: position in blocks

	classOf map[int32]int // by counter: its class, see bounds
	floors  [][]int64     // by demand, then class: what it and those after it draw at least
	lower   []int         // by demand: the least preference of it and those after it
}

// demand is a compiled Demand.
type demand struct {
	at          int // position in the caller's list
	claim       *Claim
	node        string
	requests    []request
	constraints []*Constraint
}

// request is a compiled Request: the alternatives that some device could meet.
type request struct {
	name string
	alts []alternative
}

type alternative struct {
	name       string // request, or request/subrequest
	preference int
	m          *match
	devices    []int32 // that suit and are reached, in the inventory's order
	count      int
	all        bool
	covers     []bool // by constraint of the claim
}

// compile turns a demand into candidates. Alternatives that the devices could
// not meet even with nothing allocated are left out.
func (u *Use) compile(at int, d *Demand) (*demand, error) {
	if err := d.Claim.Check(); err != nil {
		return nil, err
	}
	out := &demand{at: at, claim: &d.Claim, node: d.Node}
	for i := range d.Claim.Constraints {
		out.constraints = append(out.constraints, &d.Claim.Constraints[i])
	}
	seen := u.inv.seenBy(d.Node)
	for _, r := range d.Claim.Requests {
		q := request{name: r.Name}
		for i := range r.Alternatives {
			a, ok, err := u.alternative(&r, i, seen)
			if err != nil {
				return nil, fmt.Errorf("claim %q: request %q: %w", d.Claim.Name, r.Name, err)
			}
			if !ok {
				continue
			}
			for _, k := range d.Claim.Constraints {
				a.covers = append(a.covers, len(k.Requests) == 0 || slices.Contains(k.Requests, r.Name) || slices.Contains(k.Requests, a.name))
			}
			q.alts = append(q.alts, a)
		}
		out.requests = append(out.requests, q)
	}
	return out, nil
}

func (u *Use) alternative(r *Request, i int, seen []int32) (alternative, bool, error) {
	e := &r.Alternatives[i]
	m, err := u.match(e)
	if err != nil {
		return alternative{}, false, err
	}
	a := alternative{name: r.Name, preference: i, m: m, count: max(1, e.Count), all: e.All}
	if len(r.Alternatives) > 1 || e.Name != "" {
		a.name += "/" + e.Name
	}
	shared := false
	for _, d := range seen {
		if !m.suits[d] {
			continue
		}
		a.devices = append(a.devices, d)
		shared = shared || u.inv.devices[d].Shared
		if a.all && u.inv.pools[u.inv.pool[d]].Incomplete {
			return a, false, nil
		}
	}
	if a.all {
		a.count = len(a.devices)
	}
	enough := len(a.devices) >= a.count || shared && !a.all
	return a, enough && a.count > 0 && a.count <= maxResults, nil
}

// split compiles demands and sorts them into problems that share no device, so
// that each can be searched alone. A demand with an unmeetable request is
// returned instead.
func (u *Use) split(demands []Demand) (problems []*problem, unmet *demand, err error) {
	var all []*demand
	for i := range demands {
		d, err := u.compile(i, &demands[i])
		if err != nil {
			return nil, nil, err
		}
		if slices.ContainsFunc(d.requests, func(r request) bool { return len(r.alts) == 0 }) {
			return nil, d, nil
		}
		if len(d.requests) > 0 {
			all = append(all, d)
		}
	}
	s := newSymmetry(u, all)
	parts := newPartition(len(all) + len(s.blocks))
	for i, d := range all {
		d.eachDevice(func(dev int32) { parts.join(i, len(all)+int(s.blockOf[dev])) })
	}
	byRoot := map[int]*problem{}
	for i, d := range all {
		root := parts.find(i)
		p := byRoot[root]
		if p == nil {
			p = &problem{u: u, blockOf: map[int32]int32{}}
			byRoot[root] = p
			problems = append(problems, p)
		}
		p.demands = append(p.demands, d)
	}
	for i, b := range s.blocks {
		if p := byRoot[parts.find(len(all)+i)]; p != nil {
			for _, dev := range b.devices {
				p.blockOf[dev] = int32(len(p.blocks))
			}
			p.blocks = append(p.blocks, b)
		}
	}
	for _, p := range problems {
		p.order()
		p.bound()
	}
	return problems, nil, nil
}

func (d *demand) eachDevice(f func(dev int32)) {
	for _, r := range d.requests {
		for _, a := range r.alts {
			for _, dev := range a.devices {
				f(dev)
			}
		}
	}
}

// least is the fewest devices that meet the demand, and the fewest from which
// they must be chosen.
func (d *demand) least() (devices, choice int) {
	for _, r := range d.requests {
		count, from := maxResults, 0
		for _, a := range r.alts {
			count, from = min(count, a.count), from+len(a.devices)
		}
		devices, choice = devices+count, choice+from
	}
	return devices, choice
}

// order puts demands first that leave the fewest ways, like ones side by side.
func (p *problem) order() {
	slices.SortStableFunc(p.demands, func(a, b *demand) int {
		na, ca := a.least()
		nb, cb := b.least()
		return cmp.Or(cmp.Compare(nb, na), cmp.Compare(ca, cb), cmp.Compare(len(b.constraints), len(a.constraints)), cmp.Compare(a.claim.Name, b.claim.Name), cmp.Compare(a.at, b.at))
	})
}

// partition is disjoint sets.
type partition []int

func newPartition(n int) partition {
	p := make(partition, n)
	for i := range p {
		p[i] = i
	}
	return p
}

func (p partition) find(i int) int {
	for p[i] != i {
		p[i] = p[p[i]]
		i = p[i]
	}
	return i
}

func (p partition) join(a, b int) { p[p.find(a)] = p.find(b) }
