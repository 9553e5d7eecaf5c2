// SPDX-License-Identifier: Apache-2.0

package device

import (
	"cmp"
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"strconv"
	"sync"
)

// MaxKind is how many devices of one kind a node may list: a set of them is one
// machine word.
const MaxKind = 64

// maxScore keeps sums over all pairs of a gang's devices within a word.
const maxScore = 1 << 24

// Table is what does not change about the devices of a node, without their
// names. It may be shared by goroutines.
type Table struct {
	Kinds []Kind   // by the name of the resource
	Caps  []string // names of capacities, sorted; a device without one has 0 of it
	cap   []int64  // device*len(Caps)+cap: what a whole device has
	kind  []int    // by device: its kind
	pos   []int    // by device: its position in the kind
	cut   bool     // some device has slots or functions

	domains map[string]int32 // of all scopes, by a key

	// PartitionSizes are the sizes of the partitions, largest first, without 1;
	// SlotSizes those of the profiles.
	PartitionSizes, SlotSizes []int

	mu      sync.Mutex
	answers map[string]*answer
}

// Kind is the devices of one resource. Sets of them are bit masks over
// positions.
type Kind struct {
	Resource string
	Device   []int // by position: index of the device in the node's list
	Links    *Links
	MaxScore int64 // the largest score of a link

	partitions []uint64  // by size, largest first, then in the table's order; nil: any set may be taken
	scopes     [][]int32 // by scope, then by position: the domain, -1 where unknown
	slots      []*Slots  // by position
	functions  [][]Function
	flat       bool // no scope is known, nothing can be cut
}

// scopeOrder numbers the scopes, innermost first.
var scopeOrder = []Scope{SamePCIe, SameNUMA, SameSocket}

// Tables makes tables, one for all nodes that are alike. The zero value is
// ready; it is not safe for several goroutines at once.
type Tables struct {
	tables map[string]*Table
	links  map[string]*Links
}

// Of returns the table of a node's devices. Score is how well devices are
// joined, by index, where more is better; empty when not known. Partitions are
// the sets of modules that a fabric manager can make; empty when any set may be
// taken. It refuses an id that is listed twice or holds '#', scores that are not
// square, symmetric and within 0 to 16777215, more than 64 devices of a kind, a
// placement table that cannot be, and a partition that names a module twice.
func (ts *Tables) Of(devices []Device, score [][]int, partitions [][]int) (*Table, error) {
	if err := check(devices, score); err != nil {
		return nil, err
	}
	key := tableKey(devices, score, partitions)
	if t := ts.tables[key]; t != nil {
		return t, nil
	}
	t := &Table{kind: make([]int, len(devices)), pos: make([]int, len(devices)), answers: map[string]*answer{}}
	names := map[string]bool{}
	for _, d := range devices {
		names[d.Resource] = true
	}
	t.domains = map[string]int32{}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		k, err := ts.newKind(t, name, devices, score)
		if err != nil {
			return nil, err
		}
		t.Kinds = append(t.Kinds, k)
	}
	t.addCapacities(devices)
	if err := t.addPartitions(devices, partitions); err != nil {
		return nil, err
	}
	t.addSizes()
	if ts.tables == nil {
		ts.tables = map[string]*Table{}
	}
	ts.tables[key] = t
	return t, nil
}

func (ts *Tables) newKind(t *Table, name string, devices []Device, score [][]int) (Kind, error) {
	k := Kind{Resource: name, scopes: make([][]int32, len(scopeOrder)), flat: true}
	for at, d := range devices {
		if d.Resource != name {
			continue
		}
		if len(k.Device) == MaxKind {
			return Kind{}, fmt.Errorf("lists more than %d devices of %q", MaxKind, name)
		}
		t.kind[at], t.pos[at] = len(t.Kinds), len(k.Device)
		k.Device = append(k.Device, at)
		k.slots, k.functions = append(k.slots, d.Slots), append(k.functions, d.Functions)
		t.cut = t.cut || d.Slots != nil || len(d.Functions) > 0
		for i, s := range scopeOrder {
			k.scopes[i] = append(k.scopes[i], t.domainOf(d, s))
		}
		k.flat = k.flat && d.Slots == nil && d.Zone == nil && d.PCIe == ""
	}
	k.Links = ts.linksOf(&k, score)
	return k, nil
}

// domainOf numbers the domain of a device, -1 where it is unknown. A PCIe name
// counts within its NUMA node.
func (t *Table) domainOf(d Device, s Scope) int32 {
	key := domainKey(d, s)
	if key == "" {
		return -1
	}
	if _, known := t.domains[key]; !known {
		t.domains[key] = int32(len(t.domains))
	}
	return t.domains[key]
}

func domainKey(d Device, s Scope) string {
	switch {
	case s == SamePCIe && d.PCIe != "" && d.Zone != nil:
		return "p" + strconv.Itoa(*d.Zone) + " " + d.PCIe
	case s == SamePCIe && d.PCIe != "":
		return "p " + d.PCIe
	case s == SameNUMA && d.Zone != nil:
		return "n" + strconv.Itoa(*d.Zone)
	case s == SameSocket && d.Socket != nil:
		return "s" + strconv.Itoa(*d.Socket)
	}
	return ""
}

// linksOf returns the set table of a kind; kinds with the same scores share one.
func (ts *Tables) linksOf(k *Kind, score [][]int) *Links {
	m := make([][]int64, len(k.Device))
	var key []byte
	for a := range m {
		m[a] = make([]int64, len(k.Device))
		for b := range m[a] {
			if a != b && len(score) > 0 {
				m[a][b] = int64(score[k.Device[a]][k.Device[b]])
				k.MaxScore = max(k.MaxScore, m[a][b])
			}
			key = append(strconv.AppendInt(key, m[a][b], 10), ',')
		}
	}
	if ts.links[string(key)] == nil {
		if ts.links == nil {
			ts.links = map[string]*Links{}
		}
		ts.links[string(key)] = NewLinks(m)
	}
	return ts.links[string(key)]
}

func (t *Table) addCapacities(devices []Device) {
	names := map[string]bool{}
	for _, d := range devices {
		for name := range d.Capacity {
			names[name] = true
		}
	}
	t.Caps = slices.Sorted(maps.Keys(names))
	t.cap = make([]int64, len(devices)*len(t.Caps))
	for i, d := range devices {
		for c, name := range t.Caps {
			t.cap[i*len(t.Caps)+c] = d.Capacity[name]
		}
	}
}

// addPartitions resolves module ids. A partition with a module that no device
// of the node has cannot be made.
func (t *Table) addPartitions(devices []Device, partitions [][]int) error {
	for _, modules := range partitions {
		masks := make([]uint64, len(t.Kinds))
		whole := len(modules) > 0
		for i, m := range modules {
			if slices.Contains(modules[:i], m) {
				return fmt.Errorf("lists partition %v, which names module %d twice", modules, m)
			}
			at := slices.IndexFunc(devices, func(d Device) bool { return d.Module != nil && *d.Module == m })
			if at < 0 {
				whole = false
				break
			}
			masks[t.kind[at]] |= 1 << t.pos[at]
		}
		for k, mask := range masks {
			kind := &t.Kinds[k]
			if whole && Members(mask) == len(modules) && !slices.Contains(kind.partitions, mask) {
				kind.partitions = append(kind.partitions, mask)
			}
		}
	}
	for k := range t.Kinds {
		slices.SortStableFunc(t.Kinds[k].partitions, func(a, b uint64) int { return cmp.Compare(Members(b), Members(a)) })
		// A node with a table gives nothing beside it, even of a kind whose
		// partitions cannot be made.
		if modular := slices.ContainsFunc(t.Kinds[k].Device, func(d int) bool { return devices[d].Module != nil }); modular && len(partitions) > 0 && t.Kinds[k].partitions == nil {
			t.Kinds[k].partitions = []uint64{}
		}
	}
	return nil
}

func (t *Table) addSizes() {
	parts, slots := map[int]bool{}, map[int]bool{}
	for _, k := range t.Kinds {
		for _, p := range k.partitions {
			if Members(p) > 1 {
				parts[Members(p)] = true
			}
		}
		for _, s := range k.slots {
			if s != nil {
				for _, p := range s.Profiles {
					slots[p.Size] = true
				}
			}
		}
	}
	down := func(sizes map[int]bool) []int {
		return slices.SortedFunc(maps.Keys(sizes), func(a, b int) int { return cmp.Compare(b, a) })
	}
	t.PartitionSizes, t.SlotSizes = down(parts), down(slots)
}

// Partitioned tells whether devices of a kind may be taken as partitions only.
func (k *Kind) Partitioned() bool { return k.partitions != nil }

// kindOf finds a kind by its resource, -1 when the node has none.
func (t *Table) kindOf(resource string) int {
	return slices.IndexFunc(t.Kinds, func(k Kind) bool { return k.Resource == resource })
}

// Cut tells whether some device has slots or functions, so that a State needs
// Rows.
func (t *Table) Cut() bool { return t.cut }

// Divisible tells whether a device can be given other than whole.
func (t *Table) Divisible() bool { return t.cut || len(t.Caps) > 0 }

// Partitioned tells whether some kind may be taken as partitions only.
func (t *Table) Partitioned() bool {
	return slices.ContainsFunc(t.Kinds, func(k Kind) bool { return k.Partitioned() })
}

// Where returns the kind of a device and its position there.
func (t *Table) Where(device int) (kind, pos int) { return t.kind[device], t.pos[device] }

// Devices is how many devices the table is of.
func (t *Table) Devices() int { return len(t.kind) }

// Whole is a fresh Left of a State: every device with all its capacity.
func (t *Table) Whole() []int64 { return slices.Clone(t.cap) }

// Members is the size of a set.
func Members(mask uint64) int { return bits.OnesCount64(mask) }
