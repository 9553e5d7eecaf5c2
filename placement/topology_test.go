// SPDX-License-Identifier: Apache-2.0

package placement_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/placement"
	"tarsia.dev/tarsia/topology"
	"tarsia.dev/tarsia/topology/topologytest"
)

func TestFromTopology(t *testing.T) {
	lost := topologytest.HGX("hgx-2")
	lost.Accelerators[6].State, lost.Accelerators[6].StateReason = topology.DeviceLost, "fell off the bus"
	lost.Accelerators[1].NUMANode = nil
	fleet := topology.NewFleet("test", []*topology.Node{topologytest.HGX("hgx-1"), lost, topologytest.Tray("tray-1"), topologytest.Tray("tray-2"), topologytest.Board("board")},
		topology.Site{Name: "site", Places: map[string][]topology.Place{
			"hgx-1": {{Tree: "rack", Path: []string{"hall", "r1"}}}, "tray-1": {{Tree: "rack", Path: []string{"hall", "r2"}}},
		}})
	nodes := map[string]placement.Node{}
	all := placement.FromTopology(fleet)
	for _, n := range all {
		nodes[n.Name] = n
	}
	if _, err := placement.NewFleet(all, []string{"rack/parent", "rack"}); err != nil {
		t.Fatal(err)
	}

	hgx, tray, board := nodes["hgx-2"], nodes["tray-1"], nodes["board"]
	if diff := cmp.Diff(placement.Resources{placement.CPU: 224_000, placement.Memory: 2048 << 30, placement.Pods: 110, gpu: 8, "rdma/nic": 8}, hgx.Allocatable); diff != "" {
		t.Error(diff)
	}
	if got := hgx.Devices[6].Unusable; got != "lost: fell off the bus" {
		t.Errorf("the lost device says %q", got)
	}
	if diff := cmp.Diff([]placement.Taint{{Key: "tarsia.dev/degraded", Value: "device-lost", Effect: "PreferNoSchedule"}}, hgx.Taints); diff != "" {
		t.Errorf("the node with a lost device (-want +got):\n%s", diff)
	}
	if len(nodes["hgx-1"].Taints) > 0 {
		t.Errorf("a whole node has taints %v", nodes["hgx-1"].Taints)
	}
	if got, want := nodes["hgx-1"].Labels["nvidia.com/gpu.product"], strings.ReplaceAll(topologytest.HGX("x").Accelerators[0].Model, " ", "-"); got != want || want == "" {
		t.Errorf("the node says model %q, want %q", got, want)
	}
	if z := hgx.Devices[1].Zone; z != nil {
		t.Errorf("a device of unknown NUMA node has zone %d", *z)
	}
	if z := hgx.Devices[7].Zone; z == nil || *z != 1 {
		t.Error("device 7 is not in zone 1")
	}
	if hgx.LinkScore[0][1] <= 100 || hgx.LinkScore[0][1] != hgx.LinkScore[0][7] {
		t.Errorf("link scores %v, want NVLink all to all", hgx.LinkScore)
	}

	if d := hgx.Devices[7]; d.Module == nil || *d.Module != 8 || d.Socket == nil || *d.Socket != 1 || d.PCIe == "" {
		t.Errorf("device 7 is %+v, want module 8 at package 1 under a known switch", d)
	}
	nic := slices.IndexFunc(hgx.Devices, func(d placement.Device) bool { return d.Resource == "rdma/nic" && d.PCIe == hgx.Devices[7].PCIe })
	if nic < 0 || !hgx.Devices[nic].Auxiliary || hgx.Allocatable["rdma/nic"] != 8 {
		t.Errorf("no NIC under the switch of device 7 among %d", hgx.Allocatable["rdma/nic"])
	}

	// The trays' GPU memory nodes are no zones and no memory of the host.
	var zones []int
	for _, z := range tray.Zones {
		zones = append(zones, z.ID)
	}
	if diff := cmp.Diff([]int{0, 1}, zones); diff != "" {
		t.Error(diff)
	}
	if got := tray.Allocatable[placement.Memory]; got != 956<<30 {
		t.Errorf("%d bytes of memory, want 956 GiB", got)
	}
	domains := map[string]string{}
	for _, d := range tray.Domains {
		domains[d.Level] = d.ID
	}
	clique := tray.Labels["nvidia.com/gpu.clique"]
	if !strings.HasSuffix(clique, ".1") {
		t.Errorf("clique %q", clique)
	}
	want := map[string]string{
		"rack": "hall/r2", "rack/parent": "hall", "nvlink": clique, "nvidia.com/gpu.clique": clique, "host": "tray-1", "kubernetes.io/hostname": "tray-1",
	}
	if diff := cmp.Diff(want, domains); diff != "" {
		t.Error(diff)
	}

	if board.Architecture != "riscv64" || board.Labels["kubernetes.io/arch"] != "riscv64" {
		t.Errorf("architecture %q", board.Architecture)
	}
	for _, d := range board.Devices {
		if d.Zone != nil {
			t.Errorf("device %s of the board has zone %d, and its NUMA node is not known", d.ID, *d.Zone)
		}
	}
}

// TestGangInOneNVLinkDomain: four pods of four devices lie on the trays of one
// domain, and a fifth shows that it does not fit.
func TestGangInOneNVLinkDomain(t *testing.T) {
	var machines []*topology.Node
	for _, name := range []string{"gb200-1", "gb200-2", "gb200-10", "gb200-11"} {
		machines = append(machines, topologytest.Tray(name))
	}
	machines = append(machines, topologytest.HGX("hgx-1"))
	nodes := placement.FromTopology(topology.NewFleet("test", machines, topology.Site{}))
	rule := placement.LevelRule{Level: "nvlink", Mode: placement.Required}
	g := placement.Gang{Name: "train", Rules: []placement.LevelRule{rule}, PodSets: []placement.PodSet{{
		Name: "worker", Count: 4, Shape: placement.Shape{Requests: placement.Resources{gpu: 4}, Architectures: []string{"arm64"}},
	}}}
	d := place(t, usage(t, nodes, nil), g)
	var got []string
	for _, a := range d.Assignments {
		got = append(got, a.Node)
	}
	if diff := cmp.Diff([]string{"gb200-1", "gb200-2", "gb200-10", "gb200-11"}, got); diff != "" || len(d.Assignments[0].Devices) != 4 {
		t.Errorf("%s %+v", diff, d)
	}
	g.PodSets[0].Count = 5
	d = place(t, usage(t, nodes, nil), g)
	if d.Outcome != placement.Refused || len(d.Certificate.Domains) != 2 || d.Certificate.Relax.Change != "pods 5 -> 4" {
		t.Errorf("%+v", d.Certificate)
	}
}
