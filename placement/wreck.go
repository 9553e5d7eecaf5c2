// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"cmp"
	"fmt"
	"slices"
)

// wreck finds what failures leave of the places of one set. Its levels are those
// of the set's slices and limits and the one whose domains fail, outermost first
// and one within the other.
type wreck struct {
	levels []wreckLevel
	most   int // failures to look at
}

type wreckLevel struct {
	of    []int32 // by node: its domain
	fails bool    // a domain of this level fails whole
	size  int     // pods run in multiples of it: of its slices and of those within
	limit int     // no more pods run, where it is not negative
}

// remains is how many pods may still run, at worst, and which domains are lost
// then.
type remains struct {
	pods int
	lost *losses
}

// losses is a domain, or the losses of two parts.
type losses struct {
	domain      int32
	left, right *losses
}

// all lists the domains of losses, in the order of their parts.
func (l *losses) all(out []int32) []int32 {
	switch {
	case l == nil:
		return out
	case l.left == nil && l.right == nil:
		return append(out, l.domain)
	}
	return l.right.all(l.left.all(out))
}

// wreck puts the levels of a set and the level that fails in order. It refuses
// levels of which a domain lies in two of an outer one.
func (f *Fleet) wreck(set PodSet, level int, of []int32) (*wreck, error) {
	nodes := make([]int32, len(f.nodes))
	for i := range nodes {
		nodes[i] = int32(i)
	}
	byLevel := map[int]*wreckLevel{level: {of: of, fails: true, limit: -1}}
	at := func(name string) (*wreckLevel, error) {
		l, of := len(f.levels), nodes
		if name != LevelNode {
			var known bool
			if l, known = f.levelIndex[name]; !known {
				return nil, fmt.Errorf("no node has a domain of level %q", name)
			}
			of = f.levels[l].soft
		}
		if byLevel[l] == nil {
			byLevel[l] = &wreckLevel{of: of, limit: -1}
		}
		return byLevel[l], nil
	}
	for _, s := range set.Slices {
		l, err := at(s.Level)
		if err != nil {
			return nil, err
		}
		l.size = multiple(max(1, l.size), max(1, s.Size))
	}
	for _, s := range set.Limits {
		l, err := at(s.Level)
		if err != nil {
			return nil, err
		}
		if l.limit < 0 || s.Pods < l.limit {
			l.limit = s.Pods
		}
	}
	w := &wreck{}
	for l := range len(f.levels) + 1 {
		if byLevel[l] != nil {
			w.levels = append(w.levels, *byLevel[l])
		}
	}
	size := 1
	for i := range slices.Backward(w.levels) {
		size = multiple(size, max(1, w.levels[i].size))
		w.levels[i].size = size
	}
	for i := 1; i < len(w.levels); i++ {
		outer := map[int32]int32{}
		for node, d := range w.levels[i].of {
			o, seen := outer[d]
			if seen && o != w.levels[i-1].of[node] {
				return nil, fmt.Errorf("its levels cross")
			}
			outer[d] = w.levels[i-1].of[node]
		}
	}
	return w, nil
}

// least is, for 0, 1, ... failures among some places, the fewest pods that may
// still run there.
func (w *wreck) least(places []setPlaces, depth int) []remains {
	if depth == len(w.levels) {
		sum := 0
		for _, p := range places {
			sum += p.places
		}
		return []remains{{pods: sum}}
	}
	l := &w.levels[depth]
	places = slices.Clone(places)
	slices.SortStableFunc(places, func(a, b setPlaces) int {
		return cmp.Or(cmp.Compare(l.of[a.node], l.of[b.node]), cmp.Compare(a.node, b.node))
	})
	out := []remains{{}}
	for len(places) > 0 {
		end := 1
		for end < len(places) && l.of[places[end].node] == l.of[places[0].node] {
			end++
		}
		inner := w.least(places[:end], depth+1)
		if l.fails {
			inner = []remains{inner[0], {0, &losses{domain: l.of[places[0].node]}}}
		}
		for k := range inner {
			if l.limit >= 0 {
				inner[k].pods = min(inner[k].pods, l.limit)
			}
			inner[k].pods -= inner[k].pods % l.size
		}
		out, places = w.worst(out, inner), places[end:]
	}
	return out
}

// worst joins two parts: of the ways to share failures, the one that leaves the
// fewest pods, and of these the one that loses most of the first part.
func (w *wreck) worst(a, b []remains) []remains {
	out := make([]remains, min(len(a)+len(b)-1, w.most+1))
	for k := range out {
		out[k].pods = -1
	}
	for i, x := range a {
		for j, y := range b[:min(len(b), len(out)-i)] {
			if sum := x.pods + y.pods; out[i+j].pods < 0 || sum <= out[i+j].pods {
				out[i+j] = remains{sum, join(x.lost, y.lost)}
			}
		}
	}
	return out
}

// multiple is the least common multiple.
func multiple(a, b int) int {
	x, y := a, b
	for y > 0 {
		x, y = y, x%y
	}
	return a / x * b
}

func join(a, b *losses) *losses {
	if a == nil {
		return b
	}
	if b == nil {
		return a
	}
	return &losses{left: a, right: b}
}
