// SPDX-License-Identifier: Apache-2.0

package device

// CostOf is what pods that were chosen for a state cost, counted from what they
// took.
func (a *Ask) CostOf(st *State, pods []Pod) Cost {
	now := st.Clone()
	cost := a.standing(st)
	for i := range cost {
		cost[i] = -cost[i]
	}
	for _, p := range pods {
		sets := make([]uint64, len(a.requests))
		for i := range p.Takes {
			t := &p.Takes[i]
			sets[t.Request] |= 1 << a.t.pos[t.Device]
			a.t.Hold(&now, t, 1)
		}
		c := a.podLines(sets)
		cost.add(&c)
	}
	after := a.standing(&now)
	cost.add(&after)
	return cost
}

// podLines are the lines of one pod that the state of the node does not show.
func (a *Ask) podLines(sets []uint64) Cost {
	var c Cost
	for i := range a.requests {
		r, set := &a.requests[i], sets[i]
		kind := &a.t.Kinds[r.kind]
		c[LineGivenUp] += a.givenUp(r, set, sets)
		if r.uneven {
			score := kind.Links.Value(set)
			c[LineBroken] -= score
			c[LineScore] -= score
		}
		if i == 0 {
			c[LineNUMA] = kind.beyondOne(scopeIndex(SameNUMA), set)
			c[LinePCIe] = kind.beyondOne(scopeIndex(SamePCIe), set)
		}
	}
	return c
}

// givenUp counts the preferences that a set does not meet.
func (a *Ask) givenUp(r *ask, set uint64, sets []uint64) int64 {
	var n int64
	kind := &a.t.Kinds[r.kind]
	if r.Prefer != "" && r.Sets == nil && !r.Lowest && !kind.together(scopeIndex(r.Prefer), set) {
		n++
	}
	if r.Whole() && kind.Partitioned() && r.AnySet && !kind.isPartition(set) {
		n++
	}
	if r.beside < 0 || !r.PreferNear {
		return n
	}
	var inside uint64
	for _, d := range a.domainsOf(r.beside, sets[r.beside], r.Near) {
		var mask uint64
		if d >= 0 {
			mask = kind.domain(scopeIndex(r.Near), d)
		}
		inside |= mask
		if r.PerDomain {
			n += int64(max(0, r.count-Members(set&mask)))
		}
	}
	if !r.PerDomain {
		n += int64(Members(set &^ inside))
	}
	return n
}
