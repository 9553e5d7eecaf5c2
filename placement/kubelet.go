// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"fmt"
	"maps"
	"slices"

	"tarsia.dev/tarsia/topologymanager"
)

// constraintKubelet is the word for "the node has it, but its kubelet would
// refuse the pod".
const constraintKubelet = "topology manager"

// bound is what a pod holds of the NUMA zones of its node: what kubelet pins
// there, or what its place on the fewest zones takes.
type bound struct {
	zones  []int       // indices of the node's zones, ascending
	takes  []zoneTake  // of resources that are no listed devices
	whole  map[int]int // by group: devices, where the zones say how many
	memory []uint64    // sets of zones that memory spans
}

type zoneTake struct {
	zone int
	res  int32
	qty  int64
}

// checkKubelet refuses a configuration that no kubelet starts with.
func checkKubelet(n *Node) error {
	if n.Kubelet == nil {
		return nil
	}
	t := topologymanager.Node{Kubelet: *n.Kubelet}
	for _, z := range n.Zones {
		t.Zones = append(t.Zones, topologymanager.Zone{ID: z.ID})
	}
	if _, err := topologymanager.Predict(t, topologymanager.Pod{QoS: topologymanager.QoSBurstable}); err != nil {
		return fmt.Errorf("build fleet: node %q: %w", n.Name, err)
	}
	return nil
}

// compileContainers is the pod that a kubelet would see. Of a class that is not
// known only devices are aligned, as of every class.
func (s *Shape) compileContainers() (topologymanager.Pod, error) {
	p := topologymanager.Pod{QoS: s.QoS, Containers: s.Containers}
	if p.QoS == "" {
		p.QoS = topologymanager.QoSBurstable
	}
	if len(p.Containers) == 0 {
		p.Containers = []topologymanager.Container{{Requests: topologymanager.Resources(s.Requests)}}
	}
	if s.QoS == "" && len(s.Containers) == 0 {
		return p, nil
	}
	_, err := topologymanager.Predict(topologymanager.Node{Kubelet: topologymanager.Kubelet{Policy: topologymanager.None}}, p)
	return p, err
}

// containersKey is the part of a shape's key that kubelets look at.
func (s *Shape) containersKey() string {
	b := fmt.Appendf(nil, "%s|%t", s.QoS, s.FewestZones)
	for _, c := range s.Containers {
		b = fmt.Appendf(b, "|%q %t %t", c.Name, c.Init, c.Sidecar)
		for _, name := range slices.Sorted(maps.Keys(c.Requests)) {
			b = fmt.Appendf(b, " %q=%d", name, c.Requests[name])
		}
	}
	return string(b)
}

// predicts tells whether a pod's zones on a node are foretold: by its kubelet, or
// because the pod wants the fewest. A pod that must be aligned is placed in one
// zone by the engine itself.
func (u *Usage) predicts(s *shape, node int) bool {
	return (s.FewestZones || u.f.kubelets && u.f.nodes[node].Kubelet != nil) && !s.AlignNUMA && u.f.zones(node) > 0 && !u.unnamedAny(node)
}

// fitKubelet narrows a count to the pods that a kubelet would admit one after
// another.
func (u *Usage) fitKubelet(s *shape, node int, pods int64, binds string) (int64, string) {
	if pods == 0 || !u.predicts(s, node) || u.f.nodes[node].Kubelet == nil {
		return pods, binds
	}
	n := u.kubeletNode(node)
	for m := range pods {
		a, err := topologymanager.Predict(n, s.pod)
		if err != nil || !a.Admitted {
			return m, constraintKubelet
		}
		settled := true
		for z := range n.Zones {
			left := a.Left[n.Zones[z].ID]
			settled = settled && maps.Equal(left, n.Zones[z].Available)
			n.Zones[z].Available, n.Zones[z].MemoryGroup = left, a.MemoryGroups[n.Zones[z].ID]
		}
		if settled { // the pod pins nothing: neither will the next
			return pods, binds
		}
	}
	return pods, binds
}

// foretell is what the next pod of a shape will hold of the zones of a node.
// False: its kubelet would refuse it.
func (u *Usage) foretell(s *shape, node int) (*bound, bool) {
	n := u.kubeletNode(node)
	if s.FewestZones {
		return u.fewest(s, node, n), true
	}
	a, err := topologymanager.Predict(n, s.pod)
	if err != nil || !a.Admitted {
		return nil, false
	}
	b := &bound{whole: map[int]int{}}
	used := map[int]bool{}
	for z, zone := range n.Zones {
		for r, name := range u.f.res {
			q := zone.Available[name] - a.Left[zone.ID][name]
			if q == 0 {
				continue
			}
			used[z] = true
			if u.f.groupOf(node, int32(r)) < 0 {
				b.takes = append(b.takes, zoneTake{z, int32(r), q})
			}
		}
		mask := uint64(0)
		for _, id := range a.MemoryGroups[zone.ID] {
			at, _ := u.f.zoneIndex(node, id)
			mask |= 1 << at
		}
		if used[z] && mask != 0 && !slices.Contains(b.memory, mask) {
			b.memory = append(b.memory, mask)
		}
	}
	b.zones = slices.Sorted(maps.Keys(used))
	return b, true
}

// fewest is the place of a pod on the fewest zones, empty where the zones do not
// hold it or are not known; the lower ones are filled first.
func (u *Usage) fewest(s *shape, node int, n topologymanager.Node) *bound {
	b := &bound{whole: map[int]int{}}
	ids, err := topologymanager.Fewest(n.Zones, s.pod.QoS, topologymanager.Resources(s.Requests))
	if err != nil {
		return b
	}
	for _, id := range ids {
		z, _ := u.f.zoneIndex(node, id)
		b.zones = append(b.zones, z)
	}
	for _, need := range s.needs {
		if u.f.groupOf(node, need.res) >= 0 || !u.f.zoned[node*len(u.f.res)+int(need.res)] {
			continue
		}
		left := need.qty
		for _, z := range b.zones {
			q := min(left, max(0, u.zone[u.f.zoneRow(node, z)+int(need.res)]))
			if q > 0 {
				b.takes = append(b.takes, zoneTake{z, need.res, q})
			}
			left -= q
		}
	}
	return b
}

// placeForetold places m pods one after another, each with devices of the zones
// that are foretold for it. As many must fit.
func (u *Usage) placeForetold(s *shape, set, node, m int) []podPlace {
	var pods []podPlace
	var held []booking
	for range m {
		b, ok := u.foretell(s, node)
		p := podPlace{set: set, node: node, zone: -1}
		if a := u.ask(s, node); a != nil {
			p = u.placeInZone(s, set, node, -1, a)
		} else if needs := u.deviceNeeds(s, node); len(needs) > 0 {
			p.masks = make([]uint64, len(u.f.groups[node]))
			for _, d := range needs {
				p.masks[d.grp] = u.f.groups[node][d.grp].sets.Choose(u.within(node, d, b), d.k, 1)[0]
			}
		}
		if ok {
			p.bound = b
		}
		pods, held = append(pods, p), append(held, u.bookingOf(s, p))
		u.hold(last(held))
	}
	for _, b := range held {
		u.release(b)
	}
	return pods
}

// within is the free devices of a group in the zones of a pod, all free ones
// where those are too few: kubelet takes what it gets where it need not align.
func (u *Usage) within(node int, d deviceNeed, b *bound) uint64 {
	free := u.freeDevices(node, d.grp)
	if b == nil {
		return free
	}
	var in uint64
	for _, z := range b.zones {
		in |= free & u.f.groups[node][d.grp].zone[z]
	}
	if members(in) >= d.k {
		return in
	}
	return free
}

// lacksKubelet says why a kubelet would refuse a pod.
func (u *Usage) lacksKubelet(s *shape, node int) lack {
	n := u.kubeletNode(node)
	l := lack{constraint: constraintKubelet, wanted: "admission under policy " + string(n.Kubelet.Policy)}
	a, err := topologymanager.Predict(n, s.pod)
	if err != nil {
		l.found = err.Error()
	} else {
		l.found = a.Reason
	}
	return l
}
