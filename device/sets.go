// SPDX-License-Identifier: Apache-2.0

package device

import (
	"math/bits"
	"slices"
)

// sets visits the sets of a pool that a request may take, with how many of its
// preferences each gives up; next returns false to end.
func (s *search) sets(r *ask, pool uint64, next func(set uint64, givenUp int64) bool) bool {
	if r.must&^pool != 0 || Members(r.must) > r.count {
		return true
	}
	kind := &s.a.t.Kinds[r.kind]
	prefers := func(set uint64) int64 {
		if r.Prefer != "" && !kind.together(scopeIndex(r.Prefer), set) {
			return 1
		}
		return 0
	}
	switch {
	case r.Sets != nil:
		// The order is the caller's policy: the first set that is free is taken.
		for _, set := range r.sets {
			if Members(set) == r.count && set&^pool == 0 && r.must&^set == 0 {
				return next(set, 0)
			}
		}
		return true
	case r.Lowest:
		set := r.must | lowest(pool&^r.must, r.count-Members(r.must))
		if Members(set) < r.count {
			return true
		}
		return next(set, 0)
	case r.Whole() && kind.Partitioned():
		return s.partitions(r, pool, func(set uint64, givenUp int64) bool { return next(set, givenUp+prefers(set)) })
	case r.Within != "" && r.count > 1:
		return s.within(r, pool, func(set uint64) bool { return next(set, prefers(set)) })
	}
	return s.subsets(r, pool, func(set uint64) bool { return next(set, prefers(set)) })
}

// partitions visits the partitions of the wanted size, then, where any set may
// be taken, the others.
func (s *search) partitions(r *ask, pool uint64, next func(set uint64, givenUp int64) bool) bool {
	kind := &s.a.t.Kinds[r.kind]
	fits := func(set uint64) bool {
		return r.Within == "" || kind.together(scopeIndex(r.Within), set)
	}
	for _, set := range kind.partitions {
		if Members(set) != r.count || set&^pool != 0 || r.must&^set != 0 || !fits(set) {
			continue
		}
		if s.spent++; s.over() || !next(set, 0) {
			return false
		}
	}
	if !r.AnySet {
		return true
	}
	return s.subsets(r, pool, func(set uint64) bool {
		if kind.isPartition(set) || !fits(set) {
			return true
		}
		return next(set, 1)
	})
}

func (k *Kind) isPartition(set uint64) bool { return slices.Contains(k.partitions, set) }

// within visits the sets of each domain of the request's scope.
func (s *search) within(r *ask, pool uint64, next func(set uint64) bool) bool {
	kind, scope := &s.a.t.Kinds[r.kind], scopeIndex(r.Within)
	for left := pool; left != 0; {
		d := kind.scopes[scope][bits.TrailingZeros64(left)]
		if d < 0 {
			left &= left - 1
			continue
		}
		mask := kind.domain(scope, d)
		left &^= mask
		if r.must&^mask == 0 && !s.subsets(r, pool&mask, next) {
			return false
		}
	}
	return true
}

// together tells whether all devices of a set lie in one known domain; one
// device by itself always does.
func (k *Kind) together(scope int, set uint64) bool {
	if Members(set) < 2 {
		return true
	}
	first := k.scopes[scope][firstSlot(set)]
	return first >= 0 && set&^k.domain(scope, first) == 0
}

// subsets visits the sets of the wanted size that hold what must be in them, in
// the order of their lowest positions. Of devices that nothing tells apart it
// takes the lowest. Past what the budget allows it first visits one good set.
func (s *search) subsets(r *ask, pool uint64, next func(set uint64) bool) bool {
	k := r.count - Members(r.must)
	if Members(pool) < r.count {
		return true
	}
	if r.uneven && s.a.t.Kinds[r.kind].Links.n > ExactDevices && r.must == 0 {
		if !next(s.a.t.Kinds[r.kind].Links.Choose(pool, r.count, 1)[0]) {
			return false
		}
	}
	var walk func(left, set uint64, k int) bool
	walk = func(left, set uint64, k int) bool {
		if k == 0 {
			s.spent++
			return !s.over() && next(set)
		}
		for Members(left) >= k {
			bit := left & -left
			if !walk(left&^bit, set|bit, k-1) {
				return false
			}
			left &^= s.alike(r, left, firstSlot(bit))
		}
		return true
	}
	return walk(pool&^r.must, r.must, k)
}

// alike is the members of a set that nothing tells apart from one of them.
func (s *search) alike(r *ask, set uint64, pos int) uint64 {
	out := uint64(1) << pos
	for left := set &^ out; left != 0; left &= left - 1 {
		if p := firstSlot(left); r.class[p] == r.class[pos] && s.st.same(s.a.t, r.kind, pos, p) {
			out |= 1 << p
		}
	}
	return out
}

// same tells whether two devices of a kind are in the same state.
func (st *State) same(t *Table, kind, a, b int) bool {
	if (st.Free[kind]>>a^st.Free[kind]>>b)&1 == 1 || (st.Open[kind]>>a^st.Open[kind]>>b)&1 == 1 {
		return false
	}
	x, y, n := t.Kinds[kind].Device[a], t.Kinds[kind].Device[b], len(t.Caps)
	return slices.Equal(st.Left[x*n:x*n+n], st.Left[y*n:y*n+n]) && (st.Rows == nil || st.Rows[x] == st.Rows[y])
}
