// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"tarsia.dev/tarsia/placement"
)

// trees answers requests whose pods lie in nested groups with levels of their
// own.
func (c *Case) trees(ctx context.Context) (Answer, error) {
	w, err := c.newWorld(ctx, participation{ready: true}, nil)
	if err != nil {
		return Answer{}, err
	}
	var a Answer
	for i := range c.Requests {
		res, err := w.tree(ctx, &c.Requests[i])
		if err != nil {
			res = refusal(c.Requests[i].Name, err)
		}
		a.Results = append(a.Results, res)
	}
	return a, nil
}

func (w *world) tree(ctx context.Context, r *request) (Result, error) {
	t := treeBuilder{w: w, r: r, podsOf: map[string][]string{}}
	t.gang = placement.Gang{
		Name: r.Name, Priority: r.priority(),
		Objective: []placement.Family{placement.FamilyPlaced, placement.FamilyGivenUp, placement.FamilyDomains},
	}
	if err := t.build(); err != nil {
		return Result{}, err
	}
	return w.placeNamed(ctx, t.gang, r.Name, t.podsOf)
}

// placeNamed places and books one gang whose pods have names, by pod set.
func (w *world) placeNamed(ctx context.Context, g placement.Gang, request string, podsOf map[string][]string) (Result, error) {
	d, err := placement.Place(ctx, w.usage, g)
	if err != nil {
		return Result{}, err
	}
	res := outcomeOf(request, d)
	if d.Outcome != placement.Placed {
		return res, nil
	}
	name := func(a placement.Assignment) string {
		if names := podsOf[a.PodSet]; a.Pod < len(names) {
			return names[a.Pod]
		}
		return ""
	}
	res.Placements = spots(d, func(a placement.Assignment) bool { return name(a) != "" }, name)
	return res, w.usage.Commit(g, d)
}

// treeBuilder turns a tree of groups into those of a gang.
type treeBuilder struct {
	w      *world
	r      *request
	gang   placement.Gang
	podsOf map[string][]string // names of the pods, by pod set
	taken  []bool              // by pod of the request: it is in a set
}

func (t *treeBuilder) build() error {
	pods := t.r.Pods
	if len(pods) == 0 {
		count := or(t.r.Count, 1)
		if count < 1 || count > maxPods {
			return invalid("request %q asks for %d pods: want 1 to %d", t.r.Name, count, maxPods)
		}
		for i := range count {
			pods = append(pods, pod{Name: t.r.Name + "-" + strconv.Itoa(i), Requests: t.r.PerPod})
		}
		t.r.Pods = pods
	}
	t.taken = make([]bool, len(pods))
	tree := or(t.r.GangTree, gangTree{})
	rules, err := t.rules(tree.Topology)
	if err != nil {
		return err
	}
	t.gang.Rules = t.w.withCounted(rules)
	for i := range tree.PodSets {
		g, err := t.podSet(&tree.PodSets[i], 0)
		if err != nil {
			return err
		}
		t.gang.Groups = append(t.gang.Groups, g)
	}
	for i := range tree.Groups {
		g, err := t.group(&tree.Groups[i], 1)
		if err != nil {
			return err
		}
		t.gang.Groups = append(t.gang.Groups, g)
	}
	t.gang.Groups = slices.DeleteFunc(t.gang.Groups, func(g placement.Group) bool { return len(g.PodSets)+len(g.Groups) == 0 })
	_, err = t.sets("rest", func(p *pod) bool { return true })
	return err
}

// maxDepth bounds nested groups.
const maxDepth = 32

func (t *treeBuilder) group(tree *gangTree, depth int) (placement.Group, error) {
	if depth > maxDepth {
		return placement.Group{}, unsupported("groups nested more than %d deep", maxDepth)
	}
	rules, err := t.rules(tree.Topology)
	if err != nil {
		return placement.Group{}, err
	}
	g := placement.Group{Name: tree.Name, Rules: rules}
	for i := range tree.PodSets {
		inner, err := t.podSet(&tree.PodSets[i], depth)
		if err != nil {
			return g, err
		}
		g.Groups = append(g.Groups, inner)
	}
	for i := range tree.Groups {
		inner, err := t.group(&tree.Groups[i], depth+1)
		if err != nil {
			return g, err
		}
		g.Groups = append(g.Groups, inner)
	}
	g.Groups = slices.DeleteFunc(g.Groups, func(g placement.Group) bool { return len(g.PodSets)+len(g.Groups) == 0 })
	return g, nil
}

// podSet is the pods of one sub-group; those of several shapes are several sets.
func (t *treeBuilder) podSet(s *treePodSet, depth int) (placement.Group, error) {
	rules, err := t.rules(s.Topology)
	if err != nil {
		return placement.Group{}, err
	}
	g := placement.Group{Name: "set " + s.Name, Rules: rules}
	g.PodSets, err = t.sets(s.Name, func(p *pod) bool { return p.SubGroup == s.Name })
	if err != nil {
		return g, err
	}
	pods := 0
	for _, name := range g.PodSets {
		pods += len(t.podsOf[name])
	}
	if least := or(s.MinAvailable, pods); least < pods {
		g.MinPods = max(1, least)
	}
	return g, nil
}

// sets makes a pod set of each shape among the pods that are picked and in no
// other set.
func (t *treeBuilder) sets(name string, pick func(*pod) bool) ([]string, error) {
	return t.w.podSets(&t.gang, t.r, name, t.podsOf, func(i int) bool {
		ours := !t.taken[i] && pick(&t.r.Pods[i])
		t.taken[i] = t.taken[i] || ours
		return ours
	})
}

// podSets adds a pod set for each shape among some pods of a request to a gang.
func (w *world) podSets(g *placement.Gang, r *request, name string, podsOf map[string][]string, pick func(i int) bool) ([]string, error) {
	var names, keys []string
	var at []int
	for i := range r.Pods {
		if !pick(i) {
			continue
		}
		shape, err := w.podShape(r, &r.Pods[i])
		if err != nil {
			return nil, err
		}
		key := fmt.Sprintf("%v", shape)
		j := slices.Index(keys, key)
		if j < 0 {
			j = len(keys)
			full := name
			if j > 0 {
				full = fmt.Sprintf("%s (shape %d)", name, j+1)
			}
			keys, names, at = append(keys, key), append(names, full), append(at, len(g.PodSets))
			g.PodSets = append(g.PodSets, placement.PodSet{Name: full, Shape: shape})
		}
		g.PodSets[at[j]].Count++
		podsOf[names[j]] = append(podsOf[names[j]], r.Pods[i].Name)
	}
	return names, nil
}

// rules are the levels of a group. To prefer a level is to prefer every level
// around it too: what cannot share a rack should share a spine.
func (t *treeBuilder) rules(topo *treeTopology) ([]placement.LevelRule, error) {
	var rules []placement.LevelRule
	if topo == nil {
		return nil, nil
	}
	if topo.Tree != "" && len(t.w.levels) == 0 {
		return nil, invalid("there is no topology %q", topo.Tree)
	}
	if topo.Required != "" {
		l, err := t.w.level(topo.Required)
		if err != nil {
			return nil, err
		}
		rules = append(rules, placement.LevelRule{Level: l, Mode: placement.Required})
	}
	if topo.Preferred == "" {
		return rules, nil
	}
	if _, err := t.w.level(topo.Preferred); err != nil {
		return nil, err
	}
	for _, l := range t.w.levels[:slices.Index(t.w.levels, topo.Preferred)+1] {
		l, _ = t.w.level(l)
		if !slices.ContainsFunc(rules, func(r placement.LevelRule) bool { return r.Level == l }) {
			rules = append(rules, placement.LevelRule{Level: l, Mode: placement.Preferred})
		}
	}
	return rules, nil
}

// withCounted adds the levels that no rule names, so that a placement uses few
// domains of each.
func (w *world) withCounted(rules []placement.LevelRule) []placement.LevelRule {
	for _, c := range w.counted(len(w.levels) - 1) {
		if !slices.ContainsFunc(rules, func(r placement.LevelRule) bool { return r.Level == c.Level }) {
			rules = append(rules, c)
		}
	}
	return rules
}
