// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/placement"
)

// nodeText writes a Node whose kubelet reports, with text under metadata, spec
// and status in flow style.
func nodeText(meta, spec, status string) string {
	return "apiVersion: v1\nkind: Node\nmetadata: {name: n" + meta + "}\nspec: {" + spec + "}\nstatus: {" + status + "}\n"
}

const ready = ", conditions: [{type: Ready, status: 'True'}]"

func TestNodeReadiness(t *testing.T) {
	tests := []struct {
		name, status string
		want         string
		notes        []string
	}{
		{"ready", "allocatable: {cpu: 1}" + ready, "", nil},
		{"false", "allocatable: {cpu: 1}, conditions: [{type: DiskPressure, status: 'False'}, {type: Ready, status: 'False', reason: KubeletNotReady}]", `Ready is "False": KubeletNotReady`, nil},
		{"unknown", "allocatable: {cpu: 1}, conditions: [{type: Ready, status: Unknown, reason: NodeStatusUnknown}]", `Ready is "Unknown": NodeStatusUnknown`, nil},
		{"not reported", "allocatable: {cpu: 1}, conditions: [{type: DiskPressure, status: 'False'}]", "Ready condition is not reported", nil},
		{"no conditions", "allocatable: {cpu: 1}", "", []string{"f:1: Node n reports no conditions; it is taken to be ready"}},
		{"capacity only", "capacity: {cpu: 1}" + ready, "", []string{"f:5: Node n reports no allocatable resources; its capacity is taken"}},
		{"no resources", ready[2:], "neither allocatable resources nor capacity are reported", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in, err := Read([]File{{"f", []byte(nodeText("", "", tt.status))}})
			if err != nil {
				t.Fatal(err)
			}
			if in.Nodes[0].NotReady != tt.want {
				t.Errorf("not ready: got %q, want %q", in.Nodes[0].NotReady, tt.want)
			}
			if diff := cmp.Diff(tt.notes, in.Notes); diff != "" {
				t.Errorf("notes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNodeLabels(t *testing.T) {
	host := placement.Domain{Level: "host", ID: "n"}
	tests := []struct {
		name, labels, info string
		arch               string
		domains            []placement.Domain
		notes              []string
	}{
		{"none", "", "", "", []placement.Domain{host}, nil},
		{"architecture by label", "kubernetes.io/arch: riscv64", "", "riscv64", []placement.Domain{host}, nil},
		{"architecture by old label", "beta.kubernetes.io/arch: arm64", "", "arm64", []placement.Domain{host}, nil},
		{"architecture by kubelet", "kubernetes.io/arch: amd64", "arm64", "arm64", []placement.Domain{host},
			[]string{"f:5: Node n is arm64 by its kubelet and amd64 by its label; the kubelet is believed"}},
		{"well-known levels", "topology.kubernetes.io/region: r, topology.kubernetes.io/zone: z, kubernetes.io/hostname: h", "", "",
			[]placement.Domain{{Level: "region", ID: "r"}, {Level: "zone", ID: "z"}, {Level: "host", ID: "h"}}, nil},
		{"clique before topograph", "accelerator.topograph.run/domain: d, nvidia.com/gpu.clique: c.1, fabric.topograph.run/tier-0: s", "", "",
			[]placement.Domain{{Level: "rack", ID: "s"}, {Level: "nvlink", ID: "c.1"}, host}, nil},
		{"old keys", "network.topology.nvidia.com/accelerator: d, network.topology.nvidia.com/leaf: s", "", "",
			[]placement.Domain{{Level: "rack", ID: "s"}, {Level: "nvlink", ID: "d"}, host}, []string{
				"f:3: label network.topology.nvidia.com/leaf is out of date, its writer now sets fabric.topograph.run/tier-0",
				"f:3: label network.topology.nvidia.com/accelerator is out of date, its writer now sets accelerator.topograph.run/domain",
			}},
		{"ours first, the old one still said", "tarsia.dev/rack: a, network.topology.nvidia.com/leaf: s", "", "",
			[]placement.Domain{{Level: "rack", ID: "a"}, host},
			[]string{"f:3: label network.topology.nvidia.com/leaf is out of date, its writer now sets fabric.topograph.run/tier-0"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := nodeText(", labels: {"+tt.labels+"}", "", "allocatable: {cpu: 1}, nodeInfo: {architecture: '"+tt.info+"'}"+ready)
			in, err := Read([]File{{"f", []byte(text)}})
			if err != nil {
				t.Fatal(err)
			}
			if in.Nodes[0].Architecture != tt.arch {
				t.Errorf("architecture: got %q, want %q", in.Nodes[0].Architecture, tt.arch)
			}
			if diff := cmp.Diff(tt.domains, in.Nodes[0].Domains); diff != "" {
				t.Errorf("domains (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.notes, in.Notes); diff != "" {
				t.Errorf("notes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNodeUnits(t *testing.T) {
	in, err := Read([]File{{"f", []byte(nodeText("", "unschedulable: true", `allocatable: {cpu: 3920m, memory: "31Gi", pods: "110", nvidia.com/gpu: "8", hugepages-2Mi: 1G, example.com/x: 2k}`+ready))}})
	if err != nil {
		t.Fatal(err)
	}
	want := placement.Node{
		Name: "n", Unschedulable: true, Domains: []placement.Domain{{Level: "host", ID: "n"}},
		Allocatable: placement.Resources{"cpu": 3920, "memory": 31 << 30, "pods": 110, "nvidia.com/gpu": 8, "hugepages-2Mi": 1e9, "example.com/x": 2000},
	}
	if diff := cmp.Diff(want, in.Nodes[0]); diff != "" {
		t.Errorf("node (-want +got):\n%s", diff)
	}
}

func TestRunningElsewhere(t *testing.T) {
	text := pod("a", "", ", nodeName: gone") + pod("b", "", ", nodeName: n")
	with, err := Read([]File{{"f", []byte(nodeText("", "", "allocatable: {cpu: 1}"+ready) + text)}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]placement.Running{{Name: "default/b", Node: "n", Requests: placement.Resources{}}}, with.Running); diff != "" {
		t.Errorf("running (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"f:10: Pod a runs on node gone, which is not in the files"}, with.Notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
	// Nodes may come from elsewhere; then nobody here can say who is missing.
	without, err := Read([]File{{"f", []byte(text)}})
	if err != nil {
		t.Fatal(err)
	}
	if len(without.Running) != 2 || without.Notes != nil {
		t.Errorf("without nodes: got %v and notes %q, want both pods and no note", without.Running, without.Notes)
	}
}
