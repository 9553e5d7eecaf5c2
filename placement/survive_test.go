// SPDX-License-Identifier: Apache-2.0

package placement_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tarsia.dev/tarsia/placement"
)

func fleet(t testing.TB, nodes []placement.Node, levels ...string) *placement.Fleet {
	t.Helper()
	f, err := placement.NewFleet(nodes, levels)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestSurvive(t *testing.T) {
	var nodes []placement.Node
	for i := range 6 {
		nodes = append(nodes, box(fmt.Sprint("n", i), fmt.Sprint("r", i/2), 4))
	}
	f := fleet(t, nodes)
	for _, c := range []struct {
		name  string
		set   placement.PodSet
		where []string
		nodes int
		want  string
	}{
		{"no spare", placement.PodSet{Count: 4}, []string{"n0", "n1", "n2", "n3"}, 0, "the failure of n0 stops it"},
		{
			"two spares on nodes of one pod", placement.PodSet{Count: 4, Spares: 2}, []string{"n0", "n1", "n2", "n3", "n4", "n5"}, 2,
			"it survives the failure of any 2 nodes that it uses, and of any 1 whole rack domain, on its spares alone; n0, n1, n2 together would stop it",
		},
		{
			"two spares, two pods a node", placement.PodSet{Count: 4, Spares: 2}, []string{"n0", "n0", "n1", "n1", "n2", "n2"}, 1,
			"it survives the failure of any 1 node that it uses, on its spares alone; n0, n1 together would stop it",
		},
		{
			"the least number is what must run", placement.PodSet{Count: 4, Min: 2}, []string{"n0", "n1", "n2", "n3"}, 2,
			"it survives the failure of any 2 nodes that it uses, and of any 1 whole rack domain, on its spares alone; n0, n1, n2 together would stop it",
		},
		{
			"a node less breaks a slice of its rack", placement.PodSet{Count: 4, Spares: 2, Slices: []placement.Slice{{Level: "rack", Size: 2}}},
			[]string{"n0", "n1", "n2", "n3", "n4", "n5"}, 1,
			"it survives the failure of any 1 node that it uses, and of any 1 whole rack domain, on its spares alone; n0, n2 together would stop it",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.set.Name = "w"
			d := placement.Decision{Outcome: placement.Placed}
			for i, n := range c.where {
				d.Assignments = append(d.Assignments, placement.Assignment{PodSet: "w", Pod: i, Node: n, Spare: i >= c.set.Count})
			}
			s, err := placement.Survive(f, placement.Gang{Name: "g", PodSets: []placement.PodSet{c.set}}, d)
			if err != nil || s.Nodes != c.nodes || s.Text != c.want {
				t.Errorf("%v, %d nodes, want %d\n got %q\nwant %q", err, s.Nodes, c.nodes, s.Text, c.want)
			}
		})
	}
	d := placement.Decision{Outcome: placement.Placed, Assignments: []placement.Assignment{{PodSet: "x", Node: "n0"}}}
	if _, err := placement.Survive(f, placement.Gang{Name: "g"}, d); err == nil || !strings.Contains(err.Error(), `it has no set "x" on node "n0"`) {
		t.Errorf("error %v", err)
	}
	if _, err := placement.Survive(f, placement.Gang{Name: "g"}, placement.Decision{Outcome: placement.Refused}); err == nil {
		t.Error("a refused gang survives")
	}
}

// TestSurviveBrute compares with failing every set of nodes.
func TestSurviveBrute(t *testing.T) {
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 15))
		var nodes []placement.Node
		for i := range 2 + r.IntN(5) {
			rack := r.IntN(3)
			nodes = append(nodes, placement.Node{Name: fmt.Sprint("n", i), Domains: []placement.Domain{{Level: "hall", ID: fmt.Sprint("h", rack/2)}, {Level: "rack", ID: fmt.Sprint("r", rack)}}})
		}
		g := placement.Gang{Name: "g"}
		d := placement.Decision{Outcome: placement.Placed}
		for i := range 1 + r.IntN(2) {
			p := placement.PodSet{Name: fmt.Sprint("s", i), Count: 1 + r.IntN(5)}
			if r.IntN(2) == 0 {
				p.Slices = append(p.Slices, placement.Slice{Level: "hall", Size: 2 + r.IntN(2)})
			}
			if r.IntN(2) == 0 {
				p.Slices = append(p.Slices, placement.Slice{Level: []string{"rack", placement.LevelNode}[r.IntN(2)], Size: 1 + r.IntN(2)})
			}
			if r.IntN(3) == 0 {
				p.Limits = append(p.Limits, placement.Limit{Level: "rack", Pods: 1 + r.IntN(4)})
			}
			for j := range p.Count + r.IntN(8) {
				d.Assignments = append(d.Assignments, placement.Assignment{PodSet: p.Name, Pod: j, Node: nodes[r.IntN(len(nodes))].Name, Spare: j >= p.Count})
			}
			g.PodSets = append(g.PodSets, p)
		}
		runs := func(failed int) bool {
			return !slices.ContainsFunc(g.PodSets, func(p placement.PodSet) bool {
				left := map[string]int{}
				for _, a := range d.Assignments {
					at := slices.IndexFunc(nodes, func(n placement.Node) bool { return n.Name == a.Node })
					if a.PodSet == p.Name && failed>>at&1 == 0 {
						left[a.Node]++
					}
				}
				return most(p, nodes, left) < p.Count
			})
		}
		if !runs(0) {
			continue
		}
		want := len(nodes)
		for mask := 1; mask < 1<<len(nodes); mask++ {
			if k := bitsOf(mask, len(nodes)); k-1 < want && !runs(mask) {
				want = k - 1
			}
		}
		s, err := placement.Survive(fleet(t, nodes, "hall", "rack"), g, d)
		if err != nil || s.Nodes != want {
			t.Fatalf("seed %d: %v, survives %d, brute force says %d\n%+v\n%+v\n%+v", seed, err, s.Nodes, want, nodes, g, d.Assignments)
		}
		mask := 0
		for i, n := range nodes {
			if slices.Contains(s.Weakest, n.Name) {
				mask |= 1 << i
			}
		}
		if len(s.Weakest) != want+1 || runs(mask) {
			t.Fatalf("seed %d: %v is said to stop it, of %d\n%+v\n%+v\n%+v", seed, s.Weakest, want, nodes, g, d.Assignments)
		}
	}
}

func bitsOf(mask, n int) int {
	k := 0
	for i := range n {
		k += mask >> i & 1
	}
	return k
}

// most is how many pods may run on some places, by trying every number on each
// node.
func most(p placement.PodSet, nodes []placement.Node, left map[string]int) int {
	best := 0
	var try func(at int, took []int)
	try = func(at int, took []int) {
		if at < len(nodes) {
			for n := range left[nodes[at].Name] + 1 {
				try(at+1, append(slices.Clone(took), n))
			}
			return
		}
		sum := 0
		per := map[[2]string]int{}
		for i, n := range took {
			sum += n
			per[[2]string{placement.LevelNode, nodes[i].Name}] += n
			for _, l := range []string{"hall", "rack"} {
				per[[2]string{l, domain(&nodes[i], l)}] += n
			}
		}
		for key, n := range per {
			for _, s := range p.Slices {
				if s.Level == key[0] && n%s.Size != 0 {
					return
				}
			}
			for _, l := range p.Limits {
				if l.Level == key[0] && n > l.Pods {
					return
				}
			}
		}
		best = max(best, sum)
	}
	try(0, nil)
	return best
}

// TestSpares: a gang with spares is told what they are good for.
func TestSpares(t *testing.T) {
	var nodes []placement.Node
	for i := range 4 {
		nodes = append(nodes, box(fmt.Sprint("n", i), "r1", 8))
	}
	g := gang("g", 2, 8)
	g.PodSets[0].Spares = 1
	d := place(t, usage(t, nodes, nil), g)
	if d.Outcome != placement.Placed || d.Survival == nil || d.Survival.Nodes != 1 || len(d.Assignments) != 3 {
		t.Fatalf("%+v, want three places that survive one failure", d)
	}
	if s := d.Sentences(); s[0] != "2 pods and 1 spare on n[0-2]" || !strings.HasPrefix(s[1], "it survives the failure of any 1 node") {
		t.Errorf("sentences %q", s)
	}
	g.PodSets[0].Spares = 3
	d = place(t, usage(t, nodes, nil), g)
	if d.Relax == nil || d.Relax.Change != "spares 3 -> 2" || d.Relax.Text != "with 2 spares instead of 3" {
		t.Errorf("%s, relaxation %+v, want two spares", d.Outcome, d.Relax)
	}
}
