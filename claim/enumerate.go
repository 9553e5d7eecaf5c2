// SPDX-License-Identifier: Apache-2.0

package claim

import (
	"encoding/binary"
	"slices"
)

// enumeration is one walk through the ways to meet a demand.
type enumeration struct {
	*search
	demand *demand
	run    *run
	worth  func(cost int) bool
	visit  func(cost int) bool
}

// request chooses an alternative for request r and those after it. It returns
// true when the walk is over.
func (e *enumeration) request(r, cost int) bool {
	if r == len(e.demand.requests) {
		return e.visit(cost)
	}
	for a := range e.demand.requests[r].alts {
		alt := &e.demand.requests[r].alts[a]
		rest := 0
		for _, q := range e.demand.requests[r+1:] {
			rest += q.alts[0].preference
		}
		if !e.worth(cost + alt.preference + rest) {
			break // the later alternatives are dearer
		}
		if len(e.run.picks)+alt.count > maxResults {
			continue
		}
		if e.device(r, a, 0, 0, cost+alt.preference) {
			return true
		}
	}
	return false
}

// like is what makes two devices stand for each other at one choice.
type like struct {
	block int64 // -1-signature where the claim has nothing of the block yet
	state int32
	kind  int32
	taken bool
	caps  string
}

// device chooses the k-th device of an alternative among those from a position
// on: devices of one alternative are taken in order, so that each set comes up
// once. Of devices that can stand for each other only the first is tried.
func (e *enumeration) device(r, a, k, from, cost int) bool {
	alt := &e.demand.requests[r].alts[a]
	if k == alt.count {
		return e.request(r+1, cost)
	}
	var tried []like
	for i := from; i < len(alt.devices); i++ {
		d := alt.devices[i]
		e.spent++
		if e.spent > e.budget {
			e.out = true
			return true
		}
		if !e.u.available(d, alt.m.amounts[d]) {
			if alt.all {
				return false
			}
			continue
		}
		if !alt.all {
			l := e.like(d)
			if slices.Contains(tried, l) {
				continue
			}
			tried = append(tried, l)
		}
		undo, ok := e.constrain(alt, d)
		if ok {
			e.take(pick{r, a, d, alt.m.amounts[d]}, e.run)
			next := i + 1
			if e.u.inv.devices[d].Shared && !alt.all {
				next = i
			}
			over := e.enough(alt, k+1, next) && e.device(r, a, k+1, next, cost)
			e.free(e.run)
			if over {
				undo()
				return true
			}
		}
		undo()
		if alt.all {
			return false
		}
	}
	return false
}

// enough looks ahead: as many devices as are still wanted must be there.
func (e *enumeration) enough(alt *alternative, k, from int) bool {
	want := alt.count - k
	for i := from; i < len(alt.devices) && want > 0; i++ {
		d := alt.devices[i]
		if !e.u.available(d, alt.m.amounts[d]) || !e.agrees(alt, d) {
			continue
		}
		if e.u.inv.devices[d].Shared {
			return true
		}
		want--
	}
	return want <= 0
}

func (e *enumeration) like(d int32) like {
	b := e.p.blockOf[d]
	block := e.p.blocks[b]
	at, _ := slices.BinarySearch(block.devices, d)
	l := like{block: int64(b), kind: block.kinds[at], taken: e.u.taken[d] > 0}
	if e.run.touched[b] == 0 {
		l.block, l.state = -1-int64(block.signature), e.stateOf(b)
	}
	if l.taken { // only a shared device can be had again
		var caps []byte
		for c := e.u.inv.capAt[d]; c < e.u.inv.capAt[d+1]; c++ {
			caps = binary.AppendVarint(caps, e.u.caps[c])
		}
		l.caps = string(caps)
	}
	return l
}

// agrees tells whether a device satisfies the constraints over an alternative,
// given the devices chosen so far.
func (e *enumeration) agrees(alt *alternative, d int32) bool {
	for k, c := range e.demand.constraints {
		if !alt.covers[k] {
			continue
		}
		v := e.u.inv.devices[d].Attributes[c.MatchAttribute+c.DistinctAttribute]
		switch {
		case v.absent():
			return false
		case c.MatchAttribute != "":
			if e.run.covered[k] > 0 && e.run.common[k].common(v).absent() {
				return false
			}
		default:
			if slices.ContainsFunc(v.Items, func(i string) bool { return e.run.taken[k][string(v.Kind)+i] }) {
				return false
			}
		}
	}
	return true
}

// constrain books a device under the constraints of its alternative, and
// returns what undoes that. False books nothing.
func (e *enumeration) constrain(alt *alternative, d int32) (undo func(), ok bool) {
	if !e.agrees(alt, d) {
		return func() {}, false
	}
	if !slices.Contains(alt.covers, true) {
		return func() {}, true
	}
	before := slices.Clone(e.run.common)
	for k, c := range e.demand.constraints {
		if !alt.covers[k] {
			continue
		}
		v := e.u.inv.devices[d].Attributes[c.MatchAttribute+c.DistinctAttribute]
		if c.MatchAttribute != "" {
			if e.run.covered[k] > 0 {
				v = e.run.common[k].common(v)
			}
			e.run.common[k] = v
		} else {
			for _, i := range v.Items {
				e.run.taken[k][string(v.Kind)+i] = true
			}
		}
		e.run.covered[k]++
	}
	return func() {
		copy(e.run.common, before)
		for k, c := range e.demand.constraints {
			if !alt.covers[k] {
				continue
			}
			e.run.covered[k]--
			if c.DistinctAttribute != "" {
				v := e.u.inv.devices[d].Attributes[c.DistinctAttribute]
				for _, i := range v.Items {
					delete(e.run.taken[k], string(v.Kind)+i)
				}
			}
		}
	}, true
}
