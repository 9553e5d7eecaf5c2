// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
)

// Bounds of what a decision says about places that were refused.
const (
	maxRefusals     = 50
	maxCellRefusals = 30
	maxLike         = 3 // nodes refused for one constraint
)

// refusals says what domains and nodes lack: domains first, the nearest miss
// first; then nodes, the most common lack first.
func (u *Usage) refusals(q *query, a *attempt) []Refusal {
	out := u.cellRefusals(q, a.lay)
	return append(out, u.nodeRefusals(q, a.lay, maxRefusals-len(out))...)
}

func (u *Usage) cellRefusals(q *query, lay *layout) []Refusal {
	var misses []miss
	for c := range lay.cells {
		if m, short := u.shortOf(q, lay, c); short {
			misses = append(misses, m)
		}
	}
	slices.SortStableFunc(misses, func(a, b miss) int { return cmp.Compare(a.Wanted-a.AtMost, b.Wanted-b.AtMost) })
	level := lay.level(u.f)
	more := len(misses) - maxCellRefusals
	out := make([]Refusal, 0, min(len(misses), maxCellRefusals))
	for _, m := range misses[:min(len(misses), maxCellRefusals)] {
		r := Refusal{Level: level, Domain: m.Domain, Constraint: m.Constraint}
		if m.Resource != "" {
			r.Wanted = amount(m.Resource, m.Wanted) + " in all"
			r.Found = amount(m.Resource, m.AtMost) + " free"
		} else {
			r.Wanted, r.Found = podsWanted(q, m), roomFound(lay, m)
		}
		out = append(out, r)
	}
	if more > 0 {
		out[len(out)-1].More = more
	}
	return out
}

func podsWanted(q *query, m miss) string {
	if m.Held {
		return plural(m.Wanted, "held pod") + ", all that stay"
	}
	if len(q.sets) == 1 || m.PodSet == "" {
		return plural(m.Wanted, "pod")
	}
	return plural(m.Wanted, "pod") + " of " + m.PodSet
}

// roomFound says how many pods fit and what keeps more away: "12 fit on 4 nodes;
// held back by nvidia.com/gpu on 3 of them".
func roomFound(lay *layout, m miss) string {
	if m.Held {
		return plural(m.AtMost, "held pod") + " there"
	}
	if m.binds == 0 {
		return fits(m.AtMost)
	}
	b := make([]byte, 0, 96)
	b = append(append(b, fits(m.AtMost)...), " on "...)
	b = append(append(b, plural(int64(len(lay.cells[m.cell].nodes)), "node")...), "; held back by "...)
	b = append(append(b, m.Constraint...), " on "...)
	return string(append(strconv.AppendInt(b, int64(m.binds), 10), " of them"...))
}

func fits(n int64) string {
	switch n {
	case 0:
		return "none fits"
	case 1:
		return "1 fits"
	}
	return strconv.FormatInt(n, 10) + " fit"
}

func plural(n int64, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return strconv.FormatInt(n, 10) + " " + word + "s"
}

// like is nodes that are refused for one constraint.
type like struct {
	constraint string
	count      int
	nodes      [maxLike]int32
}

// nodeRefusals says what the nodes lack that take no pod of the gang, a few for
// each constraint.
func (u *Usage) nodeRefusals(q *query, lay *layout, most int) []Refusal {
	c := u.counts(q.sets[0].s)
	others := make([]*counts, 0, len(q.sets)-1)
	for _, set := range q.sets[1:] {
		others = append(others, u.counts(set.s))
	}
	groups := make([]like, len(c.names)+1)
	outside := len(c.names)
	for node, pods := range c.pods {
		at := int(c.binds[node])
		if lay.cellOf[node] < 0 {
			at = outside
		} else if pods > 0 || slices.ContainsFunc(others, func(o *counts) bool { return o.pods[node] > 0 }) {
			continue
		}
		g := &groups[at]
		if g.count < maxLike {
			g.nodes[g.count] = int32(node)
		}
		g.count++
	}
	for i := range c.names {
		groups[i].constraint = c.names[i]
	}
	groups[outside].constraint = "has no " + lay.level(u.f)
	slices.SortFunc(groups, func(a, b like) int {
		return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.constraint, b.constraint))
	})
	var out []Refusal
	for _, g := range groups {
		shown := min(g.count, maxLike)
		if shown == 0 || len(out)+shown > most {
			break
		}
		for _, node := range g.nodes[:shown] {
			r := Refusal{Level: levelNode, Domain: u.f.nodes[node].Name}
			if lay.cellOf[node] < 0 {
				r.Constraint, r.Wanted, r.Found = g.constraint, "a domain of level "+u.missing(lay, node), "none"
			} else {
				l := u.lacks(q.sets[0].s, int(node))
				r.Constraint, r.Wanted, r.Found = l.constraint, l.wanted, l.found
			}
			out = append(out, r)
		}
		out[len(out)-1].More = g.count - shown
	}
	return out
}

// missing names the first hard level in which a node has no domain.
func (u *Usage) missing(lay *layout, node int32) string {
	for _, h := range lay.hard {
		if u.f.levels[h].of[node] < 0 {
			return u.f.levels[h].name
		}
	}
	return lay.level(u.f)
}

// refuseStrange refuses a gang that requires a level in which no node has a
// domain: there is nothing to look through.
func (u *Usage) refuseStrange(q *query, d Decision) Decision {
	level := q.strangeRequired[0]
	d.Refusals = append(d.Refusals, Refusal{
		Level: levelFleet, Domain: levelFleet, Constraint: "has no " + level,
		Wanted: "one domain of level " + level, Found: fmt.Sprintf("none among %s", plural(int64(len(u.f.nodes)), "node")),
	})
	d.Reasons = append(d.Reasons, "no node has a domain of the required level "+level)
	d.Certificate = &Certificate{Level: level, Domains: []DomainBound{}}
	d.Proved = true
	return d
}

// refused is the answer when no attempt holds the gang; a is the last, which
// keeps the required levels only.
func (u *Usage) refused(q *query, d Decision, a *attempt, stopped bool) Decision {
	d.Refusals = append(d.Refusals, u.refusals(q, a)...)
	if d.Certificate = u.certificate(q, a.lay); d.Certificate == nil {
		d.Certificate = u.scopeCertificate(q)
	}
	d.Proved = d.Certificate != nil || !stopped
	level := a.lay.level(u.f)
	if u.vague(q) {
		d.Outcome, d.Certificate, d.Proved = Undecided, nil, false
		d.Reasons = append(d.Reasons, "a search for devices for its resource claims stopped early: more pods may fit than were counted")
		return d
	}
	switch {
	case d.Certificate != nil && d.Certificate.Scope != "":
		d.Reasons = append(d.Reasons, fmt.Sprintf("counting shows that it does not fit: none of %d domains of level %s holds %s", len(d.Certificate.Domains), d.Certificate.Level, d.Certificate.Scope))
	case d.Certificate != nil && len(a.lay.hard) == 0:
		d.Reasons = append(d.Reasons, "counting shows that it does not fit: each node taken alone, the fleet holds too few")
	case d.Certificate != nil:
		d.Reasons = append(d.Reasons, fmt.Sprintf("counting shows that it does not fit: none of %d domains of level %s holds it", len(a.lay.cells), level))
	case stopped:
		d.Outcome = Undecided
		d.Reasons = append(d.Reasons, fmt.Sprintf("counting does not rule it out, and the search for a place stopped after %d looks at a node", searchBudget))
	case len(q.sets) == 1:
		d.Reasons = append(d.Reasons, "counting does not rule it out, but no split of its pods keeps to all of its rules")
	default:
		d.Reasons = append(d.Reasons, "each pod set fits, but an exhaustive search found no way to place them together")
	}
	return d
}
