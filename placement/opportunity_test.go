// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// rackFleet is racks of like nodes with GPUs.
func rackFleet(t testing.TB, racks, nodes int, alloc Resources) *Fleet {
	t.Helper()
	var all []Node
	for r := range racks {
		for n := range nodes {
			all = append(all, Node{
				Name: fmt.Sprintf("r%d-n%d", r, n), Allocatable: alloc,
				Domains: []Domain{{"rack", fmt.Sprint("r", r)}},
			})
		}
	}
	f, err := NewFleet(all, []string{"rack"})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func setMix(t testing.TB, u *Usage, mix ...Demand) {
	t.Helper()
	p, err := NewPrices(u, mix, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := u.SetPrices(p); err != nil {
		t.Fatal(err)
	}
}

// CPU-only pods fill whole racks and the nodes that no gang can use, so that no
// gang of the mix loses its rack (the kind of loss of marin-community/marin#8247).
func TestOpportunityKeepsDomainsForGangs(t *testing.T) {
	for _, c := range []struct{ racks, nodes, gang, pods, want int }{
		{12, 18, 16, 64, 9}, {12, 18, 16, 24, 12}, {12, 18, 16, 25, 11}, {5, 8, 4, 7, 8}, {5, 9, 4, 5, 10}, {5, 9, 4, 6, 9},
	} {
		f := rackFleet(t, c.racks, c.nodes, Resources{CPU: 144000, Memory: 1 << 40, "nvidia.com/gpu": 4})
		u := NewUsage(f)
		gang := Shape{Requests: Resources{CPU: 100000, "nvidia.com/gpu": 4}}
		setMix(t, u, Demand{Shape: gang, Weight: 1, Pods: c.gang, Level: "rack"})
		g := Gang{Name: "cpu", PodSets: []PodSet{{Name: "w", Count: c.pods, Shape: Shape{Requests: Resources{CPU: 115000, Memory: 900 << 30}}}}}
		d, err := Place(t.Context(), u, g)
		if err != nil || d.Outcome != Placed || !d.Optimal {
			t.Fatalf("%+v: %v %s optimal %t", c, err, d.Outcome, d.Optimal)
		}
		free := map[string]int{}
		for r := range c.racks {
			free[fmt.Sprint("r", r)] = c.nodes
		}
		for _, a := range d.Assignments {
			free[f.nodes[f.index[a.Node]].Domains[0].ID]--
		}
		got := 0
		for _, n := range free {
			got += n / c.gang
		}
		if got != c.want {
			t.Errorf("%+v: %d gangs of %d nodes still fit, want %d", c, got, c.gang, c.want)
		}
		for _, s := range d.Objective {
			if s.Name == nameGangsLost {
				if want := int64(c.racks*(c.nodes/c.gang)-c.want) * int64(c.gang) * 4000; s.Value != want {
					t.Errorf("%+v: the decision loses %d, want %d", c, s.Value, want)
				}
			}
		}
	}
}

// With one kind of gang, what a decision costs is the least over all splits.
func TestOpportunityAgainstBruteForce(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	for range 300 {
		f := rackFleet(t, 1+r.IntN(3), 1+r.IntN(3), Resources{CPU: 8000, "nvidia.com/gpu": 4})
		u := NewUsage(f)
		for i := range f.nodes {
			if n := int64(r.IntN(5)); n > 0 {
				if err := u.Add(Running{Name: fmt.Sprint(i), Node: f.nodes[i].Name, Requests: Resources{CPU: 1000 * n, "nvidia.com/gpu": int64(r.IntN(int(n)))}}); err != nil {
					t.Fatal(err)
				}
			}
		}
		setMix(t, u, Demand{Shape: Shape{Requests: Resources{CPU: 2000, "nvidia.com/gpu": 2}}, Weight: 3, Pods: 2 + r.IntN(3), Level: "rack"},
			Demand{Shape: Shape{Requests: Resources{CPU: 3000, "nvidia.com/gpu": 1}}, Weight: 2})
		g := Gang{Name: "g", Objective: []Family{FamilyOpportunity}, PodSets: []PodSet{{Name: "w", Count: 1 + r.IntN(4),
			Shape: Shape{Requests: Resources{CPU: 1000 * int64(1+r.IntN(2)), "nvidia.com/gpu": int64(r.IntN(2))}}}}}
		d, err := Place(t.Context(), u, g)
		if err != nil {
			t.Fatal(err)
		}
		q, err := u.newQuery(g)
		if err != nil {
			t.Fatal(err)
		}
		c := u.counts(q.sets[0].s)
		var best []int64
		var walk func(node, left int, uses []nodeUse)
		walk = func(node, left int, uses []nodeUse) {
			if left == 0 {
				v := make([]int64, len(q.obj.names))
				u.evaluateOpportunity(q, [][]nodeUse{uses}, func(line int, x int64) {
					if line >= 0 {
						v[line] += x
					}
				})
				if best == nil || slices.Compare(v, best) < 0 {
					best = v
				}
				return
			}
			if node == len(f.nodes) {
				return
			}
			for m := range min(left, int(c.pods[node])) + 1 {
				next := uses
				if m > 0 {
					next = append(slices.Clone(uses), nodeUse{node, m})
				}
				walk(node+1, left-m, next)
			}
		}
		walk(0, q.sets[0].count, nil)
		if (best != nil) != (d.Outcome == Placed) {
			t.Fatalf("outcome %s, best %v", d.Outcome, best)
		}
		for i, s := range d.Objective {
			if s.Family == FamilyOpportunity && s.Value != best[i] {
				t.Fatalf("%s is %d, the least is %d (%v)\n%+v", s.Name, s.Value, best[i], best, d)
			}
		}
	}
}

// Prices are the same for the same seed, and a decision does not depend on what
// was asked before.
func TestPricesAreDeterministic(t *testing.T) {
	f := rackFleet(t, 3, 3, Resources{CPU: 8000, "nvidia.com/gpu": 4})
	mix := []Demand{{Shape: Shape{Requests: Resources{CPU: 2000, "nvidia.com/gpu": 2}}, Weight: 3, Pods: 2, Level: "rack"}, {Shape: Shape{Requests: Resources{CPU: 5000}}, Weight: 1}}
	g := Gang{Name: "g", PodSets: []PodSet{{Name: "w", Count: 2, Shape: Shape{Requests: Resources{CPU: 3000, "nvidia.com/gpu": 1}}}}}
	var first Decision
	for i := range 3 {
		u := NewUsage(f)
		if i == 1 {
			if _, err := Place(t.Context(), u, g); err != nil {
				t.Fatal(err)
			}
		}
		setMix(t, u, mix...)
		if i == 2 {
			u = u.Clone()
		}
		d, err := Place(t.Context(), u, g)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = d
		}
		if diff := cmp.Diff(first, d); diff != "" {
			t.Errorf("run %d: %s", i, diff)
		}
	}
}

func TestPricesRefuse(t *testing.T) {
	f := rackFleet(t, 1, 1, Resources{CPU: 8000})
	u := NewUsage(f)
	cpu := Shape{Requests: Resources{CPU: 1}}
	for _, mix := range [][]Demand{nil, {{Shape: cpu}}, {{Shape: cpu, Weight: 1, Pods: -1}}, {{Shape: Shape{Requests: Resources{CPU: -1}}, Weight: 1}}} {
		if _, err := NewPrices(u, mix, 1); err == nil {
			t.Errorf("%+v: no error", mix)
		}
	}
	p, err := NewPrices(u, []Demand{{Shape: cpu, Weight: 1}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := NewUsage(rackFleet(t, 1, 1, Resources{CPU: 1})).SetPrices(p); err == nil {
		t.Error("prices of another fleet are taken")
	}
}
