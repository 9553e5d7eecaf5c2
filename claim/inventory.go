// SPDX-License-Identifier: Apache-2.0

package claim

import (
	"fmt"
	"maps"
	"slices"
)

// Inventory is the devices of all pools, immutable, as dense indices. It may be
// shared by any number of goroutines; what is allocated is in a Use.
type Inventory struct {
	devices  []Device
	index    map[string]int32
	pools    []Pool
	pool     []int32    // by device
	reach    [][]string // by device: nodes, empty is every node
	consumes [][]drawn  // by device: counters
	capAt    []int32    // by device: where its capacities begin; one more at the end
	caps     []namedCap // by capAt
	counters []int64    // what there is of each
	counter  []string   // their names, for sentences: pool/set/counter
	local    [][]int32  // by node, see nodes
	nodes    map[string]int32
	anywhere []int32 // devices that every node reaches
}

type drawn struct {
	counter int32
	qty     int64
}

type namedCap struct {
	name string
	Capacity
}

// NewInventory numbers the devices of pools. It refuses two devices or counter
// sets of one name in a pool, two pools of one name, a device that draws from
// counters that its pool does not have, and negative quantities.
func NewInventory(pools []Pool) (*Inventory, error) {
	inv := &Inventory{index: map[string]int32{}, nodes: map[string]int32{}, capAt: []int32{0}}
	seen := map[[2]string]bool{}
	for _, p := range pools {
		key := [2]string{p.Driver, p.Name}
		if seen[key] {
			return nil, fmt.Errorf("build device inventory: driver %q lists pool %q twice", p.Driver, p.Name)
		}
		seen[key] = true
		if err := inv.addPool(p); err != nil {
			return nil, fmt.Errorf("build device inventory: pool %q of driver %q: %w", p.Name, p.Driver, err)
		}
	}
	return inv, nil
}

func (inv *Inventory) addPool(p Pool) error {
	at := map[string]map[string]int32{}
	for _, set := range p.Counters {
		if at[set.Name] != nil {
			return fmt.Errorf("lists counter set %q twice", set.Name)
		}
		at[set.Name] = map[string]int32{}
		for _, name := range slices.Sorted(maps.Keys(set.Counters)) {
			if set.Counters[name] < 0 {
				return fmt.Errorf("counter %q of set %q is %d, want 0 or more", name, set.Name, set.Counters[name])
			}
			at[set.Name][name] = int32(len(inv.counters))
			inv.counters = append(inv.counters, set.Counters[name])
			inv.counter = append(inv.counter, p.Name+"/"+set.Name+"/"+name)
		}
	}
	for _, d := range p.Devices {
		if err := inv.addDevice(p, d, at); err != nil {
			return fmt.Errorf("device %q: %w", d.Name, err)
		}
	}
	inv.pools = append(inv.pools, p)
	return nil
}

func (inv *Inventory) addDevice(p Pool, d Device, counters map[string]map[string]int32) error {
	d.Driver, d.Pool = p.Driver, p.Name
	if _, dup := inv.index[d.ID()]; dup {
		return fmt.Errorf("is listed twice")
	}
	var draws []drawn
	for _, c := range d.Consumes {
		for _, name := range slices.Sorted(maps.Keys(c.Counters)) {
			at, ok := counters[c.CounterSet][name]
			if !ok {
				return fmt.Errorf("draws from counter %q of set %q, which its pool does not list", name, c.CounterSet)
			}
			if c.Counters[name] < 0 {
				return fmt.Errorf("draws %d from counter %q, want 0 or more", c.Counters[name], name)
			}
			draws = append(draws, drawn{at, c.Counters[name]})
		}
	}
	attributes := make(map[string]Value, len(d.Attributes))
	for name, v := range d.Attributes {
		attributes[qualify(d.Driver, name)] = v
	}
	d.Attributes = attributes
	capacity := make(map[string]Capacity, len(d.Capacity))
	for name, c := range d.Capacity {
		if c.Value < 0 {
			return fmt.Errorf("has %d of capacity %q, want 0 or more", c.Value, name)
		}
		capacity[qualify(d.Driver, name)] = c
	}
	d.Capacity = capacity
	for _, name := range slices.Sorted(maps.Keys(capacity)) {
		inv.caps = append(inv.caps, namedCap{name, capacity[name]})
	}
	i := int32(len(inv.devices))
	inv.index[d.ID()] = i
	inv.devices = append(inv.devices, d)
	inv.pool = append(inv.pool, int32(len(inv.pools)))
	inv.consumes = append(inv.consumes, draws)
	inv.capAt = append(inv.capAt, int32(len(inv.caps)))
	reach := p.Nodes
	if len(d.Nodes) > 0 {
		reach = d.Nodes
	}
	inv.reach = append(inv.reach, reach)
	if len(reach) == 0 {
		inv.anywhere = append(inv.anywhere, i)
	}
	for _, node := range reach {
		at, known := inv.nodes[node]
		if !known {
			at = int32(len(inv.local))
			inv.nodes[node] = at
			inv.local = append(inv.local, nil)
		}
		inv.local[at] = append(inv.local[at], i)
	}
	return nil
}

// seenBy lists the devices that a node reaches, its own first.
func (inv *Inventory) seenBy(node string) []int32 {
	at, known := inv.nodes[node]
	if !known {
		return inv.anywhere
	}
	return slices.Concat(inv.local[at], inv.anywhere)
}

// Networked tells whether a node reaches devices that other nodes reach too: a
// gang must then be searched as a whole.
func (inv *Inventory) Networked(node string) bool {
	return slices.ContainsFunc(inv.seenBy(node), func(d int32) bool { return len(inv.reach[d]) != 1 })
}

// Devices is how many devices a node reaches.
func (inv *Inventory) Devices(node string) int { return len(inv.seenBy(node)) }

// caps of a device.
func (inv *Inventory) capsOf(d int32) []namedCap { return inv.caps[inv.capAt[d]:inv.capAt[d+1]] }
