// SPDX-License-Identifier: Apache-2.0

package device

import "slices"

// MaxSizes is how many sizes of partitions, and of slot profiles, the cost
// speaks of, the largest first.
const MaxSizes = 6

// The lines of a Cost, in their order.
const (
	LineGivenUp    = 0                         // preferences of the requests not met, by device
	LinePartitions = 1                         // and the next: partitions that can no longer be made, by Table.PartitionSizes
	LineSlots      = LinePartitions + MaxSizes // the same for profiles, by Table.SlotSizes
	LineBroken     = LineSlots + MaxSizes      // link score lost to the sets and to the best sets of what is left
	LineScore      = LineBroken + 1            // link score of the sets, negated
	LineNUMA       = LineScore + 1             // NUMA nodes beyond the first that a pod's first request lies in
	LinePCIe       = LineNUMA + 1              // PCIe switches, the same
	LineTaken      = LinePCIe + 1              // untouched devices of the first request's kind that are touched then
	LineNUMAOpened = LineTaken + 1             // NUMA nodes of which no device of that kind was touched before
	LinePCIeOpened = LineNUMAOpened + 1        // PCIe switches, the same
	Lines          = int(LinePCIeOpened) + 1
)

// Cost is what pods cost on a node; the first line that differs decides, smaller
// is better. Lines but LineScore are never negative, and costs of pods that come
// one after another add up.
type Cost [Lines]int64

func (c *Cost) less(o *Cost) bool { return slices.Compare(c[:], o[:]) < 0 }

func (c *Cost) add(o *Cost) {
	for i := range c {
		c[i] += o[i]
	}
}

// Kept is how many partitions of each of PartitionSizes, and instances of each of
// SlotSizes, a node has of which nothing is taken; at most MaxSizes of either.
func (t *Table) Kept() (partitions, slots []int64) {
	partitions = make([]int64, min(len(t.PartitionSizes), MaxSizes))
	slots = make([]int64, min(len(t.SlotSizes), MaxSizes))
	for i := range t.Kinds {
		for _, p := range t.Kinds[i].partitions {
			if size := slices.Index(t.PartitionSizes, Members(p)); size >= 0 && size < MaxSizes {
				partitions[size]++
			}
		}
		for _, s := range t.Kinds[i].slots {
			if s == nil {
				continue
			}
			for p := range s.Profiles {
				if size := slices.Index(t.SlotSizes, s.Profiles[p].Size); size < MaxSizes {
					slots[size] += s.room(p, &Row{})
				}
			}
		}
	}
	return partitions, slots
}

// standing is what a state is worth, by the lines that depend on it alone,
// negated: the cost of pods is what they add between two states.
func (a *Ask) standing(st *State) Cost {
	var c Cost
	for k := range a.t.Kinds {
		kind := &a.t.Kinds[k]
		for _, p := range kind.partitions {
			if size := slices.Index(a.t.PartitionSizes, Members(p)); size >= 0 && size < MaxSizes && p&^st.Free[k] == 0 {
				c[LinePartitions+size]--
			}
		}
	}
	if st.Rows != nil {
		for dev := range a.t.kind {
			a.t.standingSlots(st, dev, &c)
		}
	}
	first := &a.requests[0]
	kind, free := &a.t.Kinds[first.kind], st.Free[first.kind]
	for i := range a.requests {
		if r := &a.requests[i]; r.uneven {
			c[LineBroken] -= a.t.Kinds[r.kind].Links.Whole(st.Free[r.kind], r.count)
		}
	}
	c[LineTaken] = -int64(Members(free))
	c[LineNUMAOpened] = -kind.untouched(1, free)
	c[LinePCIeOpened] = -kind.untouched(0, free)
	return c
}

// untouched counts the domains of a scope of which every device is free.
func (k *Kind) untouched(scope int, free uint64) int64 {
	var n int64
	var seen uint64
	for pos, d := range k.scopes[scope] {
		if d < 0 || seen>>pos&1 == 1 {
			continue
		}
		mask := k.domain(scope, d)
		seen |= mask
		if mask&^free == 0 {
			n++
		}
	}
	return n
}

// domain is the devices of one domain of a scope.
func (k *Kind) domain(scope int, d int32) uint64 {
	var mask uint64
	for pos, o := range k.scopes[scope] {
		if o == d {
			mask |= 1 << pos
		}
	}
	return mask
}

// standingSlots counts the instances of each size that a device could still
// take, each profile by itself.
func (t *Table) standingSlots(st *State, dev int, c *Cost) {
	slots := t.Kinds[t.kind[dev]].slots[t.pos[dev]]
	if slots == nil || st.Open[t.kind[dev]]>>t.pos[dev]&1 == 0 {
		return
	}
	for i, n := range slots.standing(t, &st.Rows[dev]) {
		c[LineSlots+i] -= n
	}
}

// room is how many instances of a profile still fit: for pieces of one size,
// taking the lowest that is free is best.
func (s *Slots) room(profile int, row *Row) int64 {
	if s.Uniform && row.Mode != 0 && int(row.Mode) != 1+profile {
		return 0
	}
	var n int64
	taken, p := row.Taken[0], &s.Profiles[profile]
	for _, start := range slices.Sorted(slices.Values(p.Starts)) {
		if at := span(start, p.Size); taken&at == 0 {
			taken, n = taken|at, n+1
		}
	}
	return n
}
