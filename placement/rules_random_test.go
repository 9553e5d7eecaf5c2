// SPDX-License-Identifier: Apache-2.0

package placement_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"

	"tarsia.dev/tarsia/placement"
)

// ground is a small random fleet of CPU-only nodes, of which a pod of one core
// takes one place. Racks nest in halls.
func ground(r *rand.Rand, most int) world {
	w := world{levels: []string{"hall", "rack"}}
	for i := range 2 + r.IntN(most-1) {
		rack := r.IntN(4)
		n := placement.Node{
			Name: fmt.Sprint("n", 8+i), Architecture: "amd64",
			Labels:      map[string]string{"disk": []string{"ssd", "hdd"}[r.IntN(2)]},
			Allocatable: placement.Resources{placement.CPU: int64(r.IntN(4)) * 1000},
			Domains:     []placement.Domain{{Level: "hall", ID: fmt.Sprint("h", rack/2)}, {Level: "rack", ID: fmt.Sprint("r", rack)}},
		}
		if r.IntN(10) == 0 {
			n.Domains = n.Domains[:r.IntN(2)]
		}
		if r.IntN(6) == 0 {
			n.Taints = []placement.Taint{{Key: "spot", Effect: "PreferNoSchedule"}}
		}
		w.nodes = append(w.nodes, n)
	}
	return w
}

// randomRules draws the rules of a set of some pods.
func randomRules(r *rand.Rand, p *placement.PodSet) {
	level := func() string { return []string{"hall", "rack", placement.LevelNode}[r.IntN(3)] }
	for _, l := range []string{"hall", "rack", placement.LevelNode} {
		if r.IntN(4) == 0 {
			p.Rules = append(p.Rules, placement.LevelRule{Level: l, Mode: []placement.Mode{placement.Required, placement.Preferred, placement.Counted, placement.Counted}[r.IntN(4)]})
		}
	}
	switch r.IntN(5) {
	case 0:
		p.Slices = []placement.Slice{{Level: level(), Size: 1 + r.IntN(3)}}
	case 1:
		p.Slices = []placement.Slice{{Level: []string{"hall", "rack"}[r.IntN(2)], Size: 4}, {Level: placement.LevelNode, Size: 1 + r.IntN(2)}}
	}
	if r.IntN(4) == 0 {
		p.Limits = []placement.Limit{{Level: level(), Pods: 1 + r.IntN(3)}}
	}
	if r.IntN(4) == 0 {
		p.Shape.Preferences = []placement.Preference{{Weight: 1 + r.IntN(100), Terms: []placement.Term{{Key: "disk", Operator: "In", Values: []string{"ssd"}}}}}
	}
}

// randomHeld lets some pods of a set run already.
func randomHeld(r *rand.Rand, w *world, gang string, p *placement.PodSet) {
	for pod := range r.IntN(p.Count + 2) {
		n := w.nodes[r.IntN(len(w.nodes))]
		p.Held = append(p.Held, placement.Assignment{PodSet: p.Name, Pod: pod, Node: n.Name, Devices: []string{}})
		w.running = append(w.running, placement.Running{Name: placement.PodName(gang, p.Name, pod), Node: n.Name, Requests: p.Shape.Requests})
	}
}

// spread is how many pods of each set lie on each node.
type spread [][]int // by set, by node

// referee computes rules and objective of gangs on a ground from counts alone.
// It shares no code with the engine.
type referee struct {
	*truth
	w    world
	held [][]int // by set and node
	room [][]int // by set and node, beside what runs, held pods among them
}

func newReferee(w world) *referee {
	f := &referee{truth: newTruth(w), w: w}
	for _, s := range w.gang.PodSets {
		held, room := make([]int, len(f.nodes)), make([]int, len(f.nodes))
		for i := range f.nodes {
			for _, h := range s.Held {
				if h.Node == f.nodes[i].Name {
					held[i]++
				}
			}
			room[i] = held[i] + int(f.fits(&f.nodes[i], s.Shape))
		}
		f.held, f.room = append(f.held, held), append(f.room, room)
	}
	return f
}

// level names the domain of a node; "" is none.
func (f *referee) level(node int, level string) string {
	if level == placement.LevelNode {
		return f.nodes[node].Name
	}
	return domain(&f.nodes[node], level)
}

// per counts the pods of some sets in each domain of a level; nodes outside
// count by themselves.
func (f *referee) per(s spread, sets []int, level string) map[string]int {
	out := map[string]int{}
	for _, i := range sets {
		for node, n := range s[i] {
			if n > 0 {
				out[cmp.Or(f.level(node, level), "outside "+f.nodes[node].Name)] += n
			}
		}
	}
	return out
}

// shared tells whether all pods of some sets lie in one domain of a level.
func (f *referee) shared(s spread, sets []int, level string) bool {
	per := f.per(s, sets, level)
	for d := range per {
		if len(d) > 7 && d[:7] == "outside" {
			return false
		}
	}
	return len(per) <= 1
}

// keeps tells whether one set keeps to its slices and limits.
func (f *referee) keeps(s spread, set int) bool {
	p := f.w.gang.PodSets[set]
	for _, x := range p.Slices {
		for d, n := range f.per(s, []int{set}, x.Level) {
			if n%x.Size != 0 || len(d) > 7 && d[:7] == "outside" {
				return false
			}
		}
	}
	for _, x := range p.Limits {
		for d, n := range f.per(s, []int{set}, x.Level) {
			if n > x.Pods && !(len(d) > 7 && d[:7] == "outside") {
				return false
			}
		}
	}
	return true
}

// splits lists every way to put up to most pods of a set on the nodes, held pods
// staying unless the set shrinks.
func (f *referee) splits(set, least, most int) [][]int {
	var out [][]int
	shrink := len(f.w.gang.PodSets[set].Held) > f.w.gang.PodSets[set].Count
	now := make([]int, len(f.nodes))
	var walk func(at, left int)
	walk = func(at, left int) {
		if at == len(now) {
			if most-left >= least {
				out = append(out, slices.Clone(now))
			}
			return
		}
		lo, hi := f.held[set][at], min(left, f.room[set][at])
		if shrink {
			lo, hi = 0, min(left, f.held[set][at])
		}
		for n := lo; n <= hi; n++ {
			now[at] = n
			walk(at+1, left-n)
		}
		now[at] = 0
	}
	walk(0, most)
	return out
}
