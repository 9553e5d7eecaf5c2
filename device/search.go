// SPDX-License-Identifier: Apache-2.0

package device

import (
	"math/bits"
	"slices"
	"strconv"
)

// budget bounds one exhaustive answer, in looks at a set of devices.
const budget = 200_000

// Pod is what one pod gets. Zone is its NUMA zone where it is aligned, -1
// otherwise.
type Pod struct {
	Zone  int
	Takes []Take
}

// search tries the ways in which pods of one ask can lie on a node.
type search struct {
	a     *Ask
	st    State // as it is after what is being tried
	rooms []Room
	memo  map[string]best
	spent int
	limit int

	takes []Take
	acc   Cost     // lines of the pod being tried that its state does not show
	used  []uint64 // by request: what the pod being tried takes
}

// best is the cheapest way to add pods to a state, by its first pod.
type best struct {
	cost Cost
	ok   bool
	pod  Pod
}

func (a *Ask) newSearch(st *State, rooms []Room) *search {
	return &search{a: a, st: st.Clone(), rooms: slices.Clone(rooms), memo: map[string]best{}, limit: budget, used: make([]uint64, len(a.requests))}
}

func (s *search) over() bool { return s.spent > s.limit }

// solve finds the best m pods. After the budget ends its answers mean nothing.
func (s *search) solve(m int) best {
	if m == 0 {
		return best{cost: s.a.standing(&s.st), ok: true}
	}
	key := s.key(m)
	if b, known := s.memo[key]; known {
		return b
	}
	var found best
	s.pods(func(zone int) bool {
		acc, takes := s.acc, s.takes
		rest := s.fresh(func() best { return s.solve(m - 1) })
		if rest.ok {
			rest.cost.add(&acc)
			if !found.ok || rest.cost.less(&found.cost) {
				found = best{rest.cost, true, Pod{zone, slices.Clone(takes)}}
			}
		}
		return true
	})
	s.memo[key] = found
	return found
}

// fresh runs f as if no pod were being tried.
func (s *search) fresh(f func() best) best {
	acc, takes, used := s.acc, s.takes, s.used
	s.acc, s.takes, s.used = Cost{}, nil, make([]uint64, len(used))
	b := f()
	s.acc, s.takes, s.used = acc, takes, used
	return b
}

func (s *search) key(m int) string {
	b := strconv.AppendInt(nil, int64(m), 10)
	for _, r := range s.rooms {
		b = strconv.AppendInt(append(b, ' '), r.Pods, 10)
	}
	return string(s.st.AppendKey(append(b, ' ')))
}

// most tells whether m pods fit.
func (s *search) most(m int) bool {
	if m == 0 {
		return true
	}
	if s.a.bound(&s.st, s.rooms) < int64(m) {
		return false
	}
	key := s.key(m)
	if b, known := s.memo[key]; known {
		return b.ok
	}
	fits := false
	s.pods(func(int) bool {
		fits = s.fresh(func() best { return best{ok: s.most(m - 1)} }).ok
		return !fits
	})
	s.memo[key] = best{ok: fits}
	return fits
}

// greedy places pods one at a time, each as cheaply as a bounded look finds, up
// to m of them.
func (s *search) greedy(m int) (pods []Pod, costs []Cost) {
	var acc Cost
	for range m {
		s.spent = 0
		var found best
		s.pods(func(zone int) bool {
			c := s.a.standing(&s.st)
			c.add(&s.acc)
			if !found.ok || c.less(&found.cost) {
				found = best{c, true, Pod{zone, slices.Clone(s.takes)}}
				found.pod.Takes = slices.Clone(s.takes)
			}
			return true
		})
		if !found.ok {
			break
		}
		s.a.apply(&s.st, found.pod.Takes)
		for i := range s.rooms {
			if s.rooms[i].Zone == found.pod.Zone {
				s.rooms[i].Pods--
			}
		}
		after := s.a.standing(&s.st)
		for i := range acc {
			acc[i] += found.cost[i] - after[i]
		}
		after.add(&acc)
		pods, costs = append(pods, found.pod), append(costs, after)
	}
	return pods, costs
}

// pods visits every way to place one pod, with the pod placed while visit runs;
// visit returns false to end.
func (s *search) pods(visit func(zone int) bool) {
	if s.rooms == nil {
		s.request(0, -1, func() bool { return visit(-1) })
		return
	}
	for i := range s.rooms {
		if s.rooms[i].Pods <= 0 {
			continue
		}
		s.rooms[i].Pods--
		on := s.request(0, s.rooms[i].Zone, func() bool { return visit(s.rooms[i].Zone) })
		s.rooms[i].Pods++
		if !on {
			return
		}
	}
}

// request places the requests of a pod from one on.
func (s *search) request(at, zone int, visit func() bool) bool {
	if at == len(s.a.requests) {
		return visit()
	}
	r := &s.a.requests[at]
	within := ^uint64(0)
	if s.rooms != nil {
		within = s.a.t.zoneMask(r.kind, zone)
	}
	cand := s.a.candidates(&s.st, r, within)
	next := func(set uint64, givenUp int64) bool { return s.take(at, set, givenUp, zone, visit) }
	if r.beside < 0 {
		return s.sets(r, cand, next)
	}
	near := s.a.domainsOf(r.beside, s.used[r.beside], r.Near)
	if r.PerDomain {
		return s.perDomain(r, cand, near, 0, 0, next)
	}
	var inside uint64
	for _, d := range near {
		if d < 0 {
			continue
		}
		inside |= s.a.t.Kinds[r.kind].domain(scopeIndex(r.Near), d)
	}
	if !r.PreferNear {
		return s.sets(r, cand&inside, next)
	}
	return s.sets(r, cand, func(set uint64, givenUp int64) bool {
		return next(set, givenUp+int64(Members(set&^inside)))
	})
}

func scopeIndex(s Scope) int { return slices.Index(scopeOrder, s) }

// zoneMask is the devices of a kind in a NUMA node.
func (t *Table) zoneMask(kind, zone int) uint64 {
	d, known := t.domains[domainKey(Device{Zone: &zone}, SameNUMA)]
	if !known {
		return 0
	}
	return t.Kinds[kind].domain(scopeIndex(SameNUMA), d)
}

// domainsOf lists the domains that hold the devices of a request, by the
// position of their first; -1 stands for those of unknown domain.
func (a *Ask) domainsOf(request int, set uint64, scope Scope) []int32 {
	kind := &a.t.Kinds[a.requests[request].kind]
	var out []int32
	for ; set != 0; set &= set - 1 {
		if d := kind.scopes[scopeIndex(scope)][bits.TrailingZeros64(set)]; !slices.Contains(out, d) {
			out = append(out, d)
		}
	}
	return out
}

// perDomain takes the request's count in each of some domains.
func (s *search) perDomain(r *ask, cand uint64, near []int32, taken uint64, givenUp int64, next func(uint64, int64) bool) bool {
	if len(near) == 0 {
		return next(taken, givenUp)
	}
	inside := uint64(0)
	if near[0] >= 0 {
		inside = s.a.t.Kinds[r.kind].domain(scopeIndex(r.Near), near[0])
	}
	pool := cand &^ taken
	if !r.PreferNear {
		pool &= inside
	}
	return s.sets(r, pool, func(set uint64, more int64) bool {
		if r.PreferNear {
			more += int64(Members(set &^ inside))
		}
		return s.perDomain(r, cand, near[1:], taken|set, givenUp+more, next)
	})
}
