// SPDX-License-Identifier: Apache-2.0

package topology_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/topology"
)

const cluster = "4b3ccc65-6a5c-4b3c-8c3c-0123456789ab"

// gpuNode has one GPU with a VBIOS and an NVLink to a switch.
func gpuNode(name string, fabric *topology.FabricMember) *topology.Node {
	gpu := topology.Ref("pci/0000:10:00.0")
	return &topology.Node{Name: name, Architecture: "arm64",
		System:       topology.System{Vendor: "Acme", Product: "Tray"},
		Kernel:       topology.Kernel{Release: "6.12"},
		CPUKinds:     []topology.CPUKind{{Name: "Core A"}},
		Accelerators: []topology.Accelerator{{ID: gpu, Vendor: "nvidia", Model: "X100", State: topology.DeviceOK, Driver: "nvidia", DriverVersion: "570", Fabric: fabric, Source: "nvml"}},
		Links:        []topology.Link{{Kind: topology.LinkNVLink, A: "nvswitch/local", B: gpu, Lanes: new(18), MaxLanes: new(18), State: topology.LinkUp}},
		Firmware: []topology.Firmware{
			{Component: "bios", Version: "1"}, {Component: topology.Microcode, Version: "0x1"},
			{Device: gpu, Component: "vbios", Version: "96"}},
	}
}

func TestTrees(t *testing.T) {
	member := &topology.FabricMember{ClusterUUID: cluster, CliqueID: 3, State: topology.FabricCompleted}
	f := topology.NewFleet("f", []*topology.Node{
		gpuNode("t2", member), gpuNode("t1", member),
		gpuNode("alone", &topology.FabricMember{ClusterUUID: "00000000-0000-0000-0000-000000000000", State: topology.FabricCompleted}),
		gpuNode("waiting", &topology.FabricMember{ClusterUUID: cluster, CliqueID: 3, State: "in-progress"}),
		{Name: "mi", Links: []topology.Link{{Kind: topology.LinkXGMI, A: "pci/0000:01:00.0", B: "pci/0000:02:00.0"}}},
		{Name: "plain"},
	}, topology.Site{Name: "dc", Places: map[string][]topology.Place{
		"t1":        {{Tree: "rack", Path: []string{"hall", "r1"}}, {Tree: "nvlink", Path: []string{"ignored"}}},
		"t2":        {{Tree: "rack", Path: []string{"hall", "r2"}}},
		"plain":     {{Tree: "rack", Path: []string{"hall"}}},
		"elsewhere": {{Tree: "rack", Path: []string{"other hall", "r1"}}},
	}})
	read := "links and fabric membership of the nodes"
	want := []topology.DomainTree{
		{Name: "nvlink", Source: read, Domains: []topology.Domain{
			{ID: cluster + ".3", Nodes: []string{"t1", "t2"}},
			{ID: "node/alone", Nodes: []string{"alone"}}, {ID: "node/waiting", Nodes: []string{"waiting"}},
		}},
		{Name: "rack", Source: "site dc", Domains: []topology.Domain{
			{ID: "hall", Nodes: []string{"plain", "t1", "t2"}},
			{ID: "hall/r1", Parent: "hall", Nodes: []string{"t1"}}, {ID: "hall/r2", Parent: "hall", Nodes: []string{"t2"}},
		}},
		{Name: "xgmi", Source: read, Domains: []topology.Domain{{ID: "node/mi", Nodes: []string{"mi"}}}},
	}
	if diff := cmp.Diff(want, f.Trees); diff != "" {
		t.Errorf("trees (-want +got):\n%s", diff)
	}
	rack, _ := f.Tree("rack")
	if diff := cmp.Diff(map[string]string{"t1": "hall/r1", "t2": "hall/r2", "plain": "hall"}, rack.Leaves()); diff != "" {
		t.Errorf("leaves (-want +got):\n%s", diff)
	}
	if n, ok := f.Node("t1"); !ok || n.Name != "t1" {
		t.Error("node t1 is not found")
	}
	if _, ok := f.Node("t3"); ok {
		t.Error("found a node that is not there")
	}
	if _, ok := f.Tree("power"); ok {
		t.Error("found a tree that is not there")
	}
}

func TestBatches(t *testing.T) {
	nodes := []*topology.Node{gpuNode("n1", nil), gpuNode("n2", nil), gpuNode("n3", nil), {Name: "cpu-only", Architecture: "arm64", System: topology.System{Product: "Blade"}}}
	nodes[2].Firmware[2].Version = "97"
	f := topology.NewFleet("f", nodes, topology.Site{})
	var got []string
	for _, b := range f.Batches {
		got = append(got, fmt.Sprintf("%s | %s | %s", b.Topic, b.Group, b))
	}
	want := []string{
		"accelerators | arm64 Acme Tray | 1 nvidia on n[1-3]",
		"driver | nvidia X100 | nvidia 570 on n[1-3]",
		"firmware/bios | arm64 Acme Tray | 1 on n[1-3]",
		"firmware/microcode | arm64 Core A | 0x1 on n[1-3]",
		"firmware/vbios | nvidia X100 | 96 on n[1-2]",
		"firmware/vbios | nvidia X100 | 97 on n3",
		"kernel | arm64 Acme Tray | 6.12 on n[1-3]",
		"links/nvlink | nvidia X100 in arm64 Acme Tray | 18 lanes on n[1-3]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	groups := f.BatchGroups(topology.TopicFirmware)
	if len(groups) != 3 {
		t.Fatalf("%d firmware groups, want 3", len(groups))
	}
	for i, want := range []string{"3 alike", "3 alike", "1 of 3 differ: n3"} {
		if got := groups[i].Summary(); got != want {
			t.Errorf("group %s: %q, want %q", groups[i].Topic, got, want)
		}
	}
	tie := topology.BatchGroup{Batches: []topology.Batch{{Value: "a", Nodes: []string{"n1"}}, {Value: "b", Nodes: []string{"n2"}}}}
	if _, ok := tie.Majority(); ok || tie.Differ() != nil || tie.Summary() != "no majority: a on n1, b on n2" {
		t.Errorf("a tie has a majority: %s", tie.Summary())
	}
}

func TestLostDeviceIsInNoBatch(t *testing.T) {
	n := gpuNode("n", nil)
	n.Accelerators[0].State = topology.DeviceLost
	// Its peer has lost the link to it: one fault, not a batch of links.
	n.Accelerators = append(n.Accelerators, topology.Accelerator{ID: "pci/0000:11:00.0", Vendor: "nvidia", Model: "X100", State: topology.DeviceOK})
	n.Links = append(n.Links, topology.Link{Kind: topology.LinkNVLink, A: "nvswitch/local", B: "pci/0000:11:00.0", MaxLanes: new(12)})
	for _, f := range n.BatchFacts() {
		if f.Object != topology.NodeRef {
			t.Errorf("a lost device tells %s: %s", f.Topic, f.Value)
		}
		if f.Topic == topology.TopicAccelerators && f.Value != "2 nvidia" {
			t.Errorf("a lost device is not counted: %s", f.Value)
		}
	}
}

func TestUnknownIsInNoBatch(t *testing.T) {
	n := gpuNode("n", nil)
	n.Kernel.Release, n.System.Product, n.Accelerators[0].Model, n.Accelerators[0].DriverVersion, n.CPUKinds = "", "", "", "", nil
	n.Links[0].MaxLanes = nil
	if got := n.BatchFacts(); len(got) != 0 {
		t.Errorf("a node that tells nothing is in batches: %v", got)
	}
}

func TestNewFleetIgnoresOrder(t *testing.T) {
	nodes := []*topology.Node{gpuNode("b", nil), gpuNode("a", nil), {Name: "c"}}
	x := topology.NewFleet("f", nodes, topology.Site{})
	slices.Reverse(nodes)
	if diff := cmp.Diff(x, topology.NewFleet("f", nodes, topology.Site{})); diff != "" {
		t.Errorf("the order of nodes matters (-want +got):\n%s", diff)
	}
}

func BenchmarkNewFleet5000(b *testing.B) {
	var nodes []*topology.Node
	places := map[string][]topology.Place{}
	for i := range 5000 {
		n := gpuNode(fmt.Sprintf("n%04d", i), &topology.FabricMember{ClusterUUID: cluster, CliqueID: i / 18, State: topology.FabricCompleted})
		for range 7 {
			n.Accelerators = append(n.Accelerators, n.Accelerators[0])
			n.Firmware = append(n.Firmware, n.Firmware[2])
		}
		nodes = append(nodes, n)
		places[n.Name] = []topology.Place{{Tree: "rack", Path: []string{"hall", fmt.Sprint("r", i/18)}}}
	}
	b.ReportAllocs()
	for b.Loop() {
		topology.NewFleet("f", nodes, topology.Site{Places: places})
	}
}
