// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
)

// concession is one thing that a gang could give up. at returns the gang with a
// part of it given up, from 1 to most: the less the better, and who has given up
// more fits wherever the other does.
type concession struct {
	least int // counting shows that less is not enough; 1 where it shows nothing
	most  int
	at    func(n int) Gang
	text  func(n int) (change, sentence string)
}

// relax finds a change after which the gang would fit: of the first kind of which
// one is enough by itself. Kinds are a required level given up (innermost first;
// of all pods, then of groups, then of sets), whole slices, limits, spares, pods,
// least numbers, architecture, instruction set, images, NUMA alignment, resource
// claims, a rule from outside, a taint, a label. Of numbers no more is given up
// than need be, and of a kind the least. Each is tried by placing the changed
// gang; nil means that none of them is enough alone.
func (u *Usage) relax(ctx context.Context, q *query) (*Relaxation, error) {
	for _, kind := range u.concessions(q) {
		var best *Relaxation
		gives := 0
		for _, c := range kind {
			r, n, err := u.tryConcession(ctx, c)
			if err != nil {
				return nil, err
			}
			if r != nil && (best == nil || n < gives) {
				best, gives = r, n
			}
			if gives == 1 {
				break
			}
		}
		if best != nil {
			return best, nil
		}
	}
	return nil, nil
}

// tryConcession finds the least of a concession that makes the gang fit, nil
// where not even all of it does.
func (u *Usage) tryConcession(ctx context.Context, c concession) (*Relaxation, int, error) {
	if c.least > c.most {
		return nil, 0, nil
	}
	found, err := u.fitsAs(ctx, c.at(c.least))
	if err != nil {
		return nil, 0, err
	}
	n := c.least
	if found.Outcome != Placed {
		if found, err = u.fitsAs(ctx, c.at(c.most)); err != nil || found.Outcome != Placed {
			return nil, 0, err
		}
		n = c.least + 1 + sort.Search(c.most-c.least-1, func(i int) bool {
			if err != nil {
				return false
			}
			var d Decision
			d, err = u.fitsAs(ctx, c.at(c.least+1+i))
			if d.Outcome == Placed {
				found = d
			}
			return d.Outcome == Placed
		})
		if err != nil {
			return nil, 0, err
		}
	}
	r := &Relaxation{Proof: found.Reasons[0]}
	r.Change, r.Text = c.text(n)
	return r, n, nil
}

// fitsAs decides a changed gang. One that the change made invalid is refused.
func (u *Usage) fitsAs(ctx context.Context, g Gang) (Decision, error) {
	q, err := u.newQuery(g)
	if err != nil {
		return Decision{Outcome: Refused}, nil
	}
	return u.decide(ctx, q)
}

// whole is a concession that is made whole or not at all.
func whole(g Gang, change, sentence string) concession {
	return concession{1, 1, func(int) Gang { return g }, func(int) (string, string) { return change, sentence }}
}

// concessions lists what could be given up, by kind.
func (u *Usage) concessions(q *query) [][]concession {
	g := q.gang
	var slicesOf, limits, spares, alone []concession
	for i, set := range g.PodSets {
		slicesOf = append(slicesOf, givingSlices(g, i)...)
		for j := range set.Limits {
			limits = append(limits, givingLimit(g, i, j))
		}
		if set.Spares > 0 {
			spares = append(spares, givingSpares(g, i))
		}
	}
	if words := architectures(g); len(words) > 0 {
		list := strings.Join(words, " or ")
		changed := withSets(g, func(p *PodSet) { p.Shape.Architectures = nil })
		alone = append(alone, whole(changed, "architecture "+list+" -> any", "on any architecture instead of "+list))
	}
	alone = append(alone, givingISA(g)...)
	if slices.ContainsFunc(g.PodSets, func(p PodSet) bool { return p.Shape.AlignNUMA }) {
		changed := withSets(g, func(p *PodSet) { p.Shape.AlignNUMA = false })
		alone = append(alone, whole(changed, "NUMA alignment: required -> none", "with pods that may span NUMA zones"))
	}
	if slices.ContainsFunc(g.PodSets, func(p PodSet) bool { return len(p.Shape.Claims) > 0 }) {
		changed := withSets(g, func(p *PodSet) { p.Shape.Claims = nil })
		alone = append(alone, whole(changed, "resource claims -> none", "without its resource claims"))
	}
	alone = slices.Concat(alone, givingBars(g), u.givingTaints(q), givingLabels(g))
	return [][]concession{u.givingLevels(q), slicesOf, limits, spares, u.givingPods(q), givingLeast(g), alone}
}

// givingLevels gives up one required level: those of all pods innermost first,
// then those of groups and of sets.
func (u *Usage) givingLevels(q *query) []concession {
	g := q.gang
	var out []concession
	levels := slices.Clone(q.strangeRequired)
	for _, l := range slices.Backward(q.required) {
		levels = append(levels, u.f.levels[l].name)
	}
	for _, level := range levels {
		changed := g
		changed.Rules = preferring(g.Rules, level)
		out = append(out, whole(changed, "rule "+level+": required -> preferred", "if "+level+" were preferred, not required"))
	}
	for _, path := range groupPaths(g.Groups) {
		at := groupAt(g, path)
		for _, r := range at.Rules {
			if r.Mode == Required {
				changed := withGroup(g, path, func(x *Group) { x.Rules = preferring(x.Rules, r.Level) })
				out = append(out, whole(changed, fmt.Sprintf("rule %s of group %s: required -> preferred", r.Level, at.Name),
					fmt.Sprintf("if %s were preferred, not required, for group %s", r.Level, at.Name)))
			}
		}
	}
	for i, set := range g.PodSets {
		for _, r := range set.Rules {
			if r.Mode == Required {
				changed := withSet(g, i, func(p *PodSet) { p.Rules = preferring(p.Rules, r.Level) })
				out = append(out, whole(changed, fmt.Sprintf("rule %s%s: required -> preferred", r.Level, ofSet(g, i)),
					fmt.Sprintf("if %s were preferred, not required%s", r.Level, forSet(g, i))))
			}
		}
	}
	return out
}

// preferring returns rules in which a level is wished for.
func preferring(rules []LevelRule, level string) []LevelRule {
	rules = slices.Clone(rules)
	for i := range rules {
		if rules[i].Level == level && rules[i].Mode == Required {
			rules[i].Mode = Preferred
		}
	}
	return rules
}

// groupPaths lists the groups of a gang, outer before inner, each as its
// position in its list, after those of the groups around it.
func groupPaths(groups []Group) [][]int {
	var out [][]int
	for i, g := range groups {
		out = append(out, []int{i})
		for _, inner := range groupPaths(g.Groups) {
			out = append(out, append([]int{i}, inner...))
		}
	}
	return out
}

func groupAt(g Gang, path []int) Group {
	at := g.Groups[path[0]]
	for _, i := range path[1:] {
		at = at.Groups[i]
	}
	return at
}

func withGroup(g Gang, path []int, edit func(*Group)) Gang {
	g.Groups = slices.Clone(g.Groups)
	at := &g.Groups[path[0]]
	for _, i := range path[1:] {
		at.Groups = slices.Clone(at.Groups)
		at = &at.Groups[i]
	}
	edit(at)
	return g
}
