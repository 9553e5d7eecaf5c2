// SPDX-License-Identifier: Apache-2.0

package placement_test

import (
	"context"
	"fmt"
	"testing"

	"tarsia.dev/tarsia/placement"
	"tarsia.dev/tarsia/topologymanager"
)

// BenchmarkClaimGang is 16 pods that may each have a whole or half a device, on
// 1,000 nodes of 8 devices: with nothing remembered, and again when one node has
// changed.
func BenchmarkClaimGang(b *testing.B) {
	var nodes []placement.Node
	for i := range 1000 {
		nodes = append(nodes, widgets(fmt.Sprint("n", i), 8))
	}
	g := placement.Gang{Name: "g", PodSets: []placement.PodSet{claimants("s", 16, sizes(b, 2, 1))}}
	benchmarkGang(b, nodes, g)
}

// BenchmarkKubeletGang is 16 pods of 4 devices on 1,000 nodes whose kubelets want
// each in one NUMA zone.
func BenchmarkKubeletGang(b *testing.B) {
	var nodes []placement.Node
	for i := range 1000 {
		nodes = append(nodes, aligned(fmt.Sprint("n", i), 8, topologymanager.SingleNUMANode))
	}
	shape := placement.Shape{Requests: placement.Resources{placement.CPU: 16000, placement.Memory: 64 << 30, gpu: 4}, QoS: topologymanager.QoSGuaranteed}
	benchmarkGang(b, nodes, placement.Gang{Name: "g", PodSets: []placement.PodSet{{Name: "s", Count: 16, Shape: shape}}})
}

func benchmarkGang(b *testing.B, nodes []placement.Node, g placement.Gang) {
	f, err := placement.NewFleet(nodes, nil)
	if err != nil {
		b.Fatal(err)
	}
	run := func(u *placement.Usage) placement.Decision {
		d, err := placement.Place(context.Background(), u, g)
		if err != nil || d.Outcome != placement.Placed {
			b.Fatalf("got %s, %v", d.Outcome, err)
		}
		return d
	}
	b.Run("first", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			run(placement.NewUsage(f))
		}
	})
	b.Run("one node changed", func(b *testing.B) {
		b.ReportAllocs()
		u := placement.NewUsage(f)
		run(u)
		for i := 0; b.Loop(); i++ {
			p := placement.Running{Name: "x", Node: nodes[i%len(nodes)].Name, Requests: placement.Resources{placement.CPU: 1000}}
			if err := u.Add(p); err != nil {
				b.Fatal(err)
			}
			run(u)
			if err := u.Remove("x"); err != nil {
				b.Fatal(err)
			}
		}
	})
}
