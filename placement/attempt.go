// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"cmp"
	"math/bits"
	"slices"
)

// attempt is one choice of preferred levels to keep.
type attempt struct {
	kept    []int        // levels of which the whole gang shares a domain, required ones among them
	dropped []int        // preferred levels of the whole gang that are given up
	lost    []wish       // all that is given up
	inner   []scopeLevel // scopes within the gang that share a domain of a level
	weight  int64        // of what is given up
	lay     *layout
}

// attempts lists the choices, best first: the least weight given up, of these
// the innermost levels. It returns false when there are too many to list all.
func (u *Usage) attempts(q *query) ([]attempt, bool) {
	masks, all := u.giveUps(q)
	// Bit i of a mask gives up the i-th wish; the outermost is the lowest bit and,
	// all else equal, the last wish to go.
	weight := func(mask uint64) (sum int64) {
		for ; mask != 0; mask &= mask - 1 {
			sum += q.wishes[bits.TrailingZeros64(mask)].weight
		}
		return sum
	}
	slices.SortFunc(masks, func(a, b uint64) int {
		return cmp.Or(cmp.Compare(weight(a), weight(b)), cmp.Compare(b, a))
	})
	out := make([]attempt, len(masks))
	for i, mask := range masks {
		a := attempt{kept: slices.Clone(q.required), weight: weight(mask)}
		for at, s := range q.scopes[1:] {
			for _, l := range s.required {
				a.inner = append(a.inner, scopeLevel{at + 1, l})
			}
		}
		for b, w := range q.wishes {
			switch {
			case b >= 64 || mask>>b&1 == 1:
				a.lost = append(a.lost, w)
				if w.scope == 0 {
					a.dropped = append(a.dropped, w.level)
				}
			case w.scope == 0:
				a.kept = append(a.kept, w.level)
			default:
				a.inner = append(a.inner, scopeLevel{w.scope, w.level})
			}
		}
		slices.Sort(a.kept)
		out[i] = a
	}
	return out, all
}

// giveUps lists what may be given up of the wishes. Who keeps a level keeps those
// around it too, so giving up one of them alone is no choice. Where the choices
// are too many, a few are listed, and the result is false.
func (u *Usage) giveUps(q *query) ([]uint64, bool) {
	if len(q.wishes) > 64 {
		return fewMasks(64), false
	}
	masks := []uint64{0}
	for scope := range q.scopes {
		var mine []int // wishes of the scope, outermost first
		for b, w := range q.wishes {
			if w.scope == scope {
				mine = append(mine, b)
			}
		}
		var choices []uint64
		for i := range uint64(1) << len(mine) {
			var mask uint64
			for at, b := range mine {
				mask |= i >> at & 1 << b
			}
			if !u.contradicts(q, mine, mask) {
				choices = append(choices, mask)
			}
		}
		if len(masks)*len(choices) > 1<<maxWishes {
			return fewMasks(len(q.wishes)), false
		}
		var product []uint64
		for _, m := range masks {
			for _, c := range choices {
				product = append(product, m|c)
			}
		}
		masks = product
	}
	return masks, true
}

// contradicts tells whether a choice gives up a level around one that it keeps.
func (u *Usage) contradicts(q *query, wishes []int, mask uint64) bool {
	for _, outer := range wishes {
		for _, inner := range wishes {
			if mask>>outer&1 == 1 && mask>>inner&1 == 0 && u.nests(q.wishes[outer].level, q.wishes[inner].level) {
				return true
			}
		}
	}
	return false
}

// barest is the attempt that keeps the required levels only, arranged.
func (u *Usage) barest(q *query) *attempt {
	attempts, _ := u.attempts(q)
	a := &attempts[len(attempts)-1]
	u.arrange(q, a)
	return a
}

// fewMasks is a choice of what r wishes, outermost first, to give up: none, one,
// all from one on, all.
func fewMasks(r int) []uint64 {
	all := ^uint64(0) >> (64 - r)
	masks := []uint64{0, all}
	for i := range r {
		masks = append(masks, 1<<i, all&^(1<<i-1))
	}
	slices.Sort(masks)
	return slices.Compact(masks)
}

// arrange finds the layout of an attempt. A level around another kept one is
// no hard level of its own: whoever shares the rack shares the hall.
func (u *Usage) arrange(q *query, a *attempt) {
	hard := slices.Clone(a.kept)
	for i := 0; i < len(hard); {
		if slices.ContainsFunc(hard, func(h int) bool { return h != hard[i] && u.nests(hard[i], h) }) {
			hard = slices.Delete(hard, i, i+1)
		} else {
			i++
		}
	}
	var soft []int
	for _, l := range q.levels {
		if slices.Contains(a.kept, l) {
			continue
		}
		if slices.ContainsFunc(hard, func(h int) bool { return u.nests(l, h) }) {
			a.kept = append(a.kept, l)
		} else {
			soft = append(soft, l)
		}
	}
	a.lay = u.layout(hard, soft)
}

// nests remembers Fleet.nests.
func (u *Usage) nests(outer, inner int) bool {
	key := [2]int{outer, inner}
	v, ok := u.nesting[key]
	if !ok {
		v = u.f.nests(outer, inner)
		u.nesting[key] = v
	}
	return v
}
