// SPDX-License-Identifier: Apache-2.0

package placement_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/device"
	"tarsia.dev/tarsia/placement"
)

const gpuName = "nvidia.com/gpu"

// shareable is a node of n devices that can be shared in thousandths.
func shareable(name string, n int) placement.Node {
	node := placement.Node{Name: name, Allocatable: placement.Resources{placement.CPU: 64000, gpuName: int64(n)}}
	for i := range n {
		node.Devices = append(node.Devices, placement.Device{ID: fmt.Sprint("gpu", i), Resource: gpuName, Capacity: device.Amounts{"milli": 1000}})
	}
	return node
}

// partitioned is a node of eight devices whose modules are not in their order,
// with partitions of 8, 4, 2 and 1.
func partitioned(name string) placement.Node {
	node := placement.Node{Name: name, Allocatable: placement.Resources{placement.CPU: 64000, gpuName: 8}}
	for i, m := range []int{4, 6, 5, 7, 0, 2, 1, 3} {
		node.Devices = append(node.Devices, placement.Device{ID: fmt.Sprint("gpu", i), Resource: gpuName, Module: new(m)})
	}
	for _, size := range []int{8, 4, 2, 1} {
		for at := 0; at < 8; at += size {
			var p []int
			for m := range size {
				p = append(p, at+m)
			}
			node.Partitions = append(node.Partitions, p)
		}
	}
	return node
}

func share(milli int64) placement.Shape {
	return placement.Shape{Requests: placement.Resources{placement.CPU: 1000}, Devices: []device.Request{{Resource: gpuName, Share: device.Amounts{"milli": milli}}}}
}

func whole(n int64) placement.Shape {
	return placement.Shape{Requests: placement.Resources{placement.CPU: 1000, gpuName: n}}
}

// TestDevicesOfOneNode places pods one after another and reads what each got.
func TestDevicesOfOneNode(t *testing.T) {
	for _, c := range []struct {
		name string
		node placement.Node
		pods []placement.Shape
		want []string
	}{
		{
			"shares go to a touched device, whole devices to untouched ones", shareable("a", 2),
			[]placement.Shape{share(300), share(700), share(100), whole(1), share(900), whole(1)},
			[]string{"[gpu0#milli=300]", "[gpu0#milli=700]", "[gpu1#milli=100]",
				"refused: nvidia.com/gpu wanted 1 a pod, found 0 free of 2", "[gpu1#milli=900]", "refused: nvidia.com/gpu wanted 1 a pod, found 0 free of 2"},
		},
		{
			"the tightest share that holds it", shareable("a", 3),
			[]placement.Shape{share(600), share(700), share(800), share(150), share(300), share(500)},
			[]string{"[gpu0#milli=600]", "[gpu1#milli=700]", "[gpu2#milli=800]", "[gpu2#milli=150]", "[gpu1#milli=300]",
				"refused: devices wanted 1 nvidia.com/gpu with milli=500 of each a pod, found 0 of 3 nvidia.com/gpu untouched, at most milli=400 left on one"},
		},
		{
			"partitions by module, large ones kept whole", partitioned("a"),
			[]placement.Shape{whole(1), whole(2), whole(1), whole(4), whole(2)},
			[]string{"[gpu4]", "[gpu5 gpu7]", "[gpu6]", "[gpu0 gpu1 gpu2 gpu3]",
				"refused: devices wanted 2 nvidia.com/gpu a pod, found 0 of 8 nvidia.com/gpu untouched, among them no whole partition of 2"},
		},
		{
			"no partition has three", partitioned("a"), []placement.Shape{whole(3)},
			[]string{"refused: devices wanted 3 nvidia.com/gpu a pod, found 8 of 8 nvidia.com/gpu untouched, and no partition has 3"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := placement.NewFleet([]placement.Node{c.node}, nil)
			if err != nil {
				t.Fatal(err)
			}
			u := placement.NewUsage(f)
			var got []string
			for i, s := range c.pods {
				g := placement.Gang{Name: fmt.Sprint("g", i), PodSets: []placement.PodSet{{Name: "p", Count: 1, Shape: s}}}
				d, err := placement.Place(context.Background(), u, g)
				if err != nil {
					t.Fatal(err)
				}
				if d.Outcome != placement.Placed {
					r := d.Refusals[slices.IndexFunc(d.Refusals, func(r placement.Refusal) bool { return r.Level == "node" })]
					got = append(got, fmt.Sprintf("%s: %s wanted %s, found %s", d.Outcome, r.Constraint, r.Wanted, r.Found))
					continue
				}
				if err := u.Commit(g, d); err != nil {
					t.Fatal(err)
				}
				got = append(got, fmt.Sprint(d.Assignments[0].Devices))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// BenchmarkShares places pods with a share of one device, one after another, on
// 1,500 nodes of which each has eight, and takes as many away.
func BenchmarkShares(b *testing.B) {
	var nodes []placement.Node
	for i := range 1500 {
		nodes = append(nodes, shareable(fmt.Sprint("n", i), 8))
	}
	f, err := placement.NewFleet(nodes, nil)
	if err != nil {
		b.Fatal(err)
	}
	u := placement.NewUsage(f)
	shapes := []placement.Shape{share(300), share(500), whole(1), whole(2), share(100)}
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		g := placement.Gang{Name: fmt.Sprint("g", i), PodSets: []placement.PodSet{{Name: "p", Count: 1, Shape: shapes[i%len(shapes)]}}}
		d, err := placement.Place(b.Context(), u, g)
		if err != nil || d.Outcome != placement.Placed {
			b.Fatal(err, d.Brief())
		}
		if err := u.Commit(g, d); err != nil {
			b.Fatal(err)
		}
		if i >= 4000 {
			if err := u.Remove(placement.PodName(fmt.Sprint("g", i-4000), "p", 0)); err != nil {
				b.Fatal(err)
			}
		}
		i++
	}
}
