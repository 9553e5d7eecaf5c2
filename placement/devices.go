// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"fmt"
	"math/bits"
	"slices"
)

// maxDevices is how many devices of one resource a node may list: a set of them
// is one machine word.
const maxDevices = 64

// maxLinkScore keeps sums over all pairs of a gang's devices within a word.
const maxLinkScore = 1 << 24

// group is the devices of one resource on one node. Sets of them are bit masks
// over the group's own positions.
type group struct {
	res    int32
	device []int    // by position: index in Node.Devices
	usable uint64   // those without a reason against them
	all    uint64   // every position
	zone   []uint64 // by NUMA zone of the node: the devices that lie in it
	sets   *setTable
}

// members is the size of a set.
func members(mask uint64) int { return bits.OnesCount64(mask) }

// buildGroups checks the devices of every node and numbers them. Nodes with the
// same scores share one table of sets.
func (f *Fleet) buildGroups() error {
	tables := map[string]*setTable{}
	f.groups = make([][]group, len(f.nodes))
	f.groupAt = make([]int32, 1, len(f.nodes)+1)
	for i := range f.nodes {
		n := &f.nodes[i]
		n.Devices = slices.Clone(n.Devices)
		if err := checkDevices(n); err != nil {
			return fmt.Errorf("build fleet: node %q: %w", n.Name, err)
		}
		for r := range f.res {
			g, err := f.newGroup(i, int32(r), tables)
			if err != nil {
				return fmt.Errorf("build fleet: node %q: %w", n.Name, err)
			}
			if len(g.device) > 0 {
				f.groups[i] = append(f.groups[i], g)
			}
		}
		f.groupAt = append(f.groupAt, f.groupAt[i]+int32(len(f.groups[i])))
	}
	return nil
}

func checkDevices(n *Node) error {
	seen := make(map[string]bool, len(n.Devices))
	for _, d := range n.Devices {
		if seen[d.ID] {
			return fmt.Errorf("lists device %q twice", d.ID)
		}
		seen[d.ID] = true
	}
	if len(n.LinkScore) == 0 {
		return nil
	}
	if len(n.LinkScore) != len(n.Devices) {
		return fmt.Errorf("has link scores of %d devices, want %d", len(n.LinkScore), len(n.Devices))
	}
	for a, row := range n.LinkScore {
		if len(row) != len(n.Devices) {
			return fmt.Errorf("has %d link scores for device %q, want %d", len(row), n.Devices[a].ID, len(n.Devices))
		}
		for b := range a {
			if row[b] != n.LinkScore[b][a] {
				return fmt.Errorf("scores the link of %q and %q %d one way and %d the other, want one score",
					n.Devices[a].ID, n.Devices[b].ID, row[b], n.LinkScore[b][a])
			}
			if row[b] < 0 || row[b] >= maxLinkScore {
				return fmt.Errorf("scores the link of %q and %q %d, want 0 to %d", n.Devices[a].ID, n.Devices[b].ID, row[b], maxLinkScore-1)
			}
		}
	}
	return nil
}

func (f *Fleet) newGroup(node int, res int32, tables map[string]*setTable) (group, error) {
	n := &f.nodes[node]
	g := group{res: res, zone: make([]uint64, len(n.Zones))}
	for at, d := range n.Devices {
		if d.Resource != f.res[res] {
			continue
		}
		if len(g.device) == maxDevices {
			return group{}, fmt.Errorf("lists more than %d devices of %q", maxDevices, d.Resource)
		}
		bit := uint64(1) << len(g.device)
		g.device = append(g.device, at)
		g.all |= bit
		if d.Unusable == "" {
			g.usable |= bit
		}
		if d.Zone == nil || len(n.Zones) == 0 {
			continue
		}
		z, ok := f.zoneIndex(node, *d.Zone)
		if !ok {
			return group{}, fmt.Errorf("puts device %q in NUMA zone %d, which it does not list", d.ID, *d.Zone)
		}
		g.zone[z] |= bit
	}
	score := make([][]int64, len(g.device))
	var key []byte
	for a := range score {
		score[a] = make([]int64, len(g.device))
		for b := range score[a] {
			if a != b && len(n.LinkScore) > 0 {
				score[a][b] = int64(n.LinkScore[g.device[a]][g.device[b]])
				f.maxScore = max(f.maxScore, score[a][b])
			}
			key = fmt.Appendf(key, "%d,", score[a][b])
		}
	}
	if tables[string(key)] == nil {
		tables[string(key)] = newSetTable(score)
	}
	g.sets = tables[string(key)]
	f.greedy = f.greedy || !g.sets.exact()
	return g, nil
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
