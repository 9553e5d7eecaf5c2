// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"fmt"
	"maps"
	"slices"

	"tarsia.dev/tarsia/device"
)

// ask is what a shape asks of the devices of a node where counting devices is
// not enough; nil where it is.
func (u *Usage) ask(s *shape, node int) *device.Ask {
	t := u.f.table[node]
	if t < 0 || len(s.Devices) == 0 && !u.f.partitioned {
		return nil
	}
	if c := u.shapes[s.key]; s.asks == nil && c != nil {
		s.asks = c.s.asks // of an equal shape
	}
	if s.asks == nil {
		s.asks = make([]tableAsk, len(u.f.tables))
	}
	if !s.asks[t].known {
		s.asks[t] = tableAsk{true, u.f.newAsk(s, u.f.tables[t])}
	}
	return s.asks[t].ask
}

// tableAsk is a shape against a table, once it was asked for.
type tableAsk struct {
	known bool
	ask   *device.Ask
}

// newAsk is what a shape asks of the devices of a table, nil where their number
// is enough.
func (f *Fleet) newAsk(s *shape, t *device.Table) *device.Ask {
	if len(s.Devices) == 0 && !slices.ContainsFunc(s.needs, func(n need) bool {
		return slices.ContainsFunc(t.Kinds, func(k device.Kind) bool { return f.resIndex[k.Resource] == n.res && k.Partitioned() })
	}) {
		return nil
	}
	return f.askOf(s, t)
}

// askOf adds the counts of devices to the requests of a shape; nil when there
// are none.
func (f *Fleet) askOf(s *shape, t *device.Table) *device.Ask {
	requests := slices.Clone(s.Devices)
	for _, n := range s.needs {
		for k := range t.Kinds {
			if kind := &t.Kinds[k]; f.resIndex[kind.Resource] == n.res {
				count := int(min(n.qty, device.MaxKind+1))
				requests = append(requests, device.Request{Name: "requests " + kind.Resource, Resource: kind.Resource, Count: count})
			}
		}
	}
	if len(requests) == 0 {
		return nil
	}
	return device.NewAsk(t, requests)
}

// rooms is how many pods of an aligned shape each NUMA zone takes by what is no
// device; nil for others.
func (u *Usage) rooms(s *shape, node int) []device.Room {
	if !s.AlignNUMA {
		return nil
	}
	rooms := make([]device.Room, u.f.zones(node))
	for z := range rooms {
		rooms[z] = device.Room{Zone: u.f.nodes[node].Zones[z].ID, Pods: u.zoneRoom(s, node, z)}
	}
	return rooms
}

// unnamedAny tells whether pods hold devices of a node without saying which.
func (u *Usage) unnamedAny(node int) bool {
	for grp := range u.f.groups[node] {
		if u.unnamedDevices(node, grp) > 0 {
			return true
		}
	}
	return false
}

// constraintDevices is the word for "there are devices, but not as asked for".
const constraintDevices = "devices"

// fitAsked narrows a count by the devices that a shape asks for.
func (u *Usage) fitAsked(s *shape, node int, a *device.Ask, pods int64, binds string) (int64, string) {
	if a == nil || u.unnamedAny(node) {
		return 0, constraintDevices
	}
	if pods == 0 {
		return 0, binds
	}
	st := u.state(node)
	fit, exact := a.Fit(&st, u.rooms(s, node), int(pods))
	u.rough = u.rough || !exact
	if int64(fit) < pods {
		return int64(fit), constraintDevices
	}
	return pods, binds
}

// zoneFitAsked is zoneFit for such a shape.
func (u *Usage) zoneFitAsked(s *shape, node, z int, a *device.Ask) int64 {
	if u.unnamedAny(node) {
		return 0
	}
	st := u.state(node)
	pods, _ := a.Fit(&st, u.rooms(s, node)[z:z+1], maxPods)
	return int64(pods)
}

// lacksDevices says why a node does not hold what a shape asks for.
func (u *Usage) lacksDevices(s *shape, node int) lack {
	a := u.ask(s, node)
	l := lack{constraint: constraintDevices, wanted: device.Describe(s.Devices)}
	switch {
	case a == nil:
		l.found = "it lists no devices"
	case u.unnamedAny(node):
		l.found = "some devices are held by pods that do not say which"
	default:
		st := u.state(node)
		l.wanted, l.found = a.Lacks(&st, u.rooms(s, node))
	}
	return l
}

// costsAsked is costs for a shape that asks for devices.
func (u *Usage) costsAsked(s *shape, node, most int, best int64, a *device.Ask) []nodeCost {
	st := u.state(node)
	costs, exact := a.Costs(&st, u.rooms(s, node), most)
	u.rough = u.rough || !exact
	out := make([]nodeCost, most+1)
	for m := 1; m <= most; m++ {
		out[m] = nodeCostOf(&costs[m], int64(m)*best)
	}
	return out
}

// nodeCostOf reads the lines of a cost; best is the link score that the sets of
// as many pods could have on an empty node.
func nodeCostOf(c *device.Cost, best int64) nodeCost {
	return nodeCost{lost: max(0, best+c[device.LineScore]), broken: c[device.LineBroken], asked: c}
}

// costOfAsked counts what chosen pods of one shape on one node cost.
func (u *Usage) costOfAsked(s *shape, places []podPlace, a *device.Ask) nodeCost {
	node := places[0].node
	pods := make([]device.Pod, len(places))
	for i, p := range places {
		pods[i].Takes = p.takes
	}
	st := u.state(node)
	c := a.CostOf(&st, pods)
	return nodeCostOf(&c, int64(len(places))*u.f.bestSets(s, node))
}

// placeInZone chooses devices for one pod, in a NUMA zone where z names one.
func (u *Usage) placeInZone(s *shape, set, node, z int, a *device.Ask) podPlace {
	st := u.state(node)
	rooms := u.rooms(s, node)
	if z >= 0 {
		rooms = rooms[z : z+1]
	}
	return u.placeOf(set, node, a.Choose(&st, rooms, 1)[0])
}

// placeAsked chooses devices for m pods of a shape.
func (u *Usage) placeAsked(s *shape, set, node, m int, a *device.Ask) []podPlace {
	st := u.state(node)
	pods := make([]podPlace, 0, m)
	for _, p := range a.Choose(&st, u.rooms(s, node), m) {
		pods = append(pods, u.placeOf(set, node, p))
	}
	return pods
}

// placeOf is the place of a pod for which devices were chosen.
func (u *Usage) placeOf(set, node int, p device.Pod) podPlace {
	place := podPlace{set: set, node: node, zone: -1, masks: make([]uint64, len(u.f.groups[node])), takes: p.Takes}
	if p.Zone >= 0 {
		place.zone, _ = u.f.zoneIndex(node, p.Zone)
	}
	for i := range p.Takes {
		if t := &p.Takes[i]; t.Whole {
			grp, pos := u.f.tables[u.f.table[node]].Where(t.Device)
			place.masks[grp] |= 1 << pos
		}
	}
	return place
}

// bookingAsked is what a pod holds at a place that placeAsked chose.
func (u *Usage) bookingAsked(s *shape, p podPlace) booking {
	b := booking{node: p.node, zone: p.zone, needs: s.needs, masks: p.masks}
	whole := map[int32]int64{} // what the requests of Shape.Devices add to the counts
	for i := range p.takes {
		t := &p.takes[i]
		grp, _ := u.f.tables[u.f.table[p.node]].Where(t.Device)
		switch {
		case !t.Whole:
			b.parts = append(b.parts, devicePart{grp, t.Device, *t})
		case t.Request < len(s.Devices):
			whole[u.f.groups[p.node][grp].res]++
		}
	}
	if len(whole) > 0 {
		b.needs = slices.Clone(b.needs)
		for _, res := range slices.Sorted(maps.Keys(whole)) {
			if at := slices.IndexFunc(b.needs, func(n need) bool { return n.res == res }); at >= 0 {
				b.needs[at].qty += whole[res]
			} else {
				b.needs = append(b.needs, need{res: res, qty: whole[res]})
			}
		}
	}
	return b
}

// checkAsked tells whether what a pod is to hold is what its shape asks for: a
// node on which nothing else were free would have to hold the pod.
func (u *Usage) checkAsked(s *shape, b *booking, a *device.Ask) error {
	t := u.f.tables[u.f.table[b.node]]
	st := u.state(b.node)
	for i := range b.parts {
		if !t.Enough(&st, &b.parts[i].take) {
			return fmt.Errorf("its share of device %q is more than is left", u.f.nodes[b.node].Devices[b.parts[i].dev].ID)
		}
	}
	var takes []device.Take
	for grp, mask := range b.masks {
		for pos, dev := range u.f.groups[b.node][grp].device {
			if mask>>pos&1 == 1 {
				takes = append(takes, device.Take{Device: dev, Whole: true, Function: -1})
			}
		}
	}
	for i := range b.parts {
		takes = append(takes, b.parts[i].take)
	}
	only := t.Only(&st, takes)
	rooms := u.rooms(s, b.node)
	if rooms != nil {
		rooms = rooms[b.zone : b.zone+1]
	}
	if pods, _ := a.Fit(&only, rooms, 1); pods < 1 || len(a.Choose(&only, rooms, 1)[0].Takes) != len(takes) {
		return fmt.Errorf("the devices that the decision names are not what it asks for")
	}
	return nil
}

// roughly tells whether the devices of some node were too many to search
// through for a set of the gang.
func (u *Usage) roughly(q *query) bool {
	return slices.ContainsFunc(q.sets, func(set gangSet) bool {
		c := u.shapes[set.s.key]
		return c != nil && c.rough
	})
}

// unproven takes back what a decision claims where devices were not searched
// through.
func unproven(d Decision) Decision {
	d.Optimal = false
	d.Reasons = append(d.Reasons, "a node has more ways to choose devices than are searched through: what it holds is good, not proven best")
	if d.Outcome == Refused {
		d.Outcome, d.Certificate = Undecided, nil
	}
	return d
}

// waysAsked lists how one pod can lie on a node, or in a NUMA zone of it where z
// names one, the best first; false when it stopped before the last.
func (u *Usage) waysAsked(s *shape, set, node, z int, a *device.Ask) ([]podPlace, bool) {
	st := u.state(node)
	rooms := u.rooms(s, node)
	if z >= 0 {
		rooms = rooms[z : z+1]
	}
	ways, complete := a.Ways(&st, rooms)
	places := make([]podPlace, len(ways))
	for i := range ways {
		places[i] = u.placeOf(set, node, ways[i])
	}
	return places, complete
}
