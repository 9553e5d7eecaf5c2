// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// relax finds a change after which the gang would fit: the first that works of
// one required level preferred (innermost first), fewer pods, any architecture,
// no NUMA alignment. Each is tried by placing the changed gang; nil means that
// none of them is enough alone.
func (u *Usage) relax(ctx context.Context, q *query, cert *Certificate) (*Relaxation, error) {
	for _, c := range u.changes(q, cert) {
		changed, err := u.newQuery(c.gang)
		if err != nil {
			return nil, err
		}
		d, err := u.decide(ctx, changed)
		if err != nil {
			return nil, err
		}
		if d.Outcome == Placed {
			return &Relaxation{Change: c.text, Proof: d.Reasons[0]}, nil
		}
	}
	return nil, nil
}

// change is one relaxation to try.
type change struct {
	text string
	gang Gang
}

func (u *Usage) changes(q *query, cert *Certificate) []change {
	var out []change
	for _, level := range u.innermostFirst(q) {
		g := q.gang
		g.Rules = slices.Clone(g.Rules)
		for i := range g.Rules {
			if g.Rules[i].Level == level {
				g.Rules[i].Mode = Preferred
			}
		}
		out = append(out, change{"rule " + level + ": required -> preferred", g})
	}
	if c, ok := fewerPods(q, cert); ok {
		out = append(out, c)
	}
	if words := architectures(q.gang); len(words) > 0 {
		g := withSets(q.gang, func(p *PodSet) { p.Shape.Architectures = nil })
		out = append(out, change{"architecture " + strings.Join(words, " or ") + " -> any", g})
	}
	if slices.ContainsFunc(q.sets, func(s gangSet) bool { return s.s.AlignNUMA }) {
		g := withSets(q.gang, func(p *PodSet) { p.Shape.AlignNUMA = false })
		out = append(out, change{"NUMA alignment: required -> none", g})
	}
	return out
}

// innermostFirst lists the required levels.
func (u *Usage) innermostFirst(q *query) []string {
	levels := slices.Clone(q.strangeRequired)
	for _, l := range slices.Backward(q.required) {
		levels = append(levels, u.f.levels[l].name)
	}
	return levels
}

// fewerPods is the set that falls short everywhere, cut to what the best domain
// holds of it. Where domains fall short in different things there is no such
// set.
func fewerPods(q *query, cert *Certificate) (change, bool) {
	var name string
	var most int64
	for i, b := range cert.Domains {
		if b.PodSet == "" && b.Resource != "" || i > 0 && b.PodSet != name {
			return change{}, false
		}
		name, most = b.PodSet, max(most, b.AtMost)
	}
	if most == 0 {
		return change{}, false
	}
	at := slices.IndexFunc(q.gang.PodSets, func(p PodSet) bool { return p.Name == name })
	text := "pods"
	if len(q.gang.PodSets) > 1 {
		text += " of " + name
	}
	g := withSet(q.gang, at, func(p *PodSet) { p.Count = int(most) })
	return change{fmt.Sprintf("%s %d -> %d", text, q.gang.PodSets[at].Count, most), g}, true
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
