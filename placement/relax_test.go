// SPDX-License-Identifier: Apache-2.0

package placement_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"tarsia.dev/tarsia/placement"
)

func TestRelax(t *testing.T) {
	var nodes []placement.Node // 4 racks of 2 nodes, each with room for 2 pods of 4 GPUs
	for i := range 8 {
		nodes = append(nodes, box(fmt.Sprint("n", i), fmt.Sprint("r", i/2), 8))
	}
	set := func(name string, pods int, change func(*placement.PodSet)) placement.PodSet {
		p := gang("", pods, 4).PodSets[0]
		p.Name = name
		if change != nil {
			change(&p)
		}
		return p
	}
	limit := func(level string, pods int) func(*placement.PodSet) {
		return func(p *placement.PodSet) { p.Limits = []placement.Limit{{Level: level, Pods: pods}} }
	}
	sliced := func(level string, size int) func(*placement.PodSet) {
		return func(p *placement.PodSet) { p.Slices = []placement.Slice{{Level: level, Size: size}} }
	}
	for _, c := range []struct {
		name         string
		gang         placement.Gang
		change, text string
	}{
		{"pods", placement.Gang{PodSets: []placement.PodSet{set("w", 64, nil)}}, "pods 64 -> 16", "with 16 pods instead of 64"},
		{"one pod", placement.Gang{PodSets: []placement.PodSet{set("w", 2, func(p *placement.PodSet) {
			p.Shape.Requests = placement.Resources{gpu: 8}
			p.Shape.Selector = []placement.Term{{Key: "one", Operator: "Exists"}}
		})}}, "pods 2 -> 1", "with 1 pod instead of 2"},
		{"a limit, and no more than need be", placement.Gang{PodSets: []placement.PodSet{set("w", 11, limit("rack", 1))}}, "limit in rack 1 -> 3", "with up to 3 pods in one domain of rack instead of 1"},
		{"slices", placement.Gang{PodSets: []placement.PodSet{set("w", 9, sliced("rack", 3))}}, "", ""},
		{"slices that no rack holds", placement.Gang{PodSets: []placement.PodSet{set("w", 15, sliced("rack", 5))}},
			"slices of 5 in rack: required -> none", "if its pods did not have to lie in rack in multiples of 5"},
		{"whole slices go", placement.Gang{PodSets: []placement.PodSet{set("w", 24, sliced("rack", 4))}}, "pods 24 -> 16", "with 16 pods instead of 24"},
		{"the rule of a set", placement.Gang{PodSets: []placement.PodSet{set("w", 5, func(p *placement.PodSet) { p.Rules = []placement.LevelRule{requiredRack} })}},
			"rule rack: required -> preferred", "if rack were preferred, not required"},
		{"the rule of a group", placement.Gang{
			PodSets: []placement.PodSet{set("a", 3, nil), set("b", 3, nil)},
			Groups:  []placement.Group{{Name: "pair", PodSets: []string{"a", "b"}, Rules: []placement.LevelRule{requiredRack}}},
		}, "rule rack of group pair: required -> preferred", "if rack were preferred, not required, for group pair"},
		{"the set that gives least", placement.Gang{PodSets: []placement.PodSet{set("a", 10, nil), set("b", 8, nil)}}, "pods of a 10 -> 8", "with 8 pods of a instead of 10"},
		{"the least number", placement.Gang{PodSets: []placement.PodSet{set("w", 40, func(p *placement.PodSet) { p.Min = 20 })}}, "least pods 20 -> 16", "with 16 pods at least instead of 20"},
	} {
		t.Run(c.name, func(t *testing.T) {
			nodes := append(nodes[:8:8], edit(box("special", "", 8), func(n *placement.Node) { n.Unschedulable = true }))
			if c.name == "one pod" {
				nodes[3] = edit(nodes[3], func(n *placement.Node) { n.Labels = map[string]string{"one": ""} })
			}
			c.gang.Name = "g"
			d := place(t, usage(t, nodes, []string{"rack"}), c.gang)
			got := placement.Relaxation{}
			if d.Relax != nil {
				got = *d.Relax
			}
			if got.Change != c.change || got.Text != c.text {
				t.Errorf("%s; %q, %q; want %q, %q", d.Outcome, got.Change, got.Text, c.change, c.text)
			}
		})
	}
}

// TestRelaxBrute: where the number of pods is what gives way, one pod more does
// not fit.
func TestRelaxBrute(t *testing.T) {
	cases := 3000
	if testing.Short() {
		cases = 400
	}
	tried := 0
	for seed := range uint64(cases) {
		r := rand.New(rand.NewPCG(seed, 16))
		w := randomWorld(r, 1, false)
		w.gang.Rules = nil
		w.gang.PodSets[0].Count = 3 + r.IntN(4)
		w.gang.PodSets[0].Shape.Architectures, w.gang.PodSets[0].Shape.AlignNUMA = nil, r.IntN(2) == 0
		d := place(t, build(t, w), w.gang)
		var from, to int
		if d.Relax == nil {
			continue
		}
		if n, _ := fmt.Sscanf(d.Relax.Change, "pods %d -> %d", &from, &to); n != 2 {
			continue
		}
		tried++
		for n := 1; n <= from; n++ {
			w.gang.PodSets[0].Count = n
			if fits := newTruth(w).possible(w); fits != (n <= to) {
				t.Fatalf("seed %d: %q, but %d pods fit: %t\n%s", seed, d.Relax.Change, n, fits, describe(w))
			}
		}
	}
	if tried < cases/20 {
		t.Errorf("only %d of %d cases give up pods", tried, cases)
	}
}

// TestRelaxBar: a rule from outside is named as what could be set aside.
func TestRelaxBar(t *testing.T) {
	u := usage(t, []placement.Node{box("a", "", 8)}, nil)
	g := gang("g", 1, 8)
	g.PodSets[0].Shape.Bars = []placement.Bar{{Constraint: "policy.yaml:7", Wanted: "cores of its own", Found: "shared cores", Nodes: placement.NewNodeSet([]string{"a"})}}
	d := place(t, u, g)
	if d.Relax == nil || d.Relax.Change != "rule policy.yaml:7: required -> none" {
		t.Errorf("%s, relaxation %+v, want the rule", d.Outcome, d.Relax)
	}
}
