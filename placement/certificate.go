// SPDX-License-Identifier: Apache-2.0

package placement

import "slices"

// miss is the proof that a cell cannot hold the gang.
type miss struct {
	DomainBound
	cell  int
	binds int // nodes that the constraint binds, where a pod set falls short
}

// shortOf tells whether counting alone shows that a cell cannot hold the gang:
// a set of which fewer pods fit, each node taken alone, than it must have; or a
// resource of which all sets together want more than the nodes have that any of
// them can use.
func (u *Usage) shortOf(q *query, lay *layout, c int) (miss, bool) {
	return u.shortSets(q, nil, lay, c)
}

// shortSets is the same for some of the sets; nil is all of them.
func (u *Usage) shortSets(q *query, some []int, lay *layout, c int) (miss, bool) {
	nodes := lay.cells[c].nodes
	for i := range q.sets {
		if some == nil || slices.Contains(some, i) {
			if m, short := u.shortSet(q, i, lay, c); short {
				return m, true
			}
		}
	}
	if m, short := u.shortSum(q, some, lay, c); short {
		return m, true
	}
	out := miss{cell: c}
	if len(q.sets) == 1 || len(some) == 1 || q.holds() {
		return miss{}, false
	}
	for r := range u.f.res {
		var wanted int64
		var users []*counts
		for i, set := range q.sets {
			if some != nil && !slices.Contains(some, i) {
				continue
			}
			for _, n := range set.s.needs {
				if n.res == int32(r) {
					wanted += int64(q.must(i)) * n.qty
					users = append(users, u.counts(set.s))
				}
			}
		}
		var have int64
		for _, n := range nodes {
			for _, c := range users {
				if c.pods[n] > 0 {
					have += u.freeOf(int(n), int32(r))
					break
				}
			}
		}
		if have < wanted {
			out.DomainBound = DomainBound{Domain: lay.domain(u.f, c), Resource: u.f.res[r], Wanted: wanted, AtMost: have, Constraint: u.f.res[r]}
			return out, true
		}
	}
	return miss{}, false
}

// holds tells whether pods of the gang run already: they hold resources that
// are not free.
func (q *query) holds() bool {
	return slices.ContainsFunc(q.sets, func(s gangSet) bool { return s.rules.total > 0 })
}

// must is how many pods of a set there must be, whatever else runs.
func (q *query) must(at int) int {
	set := &q.sets[at]
	least := set.least
	if set.isSpare() && q.must(at-1) == 0 {
		return 0
	}
	if len(q.sets) == 1 {
		least = max(least, q.minPods)
	}
	if len(q.sets) == 1 && q.minPods > 0 {
		return least
	}
	for _, g := range q.groups {
		if slices.Contains(g.sets, at) && (g.optional || g.top && !q.allGroups) {
			return 0
		}
		for _, k := range g.inner {
			if !g.allGroups && slices.Contains(q.groups[k].sets, at) {
				return 0
			}
		}
	}
	return least
}

// shortSet tells whether a cell holds too few pods of one set.
func (u *Usage) shortSet(q *query, at int, lay *layout, c int) (miss, bool) {
	set := &q.sets[at]
	nodes := lay.cells[c].nodes
	counts := u.counts(set.s)
	room := int64(heldInside(lay, set.rules, c))
	out := miss{cell: c, DomainBound: DomainBound{Domain: lay.domain(u.f, c), PodSet: set.name, Spares: set.isSpare()}}
	if !set.rules.shrink && room < int64(set.rules.total) {
		out.Wanted, out.AtMost, out.Held, out.Constraint = int64(set.rules.total), room, true, constraintHeld
		return out, true
	}
	if !set.rules.shrink {
		for _, n := range nodes {
			room += counts.pods[n]
		}
	}
	out.Wanted, out.AtMost = int64(q.must(at)), room
	if room < out.Wanted {
		out.Constraint, out.binds = counts.mostBinding(nodes)
		return out, true
	}
	if set.rules.plain() || !u.orderly(lay) {
		return miss{}, false
	}
	if out.AtMost, out.Constraint = u.roomUnderRules(q, at, lay, c); out.AtMost < out.Wanted {
		return out, true
	}
	return miss{}, false
}

// shortSum tells whether a cell holds too few pods of all sets together, where
// the gang says how many there must be in all.
func (u *Usage) shortSum(q *query, some []int, lay *layout, c int) (miss, bool) {
	if some != nil || len(q.sets) == 1 || q.minPods == 0 {
		return miss{}, false
	}
	out := miss{cell: c, DomainBound: DomainBound{Domain: lay.domain(u.f, c), Wanted: int64(q.minPods)}}
	least := int64(-1)
	for _, set := range q.sets {
		counts, room := u.counts(set.s), int64(heldInside(lay, set.rules, c))
		if !set.rules.shrink {
			for _, n := range lay.cells[c].nodes {
				room += counts.pods[n]
			}
		}
		if set.isSpare() {
			continue
		}
		out.AtMost += min(room, int64(set.count))
		out.Together = append(out.Together, set.name)
		if least < 0 || room < least {
			least = room
			out.Constraint, out.binds = counts.mostBinding(lay.cells[c].nodes)
		}
	}
	return out, out.AtMost < out.Wanted
}

// orderly tells whether the levels of a layout lie within one another, so that
// what domains hold can be cut from the innermost outwards.
func (u *Usage) orderly(lay *layout) bool {
	for _, s := range lay.soft {
		if slices.ContainsFunc(lay.hard, func(h int) bool { return s < h || !u.nests(h, s) }) {
			return false
		}
	}
	return lay.nested && len(lay.hard) < 2
}

// constraintHeld is the word for "pods of the gang run elsewhere and stay".
const constraintHeld = "held pods"

// roomUnderRules is how many pods of a set a cell holds at most when limits and
// slices count, and which of them binds: what a domain holds is cut to its limit
// and to a multiple of its slice size, from the innermost level outwards.
func (u *Usage) roomUnderRules(q *query, at int, lay *layout, c int) (int64, string) {
	set := &q.sets[at]
	counts, rules := u.counts(set.s), set.rules
	binds := ""
	cut := func(level int, outside bool, room int64) int64 {
		for _, l := range rules.limits {
			if l.level == level && !outside && room > int64(l.pods) {
				room, binds = int64(l.pods), "limit of "+plural(int64(l.pods), "pod")+" for each "+u.f.levels[level].name
			}
		}
		for _, s := range rules.slices {
			if rest := room % int64(s.pods); s.level == level && (outside || rest > 0) {
				binds = "slices of " + plural(int64(s.pods), "pod") + " in each " + u.f.levels[level].name
				room -= rest
				if outside {
					room = 0
				}
			}
		}
		return room
	}
	var walk func(v int32) int64
	walk = func(at int32) int64 {
		v := lay.verts[at]
		switch {
		case v.node >= 0 && rules.shrink:
			return int64(rules.heldOn(int(v.node)))
		case v.node >= 0:
			return counts.pods[v.node] + int64(rules.heldOn(int(v.node)))
		case v.right >= 0:
			return walk(v.left) + walk(v.right)
		}
		level := lay.soft[v.soft]
		return cut(level, int(v.domain) >= len(u.f.levels[level].domains), walk(v.left))
	}
	room := walk(lay.cells[c].root)
	for _, l := range slices.Backward(u.outerLevels(q, lay)) {
		room = cut(l, false, room)
	}
	// A number of pods that is no sum of whole slices does not fit either.
	for _, s := range rules.slices {
		if most := int64(set.count); room >= most && most%int64(s.pods) != 0 {
			room = most - most%int64(s.pods)
			binds = "slices of " + plural(int64(s.pods), "pod") + " in each " + u.f.levels[s.level].name
		}
	}
	return room, binds
}

// outerLevels lists the levels of the rules of which a cell of a layout has one
// domain, outermost first.
func (u *Usage) outerLevels(q *query, lay *layout) []int {
	return slices.DeleteFunc(slices.Clone(q.levels), func(l int) bool { return slices.Contains(lay.soft, l) })
}

// freeOf is what a node has left of a resource: for devices that it lists, no
// more than the free and usable ones.
func (u *Usage) freeOf(node int, res int32) int64 {
	free := u.free[node*len(u.f.res)+int(res)]
	if grp := u.f.groupOf(node, res); grp >= 0 {
		free = min(free, int64(members(u.freeDevices(node, grp)))-u.unnamedDevices(node, grp))
	}
	return max(0, free)
}

// certificate proves that no cell of the required levels holds the gang, or is
// nil where counting does not show it.
func (u *Usage) certificate(q *query, lay *layout) *Certificate {
	cert := &Certificate{Level: lay.level(u.f), Domains: []DomainBound{}}
	for c := range lay.cells {
		m, short := u.shortOf(q, lay, c)
		if !short {
			return nil
		}
		cert.Domains = append(cert.Domains, m.DomainBound)
	}
	return cert
}

// scopeCertificate proves that a group or set cannot share a domain of the levels
// that its rules require, whatever the rest of the gang does; nil where counting
// does not show it of any.
func (u *Usage) scopeCertificate(q *query) *Certificate {
	for _, s := range q.scopes[1:] {
		if len(s.required) == 0 {
			continue
		}
		a := &attempt{kept: slices.Concat(q.required, s.required)}
		slices.Sort(a.kept)
		a.kept = slices.Compact(a.kept)
		u.arrange(q, a)
		cert := &Certificate{Level: a.lay.level(u.f), Scope: s.name, Domains: []DomainBound{}}
		for c := range a.lay.cells {
			m, short := u.shortSets(q, s.sets, a.lay, c)
			if !short {
				cert = nil
				break
			}
			cert.Domains = append(cert.Domains, m.DomainBound)
		}
		must := slices.ContainsFunc(s.sets, func(i int) bool { return q.must(i) > 0 })
		if cert != nil && must {
			return cert
		}
	}
	return nil
}
