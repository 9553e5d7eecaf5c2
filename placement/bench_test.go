// SPDX-License-Identifier: Apache-2.0

package placement_test

import (
	"context"
	"fmt"
	"testing"

	"tarsia.dev/tarsia/placement"
)

// racks is a fleet of equal racks of HGX-like nodes: eight devices, half in each
// of two NUMA zones, all joined alike.
func racks(b testing.TB, nodes, racks int) *placement.Fleet {
	b.Helper()
	var all []placement.Node
	for i := range nodes {
		n := placement.Node{
			Name: fmt.Sprintf("node-%d", i), Architecture: "amd64",
			Allocatable: placement.Resources{placement.CPU: 192_000, placement.Memory: 2 << 40, placement.Pods: 110, gpu: 8},
			Domains:     []placement.Domain{{Level: "rack", ID: fmt.Sprintf("rack-%d", i*racks/nodes)}},
		}
		for z := range 2 {
			n.Zones = append(n.Zones, placement.Zone{ID: z, Allocatable: placement.Resources{placement.CPU: 96_000, placement.Memory: 1 << 40}})
		}
		for d := range 8 {
			n.Devices = append(n.Devices, placement.Device{ID: fmt.Sprintf("gpu-%d", d), Resource: gpu, Zone: new(d / 4)})
			row := make([]int, 8)
			for o := range row {
				if o != d {
					row[o] = 1800
				}
			}
			n.LinkScore = append(n.LinkScore, row)
		}
		all = append(all, n)
	}
	f, err := placement.NewFleet(all, []string{"rack"})
	if err != nil {
		b.Fatal(err)
	}
	return f
}

func gang(name string, pods int, gpus int64, rules ...placement.LevelRule) placement.Gang {
	return placement.Gang{Name: name, Rules: rules, PodSets: []placement.PodSet{{Name: "workers", Count: pods, Shape: placement.Shape{
		Requests:      placement.Resources{placement.CPU: gpus * 4_000, placement.Memory: gpus << 36, gpu: gpus},
		Architectures: []string{"amd64"},
	}}}}
}

var (
	requiredRack  = placement.LevelRule{Level: "rack", Mode: placement.Required}
	preferredRack = placement.LevelRule{Level: "rack", Mode: placement.Preferred}
)

// BenchmarkGangs places 750 gangs of 4 pods, one after another, on 5,000 nodes
// in 50 racks; every rack is considered for every gang.
func BenchmarkGangs(b *testing.B) {
	f := racks(b, 5000, 50)
	for _, c := range []struct {
		name string
		gpus int64
		rule placement.LevelRule
	}{{"whole-nodes", 8, requiredRack}, {"two-devices", 2, requiredRack}, {"preferred", 8, preferredRack}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				u := placement.NewUsage(f)
				for i := range 750 {
					g := gang(fmt.Sprint("gang-", i), 4, c.gpus, c.rule)
					d, err := placement.Place(context.Background(), u, g)
					if err != nil || d.Outcome != placement.Placed {
						b.Fatal(d.Outcome, err)
					}
					if err := u.Commit(g, d); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(750*b.N)/b.Elapsed().Seconds(), "gangs/s")
		})
	}
}

// BenchmarkLargeGang places one gang of 1,000 pods on 5,000 nodes that others
// have used unevenly.
func BenchmarkLargeGang(b *testing.B) {
	f := racks(b, 5000, 50)
	u := placement.NewUsage(f)
	for i := range 5000 {
		ids := []string{"gpu-0", "gpu-1", "gpu-2", "gpu-4", "gpu-5", "gpu-6", "gpu-7"}[:(i*i+i/7)%8]
		r := placement.Running{Name: fmt.Sprint(i), Node: fmt.Sprintf("node-%d", i), Requests: placement.Resources{gpu: int64(len(ids))}, Devices: ids}
		if err := u.Add(r); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		d, err := placement.Place(context.Background(), u.Clone(), gang("large", 1000, 1, preferredRack))
		if err != nil || d.Outcome != placement.Placed {
			b.Fatal(d.Outcome, err)
		}
	}
}

// BenchmarkInfeasible proves on 500 nodes that a gang fits in no rack, and finds
// the relaxation.
func BenchmarkInfeasible(b *testing.B) {
	f := racks(b, 500, 10)
	b.ReportAllocs()
	for b.Loop() {
		d, err := placement.Place(context.Background(), placement.NewUsage(f), gang("too-large", 64, 8, requiredRack))
		if err != nil || d.Certificate == nil {
			b.Fatal(d.Outcome, err)
		}
	}
}

// BenchmarkChange answers again after one pod came and went on 5,000 nodes.
func BenchmarkChange(b *testing.B) {
	f := racks(b, 5000, 50)
	u := placement.NewUsage(f)
	g := gang("gang", 4, 8, requiredRack)
	b.ReportAllocs()
	for b.Loop() {
		r := placement.Running{Name: "p", Node: "node-2500", Requests: placement.Resources{gpu: 2}, Devices: []string{"gpu-1", "gpu-2"}}
		if err := u.Add(r); err != nil {
			b.Fatal(err)
		}
		if _, err := placement.Place(context.Background(), u, g); err != nil {
			b.Fatal(err)
		}
		if err := u.Remove("p"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLeaderWorkers places a leader without devices and 64 workers in one
// rack of 5,000 nodes: two sets counted together.
func BenchmarkLeaderWorkers(b *testing.B) {
	f := racks(b, 5000, 50)
	g := gang("leader-workers", 64, 8, requiredRack)
	leader := g.PodSets[0]
	leader.Name, leader.Count, leader.Shape.Requests = "leader", 1, placement.Resources{placement.CPU: 4000}
	g.PodSets = append(g.PodSets, leader)
	b.ReportAllocs()
	for b.Loop() {
		d, err := placement.Place(context.Background(), placement.NewUsage(f), g)
		if err != nil || d.Outcome != placement.Placed {
			b.Fatal(d.Outcome, err)
		}
	}
}

// BenchmarkSlices places 1,000 pods in slices of 8 nodes in a rack on 5,000
// nodes that others have used unevenly.
func BenchmarkSlices(b *testing.B) {
	f := racks(b, 5000, 50)
	u := placement.NewUsage(f)
	for i := range 1000 {
		r := placement.Running{Name: fmt.Sprint(i), Node: fmt.Sprintf("node-%d", i*i%5000), Requests: placement.Resources{gpu: 1}, Devices: []string{"gpu-0"}}
		if i*i%5000 == (i-1)*(i-1)%5000 || u.Add(r) != nil {
			continue
		}
	}
	g := gang("slices", 1000, 8, preferredRack)
	g.PodSets[0].Slices = []placement.Slice{{Level: "rack", Size: 8}}
	b.ReportAllocs()
	for b.Loop() {
		d, err := placement.Place(context.Background(), u.Clone(), g)
		if err != nil || d.Outcome != placement.Placed {
			b.Fatal(d.Outcome, err)
		}
	}
}

// BenchmarkInfeasibleLarge is BenchmarkInfeasible on 5,000 nodes.
func BenchmarkInfeasibleLarge(b *testing.B) {
	f := racks(b, 5000, 50)
	b.ReportAllocs()
	for b.Loop() {
		d, err := placement.Place(context.Background(), placement.NewUsage(f), gang("too-large", 128, 8, requiredRack))
		if err != nil || d.Certificate == nil {
			b.Fatal(d.Outcome, err)
		}
	}
}
