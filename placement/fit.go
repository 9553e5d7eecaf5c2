// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"fmt"
	"slices"
	"strings"
)

// GangFit is where the pods of a gang could run, node by node.
type GangFit struct {
	Gang string   `json:"gang"`
	Sets []SetFit `json:"sets"`
}

// SetFit is where the pods of one set could run, node by node.
type SetFit struct {
	PodSet string    `json:"podSet"`
	Pods   int       `json:"pods"`  // how many the set has
	Room   int64     `json:"room"`  // how many fit now on all nodes, each taken alone
	Nodes  []NodeFit `json:"nodes"` // in natural order of their names
	Needs  []Need    `json:"needs"` // what the pod spec should say beside what it says
}

// NodeFit is whether a node takes a pod of a set, by itself: levels and other
// pods of the gang are not looked at.
type NodeFit struct {
	Node  string `json:"node"`
	Fits  bool   `json:"fits"`  // at least one pod now
	Now   int64  `json:"now"`   // pods that fit now
	Empty int64  `json:"empty"` // pods that would fit if nothing ran
	// Obstacles are all that keep a pod away, not only the first of them; empty
	// where one fits.
	Obstacles []Refusal `json:"obstacles"`
	Why       []string  `json:"why"` // the obstacles as sentences, without the node's name
}

// Fits tells for every node whether it takes pods of each set of a gang, and
// why not. An error means that the gang is not valid.
func Fits(u *Usage, g Gang) (GangFit, error) {
	q, err := u.newQuery(g)
	if err != nil {
		return GangFit{}, err
	}
	empty := NewUsage(u.f)
	out := GangFit{Gang: g.Name, Sets: make([]SetFit, 0, len(q.sets))}
	for _, set := range q.sets {
		fit := SetFit{PodSet: set.name, Pods: set.count, Nodes: make([]NodeFit, len(u.f.nodes)), Needs: []Need{}}
		counts := u.counts(set.s)
		for node := range u.f.nodes {
			n := &fit.Nodes[node]
			*n = NodeFit{Node: u.f.nodes[node].Name, Now: counts.pods[node], Obstacles: []Refusal{}, Why: []string{}}
			n.Fits = n.Now > 0
			if !counts.fixed[node] {
				n.Empty, _ = empty.fit(set.s, node)
			}
			fit.Room += n.Now
			if n.Fits {
				continue
			}
			n.Obstacles = u.obstacles(set.s, node)
			for _, r := range n.Obstacles {
				n.Why = append(n.Why, r.lack())
			}
		}
		fit.Needs = append(fit.Needs, empty.needs(set.s)...)
		out.Sets = append(out.Sets, fit)
	}
	return out, nil
}

// unseen tells whether a scheduler without the engine would not look at a
// constraint: it would choose the node, and the pod would fail there.
func unseen(constraint string) bool {
	return constraint == constraintNUMA || constraint == constraintKubelet || constraint == constraintISA || strings.HasPrefix(constraint, constraintImage)
}

// obstacles lists everything that keeps a pod off a node: what stands in its way
// whatever runs, one after the other, then what there is too little of.
func (u *Usage) obstacles(s *shape, node int) []Refusal {
	n := u.f.nodes[node]
	open := *s
	var out []Refusal
	add := func(l lack) {
		out = append(out, Refusal{Level: levelNode, Domain: n.Name, Constraint: l.constraint, Wanted: l.wanted, Found: l.found})
	}
	for {
		l, blocked := open.standing(&n)
		if !blocked {
			break
		}
		add(l)
		if !open.lift(&n) {
			return out
		}
	}
	if pods, binds := u.fit(&open, node); pods == 0 {
		add(u.lacksRoom(&open, node, binds))
	}
	return out
}

// lift takes the first standing obstacle of a node out of the way, as standing
// finds them; false where nothing can.
func (s *shape) lift(n *Node) bool {
	before, _ := s.standing(n)
	cleared := func() bool {
		after, blocked := s.standing(n)
		return !blocked || after != before
	}
	if n.NotReady != "" {
		n.NotReady = ""
		return cleared()
	}
	if n.Unschedulable {
		n.Unschedulable = false
		if cleared() {
			return true
		}
	}
	for _, t := range n.Taints {
		if t.Effect != "PreferNoSchedule" && !s.tolerates(t) {
			s.Tolerations = append(slices.Clone(s.Tolerations), Toleration{t.Key, "Equal", t.Value, t.Effect})
			return cleared()
		}
	}
	// What stands alone is tried to be left out; what was not the obstacle stays.
	for _, leave := range []func(*shape){
		func(s *shape) { s.Architectures = nil },
		func(s *shape) { s.ISA = s.ISA[:0:0] },
		func(s *shape) { s.Images = s.Images[:0:0] },
		func(s *shape) { s.Bars = s.Bars[:0:0] },
	} {
		kept := *s
		if leave(s); cleared() {
			return true
		}
		*s = kept
	}
	for i, t := range s.Selector {
		if !t.Matches(n.Labels) {
			s.Selector = slices.Delete(slices.Clone(s.Selector), i, i+1)
			return cleared()
		}
	}
	if len(s.AnyOf) > 0 {
		s.AnyOf = nil
		return cleared()
	}
	return false
}

// Need is something that the pod spec should say for the pod to reach the nodes
// that can run it, and no others.
type Need struct {
	// Toleration opens nodes that hold the pod and are tainted. Term keeps it off
	// nodes that a scheduler would choose and that cannot run it. One is set.
	Toleration *Toleration `json:"toleration,omitempty"`
	Term       *Term       `json:"term,omitempty"`
	Nodes      []string    `json:"nodes"` // opened, or kept off
	Text       string      `json:"text"`
}

// needs proposes, for an empty fleet, a toleration for every taint that alone
// keeps the pod off nodes which hold it, and a label term against nodes whose only
// obstacle is one that a scheduler does not see.
func (u *Usage) needs(s *shape) []Need {
	var out []Need
	var good, tainted, bad []int
	opened := map[Taint][]string{}
	var taints []Taint
	for node := range u.f.nodes {
		found := u.obstacles(s, node)
		switch {
		case len(found) == 0:
			good = append(good, node)
		case len(found) == 1 && unseen(found[0].Constraint):
			bad = append(bad, node)
		case len(found) == 1 && strings.HasPrefix(found[0].Constraint, "taint "):
			tainted = append(tainted, node)
			for _, t := range u.f.nodes[node].Taints {
				if t.Effect != "PreferNoSchedule" && !s.tolerates(t) {
					if opened[t] == nil {
						taints = append(taints, t)
					}
					opened[t] = append(opened[t], u.f.nodes[node].Name)
				}
			}
		}
	}
	for _, t := range taints {
		operator := "Equal"
		if t.Value == "" {
			operator = "Exists"
		}
		out = append(out, Need{
			Toleration: &Toleration{t.Key, operator, t.Value, t.Effect}, Nodes: opened[t],
			Text: fmt.Sprintf("a toleration of the taint %s would open %s more", t, counted(len(opened[t]), "node")),
		})
	}
	t, off, ok := u.telling(slices.Concat(good, tainted), bad)
	if !ok {
		t, off, ok = u.telling(good, bad)
	}
	if ok {
		out = append(out, Need{Term: &t, Nodes: off, Text: fmt.Sprintf("a node affinity %s keeps it off %s that would be chosen and cannot run it", t, counted(len(off), "node"))})
	}
	return out
}
