// SPDX-License-Identifier: Apache-2.0

package placement_test

import (
	"cmp"
	"fmt"
	"slices"

	"tarsia.dev/tarsia/placement"
)

// nodeBest is the least (broken, lost, zones opened) of m pods on a node, by
// trying every way; ok is false when m do not fit.
func (t *truth) nodeBest(n *placement.Node, s placement.Shape, m int) (best [3]int64, ok bool) {
	named := s.Requests[gpu] > 0 && listed(n, gpu) && t.unnamed(n, gpu) == 0
	before, ref := t.whole(n, s), bestSet(n, s)
	seen := map[string]bool{}
	var walk func(now *truth, left int, lost, scores, zones int64)
	walk = func(now *truth, left int, lost, scores, zones int64) {
		if key := fmt.Sprint(left, lost, zones, now.freeDevices(n, gpu), now.zoneKey(n)); seen[key] {
			return
		} else {
			seen[key] = true
		}
		if left == 0 {
			v := [3]int64{0, 0, zones}
			if named {
				v[0], v[1] = before-scores-now.whole(n, s), lost
			}
			if !ok || lessVector(v[:], best[:]) {
				best, ok = v, true
			}
			return
		}
		for _, o := range now.options(n, s) {
			opened := int64(0)
			if o.zone != nil && t.untouched(n, *o.zone) && !slices.ContainsFunc(now.running[len(t.running):], func(p placement.Running) bool { return *p.Zone == *o.zone }) {
				opened = 1
			}
			sc := score(n, o.devices)
			walk(now.with(o.running(n, s, "x")), left-1, lost+ref-sc, scores+sc, zones+opened)
		}
	}
	walk(t, m, 0, 0, 0)
	return best, ok
}

func (t *truth) zoneKey(n *placement.Node) string {
	key := ""
	for _, z := range n.Zones {
		v, _ := t.zoneFree(n, z, placement.CPU)
		bound := slices.ContainsFunc(t.running, func(p placement.Running) bool { return p.Name == "x" && p.Zone != nil && *p.Zone == z.ID })
		key += fmt.Sprint(v, bound, " ")
	}
	return key
}

// ruleLevels lists the levels of the objective, outermost first, and whether a
// rule names each; strange counts the preferred ones that no node has.
func (t *truth) ruleLevels(w world) (levels []string, named map[string]bool, strange int64) {
	ids := map[string]map[string]bool{"hall": {}, "rack": {}}
	for i := range t.nodes {
		for level := range ids {
			if d := domain(&t.nodes[i], level); d != "" {
				ids[level][d] = true
			}
		}
	}
	order := []string{"hall", "rack"}
	if w.levels == nil && cmp.Or(cmp.Compare(len(ids["hall"]), len(ids["rack"])), -1) > 0 {
		order = []string{"rack", "hall"}
	}
	named = map[string]bool{}
	implied := map[string]bool{}
	for _, r := range w.gang.Rules {
		if len(ids[r.Level]) == 0 {
			strange++
			continue
		}
		named[r.Level] = true
		if r.Level == "rack" && r.Mode == placement.Preferred && w.levels != nil && len(ids["hall"]) > 0 && t.nests("hall", "rack") {
			implied["hall"] = true
		}
	}
	for _, l := range order {
		if named[l] || implied[l] {
			levels = append(levels, l)
		}
	}
	return levels, named, strange
}

func (t *truth) nests(outer, inner string) bool {
	for i := range t.nodes {
		for j := range t.nodes {
			a, b := &t.nodes[i], &t.nodes[j]
			if domain(a, inner) != "" && domain(a, inner) == domain(b, inner) && (domain(a, outer) == "" || domain(a, outer) != domain(b, outer)) {
				return false
			}
		}
	}
	return true
}

// shared returns the one domain in which all nodes lie, or "".
func shared(nodes []*placement.Node, level string) string {
	d := domain(nodes[0], level)
	for _, n := range nodes {
		if domain(n, level) != d {
			return ""
		}
	}
	return d
}

// optimum finds the least objective of a gang of one set by trying every split
// over the nodes, nil when none fits.
func (t *truth) optimum(w world) []int64 {
	s, n := w.gang.PodSets[0].Shape, w.gang.PodSets[0].Count
	caps := make([]int64, len(t.nodes))
	costs := make([][][3]int64, len(t.nodes))
	for i := range t.nodes {
		caps[i] = t.fits(&t.nodes[i], s)
		for m := range min(n, int(caps[i])) + 1 {
			c, _ := t.nodeBest(&t.nodes[i], s, m)
			costs[i] = append(costs[i], c)
		}
	}
	var best []int64
	split := make([]int, len(t.nodes))
	var walk func(at, left int)
	walk = func(at, left int) {
		if at == len(t.nodes) {
			if left > 0 {
				return
			}
			if v := t.value(w, s, split, caps, costs); v != nil && (best == nil || lessVector(v, best)) {
				best = v
			}
			return
		}
		for m := range len(costs[at]) {
			if m <= left {
				split[at] = m
				walk(at+1, left-m)
			}
		}
		split[at] = 0
	}
	walk(0, n)
	return best
}

// value computes the objective of one split, nil when a required rule is broken.
func (t *truth) value(w world, s placement.Shape, split []int, caps []int64, costs [][][3]int64) []int64 {
	var used []*placement.Node
	for i, m := range split {
		if m > 0 {
			used = append(used, &t.nodes[i])
		}
	}
	levels, named, givenUp := t.ruleLevels(w)
	for _, r := range w.gang.Rules {
		if shared(used, r.Level) == "" {
			if r.Mode == placement.Required {
				return nil
			}
			if named[r.Level] {
				givenUp++
			}
		}
	}
	v := []int64{givenUp}
	for _, l := range levels {
		ids := map[string]bool{}
		for _, n := range used {
			ids[soft(n, l)] = true
		}
		v = append(v, int64(len(ids)))
	}
	var taints, lost, broken, accel, freeNodes, zones int64
	for i, m := range split {
		if m == 0 {
			continue
		}
		n := &t.nodes[i]
		taints += softTaints(n, s) * int64(m)
		broken, lost, zones = broken+costs[i][m][0], lost+costs[i][m][1], zones+costs[i][m][2]
		accel += t.free(n, gpu) - int64(m)*s.Requests[gpu]
		freeNodes += caps[i] - int64(m)
	}
	v = append(v, int64(len(used)), taints, broken, lost)
	for _, l := range levels {
		if named[l] {
			v = append(v, t.freeLeft(used, levels, named, l, split, caps))
		}
	}
	return append(v, accel, freeNodes, zones)
}

func softTaints(n *placement.Node, s placement.Shape) int64 {
	var c int64
	for _, x := range n.Taints {
		if x.Effect == "PreferNoSchedule" && !slices.ContainsFunc(s.Tolerations, func(t placement.Toleration) bool { return t.Key == x.Key }) {
			c++
		}
	}
	return c
}

// freeLeft is what stays free in the domains of a level that are used: in the
// whole domain when the gang keeps to one, else within what it keeps to.
func (t *truth) freeLeft(used []*placement.Node, levels []string, named map[string]bool, level string, split []int, caps []int64) int64 {
	var sum int64
	for i := range t.nodes {
		n := &t.nodes[i]
		in := slices.ContainsFunc(used, func(u *placement.Node) bool { return soft(u, level) == soft(n, level) })
		if shared(used, level) == "" {
			for _, l := range levels {
				if d := shared(used, l); named[l] && d != "" && domain(n, l) != d {
					in = false
				}
			}
		}
		if in {
			sum += caps[i] - int64(split[i])
		}
	}
	return sum
}

// possible tells whether a gang of any sets has a placement, by trying every
// way to place pod after pod.
func (t *truth) possible(w world) bool {
	seen := map[string]bool{}
	var walk func(now *truth, set, left int) bool
	walk = func(now *truth, set, left int) bool {
		for left == 0 {
			if set++; set == len(w.gang.PodSets) {
				return now.rulesKept(w, len(t.running))
			}
			left = w.gang.PodSets[set].Count
		}
		key := fmt.Sprint(set, left)
		for i := range now.nodes {
			n := &now.nodes[i]
			key += fmt.Sprint(now.free(n, placement.Pods), now.free(n, placement.CPU), now.freeDevices(n, gpu), now.free(n, gpu), now.zoneKey(n), len(now.on(n, len(t.running))))
		}
		if seen[key] {
			return false
		}
		seen[key] = true
		for i := range now.nodes {
			n := &now.nodes[i]
			for _, o := range now.options(n, w.gang.PodSets[set].Shape) {
				if walk(now.with(o.running(n, w.gang.PodSets[set].Shape, "x")), set, left-1) {
					return true
				}
			}
		}
		return false
	}
	return walk(t, 0, w.gang.PodSets[0].Count)
}

// on lists what runs on a node beyond the first so many.
func (t *truth) on(n *placement.Node, beyond int) []placement.Running {
	return slices.DeleteFunc(slices.Clone(t.running[beyond:]), func(p placement.Running) bool { return p.Node != n.Name })
}

func (t *truth) rulesKept(w world, beyond int) bool {
	var used []*placement.Node
	for _, p := range t.running[beyond:] {
		used = append(used, t.node(p.Node))
	}
	for _, r := range w.gang.Rules {
		if r.Mode == placement.Required && shared(used, r.Level) == "" {
			return false
		}
	}
	return true
}
