// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tarsia.dev/tarsia/placement"
)

// tierLevel is the prefix of the levels of hypernodes; behind it stands the
// tier, a larger one lies farther out.
const tierLevel = "hypernode-tier-"

// hypernodes answers jobs with a least number of members, of which some may run
// already, and groups of pods by label, within hypernodes up to a tier.
func (c *Case) hypernodes(ctx context.Context) (Answer, error) {
	w, err := c.newWorld(ctx, participation{ready: true, flat: true}, nil)
	if err != nil {
		return Answer{}, err
	}
	var a Answer
	for i := range c.Requests {
		res, err := w.job(ctx, &c.Requests[i])
		if err != nil {
			res = refusal(c.Requests[i].Name, err)
		}
		a.Results = append(a.Results, res)
	}
	return a, nil
}

// job is one job in translation.
type job struct {
	w       *world
	r       *request
	gang    placement.Gang
	podsOf  map[string][]string
	running []existing // its pods that run, on nodes that exist
	gone    int        // its pods that run elsewhere
	taken   []bool     // by pod of the request: it is in a set
	held    []bool     // by running pod: it is in a set
}

func (w *world) job(ctx context.Context, r *request) (Result, error) {
	if len(r.Pods) == 0 {
		return Result{Request: r.Name, Outcome: Rejected, Reason: "it has no pods"}, nil
	}
	j := &job{w: w, r: r, podsOf: map[string][]string{}, taken: make([]bool, len(r.Pods))}
	for _, e := range w.c.Cluster.Existing {
		switch {
		case e.Job != r.Name || e.ended():
		case w.knows(e.Node):
			j.running = append(j.running, e)
		default:
			j.gone++
		}
	}
	j.held = make([]bool, len(j.running))
	rules, err := w.tierRules(r.NetworkTopology)
	if err != nil {
		return Result{}, err
	}
	j.gang = placement.Gang{
		Name: r.Name, Priority: r.priority(), Rules: w.withCounted(rules),
		MinPods:   max(1+len(j.running), r.MinMember-j.gone),
		Objective: []placement.Family{placement.FamilyPlaced, placement.FamilyDomains},
	}
	for i := range r.SubGroupPolicy {
		if err := j.policy(&r.SubGroupPolicy[i]); err != nil {
			return Result{}, err
		}
	}
	if err := j.addRest(); err != nil {
		return Result{}, err
	}
	if err := j.check(); err != nil {
		return Result{}, err
	}
	return w.placeNamed(ctx, j.gang, r.Name, j.podsOf)
}

// check refuses a job that asks for more pods or sub-groups than it has. Pods
// whose sub-group would not be whole are in no set.
func (j *job) check() error {
	pods := 0
	for _, s := range j.gang.PodSets {
		pods += s.Count
	}
	if j.gang.MinPods > pods {
		return invalid("of its pods %d are whole sub-groups or in none, and it wants at least %d", pods, j.gang.MinPods)
	}
	for _, g := range j.gang.Groups {
		if g.MinGroups > len(g.Groups) {
			return invalid("policy %q has %d sub-groups that can be whole, and it wants at least %d", g.Name, len(g.Groups), g.MinGroups)
		}
	}
	return nil
}

// tierRules are the levels that a network topology asks for. A soft one is met
// by few domains of every level, outermost first; a hard one without a tier
// that the cluster has allows all of it.
func (w *world) tierRules(nt *networkTopology) ([]placement.LevelRule, error) {
	if nt == nil || nt.Mode == "soft" {
		return nil, nil
	}
	if nt.Mode != "hard" {
		return nil, unsupported("network topology mode %q is not known", nt.Mode)
	}
	highest := nt.HighestTierAllowed
	if nt.HighestTierName != nil {
		var known bool
		if highest, known = w.c.Options.TierNames[*nt.HighestTierName]; !known {
			return nil, nil
		}
	}
	level, outermost := "", true
	for _, l := range w.levels { // outermost first
		tier, isTier := tierOf(l)
		if !isTier {
			continue
		}
		if outermost && highest > tier {
			return nil, nil
		}
		outermost = false
		if tier <= highest {
			level = l
			break
		}
	}
	switch {
	case outermost:
		return nil, nil // no tiers at all
	case level == "":
		level = placement.LevelNode
	}
	return []placement.LevelRule{{Level: level, Mode: placement.Required}}, nil
}

func tierOf(level string) (int, bool) {
	text, is := strings.CutPrefix(level, tierLevel)
	tier, err := strconv.Atoi(text)
	return tier, is && err == nil
}

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

// keys lists the values of the labels of a policy among the pods, in the order
// of the first pod of each.
func (j *job) keys(p *subGroupPolicy) [][]string {
	var keys [][]string
	see := func(labels map[string]string) {
		key := labelsOf(labels, p.MatchLabelKeys)
		if key != nil && !slices.ContainsFunc(keys, func(k []string) bool { return slices.Equal(k, key) }) {
			keys = append(keys, key)
		}
	}
	for _, e := range j.running {
		see(e.Labels)
	}
	for i := range j.r.Pods {
		see(j.r.Pods[i].Labels)
	}
	return keys
}

// labelsOf are the values of labels, nil where one is absent.
func labelsOf(labels map[string]string, keys []string) []string {
	var out []string
	for _, k := range keys {
		v, has := labels[k]
		if !has {
			return nil
		}
		out = append(out, v)
	}
	return out
}
