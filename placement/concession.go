// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// maxRelaxTaints bounds how many taints are tried, the most frequent first.
const maxRelaxTaints = 8

// givingSlices gives up whole slices in the domains of one level.
func givingSlices(g Gang, i int) []concession {
	var out []concession
	for j, s := range slices.Backward(g.PodSets[i].Slices) {
		changed := withSet(g, i, func(p *PodSet) { p.Slices = slices.Delete(slices.Clone(p.Slices), j, j+1) })
		out = append(out, whole(changed, fmt.Sprintf("slices of %d in %s%s: required -> none", s.Size, s.Level, ofSet(g, i)),
			fmt.Sprintf("if its pods did not have to lie in %s in multiples of %d%s", s.Level, s.Size, forSet(g, i))))
	}
	return out
}

// givingLimit lets more pods into one domain.
func givingLimit(g Gang, i, j int) concession {
	l := g.PodSets[i].Limits[j]
	return concession{
		1,
		max(1, g.PodSets[i].Count-l.Pods),
		func(n int) Gang {
			return withSet(g, i, func(p *PodSet) {
				p.Limits = slices.Clone(p.Limits)
				p.Limits[j].Pods += n
			})
		},
		func(n int) (string, string) {
			return fmt.Sprintf("limit in %s%s %d -> %d", l.Level, ofSet(g, i), l.Pods, l.Pods+n),
				fmt.Sprintf("with up to %s in one domain of %s instead of %d%s", plural(int64(l.Pods+n), "pod"), l.Level, l.Pods, forSet(g, i))
		},
	}
}

// givingSpares keeps fewer places free.
func givingSpares(g Gang, i int) concession {
	now := g.PodSets[i].Spares
	return concession{
		1,
		now,
		func(n int) Gang { return withSet(g, i, func(p *PodSet) { p.Spares -= n }) },
		func(n int) (string, string) {
			return fmt.Sprintf("spares%s %d -> %d", ofSet(g, i), now, now-n),
				fmt.Sprintf("with %s instead of %d%s", plural(int64(now-n), "spare"), now, forSet(g, i))
		},
	}
}

// givingPods asks for fewer pods of one set, or for fewer that are needed of it.
// Of a set in slices whole ones go.
func (u *Usage) givingPods(q *query) []concession {
	g := q.gang
	var out []concession
	for i, set := range g.PodSets {
		step := 1
		for _, s := range set.Slices {
			step = max(step, s.Size)
		}
		word, now := "pods", set.Count
		if set.Min > 0 && set.Min < set.Count {
			word, now = "least pods", set.Min
		}
		// The largest multiple below now, and the steps from it on.
		top := (now - 1) / step * step
		left := func(n int) int { return top - (n-1)*step }
		most := (top - max(1, len(set.Held)) + step) / step
		if top < 1 || most < 1 {
			continue
		}
		least := 1
		if room := u.roomFor(q, i); room < int64(top) {
			least += (top - int(room) + step - 1) / step
		}
		out = append(out, concession{
			least, most,
			func(n int) Gang {
				return withSet(g, i, func(p *PodSet) {
					if word == "pods" {
						p.Count, p.Min = left(n), min(p.Min, left(n))
					} else {
						p.Min = left(n)
					}
				})
			},
			func(n int) (string, string) {
				what := plural(int64(left(n)), "pod") + ofSet(g, i)
				if word != "pods" {
					what += " at least"
				}
				return fmt.Sprintf("%s%s %d -> %d", word, ofSet(g, i), now, left(n)), fmt.Sprintf("with %s instead of %d", what, now)
			},
		})
	}
	return out
}

// roomFor is the most pods of a set that fit in one cell of the required levels,
// each node taken alone.
func (u *Usage) roomFor(q *query, i int) int64 {
	at := slices.IndexFunc(q.sets, func(s gangSet) bool { return s.name == q.gang.PodSets[i].Name })
	if at < 0 || len(q.strangeRequired) > 0 {
		return 0
	}
	return slices.Max(append(u.barest(q).lay.rooms(u.counts(q.sets[at].s), q.sets[at].rules), 0))
}

// givingLeast lowers the least numbers of the whole gang.
func givingLeast(g Gang) []concession {
	var out []concession
	add := func(word, of string, now int, with func(n int) Gang) {
		if now > 1 {
			out = append(out, concession{1, now - 1, func(n int) Gang { return with(now - n) }, func(n int) (string, string) {
				return fmt.Sprintf("%s %d -> %d", word, now, now-n), fmt.Sprintf("with %s at least instead of %d", plural(int64(now-n), of), now)
			}})
		}
	}
	add("least pods", "pod", g.MinPods, func(n int) Gang { c := g; c.MinPods = n; return c })
	add("least groups", "group", g.MinGroups, func(n int) Gang { c := g; c.MinGroups = n; return c })
	return out
}

// givingBars sets one rule from outside aside.
func givingBars(g Gang) []concession {
	var out []concession
	seen := map[string]bool{}
	for _, set := range g.PodSets {
		for _, b := range set.Shape.Bars {
			if seen[b.Constraint] {
				continue
			}
			seen[b.Constraint] = true
			changed := withSets(g, func(p *PodSet) {
				p.Shape.Bars = slices.DeleteFunc(slices.Clone(p.Shape.Bars), func(x Bar) bool { return x.Constraint == b.Constraint })
			})
			out = append(out, whole(changed, "rule "+b.Constraint+": required -> none", "without the rule "+b.Constraint))
		}
	}
	return out
}

// givingTaints tolerates one taint that keeps pods off nodes.
func (u *Usage) givingTaints(q *query) []concession {
	count := map[Taint]int{}
	for i := range u.f.nodes {
		for _, t := range u.f.nodes[i].Taints {
			if t.Effect != "PreferNoSchedule" && slices.ContainsFunc(q.sets, func(s gangSet) bool { return !s.s.tolerates(t) }) {
				count[t]++
			}
		}
	}
	taints := slices.SortedFunc(maps.Keys(count), func(a, b Taint) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a.String(), b.String()))
	})
	var out []concession
	for _, t := range taints[:min(len(taints), maxRelaxTaints)] {
		changed := withSets(q.gang, func(p *PodSet) {
			p.Shape.Tolerations = append(slices.Clone(p.Shape.Tolerations), Toleration{t.Key, "Equal", t.Value, t.Effect})
		})
		out = append(out, whole(changed, "taint "+t.String()+": not tolerated -> tolerated", "if it tolerated the taint "+t.String()))
	}
	return out
}

// givingLabels asks no longer for one label, or for the node affinity.
func givingLabels(g Gang) []concession {
	var out []concession
	seen := map[string]bool{}
	for _, set := range g.PodSets {
		for _, t := range set.Shape.Selector {
			text := t.String()
			if seen[text] {
				continue
			}
			seen[text] = true
			changed := withSets(g, func(p *PodSet) {
				p.Shape.Selector = slices.DeleteFunc(slices.Clone(p.Shape.Selector), func(x Term) bool { return x.String() == text })
			})
			out = append(out, whole(changed, "label "+text+" -> any", "on nodes without the label "+text))
		}
	}
	if slices.ContainsFunc(g.PodSets, func(p PodSet) bool { return len(p.Shape.AnyOf) > 0 }) {
		changed := withSets(g, func(p *PodSet) { p.Shape.AnyOf = nil })
		out = append(out, whole(changed, "node affinity -> any", "without its node affinity"))
	}
	return out
}

// ofSet and forSet name a set where a gang has several.
func ofSet(g Gang, i int) string {
	if len(g.PodSets) == 1 {
		return ""
	}
	return " of " + g.PodSets[i].Name
}

func forSet(g Gang, i int) string {
	if len(g.PodSets) == 1 {
		return ""
	}
	return " for " + g.PodSets[i].Name
}

func withSet(g Gang, at int, edit func(*PodSet)) Gang {
	g.PodSets = slices.Clone(g.PodSets)
	edit(&g.PodSets[at])
	return g
}

func withSets(g Gang, edit func(*PodSet)) Gang {
	for i := range g.PodSets {
		g = withSet(g, i, edit)
	}
	return g
}

// architectures lists what the sets of a gang ask for.
func architectures(g Gang) []string {
	var words []string
	for _, set := range g.PodSets {
		words = append(words, set.Shape.Architectures...)
	}
	slices.Sort(words)
	return slices.Compact(words)
}
