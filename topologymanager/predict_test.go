// SPDX-License-Identifier: Apache-2.0

package topologymanager

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const gpu = "nvidia.com/gpu"

// twoSockets is a node of two zones with cpus, GiB and gpus free in each.
func twoSockets(k Kubelet, cpus, gib, gpus [2]int64) Node {
	n := Node{Kubelet: k}
	for id := range 2 {
		n.Zones = append(n.Zones, Zone{
			ID:        id,
			Capacity:  Resources{"cpu": 16000, "memory": 64 << 30, gpu: 4},
			Available: Resources{"cpu": cpus[id] * 1000, "memory": gib[id] << 30, gpu: gpus[id]},
			Distances: map[int]int{id: 10, 1 - id: 21},
		})
	}
	return n
}

func guaranteed(cs ...Container) Pod { return Pod{QoS: QoSGuaranteed, Containers: cs} }

func wants(name string, cpus, gib, gpus int64) Container {
	return Container{Name: name, Requests: Resources{"cpu": cpus * 1000, "memory": gib << 30, gpu: gpus}}
}

func initial(c Container) Container { c.Init = true; return c }

func sidecar(c Container) Container { c.Init, c.Sidecar = true, true; return c }

func TestPredict(t *testing.T) {
	single := Kubelet{Policy: SingleNUMANode}
	full := [2]int64{16, 16}
	mem := [2]int64{64, 64}
	cases := []struct {
		name  string
		node  Node
		pod   Pod
		zones [][]int // by container; nil wants a refusal
		why   string
	}{
		{"a pod that fits one socket gets the lower one", twoSockets(single, full, mem, [2]int64{4, 4}), guaranteed(wants("a", 8, 32, 2)), [][]int{{0}}, ""},
		{"four GPUs, two a socket", twoSockets(single, full, mem, [2]int64{2, 2}), guaranteed(wants("a", 8, 32, 4)), nil,
			`container "a": 4 nvidia.com/gpu wanted in one NUMA zone, 4 free, 2 per zone; single-numa-node refuses`},
		{"GPUs on one socket, CPUs on the other", twoSockets(single, [2]int64{2, 16}, mem, [2]int64{4, 0}), guaranteed(wants("a", 8, 8, 1)), nil,
			`container "a": 8 cpu fits zone 1; 1 nvidia.com/gpu fits zone 0; 8 GiB memory fits zone 0 or zone 1; no choice holds all of them; single-numa-node refuses`},
		{"best-effort admits the same", twoSockets(Kubelet{Policy: BestEffort}, [2]int64{2, 16}, mem, [2]int64{4, 0}), guaranteed(wants("a", 8, 8, 1)), [][]int{{0, 1}}, ""},
		{"restricted refuses the same", twoSockets(Kubelet{Policy: Restricted}, [2]int64{2, 16}, mem, [2]int64{4, 0}), guaranteed(wants("a", 8, 8, 1)), nil, "restricted refuses"},
		{"none admits the same", twoSockets(Kubelet{Policy: None}, [2]int64{2, 16}, mem, [2]int64{4, 0}), guaranteed(wants("a", 8, 8, 1)), [][]int{{0, 1}}, ""},
		{"restricted takes two sockets where one could never do", twoSockets(Kubelet{Policy: Restricted}, full, mem, [2]int64{4, 4}),
			guaranteed(Container{Name: "a", Requests: Resources{gpu: 6}}), [][]int{{0, 1}}, ""},
		{"restricted refuses a spread that an empty node would not need", twoSockets(Kubelet{Policy: Restricted}, full, mem, [2]int64{1, 3}),
			guaranteed(Container{Name: "a", Requests: Resources{gpu: 4}}), nil, "4 nvidia.com/gpu wanted in one NUMA zone, 4 free, 1 in zone 0, 3 in zone 1; restricted refuses"},
		{"restricted wants the same zones for all resources", twoSockets(Kubelet{Policy: Restricted}, full, mem, [2]int64{4, 4}), guaranteed(wants("a", 8, 8, 6)), nil,
			"8 cpu fits zone 0 or zone 1; 6 nvidia.com/gpu fits zones 0 and 1; 8 GiB memory fits zone 0 or zone 1; no choice holds all of them"},
		{"fractional CPUs are shared", twoSockets(single, [2]int64{0, 0}, mem, [2]int64{1, 0}),
			guaranteed(Container{Name: "a", Requests: Resources{"cpu": 1500, gpu: 1}}), [][]int{{0}}, ""},
		{"a burstable pod aligns devices only", twoSockets(single, [2]int64{0, 0}, [2]int64{0, 0}, [2]int64{0, 2}),
			Pod{QoS: QoSBurstable, Containers: []Container{wants("a", 64, 512, 2)}}, [][]int{{1}}, ""},
		{"shared CPUs are not aligned", twoSockets(Kubelet{Policy: SingleNUMANode, SharedCPUs: true}, [2]int64{16, 0}, [2]int64{0, 64}, full), guaranteed(wants("a", 8, 8, 1)), [][]int{{1}}, ""},
		{"shared memory is not aligned", twoSockets(Kubelet{Policy: SingleNUMANode, SharedMemory: true}, [2]int64{16, 0}, [2]int64{0, 64}, full), guaranteed(wants("a", 8, 8, 1)), [][]int{{0}}, ""},
		{"containers spread", twoSockets(single, full, mem, [2]int64{4, 4}), guaranteed(wants("a", 12, 1, 0), wants("b", 12, 1, 0)), [][]int{{0}, {1}}, ""},
		{"kubelet does not look back", twoSockets(single, [2]int64{8, 4}, mem, full), guaranteed(wants("a", 4, 1, 0), wants("b", 8, 1, 0)), nil, `container "b": 8 cpu wanted in one NUMA zone, 8 free, 4 per zone`},
		{"pod scope keeps containers together", twoSockets(Kubelet{Policy: SingleNUMANode, Scope: PodScope}, full, mem, full), guaranteed(wants("a", 12, 1, 0), wants("b", 12, 1, 0)), nil, "the pod: 24 cpu wanted"},
		{"pod scope and small containers", twoSockets(Kubelet{Policy: SingleNUMANode, Scope: PodScope}, [2]int64{4, 16}, mem, full), guaranteed(wants("a", 4, 1, 0), wants("b", 4, 1, 0)), [][]int{{1}, {1}}, ""},
		{"pod scope counts the peak of init containers", twoSockets(Kubelet{Policy: SingleNUMANode, Scope: PodScope}, [2]int64{8, 16}, mem, full), guaranteed(initial(wants("i", 12, 1, 0)), wants("a", 4, 1, 0)), [][]int{{1}, {1}}, ""},
		{"pod scope adds sidecars", twoSockets(Kubelet{Policy: SingleNUMANode, Scope: PodScope}, [2]int64{8, 12}, mem, full), guaranteed(sidecar(wants("s", 4, 1, 0)), initial(wants("i", 8, 1, 0)), wants("a", 4, 1, 0)), [][]int{{1}, {1}, {1}}, ""},
		{"an init container's CPUs are used again", twoSockets(single, [2]int64{16, 0}, mem, full), guaranteed(initial(wants("i", 16, 60, 2)), wants("a", 16, 60, 2)), [][]int{{0}, {0}}, ""},
		{"a sidecar's are not", twoSockets(single, [2]int64{16, 0}, mem, full), guaranteed(sidecar(wants("s", 16, 1, 0)), wants("a", 16, 1, 0)), nil, `container "a": 16 cpu wanted in one NUMA zone, 0 free`},
		{"what an init container held binds the next", twoSockets(single, full, mem, full), guaranteed(initial(wants("i", 16, 1, 0)), wants("a", 10, 1, 0), wants("b", 10, 1, 0)), nil,
			"6 of the pod's init containers in zone 0 that must be among them"},
		{"unless it is forgotten", twoSockets(Kubelet{Policy: SingleNUMANode, ForgetInit: true}, full, mem, full), guaranteed(initial(wants("i", 16, 1, 0)), wants("a", 10, 1, 0), wants("b", 10, 1, 0)), [][]int{{0}, {0}, {1}}, ""},
		{"whole cores only", twoSockets(Kubelet{Policy: SingleNUMANode, ThreadsPerCore: 2}, full, mem, full), guaranteed(wants("a", 3, 1, 0)), nil, "3 CPUs wanted, and the CPU manager gives whole cores of 2 threads"},
		{"more devices than the node has", twoSockets(Kubelet{Policy: BestEffort}, full, mem, [2]int64{1, 1}), Pod{QoS: QoSBestEffort, Containers: []Container{wants("a", 0, 0, 3)}}, nil, "3 nvidia.com/gpu wanted, 2 free on the node"},
		{"memory that no zones hold", twoSockets(Kubelet{Policy: BestEffort}, full, [2]int64{4, 4}, full), guaranteed(wants("a", 1, 9, 0)), nil, "no set of NUMA zones holds its memory; 9 GiB memory wanted, 8 GiB free, 4 GiB per zone"},
		{"a resource that no zone lists", twoSockets(single, full, mem, full), guaranteed(Container{Name: "a", Requests: Resources{"example.com/nic": 7, gpu: 1}}), [][]int{{0}}, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a, err := Predict(c.node, c.pod)
			if err != nil {
				t.Fatal(err)
			}
			var zones [][]int
			for _, k := range a.Containers {
				zones = append(zones, k.Zones)
			}
			if a.Admitted != (c.zones != nil) || !strings.Contains(a.Reason, c.why) || a.Admitted && cmp.Diff(c.zones, zones) != "" {
				t.Errorf("got admitted %v on %v, because %q;\nwant %v, %q", a.Admitted, zones, a.Reason, c.zones, c.why)
			}
		})
	}
}

func TestMemoryGroups(t *testing.T) {
	n := twoSockets(Kubelet{Policy: Restricted}, [2]int64{16, 16}, [2]int64{64, 64}, [2]int64{4, 4})
	n.Zones[0].Available["memory"] = 60 << 30 // someone uses zone 0 alone
	big := guaranteed(Container{Name: "a", Requests: Resources{"memory": 100 << 30}})
	if a, err := Predict(n, big); err != nil || a.Admitted {
		t.Errorf("100 GiB over a zone that is in use alone: got admitted %v, %v", a.Admitted, err)
	}
	n.Zones[0].MemoryGroup, n.Zones[1].MemoryGroup = []int{0, 1}, []int{0, 1}
	if a, err := Predict(n, big); err != nil || !a.Admitted {
		t.Errorf("100 GiB over zones that are used together: got %q, %v", a.Reason, err)
	}
	small := guaranteed(Container{Name: "a", Requests: Resources{"memory": 1 << 30}})
	a, err := Predict(n, small)
	if want := "zone 0 shared with zones [1] by running pods"; err != nil || a.Admitted || !strings.Contains(a.Reason, want) {
		t.Errorf("1 GiB in one of them: got admitted %v, %q, %v, want a refusal with %q", a.Admitted, a.Reason, err, want)
	}
}

func TestLeft(t *testing.T) {
	n := twoSockets(Kubelet{Policy: SingleNUMANode}, [2]int64{16, 16}, [2]int64{64, 64}, [2]int64{4, 4})
	a, err := Predict(n, guaranteed(initial(wants("i", 4, 8, 0)), wants("a", 2, 4, 2), wants("b", 3, 2, 0)))
	if err != nil || !a.Admitted {
		t.Fatalf("got %q, %v", a.Reason, err)
	}
	// a uses 2 of the init container's 4 CPUs and b the other 2 and one more; of
	// the 8 GiB that it held, 2 remain the pod's.
	want := map[int]Resources{0: {"cpu": 11000, "memory": 56 << 30, gpu: 2}, 1: n.Zones[1].Available}
	if diff := cmp.Diff(want, a.Left); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[int][]int{0: {0}}, a.MemoryGroups); diff != "" {
		t.Errorf("memory groups (-want +got):\n%s", diff)
	}
}

func TestPredictRefusesNonsense(t *testing.T) {
	ok := twoSockets(Kubelet{Policy: SingleNUMANode}, [2]int64{1, 1}, [2]int64{1, 1}, [2]int64{1, 1})
	nine := Node{Kubelet: Kubelet{Policy: Restricted}}
	for id := range 9 {
		nine.Zones = append(nine.Zones, Zone{ID: id})
	}
	twice := ok
	twice.Zones = []Zone{{ID: 1}, {ID: 1}}
	policy, scope := ok, ok
	policy.Kubelet.Policy, scope.Kubelet.Scope = "strict", "node"
	for want, c := range map[string]struct {
		n Node
		p Pod
	}{
		`topology manager policy is "strict"`: {policy, guaranteed()},
		`topology manager scope is "node"`:    {scope, guaranteed()},
		"lists NUMA zone 1 twice":             {twice, guaranteed()},
		"lists 9 NUMA zones, want at most 8":  {nine, guaranteed()},
		`quality of service "Platinum"`:       {ok, Pod{QoS: "Platinum"}},
		`asks for -1 of "cpu"`:                {ok, guaranteed(Container{Name: "a", Requests: Resources{"cpu": -1}})},
	} {
		if _, err := Predict(c.n, c.p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
