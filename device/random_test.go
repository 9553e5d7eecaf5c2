// SPDX-License-Identifier: Apache-2.0

package device

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// cuts are placement tables for random devices.
var cuts = []*Slots{
	{Count: 4, Profiles: []Profile{{"one", 1, []int{0, 1, 2}}, {"two", 2, []int{0, 2}}, {"all", 4, []int{0}}}},
	{Count: 4, Uniform: true, Profiles: []Profile{{"one", 1, []int{0, 1, 2, 3}}, {"two", 2, []int{0, 2}}}},
}

// randomGround makes a small node: up to four devices, up to two NICs.
func randomGround(r *rand.Rand) *ground {
	g := &ground{}
	style := r.IntN(4) // whole with links; partitions; shares; slots
	modules := r.Perm(4)
	cut := cuts[r.IntN(2)]
	n := 2 + r.IntN(3)
	for i := range n {
		d := Device{ID: fmt.Sprint("gpu", i), Resource: "gpu"}
		if r.IntN(4) > 0 {
			d.Zone, d.Socket = new(r.IntN(2)), new(r.IntN(2))
		}
		if r.IntN(4) > 0 {
			d.PCIe = fmt.Sprint("sw", r.IntN(2))
		}
		if r.IntN(12) == 0 {
			d.Unusable = "lost"
		}
		switch style {
		case 1:
			if r.IntN(8) > 0 {
				d.Module = new(modules[i])
			}
		case 2:
			d.Capacity = Amounts{"milli": int64(2 + r.IntN(2))}
			if r.IntN(2) == 0 {
				d.Capacity["memory"] = int64(1 + r.IntN(3))
			}
		case 3:
			if r.IntN(6) > 0 {
				d.Slots = cut
			}
		}
		g.devices = append(g.devices, d)
	}
	for i := range r.IntN(3) {
		d := Device{ID: fmt.Sprint("nic", i), Resource: "nic", Auxiliary: true, Capacity: Amounts{"rate": int64(1 + r.IntN(2))}}
		if r.IntN(5) > 0 {
			d.Zone, d.PCIe = new(r.IntN(2)), fmt.Sprint("sw", r.IntN(2))
		}
		for f := range r.IntN(3) {
			d.Functions = append(d.Functions, Function{fmt.Sprint("vf", i, f), map[string]string{"type": fmt.Sprint(r.IntN(2))}})
		}
		g.devices = append(g.devices, d)
	}
	if style == 0 {
		g.score = make([][]int, len(g.devices))
		for a := range g.score {
			g.score[a] = make([]int, len(g.devices))
			for b := range a {
				g.score[a][b] = r.IntN(3)
				g.score[b][a] = g.score[a][b]
			}
		}
	}
	if style == 1 {
		for range 1 + r.IntN(5) {
			g.partitions = append(g.partitions, r.Perm(4)[:1+r.IntN(3)])
		}
	}
	return g
}

func randomRequests(r *rand.Rand, g *ground) []Request {
	first := Request{Resource: "gpu", Count: 1 + r.IntN(2)}
	d := g.devices[0]
	switch {
	case d.Capacity != nil && r.IntN(3) > 0:
		first.Share = Amounts{"milli": int64(1 + r.IntN(2))}
		if r.IntN(3) == 0 {
			first.Share["memory"] = 1
		}
	case d.Slots != nil && r.IntN(3) > 0:
		first.Profile = []string{"one", "two", "all"}[r.IntN(3)]
	}
	switch r.IntN(8) {
	case 0:
		first.Within = scopeOrder[r.IntN(3)]
	case 1:
		first.Prefer = scopeOrder[r.IntN(3)]
	case 2:
		first.Include = []int{r.IntN(3)}
	case 3:
		first.AnySet = true
	}
	out := []Request{first}
	if r.IntN(2) == 0 {
		nic := Request{Name: "net", Resource: "nic"}
		if r.IntN(2) == 0 {
			nic.Function = true
			if r.IntN(2) == 0 {
				nic.Labels = map[string]string{"type": "1"}
			}
		}
		if !nic.Function || r.IntN(2) == 0 {
			nic.Share = Amounts{"rate": 1}
		}
		if r.IntN(3) > 0 {
			nic.Beside, nic.Near = "gpu", scopeOrder[r.IntN(2)]
			nic.PerDomain, nic.PreferNear = r.IntN(2) == 0, r.IntN(3) == 0
		}
		out = append(out, nic)
	}
	return out
}

// occupy lets a few earlier pods hold devices.
func occupy(r *rand.Rand, g *ground) *ground {
	for range r.IntN(3) {
		var ways []*ground
		g.pod(randomRequests(r, g)[:1], 0, -1, nil, Cost{}, func(n *ground, _ Cost) { ways = append(ways, n) })
		if len(ways) > 0 {
			g = ways[r.IntN(len(ways))]
		}
	}
	return g
}

// takeOf is a holding as the engine books it.
func takeOf(h holding) Take {
	t := Take{Request: h.request, Device: h.device, Whole: h.whole, Share: h.share, Profile: h.profile, Function: h.function}
	if h.profile != "" {
		t.Slot = h.slots[0]
	}
	return t
}

// TestAgainstEverything compares counts, costs and choices with a search through
// everything, on random small nodes.
func TestAgainstEverything(t *testing.T) {
	rounds := 1500
	if testing.Short() {
		rounds = 300
	}
	placed, several := 0, 0
	for seed := range uint64(rounds) {
		r := rand.New(rand.NewPCG(7, seed))
		g := occupy(r, randomGround(r))
		requests := randomRequests(r, g)
		if err := CheckRequests(requests); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		var ts Tables
		table, err := ts.Of(g.devices, g.score, g.partitions)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		a, st := NewAsk(table, requests), NewState(table, g.devices)
		for _, h := range g.held {
			take := takeOf(h)
			table.Hold(&st, &take, 1)
		}
		var rooms []Room
		if r.IntN(3) == 0 {
			rooms = []Room{{0, int64(r.IntN(3))}, {1, int64(r.IntN(3))}}
		}
		const limit = 3
		pods, exact := a.Fit(&st, rooms, limit)
		where := func() string {
			return fmt.Sprintf("seed %d: devices %+v\nscore %v partitions %v\nheld %+v\nrequests %+v\nrooms %v", seed, g.devices, g.score, g.partitions, g.held, requests, rooms)
		}
		if !exact {
			t.Fatalf("the count is not exact: %s", where())
		}
		costs, exact := a.Costs(&st, rooms, pods)
		if !exact {
			t.Fatalf("the costs are not exact: %s", where())
		}
		for m := 1; m <= min(limit, pods+1); m++ {
			want, ok := g.best(requests, rooms, m, table)
			if ok != (m <= pods) {
				t.Fatalf("%d pods fit: %t, and the count says %d\n%s", m, ok, pods, where())
			}
			if !ok {
				break
			}
			placed++
			if m > 1 {
				several++
			}
			if diff := cmp.Diff(want, costs[m]); diff != "" {
				t.Fatalf("cost of %d pods (-everything +engine):\n%s%s", m, diff, where())
			}
			chosen := a.Choose(&st, rooms, m)
			if diff := cmp.Diff(want, a.CostOf(&st, chosen)); diff != "" {
				t.Fatalf("the choice %+v of %d pods costs (-everything +counted):\n%s%s", chosen, m, diff, where())
			}
			if !g.holds(requests, rooms, chosen) {
				t.Fatalf("the choice %+v cannot be\n%s", chosen, where())
			}
		}
	}
	t.Logf("%d placements compared, %d of them of several pods", placed, several)
	if placed < rounds/5 || several < rounds/20 {
		t.Errorf("%d placements, %d of several pods: the nodes are too small to mean anything", placed, several)
	}
}

// holds tells whether chosen pods are one of the ways to place as many.
func (g *ground) holds(requests []Request, rooms []Room, pods []Pod) bool {
	now := g
	left := slices.Clone(rooms)
	for _, p := range pods {
		if rooms != nil {
			at := slices.IndexFunc(left, func(r Room) bool { return r.Zone == p.Zone && r.Pods > 0 })
			if at < 0 {
				return false
			}
			left[at].Pods--
		}
		var next *ground
		now.pod(requests, 0, p.Zone, nil, Cost{}, func(n *ground, _ Cost) {
			added := n.held[len(now.held):]
			if len(added) == len(p.Takes) && !slices.ContainsFunc(p.Takes, func(take Take) bool {
				return !slices.ContainsFunc(added, func(h holding) bool { return cmp.Equal(takeOf(h), take) })
			}) {
				next = n
			}
		})
		if next == nil {
			return false
		}
		now = next
	}
	return true
}
