// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tarsia.dev/tarsia/claim"
	"tarsia.dev/tarsia/device"
)

// unlimited is what a node has of "pods" when it does not say how many it takes.
const unlimited = 1 << 40

// resPods is the index of the resource "pods", which every pod uses.
const resPods = 0

// Fleet is the immutable side of the engine: nodes in the natural order of
// their names, resources and domains as dense indices. It may be shared by any
// number of goroutines; what runs is in a Usage.
type Fleet struct {
	nodes    []Node
	index    map[string]int32
	res      []string // names of resources; resPods first, then sorted
	resIndex map[string]int32
	accel    []bool  // by resource: counts as an accelerator
	alloc    []int64 // node*len(res)+resource

	levels     []level // outermost first: those that the caller ordered, the others, LevelNode last
	ordered    int     // how many of them the caller ordered
	levelIndex map[string]int

	tables      []*device.Table
	table       []int32 // by node: its table, -1 when it lists no device
	partitioned bool    // some devices are given as partitions only
	modular     []bool  // by resource: those of it
	// What nodes can lose of partitions and of slots.
	partitionSizes, slotSizes keptSizes
	leftAt                    []int32 // by node: where what is left of its devices begins, and leftLen the end of all
	rowAt                     []int32 // the same for what is taken of devices that can be divided
	leftLen                   int
	rowLen                    int
	groups                    [][]group // by node: its devices, a group for each resource
	groupAt                   []int32   // by node: where its groups begin in dense arrays; one more at the end
	zoneAt                    []int32   // the same for its NUMA zones
	zoneAlloc                 []int64   // (zoneAt+zone)*len(res)+resource
	zoned                     []bool    // node*len(res)+resource: some zone of the node lists it
	maxScore                  int64     // the largest link score of any node
	greedy                    bool      // some node has more unequal devices than sets are exact for

	kubelets  bool             // some node's kubelet is known
	claims    *claim.Inventory // devices of resource claims; nil where no node lists any
	networked []int32          // nodes that reach such devices together with others
}

// level is one relation of nodes: racks, NVLink domains.
type level struct {
	name    string
	domains []string // in natural order
	of      []int32  // by node: index of its domain, -1 when it has none
	// soft is of, with a domain of its own for each node that has none: who
	// stands outside all racks shares no rack with anybody.
	soft []int32
}

// NewFleet builds the fleet. Levels are named outermost first; levels that only
// nodes name are put behind them, those with fewer domains first. It refuses
// two nodes of one name, a level named LevelNode, negative quantities, a device in a zone that its node
// does not list, and a LinkScore that is not square and symmetric.
func NewFleet(nodes []Node, levels []string) (*Fleet, error) {
	f := &Fleet{nodes: slices.Clone(nodes), index: map[string]int32{}}
	slices.SortStableFunc(f.nodes, func(a, b Node) int { return compareNatural(a.Name, b.Name) })
	for i := range f.nodes {
		n := &f.nodes[i]
		if n.Name == "" {
			return nil, fmt.Errorf("build fleet: node %d of %d has no name", i+1, len(nodes))
		}
		if _, dup := f.index[n.Name]; dup {
			return nil, fmt.Errorf("build fleet: two nodes are named %q", n.Name)
		}
		if err := checkQuantities(n.Allocatable); err != nil {
			return nil, fmt.Errorf("build fleet: node %q: %w", n.Name, err)
		}
		f.index[n.Name] = int32(i)
		n.Labels, n.Allocatable = maps.Clone(n.Labels), n.Allocatable.Clone()
	}
	f.internResources()
	if err := f.buildZones(); err != nil {
		return nil, err
	}
	if err := f.buildGroups(); err != nil {
		return nil, err
	}
	if err := f.buildLevels(levels); err != nil {
		return nil, err
	}
	if err := f.buildClaims(); err != nil {
		return nil, err
	}
	for i := range f.nodes {
		if err := checkKubelet(&f.nodes[i]); err != nil {
			return nil, err
		}
		f.kubelets = f.kubelets || f.nodes[i].Kubelet != nil
	}
	return f, nil
}

func checkQuantities(r Resources) error {
	wrong := false
	for _, v := range r {
		wrong = wrong || v < 0
	}
	if !wrong {
		return nil
	}
	negative := false
	for _, v := range r {
		negative = negative || v < 0
	}
	if !negative {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(r)) {
		if r[name] < 0 {
			return fmt.Errorf("has %d of %q, want 0 or more", r[name], name)
		}
	}
	return nil
}

// internResources numbers every resource that a node or a zone lists, so that
// use is a row of numbers.
func (f *Fleet) internResources() {
	names := map[string]bool{}
	devices := map[string]bool{}
	for _, n := range f.nodes {
		for name := range n.Allocatable {
			names[name] = true
		}
		for _, z := range n.Zones {
			for name := range z.Allocatable {
				names[name] = true
			}
		}
		for _, d := range n.Devices {
			names[d.Resource] = true
			devices[d.Resource] = devices[d.Resource] || !d.Auxiliary
		}
	}
	delete(names, Pods)
	f.res = append([]string{Pods}, slices.Sorted(maps.Keys(names))...)
	f.resIndex = make(map[string]int32, len(f.res))
	f.accel = make([]bool, len(f.res))
	for i, name := range f.res {
		f.resIndex[name] = int32(i)
		f.accel[i] = devices[name] || isAccelerator(name)
	}
	f.alloc = make([]int64, len(f.nodes)*len(f.res))
	for i, n := range f.nodes {
		row := f.alloc[i*len(f.res):]
		for name, v := range n.Allocatable {
			row[f.resIndex[name]] = v
		}
		if _, said := n.Allocatable[Pods]; !said {
			row[resPods] = unlimited
		}
	}
}

// isAccelerator tells whether an extended resource counts accelerators, for
// fleets whose nodes list no devices ("kubectl get nodes"). The words are those
// of the vendors' device plugins.
func isAccelerator(resource string) bool {
	_, word, extended := strings.Cut(resource, "/")
	if !extended {
		return false
	}
	for _, w := range []string{"gpu", "mig-", "tpu", "npu", "xe", "i915", "gaudi", "neuron"} {
		if strings.HasPrefix(word, w) {
			return true
		}
	}
	return false
}

func (f *Fleet) buildZones() error {
	f.zoneAt = make([]int32, 1, len(f.nodes)+1)
	f.zoned = make([]bool, len(f.nodes)*len(f.res))
	for i := range f.nodes {
		n := &f.nodes[i]
		n.Zones = slices.Clone(n.Zones)
		slices.SortStableFunc(n.Zones, func(a, b Zone) int { return cmp.Compare(a.ID, b.ID) })
		for z, zone := range n.Zones {
			if z > 0 && n.Zones[z-1].ID == zone.ID {
				return fmt.Errorf("build fleet: node %q lists NUMA zone %d twice", n.Name, zone.ID)
			}
			if err := checkQuantities(zone.Allocatable); err != nil {
				return fmt.Errorf("build fleet: node %q: NUMA zone %d: %w", n.Name, zone.ID, err)
			}
			row := make([]int64, len(f.res))
			for name, v := range zone.Allocatable {
				r := f.resIndex[name]
				row[r], f.zoned[i*len(f.res)+int(r)] = v, true
			}
			f.zoneAlloc = append(f.zoneAlloc, row...)
		}
		f.zoneAt = append(f.zoneAt, f.zoneAt[i]+int32(len(n.Zones)))
	}
	return nil
}

func (f *Fleet) buildLevels(order []string) error {
	ids := map[string]map[string]bool{}
	for _, n := range f.nodes {
		mine := map[string]bool{}
		for _, d := range n.Domains {
			if mine[d.Level] {
				return fmt.Errorf("build fleet: node %q lies in two domains of level %q", n.Name, d.Level)
			}
			mine[d.Level] = true
			if ids[d.Level] == nil {
				ids[d.Level] = map[string]bool{}
			}
			ids[d.Level][d.ID] = true
		}
	}
	if len(ids[LevelNode]) > 0 || slices.Contains(order, LevelNode) {
		return fmt.Errorf("build fleet: a level is named %q, which means each node by itself", LevelNode)
	}
	names := slices.Clone(order)
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			return fmt.Errorf("build fleet: level %q is named twice", name)
		}
	}
	f.ordered = len(names)
	rest := slices.DeleteFunc(slices.Collect(maps.Keys(ids)), func(l string) bool { return slices.Contains(order, l) })
	slices.SortFunc(rest, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(ids[a]), len(ids[b])), compareNatural(a, b))
	})
	names = append(names, rest...)
	f.levelIndex = make(map[string]int, len(names))
	for i, name := range names {
		f.levelIndex[name] = i
		f.levels = append(f.levels, f.newLevel(name, ids[name]))
	}
	f.levels = append(f.levels, f.nodeLevel())
	return nil
}

func (f *Fleet) newLevel(name string, ids map[string]bool) level {
	l := level{
		name: name, domains: slices.SortedFunc(maps.Keys(ids), compareNatural),
		of: make([]int32, len(f.nodes)), soft: make([]int32, len(f.nodes)),
	}
	index := make(map[string]int32, len(ids))
	for i, id := range l.domains {
		index[id] = int32(i)
	}
	for i, n := range f.nodes {
		l.of[i], l.soft[i] = -1, int32(len(l.domains)+i)
		for _, d := range n.Domains {
			if d.Level == name {
				l.of[i], l.soft[i] = index[d.ID], index[d.ID]
			}
		}
	}
	return l
}

// nodeLevel is the level of which each node is a domain.
func (f *Fleet) nodeLevel() level {
	l := level{name: LevelNode, domains: make([]string, len(f.nodes)), of: make([]int32, len(f.nodes))}
	for i := range f.nodes {
		l.domains[i], l.of[i] = f.nodes[i].Name, int32(i)
	}
	l.soft = l.of
	return l
}

// nests tells whether every domain of inner lies within one domain of outer.
func (f *Fleet) nests(outer, inner int) bool {
	out, in := &f.levels[outer], &f.levels[inner]
	around := make([]int32, len(in.domains))
	for i := range around {
		around[i] = -1
	}
	for node, d := range in.of {
		if d < 0 {
			continue
		}
		o := out.of[node]
		if o < 0 || around[d] >= 0 && around[d] != o {
			return false
		}
		around[d] = o
	}
	return true
}

// zones is the number of NUMA zones of a node.
func (f *Fleet) zones(node int) int { return int(f.zoneAt[node+1] - f.zoneAt[node]) }

// zoneRow is the dense row of a zone of a node within zone arrays.
func (f *Fleet) zoneRow(node, zone int) int { return (int(f.zoneAt[node]) + zone) * len(f.res) }

// zoneIndex finds a zone of a node by its id.
func (f *Fleet) zoneIndex(node int, id int) (int, bool) {
	return slices.BinarySearchFunc(f.nodes[node].Zones, id, func(z Zone, id int) int { return cmp.Compare(z.ID, id) })
}
