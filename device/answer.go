// SPDX-License-Identifier: Apache-2.0

package device

import (
	"encoding/binary"
	"slices"
)

// maxAnswers bounds what a table remembers.
const maxAnswers = 1 << 14

// answer is what was found for one ask on one state.
type answer struct {
	pods  int
	exact bool
	costs []Cost // by pods; filled up to what was asked
}

// Fit is how many pods of the ask fit, at most limit. Rooms aligns each pod
// with a NUMA zone; nil does not. The count is exact unless the search for it
// grew too large; then it is what a plainer search found, and exact is false.
func (a *Ask) Fit(st *State, rooms []Room, limit int) (pods int, exact bool) {
	if a.missing != "" || limit <= 0 {
		return 0, true
	}
	if a.alone {
		return int(min(a.unitsAlone(st, rooms), int64(limit))), true
	}
	want := int(min(a.bound(st, rooms), int64(limit)))
	if want == 0 {
		return 0, true
	}
	key := a.answerKey(st, rooms, "fit", want)
	if got := a.t.recall(key); got != nil {
		return got.pods, got.exact
	}
	got := a.fit(st, rooms, want)
	a.t.remember(key, got)
	return got.pods, got.exact
}

// fit looks for the largest count that fits, from what a bound allows down.
func (a *Ask) fit(st *State, rooms []Room, want int) *answer {
	for m := want; m > 0; m-- {
		s := a.newSearch(st, rooms)
		fits := s.most(m)
		if fits {
			return &answer{pods: m, exact: true}
		}
		if s.over() {
			pods, _ := a.newSearch(st, rooms).greedy(m)
			return &answer{pods: len(pods)}
		}
	}
	return &answer{exact: true}
}

// Costs returns what 0, 1, ... most pods cost; as many must fit. It is false
// when they are not proven to be the least.
func (a *Ask) Costs(st *State, rooms []Room, most int) ([]Cost, bool) {
	if most == 0 {
		return make([]Cost, 1), true
	}
	if a.flat(rooms) {
		return a.flatCosts(st, most), true
	}
	key := a.answerKey(st, rooms, "cost", most)
	got := a.t.recall(key)
	if got == nil {
		got = a.costs(st, rooms, most)
		a.t.remember(key, got)
	}
	return got.costs, got.exact
}

func (a *Ask) costs(st *State, rooms []Room, most int) *answer {
	if a.alone {
		if p := a.piled(st, rooms, most); p != nil {
			return &answer{pods: most, exact: true, costs: p.costs}
		}
	}
	base := a.standing(st)
	out := &answer{pods: most, exact: true, costs: make([]Cost, most+1)}
	s := a.newSearch(st, rooms)
	for m := 1; m <= most; m++ {
		b := s.solve(m)
		if s.over() {
			out.exact = false
			_, costs := a.newSearch(st, rooms).greedy(most)
			copy(out.costs[1:], costs)
			break
		}
		out.costs[m] = b.cost
	}
	for m := 1; m <= most; m++ {
		for i := range base {
			out.costs[m][i] -= base[i]
		}
	}
	return out
}

// Choose returns m pods whose cost is what Costs says; as many must fit.
func (a *Ask) Choose(st *State, rooms []Room, m int) []Pod {
	if m == 0 {
		return nil
	}
	if a.flat(rooms) {
		return a.flatChoose(st, m)
	}
	if a.alone {
		if p := a.piled(st, rooms, m); p != nil {
			return a.pileChoose(st, rooms, p, m)
		}
	}
	if _, exact := a.Costs(st, rooms, m); !exact {
		pods, _ := a.newSearch(st, rooms).greedy(m)
		return pods
	}
	s := a.newSearch(st, rooms)
	pods := make([]Pod, 0, m)
	for ; m > 0; m-- {
		b := s.solve(m)
		pods = append(pods, b.pod)
		a.apply(&s.st, b.pod.Takes)
		for i := range s.rooms {
			if s.rooms[i].Zone == b.pod.Zone {
				s.rooms[i].Pods--
			}
		}
	}
	return pods
}

// maxWays bounds how many ways Ways lists.
const maxWays = 4096

// Ways lists every way to place one pod, the best first, devices that nothing
// tells apart once; false when there are more than it lists.
func (a *Ask) Ways(st *State, rooms []Room) ([]Pod, bool) {
	if pods, _ := a.Fit(st, rooms, 1); pods == 0 {
		return nil, true
	}
	out := a.Choose(st, rooms, 1)
	s := a.newSearch(st, rooms)
	s.pods(func(zone int) bool {
		out = append(out, Pod{zone, slices.Clone(s.takes)})
		return len(out) <= maxWays
	})
	return out, !s.over() && len(out) <= maxWays
}

func (a *Ask) answerKey(st *State, rooms []Room, what string, n int) string {
	b := append(append([]byte(what), a.key...), '|')
	b = binary.AppendUvarint(b, uint64(n))
	for _, r := range rooms {
		b = binary.AppendVarint(binary.AppendVarint(b, int64(r.Zone)), r.Pods)
	}
	return string(st.AppendKey(append(b, '|')))
}

func (t *Table) recall(key string) *answer {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.answers[key]
}

func (t *Table) remember(key string, a *answer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.answers) >= maxAnswers {
		clear(t.answers)
	}
	t.answers[key] = a
}
