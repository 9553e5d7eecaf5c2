// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"fmt"
	"maps"
	"slices"

	"tarsia.dev/tarsia/topologymanager"
)

// kubeletNode is a node as its kubelet sees it now. What pods hold in zones that
// are not known counts nowhere: a refusal is then still right.
func (u *Usage) kubeletNode(node int) topologymanager.Node {
	var n topologymanager.Node
	if k := u.f.nodes[node].Kubelet; k != nil {
		n.Kubelet = *k
	}
	n.Unzoned = topologymanager.Resources{}
	for z, zone := range u.f.nodes[node].Zones {
		n.Zones = append(n.Zones, topologymanager.Zone{
			ID: zone.ID, Capacity: topologymanager.Resources{}, Available: topologymanager.Resources{}, Distances: zone.Distances,
			MemoryGroup: u.memoryGroup(node, z),
		})
		row := u.f.zoneRow(node, z)
		for r, name := range u.f.res {
			if _, listed := zone.Allocatable[name]; listed {
				n.Zones[z].Available[name] = max(0, u.zone[row+r])
				n.Zones[z].Capacity[name] = max(u.f.zoneAlloc[row+r], zone.Capacity[name])
			}
		}
	}
	for grp, g := range u.f.groups[node] {
		free, name := u.freeDevices(node, grp), u.f.res[g.res]
		for z, mask := range g.zone {
			if g.all&mask != 0 || u.zonedGroup(node, grp) {
				n.Zones[z].Available[name] = int64(members(free & mask))
				n.Zones[z].Capacity[name] = int64(members(g.all & mask))
			}
			free &^= mask
		}
		n.Unzoned[name] = int64(members(free))
	}
	return n
}

// zonedGroup tells whether any device of a group has a zone.
func (u *Usage) zonedGroup(node, grp int) bool {
	return slices.ContainsFunc(u.f.groups[node][grp].zone, func(mask uint64) bool { return mask != 0 })
}

// memoryGroup is the ids of the zones with which running pods use the memory of
// a zone.
func (u *Usage) memoryGroup(node, z int) []int {
	var ids []int
	for i, zone := range u.f.nodes[node].Zones {
		for mask := range u.memory[node] {
			if mask>>z&1 == 1 && mask>>i&1 == 1 {
				ids = append(ids, zone.ID)
				break
			}
		}
	}
	return ids
}

// holdBound books what a pod holds of zones (-1), or gives it back (1).
func (u *Usage) holdBound(node int, b *bound, sign int64) {
	if b == nil {
		return
	}
	for _, t := range b.takes {
		u.zone[u.f.zoneRow(node, t.zone)+int(t.res)] += sign * t.qty
	}
	for _, mask := range b.memory {
		if u.memory[node] == nil {
			u.memory[node] = map[uint64]int{}
		}
		u.memory[node][mask] -= int(sign)
		if u.memory[node][mask] == 0 {
			delete(u.memory[node], mask)
		}
	}
}

func cloneMemory(m map[int]map[uint64]int) map[int]map[uint64]int {
	out := make(map[int]map[uint64]int, len(m))
	for node, sets := range m {
		out[node] = maps.Clone(sets)
	}
	return out
}

// appendKubeletKind writes what a kubelet adds to what decides on a node.
func (u *Usage) appendKubeletKind(b []byte, node int) []byte {
	n := &u.f.nodes[node]
	if n.Kubelet == nil {
		return b
	}
	b = fmt.Appendf(b, "|%+v", *n.Kubelet)
	for z, zone := range n.Zones {
		b = fmt.Appendf(b, " %d %v %v %v", zone.ID, zone.Capacity, zone.Distances, u.memoryGroup(node, z))
	}
	return b
}

// zoneIDs names the zones of a pod.
func (u *Usage) zoneIDs(p podPlace) []int {
	if p.bound == nil {
		return nil
	}
	ids := make([]int, 0, len(p.bound.zones))
	for _, z := range p.bound.zones {
		ids = append(ids, u.f.nodes[p.node].Zones[z].ID)
	}
	return ids
}
