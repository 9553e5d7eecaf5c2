// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"tarsia.dev/tarsia/placement"
)

// member is like pods that go into one gang.
type member struct {
	key    string // which gang, unless group says otherwise
	gang   string // its name
	set    string // name of the pod set; sets of one name and shape are one
	count  int64
	shape  placement.Shape
	rules  []rule
	joined string // Kueue's podset-group-name
	// labels and priority are for policies.
	labels   map[string]string
	priority int32
	at       where
	inSet    int // index of its pod set, once the gang is made
	// group is the PodGroup that it points to, and groupAt where; "" is none.
	group   string
	groupAt where
}

// parts are what one gang is made of.
type parts struct {
	name    string
	members []member
	group   *podGroup
}

// members tells running pods from those to be placed, and drops what stands in
// the files twice: once as a workload, once as its pods.
func (r *reader) members() ([]placement.Running, []member) {
	workloads := map[string]*workload{}
	for i := range r.workloads {
		workloads[r.workloads[i].o.key()] = &r.workloads[i]
	}
	podsOf := map[string]int{}
	var running []placement.Running
	var out []member
	for i := range r.pods {
		p := &r.pods[i]
		if p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed {
			r.notes.add("finished pod", p.o.at(), "%s has finished: it is neither placed nor counted as running", p.o.title())
			continue
		}
		owner := p.owner()
		podsOf[owner]++
		if p.Spec.NodeName != "" {
			running = append(running, r.running(p))
			continue
		}
		m := r.template(p.o.at(), &p.ObjectMeta, &p.Spec)
		m.key, m.gang, m.set = p.gang()
		m.count = 1
		// The controllers of both copy their annotation to the pods.
		annotations := p.o.at("metadata", "annotations")
		m.rules = append(m.rules, r.exclusive(annotations, p.Annotations, jobSetExclusive, 1)...)
		m.rules = append(m.rules, r.exclusive(annotations, p.Annotations, lwsExclusive, 1)...)
		if w := workloads[owner]; w != nil {
			w.apply(&m)
		}
		r.ask(p.o.at(), 1)
		out = append(out, m)
	}
	for i := range r.workloads {
		w := &r.workloads[i]
		switch {
		case workloads[w.owner] != nil:
			r.notes.add("owned "+w.owner, w.o.at(), "%s belongs to %s and is placed with it", w.o.title(), workloads[w.owner].o.title())
		case podsOf[w.o.key()] > 0:
			r.notes.add("pods "+w.o.key(), w.o.at(), "%s has %d pods in the files; they stand for it", w.o.title(), podsOf[w.o.key()])
		default:
			out = append(out, w.members...)
		}
	}
	// Gangs come in the order of the files, whichever kind they are.
	slices.SortStableFunc(out, func(a, b member) int { return cmp.Compare(a.at.o.order, b.at.o.order) })
	return running, out
}

// onKnownNodes drops running pods of nodes that are not in the files: they hold
// nothing of what is looked at. Without any node the nodes come from elsewhere.
func (r *reader) onKnownNodes(running []placement.Running, nodes []placement.Node) []placement.Running {
	if len(nodes) == 0 {
		return running
	}
	known := map[string]bool{}
	for _, n := range nodes {
		known[n.Name] = true
	}
	for i := range r.pods {
		if p := &r.pods[i]; p.Spec.NodeName != "" && !known[p.Spec.NodeName] {
			r.notes.add("elsewhere", p.o.at("spec", "nodeName"), "%s runs on node %s, which is not in the files", p.o.title(), cut(p.Spec.NodeName))
		}
	}
	return slices.DeleteFunc(running, func(p placement.Running) bool { return !known[p.Node] })
}

// join puts members together to gangs, in the order of their first member.
func (r *reader) join(members []member) []*parts {
	var order []*parts
	byKey := map[string]*parts{}
	for _, m := range members {
		key, name := m.key, m.gang
		var group *podGroup
		if m.group != "" {
			if group = r.groups[m.group]; group == nil {
				r.fail(m.groupAt.errorf("%s belongs to the %s, which is not in the files", m.at.o.title(), m.group))
				continue
			}
			// Pods of a group that neither wait for each other nor share a domain
			// are as free as pods without one.
			if group.gang || len(group.rules) > 0 {
				key, name = m.group, gangName("PodGroup", group.o.namespace, group.o.name)
			}
		}
		g := byKey[key]
		if g == nil {
			g = &parts{name: name, group: group}
			byKey[key] = g
			order = append(order, g)
		}
		g.members = append(g.members, m)
	}
	return order
}

// gangs turns parts into gangs and checks PodGroups against their pods.
func (r *reader) gangs(all []*parts) []placement.Gang {
	pods := map[*podGroup]int64{}
	names := map[string]int{}
	var out []placement.Gang
	for _, g := range all {
		if p := g.group; p != nil {
			for i := range g.members {
				m := &g.members[i]
				m.rules = append(m.rules, p.rules...)
				m.shape.AlignNUMA = m.shape.AlignNUMA || p.numa
				pods[p] += m.count
			}
		}
		// Two families may each have a PodGroup of one name.
		if names[g.name]++; names[g.name] > 1 {
			g.name = fmt.Sprintf("%s#%d", g.name, names[g.name])
		}
		gang := placement.Gang{Name: g.name, PodSets: podSets(g)}
		gang.Rules = r.mergeRules(g)
		classify(&gang, g)
		total := map[string]int64{}
		for _, s := range gang.PodSets {
			r.within(total, g.members[0].at, g.name, s.Shape.Requests, int64(s.Count))
		}
		r.asks[g.name] = g.members[0].at
		if len(g.members[0].rules) > 0 {
			r.asks[g.name] = g.members[0].rules[0].at
		}
		out = append(out, gang)
	}
	for _, key := range slices.Sorted(maps.Keys(r.groups)) {
		p := r.groups[key]
		have := pods[p] + p.running
		switch {
		case p.gang && have < p.min:
			r.fail(p.minAt.errorf("%s wants %d pods together, the files have %d of %d", p.o.title(), p.min, have, p.min))
		case !p.gang && len(p.rules) > 0 && pods[p] > 0:
			r.notes.add("basic "+key, p.minAt, "%s lets its pods start one by one; all %d are placed together, to share one domain", p.o.title(), pods[p])
		case p.gang && p.running > 0 && pods[p] > 0:
			r.notes.add("partly "+key, p.o.at(), "%d pods of %s run already; the other %d are placed without regard to where", p.running, p.o.title(), pods[p])
		case p.gang && pods[p] > p.min && p.min > 0:
			r.notes.add("more "+key, p.minAt, "%s needs %d of its %d pods; all %d are placed together", p.o.title(), p.min, pods[p], pods[p])
		}
	}
	return out
}

// podSets joins members of equal shape to pod sets, in order, and tells each
// member its set. Pods that stand alone in the files are named for what their
// names have in common.
func podSets(g *parts) []placement.PodSet {
	var sets []placement.PodSet
	byShape := map[string]int{}
	taken := map[string]bool{}
	for at, m := range g.members {
		id := m.shape.Key()
		if !isPod(m) {
			id += " of " + m.set
		}
		if i, ok := byShape[id]; ok {
			sets[i].Count += int(m.count)
			g.members[at].inSet = i
			if isPod(m) {
				sets[i].Name = common(sets[i].Name, m.set)
			}
			continue
		}
		byShape[id] = len(sets)
		g.members[at].inSet = len(sets)
		sets = append(sets, placement.PodSet{Name: m.set, Count: int(m.count), Shape: m.shape})
	}
	for i := range sets {
		name := cmp.Or(sets[i].Name, "pods")
		for n := 2; taken[name]; n++ {
			name = fmt.Sprintf("%s-%d", cmp.Or(sets[i].Name, "pods"), n)
		}
		taken[name], sets[i].Name = true, name
	}
	return sets
}

// isPod says whether a member is a Pod of the files.
func isPod(m member) bool { return m.at.o.kind == "Pod" }

// common is what two names begin with, without a cut-off number or a separator
// at its end: train-0 and train-1 have train in common.
func common(a, b string) string {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	if n == len(a) && n == len(b) {
		return a
	}
	return strings.TrimRight(a[:n], "-.0123456789")
}

// within adds count times the resources to a total and reports a total that
// cannot be held: the engine sums without looking.
func (r *reader) within(total map[string]int64, w where, whose string, res placement.Resources, count int64) {
	for _, name := range slices.Sorted(maps.Keys(res)) {
		if v := res[name]; v > 0 && count > (math.MaxInt64-total[name])/v {
			r.fail(w.errorf("%s: %s adds up to more than 2^63-1", whose, cut(name)))
			continue
		}
		total[name] += res[name] * count
	}
}
