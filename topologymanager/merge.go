// SPDX-License-Identifier: Apache-2.0

package topologymanager

import "slices"

// merge finds the zone set for a request as the policy does. A mask of 0 means
// that nothing asks for alignment, or that single-numa-node found the whole
// node. kubelet walks through every combination of one hint for each resource;
// this gives the same result: the combinations that count as preferred are
// those of one set that all resources prefer, and of the others only the sets
// that their intersections reach matter.
func (s *state) merge(wishes []wish) hint {
	if len(wishes) == 0 {
		return hint{preferred: true}
	}
	if m, ok := s.common(wishes); ok {
		if m == s.all && s.node.Kubelet.Policy == SingleNUMANode {
			m = 0
		}
		return hint{mask: m, preferred: true}
	}
	if s.node.Kubelet.Policy != BestEffort {
		return hint{}
	}
	return hint{mask: s.compromise(wishes)}
}

// common is the best set that every wish prefers.
func (s *state) common(wishes []wish) (best uint64, ok bool) {
	for _, h := range wishes[0].hints {
		if !h.preferred || slices.ContainsFunc(wishes[1:], func(w wish) bool { return !slices.Contains(w.hints, h) }) {
			continue
		}
		if !ok || s.fitter(h.mask, best) {
			best, ok = h.mask, true
		}
	}
	return best, ok
}

// fitter compares two sets as kubelet does for hints of equal standing.
func (s *state) fitter(a, b uint64) bool {
	if s.node.Kubelet.PreferClosest && size(a) == size(b) {
		if x, y := s.dist.total(a), s.dist.total(b); x != y {
			return x < y
		}
	}
	return narrower(a, b)
}

// compromise is best-effort's choice where no set is preferred by all: as near
// as possible to, and not above, the number of zones that the most demanding
// resource needs (topologymanager/policy.go, HintMerger.compare).
func (s *state) compromise(wishes []wish) uint64 {
	need := 0
	reach := map[uint64]bool{s.all: true}
	for _, w := range wishes {
		if len(w.hints) == 0 {
			continue // an unmeetable wish asks for nothing, beyond not being preferred
		}
		least := len(s.zones)
		next := map[uint64]bool{}
		for _, h := range w.hints {
			least = min(least, size(h.mask))
			for m := range reach {
				next[m&h.mask] = true
			}
		}
		need, reach = max(need, least), next
	}
	best := uint64(0)
	for m := range reach {
		if m != 0 && (best == 0 || s.nearer(m, best, need)) {
			best = m
		}
	}
	return best
}

// nearer orders sets that are not preferred: those of need zones, then smaller
// ones, the largest first, then larger ones, the smallest first.
func (s *state) nearer(a, b uint64, need int) bool {
	rank := func(m uint64) int {
		if n := size(m); n <= need {
			return need - n - maxZones // at most 0: before all larger ones
		}
		return size(m)
	}
	if x, y := rank(a), rank(b); x != y {
		return x < y
	}
	return s.fitter(a, b)
}
