// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"fmt"
	"strings"
)

// maxNodeReasons is on how many nodes a decision says what lies there.
const maxNodeReasons = 8

// placed turns a choice into a decision. Refusals are those of the first
// attempt, which kept every level.
func (u *Usage) placed(q *query, d Decision, first, a *attempt, c *choice) Decision {
	d.Outcome, d.Optimal = Placed, c.exact
	d.Objective = q.obj.scores(c.values)
	d.Assignments, d.Released = u.assignments(q, c), q.released(c)
	d.Reasons = u.reasons(q, a, c)
	d.Refusals = append(d.Refusals, u.refusals(q, first)...)
	return d
}

// reasons says why the gang lies where it does.
func (u *Usage) reasons(q *query, a *attempt, c *choice) []string {
	line := fmt.Sprintf("%s: %s on %s", u.cellName(a.lay, c.cell), plural(c.count(), "pod"), plural(c.values[q.obj.nodes], "node"))
	if len(q.sets) == 1 {
		room := a.lay.room(u.counts(q.sets[0].s), c.cell)
		line += fmt.Sprintf("; %d such pods fitted before, %d after", room, room-int64(len(c.pods)))
	}
	out := []string{line}
	for _, l := range q.strangePreferred {
		out = append(out, fmt.Sprintf("preferred level %s is given up: no node has a domain of it", l))
	}
	for _, l := range a.dropped {
		out = append(out, u.whyDropped(q, l))
	}
	if len(a.lay.cells) > 1 {
		out = append(out, fmt.Sprintf("%d of %d domains of level %s hold the gang", c.fits, len(a.lay.cells), a.lay.level(u.f)))
	}
	for _, o := range c.others {
		out = append(out, u.whyNotChosen(q, a, c, o))
	}
	return append(append(out, u.nodeReasons(q, c)...), c.notes...)
}

// count is how many pods a choice places, held ones among them.
func (c *choice) count() int64 {
	var sum int64
	for _, uses := range c.uses {
		for _, use := range uses {
			sum += int64(use.pods)
		}
	}
	return sum
}

func (u *Usage) cellName(lay *layout, c int) string {
	if len(lay.hard) == 0 {
		return levelFleet
	}
	return lay.level(u.f) + " " + lay.domain(u.f, c)
}

// room is how many pods fit in a cell.
func (l *layout) room(c *counts, at int) int64 {
	var room int64
	for _, n := range l.cells[at].nodes {
		room += c.pods[n]
	}
	return room
}

// whyDropped says how near the fullest domain of a preferred level came.
func (u *Usage) whyDropped(q *query, l int) string {
	lv := &u.f.levels[l]
	if len(q.sets) > 1 {
		return fmt.Sprintf("preferred level %s is given up: no domain of it that the other levels allow holds every pod set", lv.name)
	}
	most, at := int64(-1), 0
	for d, room := range u.counts(q.sets[0].s).level[l] {
		if room > most {
			most, at = room, d
		}
	}
	wanted := int64(q.sets[0].count - q.sets[0].rules.total)
	if most >= wanted {
		return fmt.Sprintf("preferred level %s is given up: %s fit in %s, but not within the other levels", lv.name, plural(most, "pod"), lv.domains[at])
	}
	return fmt.Sprintf("preferred level %s is given up: its fullest domain %s holds %d of %s", lv.name, lv.domains[at], most, plural(wanted, "pod"))
}

// whyNotChosen names the first line of the objective that is worse elsewhere.
func (u *Usage) whyNotChosen(q *query, a *attempt, c *choice, o other) string {
	name := u.cellName(a.lay, o.cell)
	for i := range o.values {
		if i != q.obj.givenUp && o.values[i] != c.values[i] {
			return fmt.Sprintf("%s holds it too, but %s would be %d there and is %d here", name, q.obj.names[i], o.values[i], c.values[i])
		}
	}
	return fmt.Sprintf("%s is as good and comes later by name", name)
}

// nodeReasons says what lies on each node and how good its devices are.
func (u *Usage) nodeReasons(q *query, c *choice) []string {
	var out []string
	pods := c.pods
	for len(pods) > 0 {
		end := 1
		for end < len(pods) && pods[end].node == pods[0].node && pods[end].set == pods[0].set {
			end++
		}
		if len(out) == maxNodeReasons {
			return append(out, fmt.Sprintf("and %s more", plural(int64(len(pods)), "pod")))
		}
		out = append(out, u.nodeReason(q, pods[:end]))
		pods = pods[end:]
	}
	return out
}

func (u *Usage) nodeReason(q *query, pods []podPlace) string {
	node, s := pods[0].node, q.sets[pods[0].set].s
	var b strings.Builder
	fmt.Fprintf(&b, "node %s: %s", u.f.nodes[node].Name, plural(int64(len(pods)), "pod"))
	if len(q.sets) > 1 {
		fmt.Fprintf(&b, " of %s", q.sets[pods[0].set].name)
	}
	for i, p := range pods {
		if p.zone >= 0 && (i == 0 || pods[i-1].zone != p.zone) {
			fmt.Fprintf(&b, ", NUMA zone %d", u.f.nodes[node].Zones[p.zone].ID)
		}
	}
	if best := u.f.bestSets(s, node); best > 0 && pods[0].masks != nil {
		var sum int64
		for _, p := range pods {
			sum += u.setScore(p)
		}
		fmt.Fprintf(&b, ", device sets score %d of at most %d", sum, best*int64(len(pods)))
	}
	for _, n := range s.needs {
		if grp := u.f.groupOf(node, n.res); grp >= 0 && u.unnamedDevices(node, grp) > 0 {
			fmt.Fprintf(&b, ", devices not named: %d %s are held by pods that do not say which", u.unnamedDevices(node, grp), u.f.res[n.res])
		}
	}
	return b.String()
}
