// SPDX-License-Identifier: Apache-2.0

package claim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// bound computes what every tail of the demands needs at least: preferences,
// and counters by class. A class is all counters of one name, say the memory
// slices of all GPUs: whoever gets a device anywhere draws from it.
func (p *problem) bound() {
	classes := map[string]int{}
	p.classOf = map[int32]int{}
	for _, b := range p.blocks {
		for _, c := range b.counters {
			name := p.u.inv.counter[c]
			name = name[strings.LastIndexByte(name, '/')+1:]
			if _, ok := classes[name]; !ok {
				classes[name] = len(classes)
			}
			p.classOf[c] = classes[name]
		}
	}
	n := len(p.demands)
	p.lower = make([]int, n+1)
	p.floors = make([][]int64, n+1)
	p.floors[n] = make([]int64, len(classes))
	for i := n - 1; i >= 0; i-- {
		p.lower[i] = p.lower[i+1]
		p.floors[i] = slices.Clone(p.floors[i+1])
		for _, r := range p.demands[i].requests {
			p.lower[i] += r.alts[0].preference
			for class := range p.floors[i] {
				p.floors[i][class] += p.floor(r, class)
			}
		}
	}
}

// floor is what a request draws at least from a class of counters.
func (p *problem) floor(r request, class int) int64 {
	least := int64(-1)
	for _, a := range r.alts {
		each := int64(-1)
		for _, d := range a.devices {
			var draws int64
			for _, c := range p.u.inv.consumes[d] {
				// A shared device draws once for all who have it.
				if p.classOf[c.counter] == class && !p.u.inv.devices[d].Shared {
					draws += c.qty
				}
			}
			if each < 0 || draws < each {
				each = draws
			}
		}
		if v := each * int64(a.count); least < 0 || v < least {
			least = v
		}
	}
	return max(0, least)
}

// left is what is left of every class.
func (p *problem) left() []int64 {
	out := make([]int64, len(p.floors[0]))
	for c, class := range p.classOf {
		out[class] += max(0, p.u.counters[c])
	}
	return out
}

// short proves by counting that the demands do not fit: a counter of which they
// draw more than is left, or more devices than can be given. "" proves nothing.
func (p *problem) short() string {
	left := p.left()
	names := make([]string, len(left))
	for c, class := range p.classOf {
		name := p.u.inv.counter[c]
		names[class] = name[strings.LastIndexByte(name, '/')+1:]
	}
	for class, need := range p.floors[0] {
		if need > left[class] {
			return fmt.Sprintf("%s draw at least %d of counter %s, %d left", plural(len(p.demands), "claim"), need, names[class], left[class])
		}
	}
	need, got := p.pairing()
	if got < need {
		return fmt.Sprintf("%s want at least %s, at most %d can be given", plural(len(p.demands), "claim"), plural(need, "device"), got)
	}
	return ""
}

// pairing gives every slot a device of its own, counters and constraints left
// aside: as many slots as each request has in its smallest alternative, with the
// devices of all of them to choose from.
func (p *problem) pairing() (need, got int) {
	owner := map[int32]int{}
	var slots [][]int32
	for _, d := range p.demands {
		for _, r := range d.requests {
			count := maxResults
			from := map[int32]bool{}
			shared := false
			for _, a := range r.alts {
				count = min(count, a.count)
				for _, dev := range a.devices {
					if p.u.available(dev, a.m.amounts[dev]) {
						from[dev] = true
						shared = shared || p.u.inv.devices[dev].Shared
					}
				}
			}
			need += count
			if shared {
				got += count
				continue
			}
			for range count {
				slots = append(slots, slices.Sorted(maps.Keys(from)))
			}
		}
	}
	var seen map[int32]bool
	var find func(slot int) bool
	find = func(slot int) bool {
		for _, dev := range slots[slot] {
			if seen[dev] {
				continue
			}
			seen[dev] = true
			if other, taken := owner[dev]; !taken || find(other) {
				owner[dev] = slot
				return true
			}
		}
		return false
	}
	for slot := range slots {
		seen = map[int32]bool{}
		if find(slot) {
			got++
		}
	}
	return need, got
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
