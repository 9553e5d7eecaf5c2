// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"fmt"
	"slices"
	"strings"

	"tarsia.dev/tarsia/placement"
)

// policy makes the sub-groups of one policy: pods that agree in its labels. A
// sub-group runs with at least the size of the policy or gets no pods.
func (j *job) policy(p *subGroupPolicy) error {
	rules, err := j.w.tierRules(p.NetworkTopology)
	if err != nil {
		return err
	}
	if p.NetworkTopology != nil && p.NetworkTopology.Mode == "soft" {
		rules = j.w.withCounted(rules)
	}
	size := or(p.SubGroupSize, 1)
	if size < 0 || p.MinSubGroups < 0 {
		return invalid("policy %q wants %d sub-groups of %d pods", p.Name, p.MinSubGroups, size)
	}
	keys := j.keys(p)
	full := 0 // sub-groups that run whole already
	for _, key := range keys {
		if j.runs(p.matcher(key)) >= size {
			full++
		}
	}
	counted := placement.Group{Name: p.Name, MinGroups: p.MinSubGroups}
	for _, key := range keys {
		coming := j.pending(p.matcher(key)) > 0
		g, whole, err := j.subGroup(p, key, size, p.MinSubGroups > full)
		if err != nil {
			return err
		}
		if coming && whole {
			g.Rules = rules // what runs alone is where it is
		}
		switch {
		case len(g.PodSets)+len(g.Groups) == 0:
		case whole && p.MinSubGroups > full:
			counted.Groups = append(counted.Groups, g)
		default:
			j.gang.Groups = append(j.gang.Groups, g)
		}
	}
	if p.MinSubGroups > full {
		j.gang.Groups = append(j.gang.Groups, counted)
	}
	return nil
}

// matcher picks the labels of one sub-group.
func (p *subGroupPolicy) matcher(key []string) func(map[string]string) bool {
	return func(labels map[string]string) bool { return slices.Equal(labelsOf(labels, p.MatchLabelKeys), key) }
}

// subGroup is the pods that agree in their labels: those that run stay, the
// others come if that makes the sub-group whole. Whole tells whether it can be;
// needed that it must be, if it is to count.
func (j *job) subGroup(p *subGroupPolicy, key []string, size int, needed bool) (g placement.Group, whole bool, err error) {
	name := p.Name + " " + strings.Join(key, "/")
	ours := p.matcher(key)
	g.Name = name
	running := j.hold(&g, name, ours)
	whole = running+j.pending(ours) >= size
	part := &g
	if running > 0 && running < size && !needed {
		g.Groups = []placement.Group{{Name: name + " rest", Optional: true, MinPods: size - running}}
		part = &g.Groups[0]
	}
	coming, err := j.add(part, name, ours, whole)
	switch {
	case part != &g && coming == 0:
		g.Groups = nil
	case part != &g:
	case running == 0:
		g.Optional, g.MinPods = true, size
	case coming > 0:
		g.MinPods = max(running, size)
	}
	return g, whole, err
}

// runs counts the running pods that match.
func (j *job) runs(match func(map[string]string) bool) int {
	n := 0
	for i, e := range j.running {
		if !j.held[i] && match(e.Labels) {
			n++
		}
	}
	return n
}

// addRest adds the pods that no policy names.
func (j *job) addRest() error {
	all := func(map[string]string) bool { return true }
	g := placement.Group{Name: "rest", Optional: true, MinPods: 1}
	if j.hold(&g, "rest", all) > 0 {
		g.Optional, g.MinPods = false, len(j.running)
	}
	if _, err := j.add(&g, "rest", all, true); err != nil {
		return err
	}
	if len(g.PodSets) > 0 {
		j.gang.Groups = append(j.gang.Groups, g)
	}
	return nil
}

// pending counts the pods of the request that match.
func (j *job) pending(match func(map[string]string) bool) int {
	n := 0
	for i := range j.r.Pods {
		if !j.taken[i] && match(j.r.Pods[i].Labels) {
			n++
		}
	}
	return n
}

// hold adds running pods that match and are in no group yet, where they are.
func (j *job) hold(g *placement.Group, name string, match func(map[string]string) bool) int {
	held := 0
	for i, e := range j.running {
		if j.held[i] || !match(e.Labels) {
			continue
		}
		j.held[i] = true
		held++
		set := fmt.Sprintf("%s running %d", name, held)
		j.gang.PodSets = append(j.gang.PodSets, placement.PodSet{
			Name: set, Count: 1, Shape: placement.Shape{Requests: j.w.perPod(e.Requests), Tolerations: []placement.Toleration{{Operator: "Exists"}}},
			Held: []placement.Assignment{{PodSet: set, Node: e.Node}},
		})
		g.PodSets = append(g.PodSets, set)
	}
	return held
}

// add adds the pods of the request that match; those that may not run are in no
// set. A pod belongs to one sub-group.
func (j *job) add(g *placement.Group, name string, match func(map[string]string) bool, run bool) (int, error) {
	pods := 0
	sets, err := j.w.podSets(&j.gang, j.r, name, j.podsOf, func(i int) bool {
		ours := !j.taken[i] && match(j.r.Pods[i].Labels)
		j.taken[i] = j.taken[i] || ours
		if ours && run {
			pods++
		}
		return ours && run
	})
	g.PodSets = append(g.PodSets, sets...)
	return pods, err
}
