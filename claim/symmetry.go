// SPDX-License-Identifier: Apache-2.0

package claim

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
)

// block is devices that are bound to one another: they draw from a common
// counter, or share a value of an attribute that some constraint compares. A
// GPU with its MIG slices is a block, or all that hangs below one PCIe root
// where that is compared. Blocks touch each other in nothing, so two blocks of
// one signature in one state can stand for each other.
type block struct {
	devices   []int32
	kinds     []int32 // by position: devices of one kind can stand for each other
	counters  []int32
	signature int32
	text      string // what signature numbers
}

// symmetry finds the blocks of the devices that some demands can use.
type symmetry struct {
	u       *Use
	blocks  []*block
	blockOf map[int32]int32 // by device

	attributes []string // those that constraints compare
	uses       []use    // distinct ways of asking
}

// use is a request as it is made from one node.
type use struct {
	m    *match
	node string
	has  map[int32]bool
}

func newSymmetry(u *Use, demands []*demand) *symmetry {
	s := &symmetry{u: u, blockOf: map[int32]int32{}}
	names := map[string]bool{}
	used := map[int32]bool{}
	index := map[[2]string]bool{}
	for _, d := range demands {
		for _, k := range d.constraints {
			names[k.MatchAttribute+k.DistinctAttribute] = true
		}
		for _, r := range d.requests {
			for _, a := range r.alts {
				key := [2]string{d.node, a.m.key}
				if index[key] {
					continue
				}
				index[key] = true
				w := use{m: a.m, node: d.node, has: map[int32]bool{}}
				for _, dev := range a.devices {
					w.has[dev], used[dev] = true, true
				}
				s.uses = append(s.uses, w)
			}
		}
	}
	s.attributes = slices.Sorted(maps.Keys(names))
	s.join(slices.Sorted(maps.Keys(used)))
	return s
}

// join builds the blocks of some devices.
func (s *symmetry) join(devices []int32) {
	parts := newPartition(len(devices))
	byCounter, byValue := map[int32]int{}, map[string]int{}
	for i, d := range devices {
		for _, c := range s.u.inv.consumes[d] {
			if first, ok := byCounter[c.counter]; ok {
				parts.join(i, first)
			} else {
				byCounter[c.counter] = i
			}
		}
		for _, name := range s.attributes {
			v := s.u.inv.devices[d].Attributes[name]
			for _, item := range v.Items {
				key := fmt.Sprintf("%s %s %s", name, v.Kind, item)
				if first, ok := byValue[key]; ok {
					parts.join(i, first)
				} else {
					byValue[key] = i
				}
			}
		}
	}
	at := map[int]*block{}
	for i, d := range devices {
		root := parts.find(i)
		b := at[root]
		if b == nil {
			b = &block{}
			at[root] = b
			s.blocks = append(s.blocks, b)
		}
		b.devices = append(b.devices, d)
	}
	signatures := map[string]int32{}
	for i, b := range s.blocks {
		for _, d := range b.devices {
			s.blockOf[d] = int32(i)
		}
		b.text = s.describe(b)
		if _, ok := signatures[b.text]; !ok {
			signatures[b.text] = int32(len(signatures))
		}
		b.signature = signatures[b.text]
	}
}

// describe numbers the kinds of a block and writes its signature: what every
// device is, with counters and values named by their first appearance.
func (s *symmetry) describe(b *block) string {
	kinds := map[string]int32{}
	counters := map[int32]int{}
	values := map[string]int{}
	var text []byte
	for _, d := range b.devices {
		own := s.own(d)
		exact, renamed := slices.Clone(own), slices.Clone(own)
		for _, c := range s.u.inv.consumes[d] {
			if _, ok := counters[c.counter]; !ok {
				counters[c.counter] = len(counters)
				b.counters = append(b.counters, c.counter)
			}
			exact = fmt.Appendf(exact, "c%d:%d,", c.counter, c.qty)
			renamed = fmt.Appendf(renamed, "c%d:%d,", counters[c.counter], c.qty)
		}
		for i, name := range s.attributes {
			v := s.u.inv.devices[d].Attributes[name]
			for _, item := range v.Items {
				key := fmt.Sprintf("%d %s %s", i, v.Kind, item)
				if _, ok := values[key]; !ok {
					values[key] = len(values)
				}
				exact = fmt.Appendf(exact, "v%q,", key)
				renamed = fmt.Appendf(renamed, "v%d %s %d,", i, v.Kind, values[key])
			}
		}
		if _, ok := kinds[string(exact)]; !ok {
			kinds[string(exact)] = int32(len(kinds))
		}
		b.kinds = append(b.kinds, kinds[string(exact)])
		text = fmt.Appendf(text, "%d%s|", kinds[string(exact)], renamed)
	}
	return string(text)
}

// own is what a device is by itself: who may have it, and its capacities.
func (s *symmetry) own(d int32) []byte {
	dev := &s.u.inv.devices[d]
	b := fmt.Appendf(nil, "%t", dev.Shared)
	for _, w := range s.uses {
		b = fmt.Appendf(b, "%t", w.has[d])
		if w.has[d] {
			b = fmt.Appendf(b, "%d", w.m.amounts[d])
		}
	}
	return b
}

// state writes what is allocated of a block, the same for states that differ
// only by devices of one kind.
func (b *block) state(u *Use) string {
	rows := make([]string, len(b.devices))
	for i, d := range b.devices {
		row := binary.AppendVarint(nil, int64(b.kinds[i]))
		row = binary.AppendVarint(row, int64(min(u.taken[d], 1)))
		if u.inv.devices[d].Shared {
			for c := u.inv.capAt[d]; c < u.inv.capAt[d+1]; c++ {
				row = binary.AppendVarint(row, u.caps[c])
			}
		}
		rows[i] = string(row)
	}
	slices.Sort(rows)
	var out []byte
	for _, r := range rows {
		out = append(out, r...)
	}
	for _, c := range b.counters {
		out = binary.AppendVarint(out, u.counters[c])
	}
	return string(out)
}
