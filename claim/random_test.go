// SPDX-License-Identifier: Apache-2.0

package claim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// brute tries every way without any thought and returns the least preference,
// -1 where there is none.
func brute(u *Use, demands []Demand) int {
	var compiled []*demand
	for i := range demands {
		d, err := u.compile(i, &demands[i])
		if err != nil {
			panic(err)
		}
		compiled = append(compiled, d)
	}
	best := -1
	byID := map[string]*Device{}
	for i := range u.inv.devices {
		byID[u.inv.devices[i].ID()] = &u.inv.devices[i]
	}
	var walk func(i, r int, results []Result, cost int)
	walk = func(i, r int, results []Result, cost int) {
		if best >= 0 && cost >= best {
			return
		}
		if i == len(compiled) {
			best = cost
			return
		}
		d := compiled[i]
		if r == len(d.requests) {
			for _, k := range d.claim.Constraints {
				if verifyConstraint(k, results, byID) != nil {
					return
				}
			}
			if len(results) <= maxResults {
				walk(i+1, 0, nil, cost)
			}
			return
		}
		for _, a := range d.requests[r].alts {
			var choose func(k, from int, results []Result)
			choose = func(k, from int, results []Result) {
				if k == a.count {
					walk(i, r+1, results, cost+a.preference)
					return
				}
				for at := from; at < len(a.devices); at++ {
					dev := a.devices[at]
					if !u.available(dev, a.m.amounts[dev]) {
						continue
					}
					u.take(dev, a.m.amounts[dev])
					next := at + 1
					if u.inv.devices[dev].Shared && !a.all {
						next = at
					}
					choose(k+1, next, append(slices.Clip(results), Result{Request: a.name, Device: u.inv.devices[dev].ID()}))
					u.free(dev, a.m.amounts[dev])
				}
			}
			choose(0, 0, results)
		}
	}
	walk(0, 0, nil, 0)
	return best
}

func TestSolveAgainstBruteForce(t *testing.T) {
	const seed = 17
	rnd := rand.New(rand.NewPCG(seed, 0))
	tally := map[Outcome]int{}
	counted, costly := 0, 0
	for round := range 3000 {
		pools, demands := randomProblem(rnd)
		inv, err := NewInventory(pools)
		if err != nil {
			t.Fatal(err)
		}
		u := NewUse(inv)
		a, err := u.Solve(demands, Options{})
		if err != nil {
			t.Fatal(err)
		}
		tally[a.Outcome]++
		want := brute(u, demands)
		if (want >= 0) != (a.Outcome == Fits) || want >= 0 && (a.Preference != want || !a.Optimal) {
			t.Fatalf("seed %d, round %d: got %s with preference %d, want %d\n%+v\n%+v\n%s", seed, round, a.Outcome, a.Preference, want, pools, demands, a.Reason)
		}
		if !u.Equal(NewUse(inv)) {
			t.Fatalf("seed %d, round %d: the search left something allocated", seed, round)
		}
		any, err := u.Solve(demands, Options{AnyWay: true})
		if err != nil || any.Outcome != a.Outcome {
			t.Fatalf("seed %d, round %d: any way is %s, the best %s, %v", seed, round, any.Outcome, a.Outcome, err)
		}
		if a.Outcome != Fits {
			if a.Reason == "" {
				t.Fatalf("seed %d, round %d: refused without a reason", seed, round)
			}
			if a.Counted {
				counted++
			}
			continue
		}
		if a.Preference > 0 {
			costly++
		}
		for _, x := range []Answer{a, any} {
			if err := verify(pools, demands, x); err != nil {
				t.Fatalf("seed %d, round %d: %v", seed, round, err)
			}
		}
		for i, al := range a.Allocations {
			if err := u.Verify(demands[i], al); err != nil {
				t.Fatalf("seed %d, round %d: %v", seed, round, err)
			}
			if err := u.Hold(al.Results); err != nil {
				t.Fatalf("seed %d, round %d: %v", seed, round, err)
			}
		}
		for _, al := range a.Allocations {
			if err := u.Release(al.Results); err != nil {
				t.Fatalf("seed %d, round %d: %v", seed, round, err)
			}
		}
		if !u.Equal(NewUse(inv)) {
			t.Fatalf("seed %d, round %d: hold and release do not cancel out", seed, round)
		}
	}
	t.Logf("%v, %d refused by counting, %d with second choices", tally, counted, costly)
	if tally[Fits] < 500 || tally[Refused] < 500 || costly < 100 {
		t.Errorf("the rounds are one-sided: %v, %d with second choices", tally, costly)
	}
}

// randomProblem is up to two nodes with GPUs that are whole or halves, NICs,
// a shared device, and a network-attached pool; and up to four claims.
func randomProblem(rnd *rand.Rand) ([]Pool, []Demand) {
	nodes := []string{"n0", "n1"}[:1+rnd.IntN(2)]
	var pools []Pool
	for _, node := range nodes {
		p := Pool{Driver: "gpu.example.com", Name: node, Nodes: []string{node}}
		for g := range rnd.IntN(3) {
			set := fmt.Sprintf("gpu-%d", g)
			p.Counters = append(p.Counters, CounterSet{Name: set, Counters: map[string]int64{"memory": 2 + rnd.Int64N(2)}})
			root := String(fmt.Sprintf("root-%d", rnd.IntN(2)))
			if rnd.IntN(3) == 0 {
				root = Strings("root-0", "root-1")
			}
			for i, size := range []int64{2, 1, 1} {
				p.Devices = append(p.Devices, Device{
					Name:       fmt.Sprintf("%s-%d", set, i),
					Attributes: map[string]Value{"size": Int(size), "example.com/root": root, "parent": String(set)},
					Consumes:   []Consumption{{CounterSet: set, Counters: map[string]int64{"memory": size}}},
				})
			}
		}
		for n := range rnd.IntN(3) {
			d := Device{Name: fmt.Sprintf("nic-%d", n), Attributes: map[string]Value{"size": Int(0), "example.com/root": String(fmt.Sprintf("root-%d", n%2))}}
			if rnd.IntN(2) == 0 {
				d.Shared = true
				d.Capacity = map[string]Capacity{"bandwidth": {Value: 3}}
			}
			p.Devices = append(p.Devices, d)
		}
		pools = append(pools, p)
	}
	far := Pool{Driver: "gpu.example.com", Name: "fabric"}
	for i := range rnd.IntN(3) {
		far.Devices = append(far.Devices, Device{Name: fmt.Sprintf("far-%d", i), Attributes: map[string]Value{"size": Int(2), "parent": String("far")}})
	}
	pools = append(pools, far)
	claims := []Claim{randomClaim(rnd), randomClaim(rnd)}
	var demands []Demand
	for range 1 + rnd.IntN(4) {
		demands = append(demands, Demand{Node: nodes[rnd.IntN(len(nodes))], Claim: claims[rnd.IntN(2)]})
	}
	return pools, demands
}

func randomClaim(rnd *rand.Rand) Claim {
	size := func(v int) []Selector {
		s, err := Where("size", "=", fmt.Sprint(v))
		if err != nil {
			panic(err)
		}
		return []Selector{s}
	}
	c := Claim{Name: "c"}
	for r := range 1 + rnd.IntN(2) {
		q := Request{Name: fmt.Sprintf("r%d", r)}
		for a := range 1 + rnd.IntN(2) {
			e := Exact{Name: fmt.Sprintf("a%d", a), Selectors: size(rnd.IntN(3)), Count: rnd.IntN(3), All: rnd.IntN(8) == 0}
			if rnd.IntN(3) == 0 {
				e.Capacity = map[string]int64{"bandwidth": 1}
				e.Selectors = size(0)
			}
			q.Alternatives = append(q.Alternatives, e)
		}
		c.Requests = append(c.Requests, q)
	}
	switch rnd.IntN(5) {
	case 0:
		c.Constraints = []Constraint{{MatchAttribute: "example.com/root"}}
	case 1:
		c.Constraints = []Constraint{{DistinctAttribute: "gpu.example.com/parent", Requests: []string{"r0"}}}
	case 2:
		c.Constraints = []Constraint{{DistinctAttribute: "example.com/root", Requests: []string{"r0/a0"}}}
	case 3: // one GPU for all, the shape of a claim for parts of one device
		c.Constraints = []Constraint{{MatchAttribute: "gpu.example.com/parent"}}
	}
	return c
}
