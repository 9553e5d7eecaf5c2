// SPDX-License-Identifier: Apache-2.0

package placement_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tarsia.dev/tarsia/claim"
	"tarsia.dev/tarsia/placement"
)

// widgets is a node with n devices that can be had whole or as two halves.
func widgets(name string, n int) placement.Node {
	node := placement.Node{Name: name, Allocatable: placement.Resources{placement.CPU: 64000}, Domains: []placement.Domain{{Level: "rack", ID: "r-" + name[:1]}}}
	p := claim.Pool{Driver: "widget.example.com", Name: name}
	for i := range n {
		set := fmt.Sprint("w", i)
		p.Counters = append(p.Counters, claim.CounterSet{Name: set, Counters: map[string]int64{"halves": 2}})
		for _, part := range []struct {
			name string
			size int64
		}{{"whole", 2}, {"half-0", 1}, {"half-1", 1}} {
			p.Devices = append(p.Devices, claim.Device{
				Name: set + "-" + part.name, Attributes: map[string]claim.Value{"size": claim.Int(part.size)},
				Consumes: []claim.Consumption{{CounterSet: set, Counters: map[string]int64{"halves": part.size}}},
			})
		}
	}
	if n > 0 {
		node.Pools = []claim.Pool{p}
	}
	return node
}

func sizes(t testing.TB, sizes ...int) claim.Claim {
	t.Helper()
	c := claim.Claim{Name: "c", Requests: []claim.Request{{Name: "widget"}}}
	for _, size := range sizes {
		s, err := claim.Where("size", "=", fmt.Sprint(size))
		if err != nil {
			t.Fatal(err)
		}
		c.Requests[0].Alternatives = append(c.Requests[0].Alternatives, claim.Exact{Name: fmt.Sprint("size-", size), Selectors: []claim.Selector{s}})
	}
	return c
}

func claimants(name string, count int, claims ...claim.Claim) placement.PodSet {
	return placement.PodSet{Name: name, Count: count, Shape: placement.Shape{Requests: placement.Resources{placement.CPU: 1000}, Claims: claims}}
}

// What kube-scheduler gets wrong (kubernetes/kubernetes#138765): the first pod
// must not take the whole.
func TestWholeOrHalfGang(t *testing.T) {
	for pods, want := range map[int]placement.Outcome{1: placement.Placed, 2: placement.Placed, 3: placement.Refused} {
		u := usage(t, []placement.Node{widgets("a", 1)}, nil)
		g := placement.Gang{Name: "g", PodSets: []placement.PodSet{claimants("s", pods, sizes(t, 2, 1))}}
		d := decide(t, u, g)
		if d.Outcome != want {
			t.Fatalf("%d pods: got %s, %q", pods, d.Outcome, d.Sentences())
		}
		if want == placement.Placed {
			commitAndRemove(t, u, g, d)
			continue
		}
		if d.Certificate == nil || !d.Proved {
			t.Errorf("%d pods: refused without a proof", pods)
		}
	}
	u := usage(t, []placement.Node{widgets("a", 1)}, nil, placement.Running{Name: "x", Node: "a", Claims: []claim.Allocation{{Results: []claim.Result{{Request: "r", Device: "widget.example.com/a/w0-whole"}}}}})
	d := decide(t, u, placement.Gang{Name: "g", PodSets: []placement.PodSet{claimants("s", 1, sizes(t, 2, 1))}})
	want := `node a: claim "c" on node "a": widget/size-2: 1 device wanted, 3 there, 1 match, 0 free; widget/size-1: 1 device wanted, 3 there, 2 match, 0 free`
	if d.Outcome != placement.Refused || !slices.Contains(d.Sentences(), want) {
		t.Errorf("got %s, %q, want %q", d.Outcome, d.Sentences(), want)
	}
}

// Sixteen pods with a claim each on eighteen nodes of two racks, one rack too
// small: what KAI-Scheduler#1217 could not place.
func TestClaimGangInOneRack(t *testing.T) {
	var nodes []placement.Node
	for i := range 9 {
		nodes = append(nodes, widgets(fmt.Sprint("a", i), 1), widgets(fmt.Sprint("b", i), 2))
	}
	u := usage(t, nodes, []string{"rack"})
	g := placement.Gang{Name: "g", Rules: []placement.LevelRule{{Level: "rack", Mode: placement.Required}}, PodSets: []placement.PodSet{claimants("s", 16, sizes(t, 2))}}
	d := decide(t, u, g)
	if d.Outcome != placement.Placed || strings.HasPrefix(d.Assignments[0].Node, "a") || d.Assignments[0].Claims[0].Results[0].Device == "" {
		t.Fatalf("got %s, %+v", d.Outcome, d.Assignments)
	}
	commitAndRemove(t, u, g, d)
	if err := u.Commit(g, d); err != nil {
		t.Fatal(err)
	}
	stale := g
	stale.Name = "stale"
	if err := u.Commit(stale, d); err == nil {
		t.Error("a decision whose devices are taken was committed")
	}
	g.Name, g.PodSets[0].Count = "h", 10
	if d := decide(t, u, g); d.Outcome != placement.Refused || d.Certificate == nil {
		t.Errorf("ten more: got %s", d.Outcome)
	}
}

// Two sets on one node: whoever may have a half must leave the whole to whoever
// may not.
func TestClaimsOfSeveralSets(t *testing.T) {
	u := usage(t, []placement.Node{widgets("a", 2)}, nil)
	g := placement.Gang{Name: "g", PodSets: []placement.PodSet{claimants("easy", 2, sizes(t, 2, 1)), claimants("hard", 1, sizes(t, 2))}}
	d := decide(t, u, g)
	if d.Outcome != placement.Placed {
		t.Fatalf("got %s, %q", d.Outcome, d.Sentences())
	}
	commitAndRemove(t, u, g, d)
	g.PodSets[1].Count = 2
	if d := decide(t, u, g); d.Outcome != placement.Refused || !d.Proved {
		t.Errorf("two hard ones: got %s, proved %v", d.Outcome, d.Proved)
	}
}

// Devices that several nodes reach: the pod on b must leave the only device of a
// to the one that can run nowhere else.
func TestNetworkedClaims(t *testing.T) {
	a, b := widgets("a", 0), widgets("b", 0)
	a.Allocatable = placement.Resources{placement.CPU: 1000}
	b.Pools = []claim.Pool{{Driver: "widget.example.com", Name: "fabric", Nodes: []string{"a", "b"}, Devices: []claim.Device{
		{Name: "d0", Attributes: map[string]claim.Value{"size": claim.Int(2)}},
		{Name: "d1", Attributes: map[string]claim.Value{"size": claim.Int(2)}, Nodes: []string{"b"}},
	}}}
	b.Allocatable = a.Allocatable
	u := usage(t, []placement.Node{a, b}, nil)
	g := placement.Gang{Name: "g", PodSets: []placement.PodSet{claimants("s", 2, sizes(t, 2))}}
	d := decide(t, u, g)
	if d.Outcome != placement.Placed || d.Assignments[0].Claims[0].Results[0].Device != "widget.example.com/fabric/d0" {
		t.Fatalf("got %s, %+v", d.Outcome, d.Assignments)
	}
	commitAndRemove(t, u, g, d)
	b.Pools[0].Devices = b.Pools[0].Devices[:1]
	u = usage(t, []placement.Node{a, b}, nil)
	if d := decide(t, u, g); d.Outcome != placement.Refused {
		t.Errorf("one device for both nodes: got %s", d.Outcome)
	}
}

// Eleven pairs of one colour each, out of 24 devices of which ten pairs can be
// made: no bound sees that, and the search ends before it does. That is no proof.
func TestClaimsUndecided(t *testing.T) {
	n := widgets("a", 0)
	p := claim.Pool{Driver: "d.example.com", Name: "a"}
	for i := range 24 {
		p.Devices = append(p.Devices, claim.Device{Name: fmt.Sprint("d", i), Attributes: map[string]claim.Value{
			"mark": claim.Ints(int64(i), int64((i*7+3)%24)), "colour": claim.Int(int64(i % 5)),
		}})
	}
	n.Pools = []claim.Pool{p}
	pair := claim.Claim{Name: "pair", Requests: []claim.Request{{Name: "r", Alternatives: []claim.Exact{{Count: 2}}}}, Constraints: []claim.Constraint{
		{MatchAttribute: "d.example.com/colour"}, {DistinctAttribute: "d.example.com/mark"},
	}}
	for pods, want := range map[int]placement.Outcome{10: placement.Placed, 11: placement.Undecided} {
		d := decide(t, usage(t, []placement.Node{n}, nil), placement.Gang{Name: "g", PodSets: []placement.PodSet{claimants("s", pods, pair)}})
		if d.Outcome != want || d.Proved || d.Certificate != nil {
			t.Errorf("%d pods: got %s, proved %v, want %s", pods, d.Outcome, d.Proved, want)
		}
	}
}

// On random small fleets a gang with claims is placed exactly when some way of
// giving its pods to nodes lets all claims be met.
func TestClaimsAgainstBruteForce(t *testing.T) {
	const seed = 5
	r := rand.New(rand.NewPCG(seed, 0))
	tally := map[placement.Outcome]int{}
	kinds := [][]int{{2}, {1}, {2, 1}, {1, 2}}
	for round := range 500 {
		var nodes []placement.Node
		for i := range 1 + r.IntN(3) {
			n := widgets(fmt.Sprint("n", i), r.IntN(3))
			n.Allocatable = placement.Resources{placement.CPU: 1000 * (1 + r.Int64N(3))}
			nodes = append(nodes, n)
		}
		if r.IntN(3) == 0 {
			p := claim.Pool{Driver: "fabric.example.com", Name: "f", Nodes: []string{"n0", "n1"}}
			for i := range 1 + r.IntN(2) {
				p.Devices = append(p.Devices, claim.Device{Name: fmt.Sprint("f", i), Attributes: map[string]claim.Value{"size": claim.Int(2)}})
			}
			nodes[0].Pools = append(nodes[0].Pools, p)
		}
		g := placement.Gang{Name: "g", PodSets: []placement.PodSet{claimants("x", 1+r.IntN(3), sizes(t, kinds[r.IntN(4)]...))}}
		if r.IntN(2) == 0 {
			g.PodSets = append(g.PodSets, claimants("y", 1+r.IntN(2), sizes(t, kinds[r.IntN(4)]...)))
		}
		u := usage(t, nodes, nil)
		d := decide(t, u, g)
		tally[d.Outcome]++
		if want := claimsFit(t, nodes, g); (d.Outcome == placement.Placed) != want || d.Outcome == placement.Undecided {
			t.Fatalf("seed %d, round %d: got %s, want placed %v: %q\n%+v\n%+v", seed, round, d.Outcome, want, d.Sentences(), nodes, g)
		}
		if d.Outcome == placement.Placed {
			commitAndRemove(t, u, g, d)
		}
	}
	if tally[placement.Placed] < 100 || tally[placement.Refused] < 100 {
		t.Errorf("the rounds are one-sided: %v", tally)
	}
}

// claimsFit tries every way of giving pods to nodes.
func claimsFit(t *testing.T, nodes []placement.Node, g placement.Gang) bool {
	t.Helper()
	var pools []claim.Pool
	for _, n := range nodes {
		for _, p := range n.Pools {
			if len(p.Nodes) == 0 {
				p.Nodes = []string{n.Name}
			}
			pools = append(pools, p)
		}
	}
	inv, err := claim.NewInventory(pools)
	if err != nil {
		t.Fatal(err)
	}
	use := claim.NewUse(inv)
	var shapes []placement.Shape
	for _, set := range g.PodSets {
		for range set.Count {
			shapes = append(shapes, set.Shape)
		}
	}
	used := make([]int64, len(nodes))
	var demands []claim.Demand
	var walk func(pod int) bool
	walk = func(pod int) bool {
		if pod == len(shapes) {
			a, err := use.Solve(demands, claim.Options{AnyWay: true})
			if err != nil {
				t.Fatal(err)
			}
			return a.Outcome == claim.Fits
		}
		for i, n := range nodes {
			if used[i] == n.Allocatable[placement.CPU] {
				continue
			}
			used[i] += 1000
			demands = append(demands, claim.Demand{Node: n.Name, Claim: shapes[pod].Claims[0]})
			ok := walk(pod + 1)
			used[i] -= 1000
			demands = demands[:len(demands)-1]
			if ok {
				return true
			}
		}
		return false
	}
	return walk(0)
}
