// SPDX-License-Identifier: Apache-2.0

package placement_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/placement"
	"tarsia.dev/tarsia/topologymanager"
)

// aligned is a box whose kubelet has a policy.
func aligned(name string, devices int, policy topologymanager.Policy) placement.Node {
	n := box(name, "", devices)
	n.Kubelet = &topologymanager.Kubelet{Policy: policy}
	return n
}

func decide(t testing.TB, u *placement.Usage, g placement.Gang) placement.Decision {
	t.Helper()
	d, err := placement.Place(context.Background(), u, g)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// commitAndRemove books a decision, checks that the second time is refused or
// fits as well, and that removing its pods restores the usage.
func commitAndRemove(t testing.TB, u *placement.Usage, g placement.Gang, d placement.Decision) {
	t.Helper()
	before := u.Clone()
	if err := u.Commit(g, d); err != nil {
		t.Fatal(err)
	}
	if placement.Same(before, u) {
		t.Fatal("nothing was booked")
	}
	for _, a := range d.Assignments {
		if err := u.Remove(placement.PodName(g.Name, a.PodSet, a.Pod)); err != nil {
			t.Fatal(err)
		}
	}
	if !placement.Same(before, u) {
		t.Fatal("what was booked and removed left something")
	}
}

func TestKubeletRefuses(t *testing.T) {
	u := usage(t, []placement.Node{aligned("a", 8, topologymanager.SingleNUMANode), aligned("b", 8, topologymanager.BestEffort)}, nil,
		placement.Running{Name: "x", Node: "a", Requests: placement.Resources{gpu: 4}, Devices: []string{"gpu0", "gpu1", "gpu4", "gpu5"}},
		placement.Running{Name: "y", Node: "b", Requests: placement.Resources{gpu: 4}, Devices: []string{"gpu0", "gpu1", "gpu4", "gpu5"}})
	g := placement.Gang{Name: "g", PodSets: []placement.PodSet{{Name: "s", Count: 1, Shape: placement.Shape{Requests: placement.Resources{gpu: 4}}}}}
	d := decide(t, u, g)
	if d.Outcome != placement.Placed || d.Assignments[0].Node != "b" || !slices.Equal(d.Assignments[0].Zones, []int{0, 1}) {
		t.Errorf("got %s on %+v, want b, zones 0 and 1", d.Outcome, d.Assignments)
	}
	if err := u.Commit(g, d); err != nil {
		t.Fatal(err)
	}
	g.Name = "h"
	d = decide(t, u, g)
	want := "node a: the pod: 4 nvidia.com/gpu wanted in one NUMA zone, 4 free, 2 per zone; single-numa-node refuses"
	if d.Outcome != placement.Refused || !slices.Contains(d.Sentences(), want) {
		t.Errorf("got %s, %q, want %q", d.Outcome, d.Sentences(), want)
	}
}

func TestKubeletPlacesGangs(t *testing.T) {
	nodes := []placement.Node{aligned("a", 8, topologymanager.SingleNUMANode), aligned("b", 8, topologymanager.SingleNUMANode)}
	for i := range nodes {
		nodes[i].Kubelet.Scope = topologymanager.PodScope
	}
	u := usage(t, nodes, nil, placement.Running{Name: "x", Node: "a", Requests: placement.Resources{gpu: 1}, Devices: []string{"gpu0"}})
	shape := placement.Shape{
		Requests: placement.Resources{placement.CPU: 16000, gpu: 3}, QoS: topologymanager.QoSGuaranteed,
		Containers: []topologymanager.Container{
			{Name: "main", Requests: topologymanager.Resources{"cpu": 12000, gpu: 3}},
			{Name: "log", Requests: topologymanager.Resources{"cpu": 4000}},
		},
	}
	g := placement.Gang{Name: "g", PodSets: []placement.PodSet{{Name: "s", Count: 4, Shape: shape}}}
	d := decide(t, u, g)
	if d.Outcome != placement.Placed {
		t.Fatalf("got %s, %q", d.Outcome, d.Sentences())
	}
	var got []string
	for _, a := range d.Assignments {
		zone := 0
		for _, id := range a.Devices {
			if id >= "gpu4" {
				zone = 1
			}
			if (id >= "gpu4") != (zone == 1) {
				t.Errorf("devices %v lie in two zones", a.Devices)
			}
		}
		got = append(got, fmt.Sprintf("%s%v devices in %d", a.Node, a.Zones, zone))
	}
	if diff := cmp.Diff([]string{"a[0] devices in 0", "a[1] devices in 1", "b[0] devices in 0", "b[1] devices in 1"}, got); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
	commitAndRemove(t, u, g, d)
	g.PodSets[0].Count = 5
	if d := decide(t, u, g); d.Outcome != placement.Refused || d.Certificate == nil {
		t.Errorf("five pods: got %s", d.Outcome)
	}
}

func TestFewestZones(t *testing.T) {
	n := box("a", "", 8)
	n.Zones[0].Distances, n.Zones[1].Distances = map[int]int{0: 10, 1: 21}, map[int]int{0: 21, 1: 10}
	u := usage(t, []placement.Node{n}, nil, placement.Running{Name: "x", Node: "a", Requests: placement.Resources{gpu: 1}, Devices: []string{"gpu0"}})
	for gpus, want := range map[int64][]int{3: {0}, 4: {1}, 5: {0, 1}, 0: {0}} {
		g := placement.Gang{Name: "g", PodSets: []placement.PodSet{{Name: "s", Count: 1, Shape: placement.Shape{
			Requests: placement.Resources{placement.CPU: 1000, gpu: gpus}, QoS: topologymanager.QoSGuaranteed, FewestZones: true,
		}}}}
		d := decide(t, u, g)
		if d.Outcome != placement.Placed || !slices.Equal(d.Assignments[0].Zones, want) {
			t.Errorf("%d devices: got %s, %+v, want zones %v", gpus, d.Outcome, d.Assignments, want)
		}
		commitAndRemove(t, u, g, d)
	}
}

// On random nodes a gang is placed exactly when the kubelets, asked pod by pod,
// would admit as many pods; and they admit them in the order and the zones that
// the decision names.
func TestKubeletCountsAreKubelets(t *testing.T) {
	const seed = 3
	r := rand.New(rand.NewPCG(seed, 0))
	policies := []topologymanager.Policy{topologymanager.None, topologymanager.BestEffort, topologymanager.Restricted, topologymanager.SingleNUMANode}
	tally := map[placement.Outcome]int{}
	for round := range 600 {
		var nodes []placement.Node
		room := 0
		shape := placement.Shape{QoS: []topologymanager.QoS{topologymanager.QoSGuaranteed, topologymanager.QoSBurstable}[r.IntN(2)]}
		var pod topologymanager.Pod
		pod.QoS = shape.QoS
		shape.Requests = placement.Resources{}
		for c := range 1 + r.IntN(2) {
			req := topologymanager.Resources{"cpu": 1000 * r.Int64N(20), "memory": r.Int64N(100), gpu: r.Int64N(4)}
			for name, q := range req {
				shape.Requests[name] += q
			}
			shape.Containers = append(shape.Containers, topologymanager.Container{Name: fmt.Sprint("c", c), Requests: req})
		}
		pod.Containers = shape.Containers
		sim := map[string]*topologymanager.Node{}
		for i := range 1 + r.IntN(2) {
			n, s := randomKubelet(r, fmt.Sprint("n", i), policies[r.IntN(len(policies))])
			nodes = append(nodes, n)
			sim[n.Name] = &s
			count := *sim[n.Name]
			free := n.Allocatable.Clone()
			for free[placement.Pods] > 0 {
				fits := true
				for name, q := range shape.Requests {
					free[name] -= q
					fits = fits && free[name] >= 0
				}
				free[placement.Pods]--
				if !fits || !admit(t, &count, pod, nil) {
					break
				}
				room++
			}
		}
		u := usage(t, nodes, nil)
		g := placement.Gang{Name: "g", PodSets: []placement.PodSet{{Name: "s", Count: 1 + r.IntN(room+2), Shape: shape}}}
		d := decide(t, u, g)
		tally[d.Outcome]++
		if (d.Outcome == placement.Placed) != (g.PodSets[0].Count <= room) {
			t.Fatalf("seed %d, round %d: got %s for %d pods, kubelets admit %d: %q", seed, round, d.Outcome, g.PodSets[0].Count, room, d.Sentences())
		}
		if d.Outcome != placement.Placed {
			continue
		}
		for _, a := range d.Assignments {
			if !admit(t, sim[a.Node], pod, a.Zones) {
				t.Fatalf("seed %d, round %d: pod %d in zones %v is not what its kubelet does", seed, round, a.Pod, a.Zones)
			}
		}
		commitAndRemove(t, u, g, d)
	}
	if tally[placement.Placed] < 100 || tally[placement.Refused] < 100 {
		t.Errorf("the rounds are one-sided: %v", tally)
	}
}

// admit lets a kubelet admit one pod and takes its resources; zones, where not
// nil, are those that something of the pod must come from.
func admit(t *testing.T, n *topologymanager.Node, p topologymanager.Pod, zones []int) bool {
	t.Helper()
	a, err := topologymanager.Predict(*n, p)
	if err != nil {
		t.Fatal(err)
	}
	if !a.Admitted {
		return false
	}
	n.Zones = slices.Clone(n.Zones)
	for i, z := range n.Zones {
		touched := false
		for name, left := range a.Left[z.ID] {
			touched = touched || left != z.Available[name]
		}
		if zones != nil && touched != slices.Contains(zones, z.ID) {
			return false
		}
		n.Zones[i].Available, n.Zones[i].MemoryGroup = a.Left[z.ID], a.MemoryGroups[z.ID]
	}
	return true
}

// randomKubelet is a node of one to three zones, for the engine and for its
// kubelet.
func randomKubelet(r *rand.Rand, name string, policy topologymanager.Policy) (placement.Node, topologymanager.Node) {
	n := placement.Node{Name: name, Allocatable: placement.Resources{placement.Pods: 8}, Kubelet: &topologymanager.Kubelet{
		Policy: policy, Scope: []topologymanager.Scope{topologymanager.ContainerScope, topologymanager.PodScope}[r.IntN(2)],
	}}
	s := topologymanager.Node{Kubelet: *n.Kubelet}
	for id := range 1 + r.IntN(3) {
		free := topologymanager.Resources{"cpu": 1000 * r.Int64N(30), "memory": r.Int64N(200)}
		n.Zones = append(n.Zones, placement.Zone{ID: id, Allocatable: placement.Resources(free)})
		all := topologymanager.Resources{"cpu": free["cpu"], "memory": free["memory"], gpu: r.Int64N(5)}
		for range all[gpu] {
			n.Devices = append(n.Devices, placement.Device{ID: fmt.Sprint("gpu", len(n.Devices)), Resource: gpu, Zone: &n.Zones[id].ID})
		}
		for name, q := range all {
			n.Allocatable[name] += q
		}
		s.Zones = append(s.Zones, topologymanager.Zone{ID: id, Available: all, Capacity: all})
	}
	if len(n.Devices) == 0 { // then no zone lists them
		for _, z := range s.Zones {
			delete(z.Available, gpu)
		}
	}
	return n, s
}

func TestKubeletConfiguration(t *testing.T) {
	n := aligned("a", 8, "strict")
	if _, err := placement.NewFleet([]placement.Node{n}, nil); err == nil || !strings.Contains(err.Error(), `node "a": predict kubelet: topology manager policy is "strict"`) {
		t.Errorf("got %v", err)
	}
}
