// SPDX-License-Identifier: Apache-2.0

package placement_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/device"
	"tarsia.dev/tarsia/placement"
)

// cutTable is a small placement table.
var cutTable = &device.Slots{Count: 4, Profiles: []device.Profile{
	{Name: "1g", Size: 1, Starts: []int{0, 1, 2}}, {Name: "2g", Size: 2, Starts: []int{0, 2}}, {Name: "4g", Size: 4, Starts: []int{0}},
}}

// randomDeviceNode has four devices that are shared, cut, partitioned or joined
// by unequal links, and two NICs with functions.
func randomDeviceNode(r *rand.Rand, name string) placement.Node {
	n := placement.Node{
		Name: name, Allocatable: placement.Resources{placement.CPU: int64(2+r.IntN(6)) * 1000, gpuName: 4},
		Domains: []placement.Domain{{Level: "rack", ID: fmt.Sprint("r", r.IntN(2))}},
		Zones:   []placement.Zone{{ID: 0, Allocatable: placement.Resources{placement.CPU: 3000}}, {ID: 1, Allocatable: placement.Resources{placement.CPU: 3000}}},
	}
	style := r.IntN(4)
	for i := range 4 {
		d := placement.Device{ID: fmt.Sprint("gpu", i), Resource: gpuName, Zone: new(i / 2), PCIe: fmt.Sprint("sw", i)}
		switch style {
		case 0:
			d.Capacity = device.Amounts{"milli": 1000}
		case 1:
			d.Slots = cutTable
		case 2:
			d.Module = new((i + 2) % 4)
		}
		n.Devices = append(n.Devices, d)
	}
	for i := range 2 {
		n.Devices = append(n.Devices, placement.Device{
			ID: fmt.Sprint("nic", i), Resource: "rdma/nic", Auxiliary: true, Zone: new(i), PCIe: fmt.Sprint("sw", 2*i), Capacity: device.Amounts{"rate": 2},
			Functions: []device.Function{{ID: fmt.Sprint("vf", i, 0)}, {ID: fmt.Sprint("vf", i, 1)}},
		})
	}
	switch style {
	case 2:
		n.Partitions = [][]int{{0, 1, 2, 3}, {0, 1}, {2, 3}, {0}, {1}, {2}, {3}}
	case 3:
		n.LinkScore = make([][]int, len(n.Devices))
		for a := range n.LinkScore {
			n.LinkScore[a] = make([]int, len(n.Devices))
			for b := range a {
				n.LinkScore[a][b] = r.IntN(3)
				n.LinkScore[b][a] = n.LinkScore[a][b]
			}
		}
	}
	return n
}

func randomAsk(r *rand.Rand) placement.Shape {
	s := placement.Shape{Requests: placement.Resources{placement.CPU: 500}, AlignNUMA: r.IntN(4) == 0}
	switch r.IntN(6) {
	case 0:
		s.Requests[gpuName] = int64(1 + r.IntN(2))
		return s
	case 1:
		s.Devices = []device.Request{{Resource: gpuName, Share: device.Amounts{"milli": int64(1+r.IntN(4)) * 200}}}
	case 2:
		s.Devices = []device.Request{{Resource: gpuName, Profile: []string{"1g", "2g", "4g"}[r.IntN(3)]}}
	default:
		s.Devices = []device.Request{{Resource: gpuName, Count: 1 + r.IntN(2), AnySet: r.IntN(3) == 0}}
	}
	if r.IntN(2) == 0 {
		nic := device.Request{Resource: "rdma/nic", Function: true, Share: device.Amounts{"rate": 1}}
		if r.IntN(2) == 0 {
			nic.Beside, nic.Near, nic.PreferNear = gpuName, device.SameNUMA, r.IntN(2) == 0
		}
		s.Devices = append(s.Devices, nic)
	}
	return s
}

// TestAskedDevices places gangs of pods that ask for devices on random fleets:
// the tables find what is counted from the chosen devices, a decision can be
// booked, and giving it back restores what was free.
func TestAskedDevices(t *testing.T) {
	rounds := uint64(150)
	if testing.Short() {
		rounds = 50
	}
	placed := 0
	for seed := range rounds {
		r := rand.New(rand.NewPCG(11, seed))
		var nodes []placement.Node
		for i := range 2 + r.IntN(3) {
			nodes = append(nodes, randomDeviceNode(r, fmt.Sprint("n", i)))
		}
		f, err := placement.NewFleet(nodes, []string{"rack"})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		u := placement.NewUsage(f)
		for i := range 6 {
			g := placement.Gang{Name: fmt.Sprint("g", i), PodSets: []placement.PodSet{{Name: "p", Count: 1 + r.IntN(4), Shape: randomAsk(r)}}}
			if r.IntN(2) == 0 {
				g.Rules = []placement.LevelRule{{Level: "rack", Mode: []placement.Mode{placement.Required, placement.Preferred}[r.IntN(2)]}}
			}
			d, err := placement.Place(context.Background(), u, g)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if d.Outcome != placement.Placed {
				continue
			}
			placed++
			tables, counted, err := placement.Recount(u, g)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if diff := cmp.Diff(tables, counted); diff != "" {
				t.Fatalf("seed %d, gang %d %+v: the tables and what is counted differ:\n%s%v", seed, i, g.PodSets[0], diff, d.Objective)
			}
			if err := u.Commit(g, d); err != nil {
				t.Fatalf("seed %d, gang %d: %v", seed, i, err)
			}
			for pod := range g.PodSets[0].Count {
				if err := u.Remove(placement.PodName(g.Name, "p", pod)); err != nil {
					t.Fatal(err)
				}
			}
			again, err := placement.Place(context.Background(), u.Clone(), g)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(d, again); diff != "" {
				t.Fatalf("seed %d, gang %d: after it came and went, another decision (-first +again):\n%s", seed, i, diff)
			}
			if err := u.Commit(g, again); err != nil {
				t.Fatalf("seed %d, gang %d: %v", seed, i, err)
			}
		}
	}
	t.Logf("%d gangs placed", placed)
	if placed < int(rounds) {
		t.Errorf("%d gangs of %d fleets are placed: the test means little", placed, rounds)
	}
}
