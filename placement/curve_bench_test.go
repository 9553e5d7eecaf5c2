// SPDX-License-Identifier: Apache-2.0

package placement_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"tarsia.dev/tarsia/placement"
)

// BenchmarkNodes places gangs of four pods of eight devices, one after another
// and all in one rack each, on fleets of growing size; a rack has 100 nodes.
// "MB" is the heap that the fleet and what runs on it hold.
func BenchmarkNodes(b *testing.B) {
	for _, nodes := range []int{100, 1_000, 5_000, 20_000, 100_000} {
		b.Run(fmt.Sprint(nodes), func(b *testing.B) {
			before := heap()
			f := racks(b, nodes, nodes/100)
			u := placement.NewUsage(f)
			placed := 0
			for b.Loop() {
				if placed == nodes/5 { // four fifths of the fleet
					b.StopTimer()
					u, placed = placement.NewUsage(f), 0
					b.StartTimer()
				}
				bookGang(b, u, gang(fmt.Sprint("gang-", placed), 4, 8, requiredRack))
				placed++
			}
			b.ReportMetric(float64(heap()-before)/1e6, "MB")
			runtime.KeepAlive(u)
		})
	}
}

// BenchmarkGangSize places one gang of growing size on 5,000 nodes in 50 racks;
// it need not keep to one.
func BenchmarkGangSize(b *testing.B) {
	f := racks(b, 5_000, 50)
	for _, pods := range []int{1, 4, 16, 64, 256, 1_000} {
		b.Run(fmt.Sprint(pods), func(b *testing.B) {
			u := placement.NewUsage(f)
			for b.Loop() {
				g := gang("large", pods, 8, preferredRack)
				bookGang(b, u, g)
				for i := range pods {
					if err := u.Remove(placement.PodName(g.Name, "workers", i)); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

// BenchmarkDevices places gangs of four pods of two devices on 1,000 nodes in 10
// racks, each node with a growing number of devices that are joined unequally:
// pairs by links of their own.
func BenchmarkDevices(b *testing.B) {
	for _, devices := range []int{2, 4, 8, 12, 16} {
		b.Run(fmt.Sprint(devices), func(b *testing.B) {
			f := pairs(b, 1_000, 10, devices)
			u := placement.NewUsage(f)
			placed := 0
			for b.Loop() {
				if placed == 100*devices { // four fifths of the fleet
					b.StopTimer()
					u, placed = placement.NewUsage(f), 0
					b.StartTimer()
				}
				bookGang(b, u, gang(fmt.Sprint("gang-", placed), 4, 2, requiredRack))
				placed++
			}
		})
	}
}

func pairs(b *testing.B, nodes, racks, devices int) *placement.Fleet {
	b.Helper()
	var all []placement.Node
	for i := range nodes {
		n := placement.Node{
			Name: fmt.Sprint("node-", i), Architecture: "amd64",
			Allocatable: placement.Resources{placement.CPU: 192_000, placement.Memory: 2 << 40, gpu: int64(devices)},
			Domains:     []placement.Domain{{Level: "rack", ID: fmt.Sprint("rack-", i*racks/nodes)}},
		}
		for d := range devices {
			row := make([]int, devices)
			for o := range row {
				switch {
				case o == d:
				case o/2 == d/2:
					row[o] = 400
				default:
					row[o] = 20
				}
			}
			n.Devices = append(n.Devices, placement.Device{ID: fmt.Sprint("gpu-", d), Resource: gpu})
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

func bookGang(b *testing.B, u *placement.Usage, g placement.Gang) {
	d, err := placement.Place(context.Background(), u, g)
	if err != nil || d.Outcome != placement.Placed {
		b.Fatal(d.Outcome, err)
	}
	if err := u.Commit(g, d); err != nil {
		b.Fatal(err)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
