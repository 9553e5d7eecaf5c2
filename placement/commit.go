// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"fmt"
	"slices"
	"strconv"
)

// PodName is the name under which Commit books a pod of a gang, for Remove.
func PodName(gang, podSet string, pod int) string {
	return gang + "/" + podSet + "/" + strconv.Itoa(pod)
}

// Commit removes the victims of a decision and books what it assigned to a
// gang: all of it, or nothing and an error. It checks every pod against what
// runs now, so a decision that became stale is refused, and so is one that was
// made for another gang. Held pods are left as they run, released ones until who
// runs them has ended them; spares are booked like pods, so that their places
// stay free.
func (u *Usage) Commit(g Gang, d Decision) error {
	if d.Outcome != Placed {
		return fmt.Errorf("commit gang %q: its decision is %s, want placed", g.Name, d.Outcome)
	}
	shapes := make([]*shape, len(g.PodSets))
	got := make([]int, len(g.PodSets))
	for i, set := range g.PodSets {
		s, err := compileShape(u.f, set.Shape)
		if err != nil {
			return fmt.Errorf("commit gang %q: pod set %q: %w", g.Name, set.Name, err)
		}
		shapes[i] = s
	}
	var booked []string
	evicted := map[string]booking{}
	undo := func() {
		for _, name := range booked {
			u.release(u.running[name])
			delete(u.running, name)
		}
		for name, b := range evicted {
			u.running[name] = b
			u.hold(b)
		}
	}
	for _, name := range d.Victims {
		b, runs := u.running[name]
		if !runs {
			undo()
			return fmt.Errorf("commit gang %q: its victim %q does not run", g.Name, name)
		}
		if b.priority >= g.Priority {
			undo()
			return fmt.Errorf("commit gang %q: its victim %q has priority %d, want less than %d", g.Name, name, b.priority, g.Priority)
		}
		evicted[name] = b
		delete(u.running, name)
		u.release(b)
	}
	for _, a := range d.Assignments {
		at := slices.IndexFunc(g.PodSets, func(p PodSet) bool { return p.Name == a.PodSet })
		if at < 0 || !g.PodSets[at].has(a) {
			undo()
			return fmt.Errorf("commit gang %q: it has no pod %d in set %q", g.Name, a.Pod, a.PodSet)
		}
		if !a.Spare {
			got[at]++
		}
		if g.PodSets[at].holds(a) {
			continue
		}
		name := PodName(g.Name, a.PodSet, a.Pod)
		b, err := u.admit(shapes[at], name, a)
		if err != nil {
			undo()
			return fmt.Errorf("commit gang %q: pod %q: %w", g.Name, name, err)
		}
		b.priority, b.gang = g.Priority, g.Name
		u.running[name] = b
		u.hold(b)
		booked = append(booked, name)
	}
	total := 0
	for i, set := range g.PodSets {
		total += got[i]
		least := set.Min
		if least == 0 && g.MinPods == 0 && g.MinGroups == 0 && !slices.ContainsFunc(g.Groups, Group.partial) {
			least = set.Count
		}
		if got[i] < least && (got[i] > 0 || g.MinGroups == 0 && !slices.ContainsFunc(g.Groups, Group.partial)) || got[i] > max(set.Count, len(set.Held)) {
			undo()
			if least == set.Count && got[i] < least {
				return fmt.Errorf("commit gang %q: the decision leaves out %d pods of set %q", g.Name, least-got[i], set.Name)
			}
			return fmt.Errorf("commit gang %q: the decision has %d pods of set %q, want %d to %d", g.Name, got[i], set.Name, least, set.Count)
		}
	}
	if total < g.MinPods {
		undo()
		return fmt.Errorf("commit gang %q: the decision has %d pods, want %d or more", g.Name, total, g.MinPods)
	}
	return nil
}

// has tells whether an assignment can be one of the set: a pod, a spare behind
// the last pod, or a held pod with the number that it has.
func (p *PodSet) has(a Assignment) bool {
	if a.Spare {
		return p.Count <= a.Pod && a.Pod < p.Count+p.Spares
	}
	return 0 <= a.Pod && a.Pod < p.Count || p.holds(a)
}

// holds tells whether an assignment is a pod that the set holds.
func (p *PodSet) holds(a Assignment) bool {
	return !a.Spare && slices.ContainsFunc(p.Held, func(h Assignment) bool { return h.Pod == a.Pod && h.Node == a.Node })
}

// partial tells whether a group may run with fewer pods than its sets say, or
// not at all.
func (g Group) partial() bool {
	return g.Optional || g.MinPods > 0 || g.MinGroups > 0 || slices.ContainsFunc(g.Groups, Group.partial)
}

// admit checks one assignment against what is free now.
func (u *Usage) admit(s *shape, name string, a Assignment) (booking, error) {
	b, err := u.book(Running{Name: name, Node: a.Node, Requests: s.Requests, Devices: a.Devices, Zone: a.Zone, Claims: a.Claims})
	if err != nil {
		return booking{}, err
	}
	if l, blocked := s.standing(&u.f.nodes[b.node]); blocked {
		return booking{}, fmt.Errorf("node %q: %s: wanted %s, found %s", a.Node, l.constraint, l.wanted, l.found)
	}
	if s.AlignNUMA && b.zone < 0 {
		return booking{}, fmt.Errorf("node %q: it must be aligned, and the decision names no NUMA zone", a.Node)
	}
	if pods, binds := u.fit(s, b.node); pods < 1 {
		return booking{}, fmt.Errorf("node %q: too little %s is free", a.Node, binds)
	}
	if err := u.admitClaims(s, a); err != nil {
		return booking{}, err
	}
	if u.predicts(s, b.node) {
		if b.bound, _ = u.foretell(s, b.node); b.bound == nil {
			return booking{}, fmt.Errorf("node %q: %s", a.Node, u.lacksKubelet(s, b.node).found)
		}
	}
	if s.AlignNUMA && u.zoneFit(s, b.node, b.zone) < 1 {
		return booking{}, fmt.Errorf("node %q: too little is free in NUMA zone %d", a.Node, *a.Zone)
	}
	if ask := u.ask(s, b.node); ask != nil {
		if err := u.checkAsked(s, &b, ask); err != nil {
			return booking{}, fmt.Errorf("node %q: %w", a.Node, err)
		}
		return b, nil
	}
	for grp, mask := range b.masks {
		g := &u.f.groups[b.node][grp]
		if mask&^g.usable != 0 || s.AlignNUMA && mask&^g.zone[b.zone] != 0 {
			return booking{}, fmt.Errorf("node %q: devices %v are not usable or not in the pod's NUMA zone", a.Node, u.f.deviceIDs(b.node, grp, mask))
		}
		if mask != 0 && int64(members(mask)) != s.Requests[u.f.res[g.res]] {
			return booking{}, fmt.Errorf("node %q: the decision names %d of %d %s", a.Node, members(mask), s.Requests[u.f.res[g.res]], u.f.res[g.res])
		}
	}
	return b, nil
}
