// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"context"
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
