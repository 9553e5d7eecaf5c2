// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"cmp"
	"slices"
)

// assignments lists the pods by set, in the order of their numbers. Held pods
// keep theirs; new ones take the numbers that are free, spares those behind the
// last pod.
func (u *Usage) assignments(q *query, c *choice) []Assignment {
	var out []Assignment
	for _, p := range q.gang.PodSets {
		var mine []Assignment
		taken := map[int]bool{}
		for i := range q.sets {
			if set := &q.sets[i]; !set.isSpare() && set.name == p.Name {
				for _, h := range set.rules.keep(c.uses[i]) {
					h.PodSet = p.Name
					mine, taken[h.Pod] = append(mine, h), true
				}
			}
		}
		next, spare := 0, p.Count
		for i := range q.sets {
			set := &q.sets[i]
			if set.name != p.Name {
				continue
			}
			pods := slices.DeleteFunc(slices.Clone(c.pods), func(p podPlace) bool { return p.set != i })
			running := set.count - set.spares - len(mine)
			for at, place := range pods {
				a := u.assignment(place)
				a.PodSet = p.Name
				if set.isSpare() || at >= running {
					a.Pod, a.Spare = spare, true
					spare++
				} else {
					for taken[next] {
						next++
					}
					a.Pod, taken[next] = next, true
				}
				mine = append(mine, a)
			}
		}
		slices.SortFunc(mine, func(a, b Assignment) int { return cmp.Compare(a.Pod, b.Pod) })
		out = append(out, mine...)
	}
	if out == nil {
		out = []Assignment{}
	}
	return out
}

// isSpare tells whether the set stands for the spares of another.
func (s *gangSet) isSpare() bool { return s.spares == s.count && s.spares > 0 }

func (u *Usage) assignment(p podPlace) Assignment {
	a := Assignment{Node: u.f.nodes[p.node].Name, Devices: []string{}, Zones: u.zoneIDs(p), Claims: p.claims}
	if p.zone >= 0 {
		a.Zone = new(u.f.nodes[p.node].Zones[p.zone].ID)
	}
	for i := range p.takes {
		a.Devices = append(a.Devices, p.takes[i].Part(u.f.nodes[p.node].Devices).String())
	}
	for grp, mask := range p.masks {
		if p.takes != nil {
			break // they are among the takes
		}
		a.Devices = append(a.Devices, u.f.deviceIDs(p.node, grp, mask)...)
	}
	return a
}

// keep lists the held pods that stay: on each node those of the lowest numbers.
func (r *setRules) keep(uses []nodeUse) []Assignment {
	var out []Assignment
	for i, h := range r.held {
		for _, use := range uses {
			if use.node == h.node {
				out = append(out, r.names[i][:min(use.pods, h.pods)]...)
			}
		}
	}
	return out
}

// released names the held pods that go.
func (q *query) released(c *choice) []string {
	var out []string
	for i, set := range q.sets {
		stays := set.rules.keep(c.uses[i])
		for _, names := range set.rules.names {
			for _, h := range names {
				if !slices.ContainsFunc(stays, func(s Assignment) bool { return s.Pod == h.Pod }) {
					out = append(out, PodName(q.gang.Name, set.name, h.Pod))
				}
			}
		}
	}
	slices.SortFunc(out, compareNatural)
	return out
}
