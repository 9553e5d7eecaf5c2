// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"slices"

	"tarsia.dev/tarsia/claim"
	"tarsia.dev/tarsia/device"
)

// nodeCost is what m pods of a shape cost on one node, beside the lines that
// follow from m alone.
type nodeCost struct {
	lost, broken, zones int64
	asked               *device.Cost  // of a shape that asks for devices
	lines               map[int]int64 // of stage: sums of the lines of asked, by line of the objective
}

func (c *nodeCost) put(line int, v int64) {
	if c.lines == nil {
		c.lines = map[int]int64{}
	}
	c.lines[line] += v
}

// podPlace is where one pod lies: on a node, in a zone, on sets of devices.
type podPlace struct {
	set    int // position of its pod set in the gang
	node   int
	zone   int                // -1 when not aligned
	masks  []uint64           // by group of the node; nil when no device can be named
	bound  *bound             // zones, where they are foretold
	claims []claim.Allocation // by claim of the shape, once they are settled
	takes  []device.Take      // of a shape that asks for more than whole devices
}

// deviceNeed is a demand for devices that the node lists and that can be named.
type deviceNeed struct{ grp, k int }

// deviceNeeds returns the demands of a shape for which devices of a node can be
// chosen: where pods hold devices without saying which, none can.
func (u *Usage) deviceNeeds(s *shape, node int) []deviceNeed {
	var needs []deviceNeed
	for _, n := range s.needs {
		if grp := u.f.groupOf(node, n.res); grp >= 0 && u.unnamedDevices(node, grp) == 0 {
			needs = append(needs, deviceNeed{grp, int(n.qty)})
		}
	}
	return needs
}

// bestSets is the best score that the sets of one pod could have on a node on
// which nothing runs.
func (f *Fleet) bestSets(s *shape, node int) int64 {
	var sum int64
	for _, n := range s.needs {
		grp := f.groupOf(node, n.res)
		if grp < 0 {
			continue
		}
		g := &f.groups[node][grp]
		masks := []uint64{g.usable}
		if s.AlignNUMA {
			masks = make([]uint64, len(g.zone))
			for z := range masks {
				masks[z] = g.usable & g.zone[z]
			}
		}
		var best int64
		for _, mask := range masks {
			if int64(members(mask)) >= n.qty {
				best = max(best, g.sets.Top(mask, int(n.qty)))
			}
		}
		sum += best
	}
	return sum
}

// exactSets tells whether the sets of a shape on a node are the best ones.
func (f *Fleet) exactSets(s *shape, node int) bool {
	for _, n := range s.needs {
		if grp := f.groupOf(node, n.res); grp >= 0 && !f.groups[node][grp].sets.Exact() {
			return false
		}
	}
	return true
}

// zoneState is the best that m pods can do in the zones 0..z, and how many of
// them go to zone z.
type zoneState struct {
	total, rest, opened int64
	here                int
	ok                  bool
}

func (a zoneState) better(b zoneState) bool {
	switch {
	case !b.ok:
		return true
	case a.total+a.rest != b.total+b.rest:
		return a.total+a.rest > b.total+b.rest
	case a.total != b.total:
		return a.total > b.total
	case a.opened != b.opened:
		return a.opened < b.opened
	}
	return a.here < b.here // the earlier zones take the more
}

// spread finds, for every count up to most, how aligned pods lie in the zones
// of a node: the best sets and rest, then the best sets, then the fewest zones
// opened, then the lowest zones. The result is by zone, then by count.
func (u *Usage) spread(s *shape, node, most int, needs []deviceNeed) [][]zoneState {
	states := make([][]zoneState, u.f.zones(node))
	before := make([]zoneState, most+1)
	before[0].ok = true
	for z := range states {
		states[z] = make([]zoneState, most+1)
		opens := u.untouched(node, z)
		for here := 0; here <= min(most, int(u.zoneFit(s, node, z))); here++ {
			one := zoneState{here: here, ok: true}
			for _, d := range needs {
				mask := u.freeDevices(node, d.grp) & u.f.groups[node][d.grp].zone[z]
				total, rest := u.f.groups[node][d.grp].sets.Best(mask, d.k, here)
				one.total, one.rest = one.total+total, one.rest+rest
			}
			if here > 0 && opens {
				one.opened = 1
			}
			for earlier := 0; earlier+here <= most; earlier++ {
				b := before[earlier]
				next := zoneState{b.total + one.total, b.rest + one.rest, b.opened + one.opened, here, true}
				if at := &states[z][earlier+here]; b.ok && next.better(*at) {
					*at = next
				}
			}
		}
		before = states[z]
	}
	return states
}

// untouched tells whether nothing is bound to a NUMA zone.
func (u *Usage) untouched(node, z int) bool {
	row := u.f.zoneRow(node, z)
	if !slices.Equal(u.zone[row:row+len(u.f.res)], u.f.zoneAlloc[row:row+len(u.f.res)]) {
		return false
	}
	for grp, g := range u.f.groups[node] {
		if u.held[int(u.f.groupAt[node])+grp]&g.zone[z] != 0 {
			return false
		}
	}
	return true
}

// costs returns what 0..most pods of a shape cost on a node. As many must fit;
// best is the reference of bestSets.
func (u *Usage) costs(s *shape, node, most int, best int64) []nodeCost {
	if a := u.ask(s, node); a != nil {
		return u.costsAsked(s, node, most, best, a)
	}
	out := make([]nodeCost, most+1)
	needs := u.deviceNeeds(s, node)
	if len(needs) == 0 && !s.AlignNUMA {
		return out
	}
	exact := u.f.exactSets(s, node)
	whole := u.wholeSets(s, node, needs)
	var zones []zoneState
	if s.AlignNUMA && most > 0 {
		zones = last(u.spread(s, node, most, needs))
	}
	for m := 1; m <= most; m++ {
		var total, rest int64
		if s.AlignNUMA {
			total, rest, out[m].zones = zones[m].total, zones[m].rest, zones[m].opened
		} else {
			for _, d := range needs {
				t, r := u.f.groups[node][d.grp].sets.Best(u.freeDevices(node, d.grp), d.k, m)
				total, rest = total+t, rest+r
			}
		}
		if len(needs) == 0 {
			continue
		}
		out[m].lost = max(0, int64(m)*best-total)
		if exact {
			out[m].broken = whole - total - rest
		}
	}
	return out
}

// wholeSets is how good the free devices of a node are in sets as the shape
// would like to find them, within zones where it is aligned.
func (u *Usage) wholeSets(s *shape, node int, needs []deviceNeed) int64 {
	var sum int64
	for _, d := range needs {
		g, free := &u.f.groups[node][d.grp], u.freeDevices(node, d.grp)
		if !s.AlignNUMA {
			sum += g.sets.Whole(free, d.k)
			continue
		}
		for _, mask := range g.zone {
			sum += g.sets.Whole(free&mask, d.k)
		}
	}
	return sum
}

func last[T any](s []T) T { return s[len(s)-1] }

// place chooses zones and devices for m pods of a set on a node: the choice
// whose cost costs reports.
func (u *Usage) place(s *shape, set, node, m int) []podPlace {
	if u.predicts(s, node) {
		return u.placeForetold(s, set, node, m)
	}
	if a := u.ask(s, node); a != nil {
		return u.placeAsked(s, set, node, m, a)
	}
	needs := u.deviceNeeds(s, node)
	pods := make([]podPlace, 0, m)
	add := func(zone, m int, within func(grp int) uint64) {
		masks := make([]uint64, m*len(u.f.groups[node]))
		for _, d := range needs {
			for i, set := range u.f.groups[node][d.grp].sets.Choose(within(d.grp), d.k, m) {
				masks[i*len(u.f.groups[node])+d.grp] = set
			}
		}
		for i := range m {
			p := podPlace{set: set, node: node, zone: zone}
			if len(needs) > 0 {
				p.masks = masks[i*len(u.f.groups[node]) : (i+1)*len(u.f.groups[node])]
			}
			pods = append(pods, p)
		}
	}
	if !s.AlignNUMA {
		add(-1, m, func(grp int) uint64 { return u.freeDevices(node, grp) })
		return pods
	}
	states := u.spread(s, node, m, needs)
	perZone := make([]int, len(states))
	for z, left := len(states)-1, m; z >= 0; z-- {
		perZone[z] = states[z][left].here
		left -= perZone[z]
	}
	for z, here := range perZone {
		if here > 0 {
			add(z, here, func(grp int) uint64 { return u.freeDevices(node, grp) & u.f.groups[node][grp].zone[z] })
		}
	}
	return pods
}

// booking is what a pod of the shape holds at its place.
func (u *Usage) bookingOf(s *shape, p podPlace) booking {
	b := u.bookingOfDevices(s, p)
	b.bound = p.bound
	if p.claims == nil && len(s.Claims) > 0 {
		b.waits = s
	}
	for _, a := range p.claims {
		b.claims = append(b.claims, a.Results...)
	}
	return b
}

func (u *Usage) bookingOfDevices(s *shape, p podPlace) booking {
	if p.takes != nil {
		return u.bookingAsked(s, p)
	}
	b := booking{node: p.node, zone: p.zone, needs: s.needs, masks: p.masks}
	for i, g := range u.f.groups[p.node] {
		if p.masks != nil && p.masks[i] != 0 {
			continue
		}
		for _, n := range s.needs {
			if n.res == g.res {
				if b.unnamed == nil {
					b.unnamed = make([]int64, len(u.f.groups[p.node]))
				}
				b.unnamed[i] = n.qty
			}
		}
	}
	return b
}
