// SPDX-License-Identifier: Apache-2.0

package placement_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/device"
	"tarsia.dev/tarsia/placement"
)

// TestSetsThatAskForDevices: pods of several kinds share the devices of one node,
// and what cannot be is refused, not left open.
func TestSetsThatAskForDevices(t *testing.T) {
	mig := func(n int) placement.Node {
		node := placement.Node{Name: "a", Allocatable: placement.Resources{placement.CPU: 64000}}
		for i := range n {
			node.Devices = append(node.Devices, placement.Device{ID: fmt.Sprint("gpu", i), Resource: gpuName, Slots: device.MIG("NVIDIA H100 80GB HBM3")})
		}
		return node
	}
	cut := func(count int, profile string) placement.PodSet {
		return placement.PodSet{Name: profile, Count: count, Shape: placement.Shape{Devices: []device.Request{{Resource: gpuName, Profile: profile}}}}
	}
	full := func(n int) placement.PodSet { return placement.PodSet{Name: "whole", Count: 1, Shape: whole(int64(n))} }
	for _, c := range []struct {
		name string
		node placement.Node
		sets []placement.PodSet
		want string
	}{
		{"two of three and one more", mig(1), []placement.PodSet{cut(2, "3g.40gb"), cut(1, "1g.10gb")}, "refused"},
		{"three, two and two ones", mig(1), []placement.PodSet{cut(2, "1g.10gb"), cut(1, "2g.20gb"), cut(1, "3g.40gb")}, "placed on 1"},
		{"seven ones and a whole device", mig(2), []placement.PodSet{cut(7, "1g.10gb"), cut(1, "7g.80gb")}, "placed on 2"},
		{"no device left untouched", mig(2), []placement.PodSet{cut(8, "1g.10gb"), cut(1, "7g.80gb")}, "refused"},
		{"partitions of two and of four", partitioned("a"), []placement.PodSet{{Name: "two", Count: 2, Shape: whole(2)}, {Name: "four", Count: 1, Shape: whole(4)}}, "placed on 8"},
		{"three pairs leave no four", partitioned("a"), []placement.PodSet{{Name: "two", Count: 3, Shape: whole(2)}, {Name: "four", Count: 1, Shape: whole(4)}}, "refused"},
		{"shares beside whole devices", shareable("a", 2), []placement.PodSet{{Name: "share", Count: 2, Shape: share(500)}, full(1)}, "placed on 2"},
		{"too many shares beside a whole device", shareable("a", 2), []placement.PodSet{{Name: "share", Count: 3, Shape: share(500)}, full(1)}, "refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := placement.NewFleet([]placement.Node{c.node}, nil)
			if err != nil {
				t.Fatal(err)
			}
			u := placement.NewUsage(f)
			g := placement.Gang{Name: "g", PodSets: c.sets}
			d, err := placement.Place(context.Background(), u, g)
			if err != nil {
				t.Fatal(err)
			}
			got := string(d.Outcome)
			if d.Outcome == placement.Placed {
				used := map[string]bool{}
				for _, a := range d.Assignments {
					for _, name := range a.Devices {
						p, err := device.ParsePart(name)
						if err != nil {
							t.Fatal(err)
						}
						used[p.ID] = true
					}
				}
				got += fmt.Sprint(" on ", len(used))
				if err := u.Commit(g, d); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s\n%+v", diff, d)
			}
		})
	}
}
