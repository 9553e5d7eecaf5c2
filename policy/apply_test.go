// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tarsia.dev/tarsia/placement"
	"tarsia.dev/tarsia/policy"
)

const top = "apiVersion: tarsia.dev/v1alpha1\nkind: PlacementPolicy\n"

// A class adds to what a job asks for and never weakens it.
func TestApplyKeepsTheJobsOwnDemands(t *testing.T) {
	d := deskOf(t, "p", top+`classes:
- name: a
  levels:
  - {level: nvlink, mode: preferred}
  - {level: rack, mode: required}
  - {level: zone, mode: required, after: 1m, then: none}
  - {level: hall, mode: required, when: job.pods > 100}
  alignNUMA: true
  spares: 2
  preempt: true
`, site())
	g := job("j", "", 1, 0, 1000)
	g.Rules = []placement.LevelRule{{Level: "nvlink", Mode: placement.Required}, {Level: "rack", Mode: placement.Preferred}}
	g.PodSets[0].Spares = 3
	before := fmt.Sprint(g)
	a, err := d.bound.Apply(g, 60)
	if err != nil {
		t.Fatal(err)
	}
	want := []placement.LevelRule{{Level: "nvlink", Mode: placement.Required}, {Level: "rack", Mode: placement.Required}}
	if diff := cmp.Diff(want, a.Gang.Rules); diff != "" {
		t.Error(diff)
	}
	if s := a.Gang.PodSets[0]; s.Spares != 3 || !s.Shape.AlignNUMA || !a.Gang.Preempt {
		t.Errorf("found %d spares, aligned %t, preempt %t", s.Spares, s.Shape.AlignNUMA, a.Gang.Preempt)
	}
	if after := fmt.Sprint(g); after != before {
		t.Errorf("the gang that was given changed:\n%s\n%s", before, after)
	}
}

// A job that no class takes is placed as it is.
func TestNoClass(t *testing.T) {
	d := deskOf(t, "p", top+"classes: [{name: a, match: job.priority > 5, rules: [{require: 'false'}]}]\n", site())
	got := d.ask(job("j", "", 1, 0, 1000), 0)
	if got.Outcome != placement.Placed || got.applied.Class != "" || len(got.lines) != 0 || got.bill != nil {
		t.Errorf("found %s, %+v", got.Outcome, got.applied)
	}
}

// Rules see the pod set: the driver keeps off GPU machines, the workers do not.
func TestRulesByPodSet(t *testing.T) {
	d := deskOf(t, "p", top+`prices:
  currency: EUR
  lines: [{resource: nvidia.com/gpu, money: 2}, {resource: node, money: 0.64}]
classes:
- name: a
  rules:
  - {require: 'pod.requests["nvidia.com/gpu"] > 0 || !("nvidia.com/gpu" in node.allocatable)', message: GPUs are for pods that use them}
  costs: [money]
`, site())
	g := job("j", "", 2, 8, 1000)
	driver := job("", "", 1, 0, 4000).PodSets[0]
	driver.Name = "driver"
	g.PodSets = append(g.PodSets, driver)
	got := d.ask(g, 0)
	if got.Outcome != placement.Placed {
		t.Fatalf("found %s: %v", got.Outcome, got.lines)
	}
	for _, x := range got.Assignments {
		if (x.PodSet == "driver") != strings.HasPrefix(x.Node, "cpu-") {
			t.Errorf("found %s on %s", x.PodSet, x.Node)
		}
	}
	got.says(t, "p:9: GPUs are for pods that use them: keeps pods of driver off 3 of 6 nodes", "keeps pods of w off 0 of 6 nodes")
	// The largest share of a node: all GPUs of it, or 4 of its 64 cores.
	if want := int64(2*(16_000_000+640_000) + 40_000); got.bill.Money == nil || *got.bill.Money != want {
		t.Errorf("found %s, want %d", got.bill.MoneyText(got.bill.Money), want)
	}
	if got.bill.Power != nil || len(got.bill.Unknown) != 0 {
		t.Errorf("found %v and %v, want no word of watts, which the policy does not state", got.bill.Power, got.bill.Unknown)
	}
}

// What cannot be evaluated on a node keeps pods off it and says so, or makes a
// cost unknown there; a match that cannot be evaluated is an error.
func TestEvaluationFails(t *testing.T) {
	nodes := site()[3:]
	for i := range nodes {
		nodes[i].Labels["slots"] = []string{"many", "4", "2"}[i]
	}
	d := deskOf(t, "p", top+"classes: [{name: a, rules: [{require: 'int(node.labels[\"slots\"]) > 3'}]}]\n", nodes)
	got := d.ask(job("j", "", 1, 0, 1000), 0)
	if got.nodes() != "cpu-arm64" {
		t.Errorf("found %q", got.nodes())
	}
	d = deskOf(t, "p", top+"classes: [{name: a, rules: [{require: 'int(node.labels[\"slots\"]) > 3'}]}]\n", nodes[:1])
	got = d.ask(job("j", "", 1, 0, 1000), 0)
	if i := slices.IndexFunc(got.Refusals, func(r placement.Refusal) bool {
		return strings.Contains(r.Found, "it cannot be evaluated: p:3: evaluate")
	}); i < 0 {
		t.Errorf("found %+v", got.Refusals)
	}
	d = deskOf(t, "p", top+"costs: [{name: slots, perPod: 'int(node.labels[\"slots\"])'}]\nclasses: [{name: a, costs: [slots], objective: [cost]}]\n", nodes)
	got = d.ask(job("j", "", 1, 0, 1000), 0)
	if got.nodes() != "cpu-riscv64" {
		t.Errorf("found %q, want the known and least", got.nodes())
	}
	got.says(t, "p:4: slots: slots 2 here, slots 4 on cpu-arm64")
	d = deskOf(t, "p", top+"classes: [{name: a, match: 'int(job.labels[\"n\"]) > 3'}]\n", nodes)
	if _, err := d.bound.Apply(job("j", "", 1, 0, 1000), 0); err == nil || !strings.Contains(err.Error(), `apply policy to "j": p:3: evaluate`) {
		t.Errorf("found %v", err)
	}
}

// The same question gives the same answer, in whatever order nodes come, from
// many goroutines, and whether or not it was asked before.
func TestApplyIsDeterministic(t *testing.T) {
	d := newDesk(t, "../examples/policy.yaml", site())
	turned := site()
	slices.Reverse(turned)
	e := newDesk(t, "../examples/policy.yaml", turned)
	g := job("train", "batch", 2, 8, 8000)
	want := d.ask(g, 600)
	for range 2 {
		got := e.ask(g, 600)
		if diff := cmp.Diff(want.Decision, got.Decision); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(want.lines, got.lines); diff != "" {
			t.Error(diff)
		}
	}
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			a, err := d.bound.Apply(job("train", "batch", 2, 8, 8000+int64(i%2)*1000), int64(600*(i%2)))
			if err != nil || a.Class != "cost-sensitive" {
				t.Errorf("found %q, %v", a.Class, err)
			}
		})
	}
	wait.Wait()
}

// A level of the policy that is a label key is a level of the nodes.
func TestNodesGetThePolicysLevels(t *testing.T) {
	p, err := policy.Load("p", []byte(top+"classes: [{name: a, levels: [{level: example.com/row, mode: required}, {level: nvlink, mode: counted}]}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	nodes := site()[:2]
	nodes[0].Labels["example.com/row"] = "7"
	got := p.Nodes(nodes)
	want := []placement.Domain{{Level: "nvlink", ID: "hgx-1"}, {Level: "example.com/row", ID: "7"}}
	if diff := cmp.Diff(want, got[0].Domains); diff != "" {
		t.Error(diff)
	}
	if len(nodes[0].Domains) != 1 || len(got[1].Domains) != 1 {
		t.Errorf("found %v and %v", nodes[0].Domains, got[1].Domains)
	}
}

// Of one pod every place is known: what Pareto lists is never beaten, and with
// one order for each axis the least of each axis is among it.
func TestParetoAgainstAllPlaces(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 200 {
		nodes := site()
		text := top + "prices:\n  currency: EUR\n  lines:\n"
		for i := range nodes {
			text += fmt.Sprintf("  - {resource: cpu, where: node.name == %q, money: %d, watts: %d}\n", nodes[i].Name, random.IntN(4), random.IntN(4))
		}
		d := deskOf(t, "p", text+"classes: [{name: a, objective: [cost], costs: [money]}]\n", nodes)
		a, err := d.bound.Apply(job("j", "", 1, 0, 1000), 0)
		if err != nil {
			t.Fatal(err)
		}
		dec, err := placement.Place(context.Background(), d.use, a.Gang)
		if err != nil {
			t.Fatal(err)
		}
		list, err := d.bound.Pareto(context.Background(), d.use, a, dec)
		if err != nil {
			t.Fatal(err)
		}
		type pair struct{ money, watts int64 }
		var all, got []pair
		for _, n := range nodes {
			bill := d.bound.Bill(a.Gang, placement.Decision{Outcome: placement.Placed, Assignments: []placement.Assignment{{PodSet: "w", Node: n.Name}}})
			all = append(all, pair{*bill.Money, *bill.Power})
		}
		chosen := 0
		for _, alt := range list {
			got = append(got, pair{alt.Values[1].Value[0], alt.Values[2].Value[0]})
			if alt.Chosen {
				chosen++
			}
		}
		for _, g := range got {
			if slices.ContainsFunc(all, func(o pair) bool { return o != g && o.money <= g.money && o.watts <= g.watts }) {
				t.Errorf("%v is beaten in %v\n%s", g, all, text)
			}
		}
		least := func(by func(pair) int64) int64 {
			return by(slices.MinFunc(all, func(x, y pair) int { return int(by(x) - by(y)) }))
		}
		if got[0].money != least(func(p pair) int64 { return p.money }) || got[len(got)-1].watts != least(func(p pair) int64 { return p.watts }) {
			t.Errorf("found %v, want the ends of %v", got, all)
		}
		if chosen > 1 {
			t.Errorf("%d alternatives are the chosen one", chosen)
		}
	}
}

// Alternatives carry no more than they say.
func TestParetoOfARefusedJob(t *testing.T) {
	d := deskOf(t, "p", cheap, site())
	got := d.ask(job("j", "", 1, 99, 1000), 0)
	list, err := d.bound.Pareto(context.Background(), d.use, got.applied, got.Decision)
	if err != nil || len(list) != 0 {
		t.Errorf("found %v, %v", list, err)
	}
	if diff := cmp.Diff([]placement.Assignment{}, got.Assignments, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}
