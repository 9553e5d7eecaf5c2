// SPDX-License-Identifier: Apache-2.0

package placement

// miss is the proof that a cell cannot hold the gang.
type miss struct {
	DomainBound
	cell  int
	binds int // nodes that the constraint binds, where a pod set falls short
}

// shortOf tells whether counting alone shows that a cell cannot hold the gang:
// a set of which fewer pods fit, each node taken alone, than it has; or a
// resource of which all sets together want more than the nodes have that any of
// them can use.
func (u *Usage) shortOf(q *query, lay *layout, c int) (miss, bool) {
	nodes := lay.cells[c].nodes
	out := miss{cell: c}
	for _, set := range q.sets {
		counts := u.counts(set.s)
		var room int64
		for _, n := range nodes {
			room += counts.pods[n]
		}
		if room < int64(set.count) {
			out.DomainBound = DomainBound{Domain: lay.domain(u.f, c), PodSet: set.name, Wanted: int64(set.count), AtMost: room}
			out.Constraint, out.binds = counts.mostBinding(nodes)
			return out, true
		}
	}
	if len(q.sets) == 1 {
		return miss{}, false
	}
	for r := range u.f.res {
		var wanted int64
		var users []*counts
		for _, set := range q.sets {
			for _, n := range set.s.needs {
				if n.res == int32(r) {
					wanted += int64(set.count) * n.qty
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
