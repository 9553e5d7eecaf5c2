// SPDX-License-Identifier: Apache-2.0

package topologymanager

import "maps"

// memoryWish is the memory manager's answer for memory and huge pages
// together (memorymanager/policy_static.go, calculateHints): a zone that single
// containers use takes no part in a larger set, and a zone of a group only with
// exactly that group.
func (s *state) memoryWish(want Resources) wish {
	w := wish{wants: want}
	fewest := size(s.all)
	for _, m := range s.masks(s.all) {
		could, have := true, true
		for name, q := range want {
			var total, free int64
			for z := range positions(m) {
				total += s.capacity(z, name)
				free += s.free[z][name]
			}
			could = could && total >= q
			have = have && free+s.memoryReuse[m][name] >= q
		}
		if !could {
			continue
		}
		fewest = min(fewest, size(m))
		if have && !s.mixesMemory(m, true) {
			w.hints = append(w.hints, hint{mask: m})
		}
	}
	return w.prefer(fewest)
}

// mixesMemory tells whether a set breaks the rule of single- and multi-zone
// memory. A hint for one zone of a group breaks it too; an allocation there
// that was not hinted does not.
func (s *state) mixesMemory(m uint64, hinted bool) bool {
	if size(m) == 1 {
		for z := range positions(m) {
			return hinted && size(s.group[z]) > 1
		}
	}
	for z := range positions(m) {
		if s.group[z] != 0 && s.group[z] != m {
			return true
		}
	}
	return false
}

// takeMemory books memory under the merged set of zones (0: none was chosen),
// extended where that does not hold it. It returns the set, and false when
// there is none.
func (s *state) takeMemory(c Container, m uint64, preferred bool) (uint64, bool) {
	want := maps.Clone(c.Requests)
	maps.DeleteFunc(want, func(name string, q int64) bool { return !isMemory(name) || q == 0 || !s.listed[name] })
	if len(want) == 0 || !s.pinsMemory() {
		return 0, true
	}
	if m == 0 || !s.freeIn(m, want) {
		best, found := hint{}, false
		for _, h := range s.memoryWish(want).hints {
			if h.mask&m == m && (!found || h.preferred && !best.preferred || h.preferred == best.preferred && narrower(h.mask, best.mask)) {
				best, found = h, true
			}
		}
		if !found || preferred && !best.preferred {
			return 0, false
		}
		m = best.mask
	}
	if s.mixesMemory(m, false) {
		return 0, false
	}
	for _, name := range sortedNames(want) {
		left := max(0, want[name]-s.memoryReuse[m][name])
		for z := range positions(m) {
			s.group[z] = m
			part := max(0, min(left, s.free[z][name]))
			if part > 0 {
				s.free[z][name] -= part
			}
			left -= part
		}
	}
	s.keepMemory(c, m, want)
	return m, true
}

// keepMemory remembers what an init container leaves to those after it, and
// forgets what a lasting one takes of it.
func (s *state) keepMemory(c Container, m uint64, want Resources) {
	if s.memoryReuse[m] == nil {
		s.memoryReuse[m] = Resources{}
	}
	for name, q := range want {
		if c.Init && !c.Sidecar {
			s.memoryReuse[m][name] = max(s.memoryReuse[m][name], q)
		} else {
			s.memoryReuse[m][name] = max(0, s.memoryReuse[m][name]-q)
		}
	}
}

func (s *state) freeIn(m uint64, want Resources) bool {
	for name, q := range want {
		var free int64
		for z := range positions(m) {
			free += s.free[z][name]
		}
		if free < q {
			return false
		}
	}
	return true
}
