// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"fmt"
	"math/bits"
	"slices"

	"tarsia.dev/tarsia/device"
)

// maxDevices is how many devices of one resource a node may list.
const maxDevices = device.MaxKind

// group is the devices of one resource on one node. Sets of them are bit masks
// over the group's own positions.
type group struct {
	res    int32
	device []int    // by position: index in Node.Devices
	usable uint64   // those without a reason against them
	all    uint64   // every position
	zone   []uint64 // by NUMA zone of the node: the devices that lie in it
	sets   *device.Links
}

// members is the size of a set.
func members(mask uint64) int { return device.Members(mask) }

// buildGroups checks the devices of every node and numbers them. Nodes that are
// alike share one table.
func (f *Fleet) buildGroups() error {
	var tables device.Tables
	f.groups = make([][]group, len(f.nodes))
	f.groupAt = make([]int32, 1, len(f.nodes)+1)
	f.modular = make([]bool, len(f.res))
	index := map[*device.Table]int32{}
	for i := range f.nodes {
		n := &f.nodes[i]
		n.Devices = slices.Clone(n.Devices)
		f.table, f.leftAt, f.rowAt = append(f.table, -1), append(f.leftAt, int32(f.leftLen)), append(f.rowAt, int32(f.rowLen))
		if len(n.Devices) > 0 {
			t, err := tables.Of(n.Devices, n.LinkScore, n.Partitions)
			if err != nil {
				return fmt.Errorf("build fleet: node %q: %w", n.Name, err)
			}
			if _, known := index[t]; !known {
				index[t] = int32(len(f.tables))
				f.tables = append(f.tables, t)
				f.partitioned = f.partitioned || t.Partitioned()
				f.addKept(t)
			}
			f.table[i] = index[t]
			if err := f.newGroups(i, t); err != nil {
				return fmt.Errorf("build fleet: node %q: %w", n.Name, err)
			}
		}
		f.groupAt = append(f.groupAt, f.groupAt[i]+int32(len(f.groups[i])))
	}
	return nil
}

// newGroups makes the groups of a node, in the order of the table's kinds.
func (f *Fleet) newGroups(node int, t *device.Table) error {
	n := &f.nodes[node]
	for k := range t.Kinds {
		kind := &t.Kinds[k]
		g := group{res: f.resIndex[kind.Resource], device: kind.Device, zone: make([]uint64, len(n.Zones)), sets: kind.Links}
		for pos, at := range kind.Device {
			d := &n.Devices[at]
			bit := uint64(1) << pos
			g.all |= bit
			if d.Unusable == "" {
				g.usable |= bit
			}
			if d.Zone == nil || len(n.Zones) == 0 {
				continue
			}
			z, ok := f.zoneIndex(node, *d.Zone)
			if !ok {
				return fmt.Errorf("puts device %q in NUMA zone %d, which it does not list", d.ID, *d.Zone)
			}
			g.zone[z] |= bit
		}
		f.maxScore = max(f.maxScore, kind.MaxScore)
		f.modular[g.res] = f.modular[g.res] || kind.Partitioned()
		f.greedy = f.greedy || !g.sets.Exact()
		f.groups[node] = append(f.groups[node], g)
	}
	f.leftLen += len(n.Devices) * len(t.Caps)
	if t.Divisible() {
		f.rowLen += len(n.Devices)
	}
	return nil
}

// groupOf returns the position of a node's group for a resource, -1 when the
// node lists no device of it.
func (f *Fleet) groupOf(node int, res int32) int {
	for i := range f.groups[node] {
		if f.groups[node][i].res == res {
			return i
		}
	}
	return -1
}

// deviceIDs names the members of a set, in the order of their index.
func (f *Fleet) deviceIDs(node, grp int, mask uint64) []string {
	var ids []string
	g := &f.groups[node][grp]
	for ; mask != 0; mask &= mask - 1 {
		ids = append(ids, f.nodes[node].Devices[g.device[bits.TrailingZeros64(mask)]].ID)
	}
	return ids
}
