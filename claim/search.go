// SPDX-License-Identifier: Apache-2.0

package claim

import (
	"encoding/binary"
	"slices"
)

// impossible is more than any sum of preferences.
const impossible = 1 << 40

// search finds the least sum of preferences for the demands of a problem, by
// depth first over demands, requests, alternatives and devices. best is exact
// for a demand and a state of the blocks, so it is kept and found again in every
// state that is the same but for which like block is which.
type search struct {
	p      *problem
	u      *Use
	budget int // looks at a device
	spent  int
	out    bool // the budget ended
	any    bool // the first way will do

	memo  map[string]int
	names map[string]int32 // states of blocks, numbered
	state []int32          // by block
	dirty []bool           // by block: state is to be found anew
	left  []int64          // by class of counters

	runs  []run // by demand
	cost  int   // preferences on the way here
	found [][]pick
	price int // of found
}

// run is a demand while its devices are chosen.
type run struct {
	picks   []pick
	touched []int32           // by block: picks in it
	common  []Value           // by constraint: what matching devices share
	taken   []map[string]bool // by constraint: items that distinct devices have
	covered []int             // by constraint: picks under it
}

// pick is a device for a request.
type pick struct {
	request, alt int
	device       int32
	amounts      []int64
}

func newSearch(p *problem, budget int, anyWay bool) *search {
	s := &search{
		p: p, u: p.u, budget: budget, any: anyWay, memo: map[string]int{}, names: map[string]int32{},
		state: make([]int32, len(p.blocks)), dirty: make([]bool, len(p.blocks)), left: p.left(),
		runs: make([]run, len(p.demands)), price: impossible,
	}
	for i := range s.dirty {
		s.dirty[i] = true
	}
	for i, d := range p.demands {
		s.runs[i] = run{
			touched: make([]int32, len(p.blocks)), common: make([]Value, len(d.constraints)),
			taken: make([]map[string]bool, len(d.constraints)), covered: make([]int, len(d.constraints)),
		}
		for k := range s.runs[i].taken {
			s.runs[i].taken[k] = map[string]bool{}
		}
	}
	return s
}

// best is the least sum of preferences for the demands from d on, impossible
// where there is no way. It is not to be trusted once the budget ended.
func (s *search) best(d int) int {
	if d == len(s.p.demands) {
		s.arrive()
		return 0
	}
	for class, need := range s.p.floors[d] {
		if need > s.left[class] {
			return impossible
		}
	}
	key := s.key(d)
	if v, known := s.memo[key]; known {
		return v
	}
	best := impossible
	s.enumerate(d, func(cost int) bool { return cost+s.p.lower[d+1] < best }, func(cost int) bool {
		s.cost += cost
		best = min(best, cost+s.best(d+1))
		s.cost -= cost
		return s.out || s.any && best < impossible || best == s.p.lower[d]
	})
	if !s.out {
		s.memo[key] = best
	}
	return best
}

// arrive keeps the way here when it is the cheapest so far.
func (s *search) arrive() {
	if s.cost >= s.price {
		return
	}
	s.price, s.found = s.cost, nil
	for _, r := range s.runs {
		s.found = append(s.found, slices.Clone(r.picks))
	}
}

// retrace finds the devices of the cheapest way, where the search has met it
// only in another guise: what it knows makes that quick.
func (s *search) retrace(least int) {
	found, price := s.found, s.price
	s.price, s.budget = impossible, s.spent+DefaultBudget
	s.follow(0, least)
	if s.price > price {
		s.found, s.price = found, price
	}
}

// follow walks down where the rest costs what it should.
func (s *search) follow(d, target int) {
	if d == len(s.p.demands) {
		s.arrive()
		return
	}
	s.enumerate(d, func(cost int) bool { return cost+s.p.lower[d+1] <= target }, func(cost int) bool {
		s.cost += cost
		if rest := s.best(d + 1); cost+rest == target {
			s.follow(d+1, rest)
			return true
		}
		s.cost -= cost
		return s.out
	})
}

// key names a demand and the state of all blocks, like blocks in any order.
func (s *search) key(d int) string {
	pairs := make([]uint64, len(s.p.blocks))
	for i, b := range s.p.blocks {
		pairs[i] = uint64(b.signature)<<32 | uint64(s.stateOf(int32(i)))
	}
	slices.Sort(pairs)
	out := binary.AppendUvarint(nil, uint64(d))
	for _, v := range pairs {
		out = binary.AppendUvarint(out, v)
	}
	return string(out)
}

func (s *search) stateOf(b int32) int32 {
	if s.dirty[b] {
		text := s.p.blocks[b].state(s.u)
		if _, known := s.names[text]; !known {
			s.names[text] = int32(len(s.names))
		}
		s.state[b], s.dirty[b] = s.names[text], false
	}
	return s.state[b]
}

// enumerate walks through the ways to meet one demand. While visit runs, the
// devices are taken; it is told the preferences and returns true to end the
// walk. worth cuts off ways that have become too dear.
func (s *search) enumerate(d int, worth func(cost int) bool, visit func(cost int) bool) {
	e := enumeration{search: s, demand: s.p.demands[d], run: &s.runs[d], worth: worth, visit: visit}
	e.request(0, 0)
}

func (s *search) take(p pick, r *run) {
	s.u.take(p.device, p.amounts)
	s.shift(p.device, -1)
	r.touched[s.p.blockOf[p.device]]++
	r.picks = append(r.picks, p)
}

func (s *search) free(r *run) {
	p := r.picks[len(r.picks)-1]
	r.picks = r.picks[:len(r.picks)-1]
	r.touched[s.p.blockOf[p.device]]--
	s.shift(p.device, 1)
	s.u.free(p.device, p.amounts)
}

// shift notes that a device is about to be given back, or has been taken.
func (s *search) shift(d int32, sign int64) {
	s.dirty[s.p.blockOf[d]] = true
	if s.u.taken[d] != 1 {
		return // a shared device that others have too draws nothing more
	}
	for _, c := range s.u.inv.consumes[d] {
		s.left[s.p.classOf[c.counter]] += sign * c.qty
	}
}
