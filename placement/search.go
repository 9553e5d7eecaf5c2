// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"tarsia.dev/tarsia/device"
)

// searchBudget bounds one exhaustive search, in looks at a node.
const searchBudget = 2_000_000

// search looks for any placement of several pod sets on some nodes, pod by pod.
// It is exhaustive up to what cannot matter: pods of one set take places in
// order, nodes that are alike and untouched are tried once, and aligned sets go
// first, after which only the totals of a node matter to the others. It returns
// nil when there is no placement, and true when the budget ended before it knew.
func (u *Usage) search(ctx context.Context, q *query, nodes []int32) ([]podPlace, bool, error) {
	order := make([]int, len(q.sets))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(
			-boolCompare(q.sets[a].s.AlignNUMA, q.sets[b].s.AlignNUMA),
			-cmp.Compare(u.f.weight(q.sets[a].s), u.f.weight(q.sets[b].s)),
		)
	})
	s := &searcher{ctx: ctx, u: u, q: q, nodes: nodes, order: order, kind: u.kinds(q, nodes), touched: make([]int, len(nodes))}
	for _, set := range q.sets {
		s.fixed = append(s.fixed, u.counts(set.s).fixed)
		if len(set.s.Devices) > 0 || u.f.partitioned {
			s.dead = map[string]bool{}
		}
	}
	ok, err := s.sets(0)
	for _, b := range s.held {
		u.release(b)
	}
	if err != nil || !ok {
		return nil, s.spent > searchBudget || s.partial, err
	}
	return s.pods, false, nil
}

func boolCompare(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// weight is how much of devices a shape takes, in parts of a device: big sets
// first leave the search fewer ways.
func (f *Fleet) weight(s *shape) int64 {
	sum := device.Weight(s.Devices, f.tables)
	for _, n := range s.needs {
		if f.accel[n.res] {
			sum += n.qty * device.WholeWeight
		}
	}
	return sum
}

type searcher struct {
	ctx     context.Context
	u       *Usage
	q       *query
	nodes   []int32
	order   []int
	kind    []int // by position in nodes: equal for nodes that are alike
	touched []int // by position in nodes: pods of this search on it
	fixed   [][]bool
	pods    []podPlace
	held    []booking
	spent   int
	partial bool // somewhere not every choice of devices was tried
	// dead are the states, by what is left to place, from which no placement was
	// found; nil where no set asks for devices by more than their number.
	dead map[string]bool
}

// kinds numbers nodes by everything that decides what fits on them.
func (u *Usage) kinds(q *query, nodes []int32) []int {
	seen := map[string]int{}
	kind := make([]int, len(nodes))
	for i, n := range nodes {
		key := u.kindKey(q, int(n))
		if _, ok := seen[key]; !ok {
			seen[key] = len(seen)
		}
		kind[i] = seen[key]
	}
	return kind
}

// kindKey is equal for nodes on which the same fits.
func (u *Usage) kindKey(q *query, node int) string {
	var b []byte
	put := func(v int64) { b = binary.AppendVarint(b, v) }
	for _, set := range q.sets {
		b = fmt.Appendf(b, "%t,", u.counts(set.s).fixed[node])
	}
	row := node * len(u.f.res)
	for r := range u.f.res {
		put(u.free[row+r])
		b = fmt.Appendf(b, "%t", u.f.zoned[row+r])
	}
	for z := range u.f.zones(node) {
		zrow := u.f.zoneRow(node, z)
		for r := range u.f.res {
			put(u.zone[zrow+r])
		}
	}
	for grp, g := range u.f.groups[node] {
		free := u.freeDevices(node, grp)
		b = fmt.Appendf(b, "|%d %d %d", g.res, members(free), u.unnamedDevices(node, grp))
		for _, mask := range g.zone {
			b = fmt.Appendf(b, " %d", members(free&mask))
		}
	}
	if u.f.table[node] >= 0 {
		st := u.state(node)
		b = st.AppendKey(fmt.Appendf(b, "|%d ", u.f.table[node]))
	}
	return string(u.appendClaimKind(u.appendKubeletKind(b, node), q, node))
}

// sets places the sets from position at of the order on.
func (s *searcher) sets(at int) (bool, error) {
	if at == len(s.order) {
		return true, nil
	}
	for _, i := range s.order[at:] {
		var room int64
		for _, node := range s.nodes {
			room += s.free(i, int(node))
		}
		if room < int64(s.q.sets[i].count) {
			return false, s.ctx.Err()
		}
	}
	return s.podsOf(at, s.q.sets[s.order[at]].count, 0, 0)
}

// free counts pods of a set on a node and pays for the look.
func (s *searcher) free(set, node int) int64 {
	s.spent++
	if s.fixed[set][node] {
		return 0
	}
	pods, _ := s.u.fit(s.q.sets[set].s, node)
	return pods
}

// podsOf places the remaining pods of a set on nodes from a position and zone on.
func (s *searcher) podsOf(at, left, from, zone int) (bool, error) {
	if left == 0 {
		return s.sets(at + 1)
	}
	if err := s.ctx.Err(); err != nil {
		return false, err
	}
	dead := s.deadKey(at, left, from, zone)
	if s.dead[dead] {
		return false, nil
	}
	set := s.order[at]
	shape := s.q.sets[set].s
	tried := map[int]bool{}
	for i := from; i < len(s.nodes) && s.spent <= searchBudget; i++ {
		node := int(s.nodes[i])
		first := 0
		if i == from {
			first = zone
		}
		if s.touched[i] == 0 {
			if tried[s.kind[i]] {
				continue
			}
			tried[s.kind[i]] = true
		}
		if s.free(set, node) == 0 {
			continue
		}
		zones := []int{-1}
		if shape.AlignNUMA {
			zones = nil
			for z := first; z < s.u.f.zones(node); z++ {
				if s.u.zoneFit(shape, node, z) > 0 {
					zones = append(zones, z)
				}
			}
		}
		for _, z := range zones {
			for _, p := range s.ways(shape, set, node, z) {
				s.spent += wayPrice
				s.add(shape, p)
				s.touched[i]++
				ok, err := s.podsOf(at, left-1, i, max(z, 0))
				if ok || err != nil {
					return ok, err
				}
				s.touched[i]--
				s.drop()
			}
		}
	}
	if s.dead != nil && s.spent <= searchBudget && len(s.dead) < maxDead {
		s.dead[dead] = true
	}
	return false, nil
}

// wayPrice is what a choice of devices costs of the budget, beside a look;
// maxDead bounds the memory of a search.
const (
	wayPrice = 10
	maxDead  = 1 << 16
)

// deadKey is equal where the same is left to place on nodes in the same state.
func (s *searcher) deadKey(at, left, from, zone int) string {
	if s.dead == nil {
		return ""
	}
	b := fmt.Append(nil, at, left, from, zone)
	for i, n := range s.nodes {
		if s.touched[i] > 0 {
			b = append(fmt.Appendf(b, "|%d ", i), s.u.kindKey(s.q, int(n))...)
		}
	}
	return string(b)
}

// ways lists how one pod can lie in a zone or on a node. Where only the number
// of devices matters to those that come later, the best are enough.
func (s *searcher) ways(sh *shape, set, node, z int) []podPlace {
	if s.u.predicts(sh, node) {
		s.partial = true
		return s.u.placeForetold(sh, set, node, 1)
	}
	if a := s.asks(sh, node); a != nil {
		ways, complete := s.u.waysAsked(sh, set, node, z, a)
		s.partial = s.partial || !complete
		return ways
	}
	p := podPlace{set: set, node: node, zone: z}
	needs := s.u.deviceNeeds(sh, node)
	if len(needs) > 0 {
		p.masks = make([]uint64, len(s.u.f.groups[node]))
	}
	for _, d := range needs {
		g, free := &s.u.f.groups[node][d.grp], s.u.freeDevices(node, d.grp)
		if z >= 0 {
			free &= g.zone[z]
		}
		p.masks[d.grp] = g.sets.Choose(free, d.k, 1)[0]
	}
	return []podPlace{p}
}

// asks is what a shape asks of a node's devices where it, or another set of the
// gang, asks for more than their number.
func (s *searcher) asks(sh *shape, node int) *device.Ask {
	if a := s.u.ask(sh, node); a != nil || s.u.f.table[node] < 0 || s.u.unnamedAny(node) {
		return a
	}
	if !slices.ContainsFunc(s.q.sets, func(set gangSet) bool { return s.u.ask(set.s, node) != nil }) {
		return nil
	}
	return s.u.f.askOf(sh, s.u.f.tables[s.u.f.table[node]])
}

func (s *searcher) add(sh *shape, p podPlace) {
	s.pods = append(s.pods, p)
	s.held = append(s.held, s.u.bookingOf(sh, p))
	s.u.hold(last(s.held))
}

func (s *searcher) drop() {
	s.u.release(last(s.held))
	s.pods, s.held = s.pods[:len(s.pods)-1], s.held[:len(s.held)-1]
}
