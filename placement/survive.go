// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"cmp"
	"fmt"
	"slices"
)

// Survival is how many failures a placed gang survives on its spares alone,
// whatever else is free or taken by then.
type Survival struct {
	// Nodes is how many nodes may fail, any that many of those that hold its pods
	// and spares.
	Nodes int `json:"nodes"`
	// Levels is the same for whole domains of each level of the fleet in more than
	// one of which the gang lies, outermost first.
	Levels []LevelSurvival `json:"levels"`
	// Weakest are nodes whose failure together it does not survive, one more than
	// Nodes; empty where it survives the loss of all.
	Weakest []string `json:"weakest"`
	Text    string   `json:"text"`
}

// LevelSurvival is how many domains of a level may fail.
type LevelSurvival struct {
	Level   string `json:"level"`
	Domains int    `json:"domains"`
}

// setPlaces is a node with what a set has there, spares too.
type setPlaces struct {
	node   int32
	places int
}

// Survive counts the failures that a gang survives where a decision placed it.
// After a failure its lost pods go to spares that are left, such that the slices
// and limits of the set still hold and as many pods as the set needs run; other
// levels hold by themselves, since spares lie within them. An error means that
// gang and decision do not belong together.
func Survive(f *Fleet, g Gang, d Decision) (Survival, error) {
	if d.Outcome != Placed {
		return Survival{}, fmt.Errorf("count failures of gang %q: its decision is %s, want placed", g.Name, d.Outcome)
	}
	var out Survival
	sets := make([][]setPlaces, len(g.PodSets))
	for _, a := range d.Assignments {
		i := slices.IndexFunc(g.PodSets, func(p PodSet) bool { return p.Name == a.PodSet })
		node, ok := f.index[a.Node]
		if i < 0 || !ok {
			return Survival{}, fmt.Errorf("count failures of gang %q: it has no set %q on node %q", g.Name, a.PodSet, a.Node)
		}
		at := slices.IndexFunc(sets[i], func(p setPlaces) bool { return p.node == node })
		if at < 0 {
			at = len(sets[i])
			sets[i] = append(sets[i], setPlaces{node: node})
		}
		sets[i][at].places++
	}
	nodeLevel := make([]int32, len(f.nodes))
	for i := range nodeLevel {
		nodeLevel[i] = int32(i)
	}
	most, weakest, err := f.survives(g, sets, len(f.levels), nodeLevel)
	if err != nil {
		return Survival{}, err
	}
	out.Nodes, out.Levels, out.Weakest = most, []LevelSurvival{}, []string{}
	for _, n := range weakest {
		out.Weakest = append(out.Weakest, f.nodes[n].Name)
	}
	for l := range f.levels {
		if n := usedDomains(sets, f.levels[l].soft); n < 2 || n == usedDomains(sets, nodeLevel) {
			continue
		}
		// An error is about levels that cross: of that one nothing is said.
		if n, _, err := f.survives(g, sets, l, f.levels[l].soft); err == nil {
			out.Levels = append(out.Levels, LevelSurvival{f.levels[l].name, n})
		}
	}
	out.Text = out.sentence()
	return out, nil
}

// withSurvival says of a placed gang with spares what they are good for.
func (u *Usage) withSurvival(q *query, d Decision) (Decision, error) {
	if d.Outcome != Placed || !slices.ContainsFunc(q.gang.PodSets, func(p PodSet) bool { return p.Spares > 0 }) {
		return d, nil
	}
	s, err := Survive(u.f, q.gang, d)
	if err != nil {
		return d, err
	}
	d.Survival = &s
	return d, nil
}

// usedDomains is in how many domains of a level the sets have places.
func usedDomains(sets [][]setPlaces, of []int32) int {
	domains := map[int32]bool{}
	for _, places := range sets {
		for _, p := range places {
			domains[of[p.node]] = true
		}
	}
	return len(domains)
}

// sentence is "it survives the failure of any 2 of its nodes and of any 1 of its
// rack domains, on its spares alone".
func (s Survival) sentence() string {
	line := "it survives the failure of any " + counted(s.Nodes, "node") + " that it uses"
	switch {
	case len(s.Weakest) == 0:
		return "it survives the failure of all nodes that it uses"
	case s.Nodes == 0:
		line = "the failure of " + s.Weakest[0] + " stops it"
	}
	for _, l := range s.Levels {
		if l.Domains > 0 {
			line += ", and of any " + counted(l.Domains, "whole "+l.Level+" domain")
		}
	}
	if s.Nodes > 0 {
		line += ", on its spares alone"
		line += "; " + shortList(s.Weakest) + " together would stop it"
	}
	return line
}

// survives is how many domains of a level may be lost, any that many, and one
// more that may not. The level len(f.levels) is the nodes themselves.
func (f *Fleet) survives(g Gang, sets [][]setPlaces, level int, of []int32) (most int, weakest []int32, err error) {
	most = -1
	for i, set := range g.PodSets {
		need := cmp.Or(set.Min, set.Count)
		if need == 0 || len(sets[i]) == 0 {
			continue
		}
		w, err := f.wreck(set, level, of)
		if err != nil {
			return 0, nil, fmt.Errorf("count failures of gang %q: pod set %q: %w", g.Name, set.Name, err)
		}
		places := 0
		for _, p := range sets[i] {
			places += p.places
		}
		// Each failure takes one place at least.
		w.most = max(1, places-need+1)
		left := w.least(sets[i], 0)
		for k := 1; k < len(left); k++ {
			if left[k].pods < need {
				if most < 0 || k-1 < most {
					most, weakest = k-1, left[k].lost.all(nil)
				}
				break
			}
		}
	}
	return max(most, 0), weakest, nil
}
