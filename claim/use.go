// SPDX-License-Identifier: Apache-2.0

package claim

import (
	"fmt"
	"maps"
	"slices"
)

// Use is what is allocated of an inventory. It has one owner; Clone it for
// another. What it caches never changes an answer.
type Use struct {
	inv      *Inventory
	taken    []int32 // by device: how many requests have it
	counters []int64 // what is left; below 0 where more was booked than there is
	caps     []int64 // the same of capacities of shared devices
	matches  map[string]*match
}

// NewUse is the inventory with nothing allocated.
func NewUse(inv *Inventory) *Use {
	u := &Use{inv: inv, taken: make([]int32, len(inv.devices)), counters: slices.Clone(inv.counters), matches: map[string]*match{}}
	for _, c := range inv.caps {
		u.caps = append(u.caps, c.Value)
	}
	return u
}

// Clone is an independent copy.
func (u *Use) Clone() *Use {
	return &Use{inv: u.inv, taken: slices.Clone(u.taken), counters: slices.Clone(u.counters), caps: slices.Clone(u.caps), matches: maps.Clone(u.matches)}
}

// Equal tells whether the same is allocated.
func (u *Use) Equal(v *Use) bool {
	return slices.Equal(u.taken, v.taken) && slices.Equal(u.counters, v.counters) && slices.Equal(u.caps, v.caps)
}

// Hold books an allocation that exists. It refuses devices that the inventory
// does not have, one that is not shared and taken already, and a capacity that
// the device does not have; nothing is booked then. Counters may be overdrawn:
// what runs is a fact.
func (u *Use) Hold(results []Result) error {
	for i, r := range results {
		if err := u.holdOne(r); err != nil {
			for _, done := range results[:i] {
				u.free(u.inv.index[done.Device], u.amounts(done))
			}
			return fmt.Errorf("hold device %q: %w", r.Device, err)
		}
	}
	return nil
}

func (u *Use) holdOne(r Result) error {
	d, ok := u.inv.index[r.Device]
	switch {
	case !ok:
		return fmt.Errorf("no pool lists it")
	case u.taken[d] > 0 && !u.inv.devices[d].Shared:
		return fmt.Errorf("it is held already")
	}
	for name, v := range r.Consumed {
		if _, has := u.inv.devices[d].Capacity[name]; !has || v < 0 {
			return fmt.Errorf("it has no capacity %q of which %d could be consumed", name, v)
		}
	}
	u.take(d, u.amounts(r))
	return nil
}

// Release gives an allocation back that Hold booked.
func (u *Use) Release(results []Result) error {
	for _, r := range results {
		if d, ok := u.inv.index[r.Device]; !ok || u.taken[d] == 0 {
			return fmt.Errorf("release device %q: it is not held", r.Device)
		}
	}
	for _, r := range results {
		u.free(u.inv.index[r.Device], u.amounts(r))
	}
	return nil
}

// amounts is the consumed capacity of a result in the order of its device's.
func (u *Use) amounts(r Result) []int64 {
	d := u.inv.index[r.Device]
	if !u.inv.devices[d].Shared {
		return nil
	}
	caps := u.inv.capsOf(d)
	out := make([]int64, len(caps))
	for i, c := range caps {
		out[i] = r.Consumed[c.name]
	}
	return out
}

// take books a device; the first who has it draws its counters.
func (u *Use) take(d int32, amounts []int64) {
	if u.taken[d] == 0 {
		for _, c := range u.inv.consumes[d] {
			u.counters[c.counter] -= c.qty
		}
	}
	u.taken[d]++
	for i, v := range amounts {
		u.caps[int(u.inv.capAt[d])+i] -= v
	}
}

func (u *Use) free(d int32, amounts []int64) {
	u.taken[d]--
	if u.taken[d] == 0 {
		for _, c := range u.inv.consumes[d] {
			u.counters[c.counter] += c.qty
		}
	}
	for i, v := range amounts {
		u.caps[int(u.inv.capAt[d])+i] += v
	}
}

// available tells whether one more request can have a device.
func (u *Use) available(d int32, amounts []int64) bool {
	if u.taken[d] > 0 {
		if !u.inv.devices[d].Shared {
			return false
		}
	} else {
		for _, c := range u.inv.consumes[d] {
			if u.counters[c.counter] < c.qty {
				return false
			}
		}
	}
	for i, v := range amounts {
		if u.caps[int(u.inv.capAt[d])+i] < v {
			return false
		}
	}
	return true
}
