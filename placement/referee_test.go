// SPDX-License-Identifier: Apache-2.0

package placement_test

import (
	"maps"
	"slices"
	"strings"

	"tarsia.dev/tarsia/placement"
)

// bundle is pods whose rules are one: a gang, a group or a set.
type bundle struct {
	sets   []int
	rules  []placement.LevelRule
	weight int64 // of a rule that is given up
}

// bundles lists them; those of the same sets are one.
func (f *referee) bundles() []bundle {
	g := f.w.gang
	var out []bundle
	add := func(sets []int, rules []placement.LevelRule, weight int64) {
		if len(rules) == 0 && len(out) > 0 {
			return
		}
		at := slices.IndexFunc(out, func(b bundle) bool { return slices.Equal(b.sets, sets) })
		if at < 0 {
			out = append(out, bundle{sets: sets, weight: weight})
			at = len(out) - 1
		}
		out[at].rules = slices.Concat(out[at].rules, rules)
	}
	var all []int
	for i := range g.PodSets {
		all = append(all, i)
	}
	add(all, g.Rules, 1)
	depth := map[int]int64{}
	var group func(x placement.Group, w int64) []int
	group = func(x placement.Group, w int64) []int {
		var sets []int
		for _, name := range x.PodSets {
			at := slices.IndexFunc(g.PodSets, func(p placement.PodSet) bool { return p.Name == name })
			sets, depth[at] = append(sets, at), w+1
		}
		for _, inner := range x.Groups {
			sets = append(sets, group(inner, w+1)...)
		}
		slices.Sort(sets)
		add(sets, x.Rules, w)
		return sets
	}
	for _, x := range g.Groups {
		group(x, 2)
	}
	for i, p := range g.PodSets {
		add([]int{i}, p.Rules, max(2, depth[i]))
	}
	return out
}

// asks tells whether a bundle has a rule of a mode for a level.
func (b bundle) asks(level string, modes ...placement.Mode) bool {
	return slices.ContainsFunc(b.rules, func(r placement.LevelRule) bool { return r.Level == level && slices.Contains(modes, r.Mode) })
}

// known tells whether some node has a domain of a level.
func (f *referee) known(level string) bool {
	for i := range f.nodes {
		if f.level(i, level) != "" {
			return true
		}
	}
	return false
}

// around tells whether every domain of inner lies in one of outer.
func (f *referee) around(outer, inner string) bool {
	for i := range f.nodes {
		for j := range f.nodes {
			if d := f.level(i, inner); d != "" && d == f.level(j, inner) && (f.level(i, outer) == "" || f.level(i, outer) != f.level(j, outer)) {
				return false
			}
		}
	}
	return true
}

// legal tells whether a spread keeps every hard rule but the numbers of pods.
func (f *referee) legal(s spread) bool {
	for _, b := range f.bundles() {
		for _, r := range b.rules {
			if r.Mode == placement.Required && (!f.known(r.Level) || !f.shared(s, b.sets, r.Level)) {
				return false
			}
		}
	}
	for i, p := range f.w.gang.PodSets {
		unknown := slices.ContainsFunc(p.Slices, func(x placement.Slice) bool { return !f.known(x.Level) })
		if !f.keeps(s, i) || unknown || p.Balance != "" && !f.known(p.Balance) {
			return false
		}
	}
	return true
}

func (f *referee) pods(s spread) int {
	sum := 0
	for _, on := range s {
		for _, n := range on {
			sum += n
		}
	}
	return sum
}

// line computes one line of the objective by its name.
func (f *referee) line(name string, s spread) int64 {
	g := f.w.gang
	head, level, _ := strings.Cut(name, ": ")
	var sum int64
	each := func(add func(p placement.PodSet, set, node int, n int64) int64) {
		for i, on := range s {
			for node, n := range on {
				if n > 0 {
					sum += add(g.PodSets[i], i, node, int64(n))
				}
			}
		}
	}
	switch head {
	case "pods not placed":
		for _, p := range g.PodSets {
			sum += int64(p.Count + p.Spares)
		}
		return sum - int64(f.pods(s))
	case "preferred levels given up":
		for _, b := range f.bundles() {
			seen := map[string]bool{}
			for _, r := range b.rules {
				if r.Mode == placement.Preferred && !seen[r.Level] && !b.asks(r.Level, placement.Required) && (!f.known(r.Level) || !f.shared(s, b.sets, r.Level)) {
					sum += b.weight
					seen[r.Level] = true
				}
			}
		}
	case "affinity weight not met":
		each(func(p placement.PodSet, _, node int, n int64) int64 {
			gap := 0
			for _, x := range p.Shape.Preferences {
				if f.nodes[node].Labels[x.Terms[0].Key] != x.Terms[0].Values[0] {
					gap += x.Weight
				}
			}
			return n * int64(gap)
		})
	case "domains used":
		for _, b := range f.bundles() {
			if f.counts(b, level) {
				sum += int64(len(f.per(s, b.sets, level)))
			}
		}
	case "largest less smallest share":
		for i, p := range g.PodSets {
			if p.Balance != level {
				continue
			}
			if shares := slices.Sorted(maps.Values(f.per(s, []int{i}, level))); len(shares) > 0 {
				unit := 1
				for _, x := range slices.Backward(p.Slices) {
					if x.Level == p.Balance || f.around(p.Balance, x.Level) {
						unit = x.Size
					}
				}
				sum += int64((shares[len(shares)-1] - shares[0]) / unit)
			}
		}
	case "nodes used":
		for node := range f.nodes {
			if slices.ContainsFunc(s, func(on []int) bool { return on[node] > 0 }) {
				sum++
			}
		}
	case "PreferNoSchedule taints":
		each(func(p placement.PodSet, _, node int, n int64) int64 { return n * softTaints(&f.nodes[node], p.Shape) })
	case "cost":
		c := g.Costs[slices.IndexFunc(g.Costs, func(c placement.Cost) bool { return c.Name == level })]
		each(func(_ placement.PodSet, _, node int, n int64) int64 {
			if v, said := c.PerPod[f.nodes[node].Name]; said {
				return n * v
			}
			return n * c.Other
		})
	case "free pods left":
		if level == placement.LevelNode {
			each(func(p placement.PodSet, set, node int, n int64) int64 {
				if !slices.ContainsFunc(s, func(on []int) bool { return on[node] > 0 && &on[0] != &s[set][0] }) {
					return int64(f.room[set][node]) - n
				}
				left := f.truth.free(&f.nodes[node], placement.CPU)
				for t, other := range g.PodSets {
					left -= int64(s[t][node]-f.held[t][node]) * other.Shape.Requests[placement.CPU]
				}
				return max(0, left) / p.Shape.Requests[placement.CPU]
			})
			break
		}
		for i := range s {
			sum += f.free(s, i, level)
		}
	}
	return sum
}

// counts tells whether the domains of a level count for a bundle: by a rule, or
// as an outer level of a preferred one, or as the balanced level.
func (f *referee) counts(b bundle, level string) bool {
	if b.asks(level, placement.Required, placement.Preferred, placement.Counted) {
		return true
	}
	for i, p := range f.w.gang.PodSets {
		if p.Balance == level && len(b.sets) == len(f.w.gang.PodSets) && slices.Contains(b.sets, i) {
			return true
		}
	}
	return slices.ContainsFunc(b.rules, func(r placement.LevelRule) bool {
		return r.Mode == placement.Preferred && !b.asks(r.Level, placement.Required) && f.known(r.Level) && slices.Index(f.w.levels, level) >= 0 && f.known(level) && f.outer(level, r.Level) && f.around(level, r.Level)
	})
}

// outer tells whether a level comes before another in the fleet's order.
func (f *referee) outer(a, b string) bool {
	order := append(slices.Clone(f.w.levels), placement.LevelNode)
	return slices.Index(order, a) < slices.Index(order, b)
}

// free is what stays free for a set in the domains of a level that it uses.
func (f *referee) free(s spread, set int, level string) int64 {
	gang := f.bundles()[0]
	var kept []string
	for _, r := range gang.rules {
		if (r.Mode == placement.Required || r.Mode == placement.Preferred) && f.known(r.Level) && f.shared(s, gang.sets, r.Level) {
			kept = append(kept, r.Level)
		}
	}
	whole := slices.ContainsFunc(kept, func(k string) bool { return k == level || f.around(level, k) })
	var sum int64
	used := func(node int, level string, sets ...int) bool {
		for other := range f.nodes {
			same := f.level(node, level) == f.level(other, level) && (f.level(node, level) != "" || node == other)
			if same && slices.ContainsFunc(sets, func(i int) bool { return s[i][other] > 0 }) {
				return true
			}
		}
		return false
	}
	for node := range f.nodes {
		in := used(node, level, set)
		if !whole {
			for _, k := range kept {
				in = in && used(node, k, gang.sets...) && f.level(node, k) != ""
			}
		}
		if in {
			sum += int64(f.room[set][node] - s[set][node])
		}
	}
	return sum
}

// vector computes the objective in the order of the names.
func (f *referee) vector(names []string, s spread) []int64 {
	var v []int64
	for _, n := range names {
		v = append(v, f.line(n, s))
	}
	return v
}
