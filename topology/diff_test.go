// SPDX-License-Identifier: Apache-2.0

package topology_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/cpuset"
	"tarsia.dev/tarsia/pci"
	"tarsia.dev/tarsia/topology"
)

func diffNode(name string) *topology.Node {
	n := gpuNode(name, nil)
	n.Accelerators[0].UUID = "GPU-" + name
	n.OnlineCPUs = cpuset.Range(0, 7)
	n.NUMANodes = []topology.NUMANode{{ID: 0, CPUs: cpuset.Range(0, 7), MemoryBytes: new(int64(64 << 30)), Distances: map[int]int{0: 10}}}
	n.PCI = []topology.PCIFunction{{Address: pci.Address{Bus: 0x10}, Vendor: pci.VendorNVIDIA, Device: 0x2330, Driver: "nvidia", NUMANode: new(0)}}
	n.NICs = []topology.NIC{{Name: "eth-" + name, Device: "pci/0000:20:00.0", LinkUp: new(true), SpeedMbps: new(int64(100000))}}
	n.Modules = []topology.Module{{Name: "nvidia", Version: "570"}}
	n.Kernel.Parameters = map[string]string{"iommu": "pt"}
	n.Boot.SecureBoot = new(true)
	return n
}

func TestDiff(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*topology.Node)
		want   []topology.Difference
	}{
		{"alike", func(*topology.Node) {}, []topology.Difference{}},
		{"kernel", func(n *topology.Node) { n.Kernel.Release = "6.13" }, []topology.Difference{{Object: "node", Fact: "kernel", A: "6.12", B: "6.13"}}},
		{"parameter", func(n *topology.Node) { n.Kernel.Parameters = nil }, []topology.Difference{{Object: "node", Fact: "parameter iommu", A: `set to "pt"`, B: "not set"}}},
		{"secure boot unknown", func(n *topology.Node) { n.Boot.SecureBoot = nil }, []topology.Difference{{Object: "node", Fact: "secureBoot", A: "true", B: "not known"}}},
		{"vbios", func(n *topology.Node) { n.Firmware[2].Version = "97" }, []topology.Difference{{Object: "pci/0000:10:00.0", Fact: "firmware/vbios", A: "96", B: "97"}}},
		{"bios untold", func(n *topology.Node) { n.Firmware = n.Firmware[1:] }, []topology.Difference{{Object: "node", Fact: "firmware/bios", A: "1", B: "not known"}}},
		{"lost", func(n *topology.Node) { n.Accelerators[0].State = topology.DeviceLost }, []topology.Difference{{Object: "pci/0000:10:00.0", Fact: "state", A: "ok", B: "lost"}}},
		{"lanes", func(n *topology.Node) { n.Links[0].Lanes, n.Links[0].State = new(17), topology.LinkDegraded }, []topology.Difference{
			{Object: "nvlink/nvswitch/local~pci/0000:10:00.0", Fact: "lanes", A: "18", B: "17"},
			{Object: "nvlink/nvswitch/local~pci/0000:10:00.0", Fact: "state", A: "up", B: "degraded"}}},
		{"gpu gone", func(n *topology.Node) {
			n.PCI, n.Accelerators, n.Links, n.Firmware = nil, nil, nil, n.Firmware[:2]
		}, []topology.Difference{
			{Object: "nvlink/nvswitch/local~pci/0000:10:00.0", Fact: "present", A: "18", B: "not there"},
			{Object: "pci/0000:10:00.0", Fact: "present", A: "nvidia X100", B: "not there"}}},
		{"numa node more", func(n *topology.Node) {
			n.NUMANodes = append(n.NUMANodes, topology.NUMANode{ID: 1})
		}, []topology.Difference{{Object: "numa/1", Fact: "present", A: "not there", B: "[]"}}},
		{"memory by a page", func(n *topology.Node) { n.NUMANodes[0].MemoryBytes = new(int64(64<<30 - 4096)) }, []topology.Difference{}},
		{"memory by a module", func(n *topology.Node) { n.NUMANodes[0].MemoryBytes = new(int64(32 << 30)) }, []topology.Difference{{Object: "numa/0", Fact: "memory", A: "64.0 GiB", B: "32.0 GiB"}}},
		{"nic down", func(n *topology.Node) { n.NICs[0].LinkUp, n.NICs[0].SpeedMbps = new(false), nil }, []topology.Difference{
			{Object: "pci/0000:20:00.0", Fact: "nic.linkUp", A: "true", B: "false"},
			{Object: "pci/0000:20:00.0", Fact: "nic.speedMbps", A: "100000", B: "not known"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := diffNode("a"), diffNode("b")
			c.change(b)
			if diff := cmp.Diff(c.want, topology.Diff(a, b)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			back := topology.Diff(b, a)
			if len(back) != len(c.want) {
				t.Fatalf("%d differences the other way, want %d", len(back), len(c.want))
			}
			for i, d := range back {
				if d.A != c.want[i].B && d.Fact != "present" {
					t.Errorf("the other way: %+v", d)
				}
			}
		})
	}
	a, b := diffNode("a"), diffNode("a")
	b.Accelerators[0].UUID = "GPU-swapped"
	want := []topology.Difference{{Object: "pci/0000:10:00.0", Fact: "uuid", A: "GPU-a", B: "GPU-swapped"}}
	if diff := cmp.Diff(want, topology.Diff(a, b)); diff != "" {
		t.Errorf("a board swapped in one node (-want +got):\n%s", diff)
	}
}

func TestDiffFleets(t *testing.T) {
	build := func(vbios string, changed int, names ...string) *topology.Fleet {
		var nodes []*topology.Node
		for i, name := range names {
			n := diffNode(name)
			if i < changed {
				n.Firmware[2].Version = vbios
				n.Modules[0].Version = "580"
			}
			nodes = append(nodes, n)
		}
		return topology.NewFleet("f", nodes, topology.Site{Images: []topology.Image{{Reference: "a:" + vbios, Platforms: []string{"linux/amd64"}}, {Reference: "b:1"}}})
	}
	var names []string
	for i := range 42 {
		names = append(names, fmt.Sprintf("hgx-%02d", i+1))
	}
	if got := topology.DiffFleets(build("96", 0, names...), build("96", 0, names...)); len(got) != 0 {
		t.Errorf("equal fleets differ: %v", got)
	}
	got := topology.DiffFleets(build("96", 0, append([]string{"old"}, names...)...), build("97", 17, append(names, "new")...))
	want := []topology.Difference{
		{Object: "nodes/hgx-[01-17]", Fact: "firmware/vbios", A: "96", B: "97", Nodes: names[:17], Of: 42, Objects: 17},
		{Object: "nodes/hgx-[01-17]", Fact: "module/nvidia version", A: "570", B: "580", Nodes: names[:17], Of: 42, Objects: 17},
		{Object: "nodes/new", Fact: "present", A: "not there", B: "there", Nodes: []string{"new"}, Objects: 1},
		{Object: "nodes/old", Fact: "present", A: "there", B: "not there", Nodes: []string{"old"}, Objects: 1},
		{Object: "image/a:96", Fact: "platforms", A: "linux/amd64", B: "not there"},
		{Object: "image/a:97", Fact: "platforms", A: "not there", B: "linux/amd64"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for i, where := range []string{"17 of 42 nodes: hgx-[01-17]", "17 of 42 nodes: hgx-[01-17]", "new", "old", "image/a:96", "image/a:97"} {
		if got[i].Where() != where {
			t.Errorf("where %q, want %q", got[i].Where(), where)
		}
	}
}
