// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tarsia.dev/tarsia/placement"
)

// example reads files of examples under their own names.
func example(t testing.TB, names ...string) []File {
	t.Helper()
	var files []File
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join("../examples", name))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, File{name, data})
	}
	return files
}

func gpus(n int64) placement.Resources {
	return placement.Resources{"cpu": 32000, "memory": 256 << 30, "nvidia.com/gpu": n}
}

func TestReadExamples(t *testing.T) {
	in, err := Read(example(t, "nodes.yaml", "running.yaml", "job.yaml", "jobset.yaml", "podgroup.yaml", "too-big.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	wantGangs := []placement.Gang{
		{
			Name:    "job/train",
			Rules:   []placement.LevelRule{{Level: "nvlink", Mode: placement.Required}},
			PodSets: []placement.PodSet{{Name: "train", Count: 4, Shape: placement.Shape{Requests: gpus(4)}}},
		},
		{
			Name:  "jobset/reinforce",
			Rules: []placement.LevelRule{{Level: "rack", Mode: placement.Preferred}},
			PodSets: []placement.PodSet{
				{Name: "driver", Count: 1, Shape: placement.Shape{Requests: placement.Resources{"cpu": 4000, "memory": 16 << 30}}},
				{Name: "workers", Count: 4, Shape: placement.Shape{
					// 48 cores of the init container, which starts before the sidecar.
					Requests:      placement.Resources{"cpu": 48000, "memory": 128<<30 + 512<<20, "nvidia.com/gpu": 2},
					Architectures: []string{"amd64"},
				}},
			},
		},
		{
			Name:  "podgroup/build",
			Rules: []placement.LevelRule{{Level: "topology.kubernetes.io/zone", Mode: placement.Required}},
			PodSets: []placement.PodSet{{Name: "build", Count: 2, Shape: placement.Shape{
				Requests:      placement.Resources{"cpu": 16000, "memory": 32 << 30},
				Architectures: []string{"riscv64"},
			}}},
		},
		{
			Name:    "job/too-big",
			Rules:   []placement.LevelRule{{Level: "nvlink", Mode: placement.Required}},
			PodSets: []placement.PodSet{{Name: "too-big", Count: 8, Shape: placement.Shape{Requests: gpus(4)}}},
		},
	}
	if diff := cmp.Diff(wantGangs, in.Gangs, cmpopts.IgnoreFields(placement.Shape{}, "QoS", "Images"), cmpopts.IgnoreFields(placement.Gang{}, "Labels")); diff != "" {
		t.Errorf("gangs (-want +got):\n%s", diff)
	}
	wantRunning := []placement.Running{{
		Name: "research/notebook", Node: "hgx-1",
		Requests: placement.Resources{"cpu": 8000, "memory": 64 << 30, "nvidia.com/gpu": 1},
	}}
	if diff := cmp.Diff(wantRunning, in.Running); diff != "" {
		t.Errorf("running (-want +got):\n%s", diff)
	}
	var names []string
	for _, n := range in.Nodes {
		names = append(names, n.Name)
	}
	if diff := cmp.Diff([]string{"gb200-1", "gb200-2", "gb200-3", "gb200-4", "hgx-1", "hgx-2", "rv-1", "hgx-3"}, names); diff != "" {
		t.Errorf("nodes (-want +got):\n%s", diff)
	}
	wantNode := placement.Node{
		Name: "gb200-1", Architecture: "arm64",
		Labels: map[string]string{
			"kubernetes.io/arch": "arm64", "kubernetes.io/hostname": "gb200-1", "kubernetes.io/os": "linux",
			"nvidia.com/gpu.clique":  "5d0b8f4e-7c1a-4f6e-9a55-1f2e3d4c5b6a.32766",
			"nvidia.com/gpu.product": "NVIDIA-GB200", "tarsia.dev/rack": "r1", "topology.kubernetes.io/zone": "zone-a",
		},
		Allocatable: placement.Resources{"cpu": 142000, "memory": 998244352 << 10, "nvidia.com/gpu": 4, "pods": 110},
		Domains: []placement.Domain{
			{Level: "zone", ID: "zone-a"}, {Level: "rack", ID: "r1"},
			{Level: "nvlink", ID: "5d0b8f4e-7c1a-4f6e-9a55-1f2e3d4c5b6a.32766"}, {Level: "host", ID: "gb200-1"},
			{Level: "topology.kubernetes.io/zone", ID: "zone-a"},
		},
	}
	if diff := cmp.Diff(wantNode, in.Nodes[0]); diff != "" {
		t.Errorf("first node (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]placement.Taint{{Key: "reserved", Value: "research", Effect: "NoSchedule"}}, in.Nodes[7].Taints); diff != "" {
		t.Errorf("taints (-want +got):\n%s", diff)
	}
	wantNotes := []string{"running.yaml:21: Pod research/yesterday has finished: it is neither placed nor counted as running"}
	if diff := cmp.Diff(wantNotes, in.Notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}
