// SPDX-License-Identifier: Apache-2.0

package placement_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"tarsia.dev/tarsia/placement"
)

const gpu = "nvidia.com/gpu"

// world is a small random case: a fleet as plain values, what runs, and a gang.
type world struct {
	nodes   []placement.Node
	levels  []string
	running []placement.Running
	gang    placement.Gang
}

// randomWorld draws a case small enough for brute force. Racks nest in halls
// unless crossing is set.
func randomWorld(r *rand.Rand, sets int, crossing bool) world {
	var w world
	if r.IntN(2) == 0 {
		w.levels = []string{"hall", "rack"}
	}
	scale := []int{1, 1000, 1_500_000}[r.IntN(3)]
	for i := range min(4, sets+r.IntN(4)) {
		w.nodes = append(w.nodes, randomNode(r, i, crossing, scale))
	}
	for i := range r.IntN(5 - sets) {
		if p, ok := randomRunning(r, w, i); ok {
			w.running = append(w.running, p)
		}
	}
	w.gang.Name = "gang"
	for _, level := range []string{"hall", "rack"} {
		switch r.IntN(4 + 2*sets) {
		case 0:
			w.gang.Rules = append(w.gang.Rules, placement.LevelRule{Level: level, Mode: placement.Required})
		case 1, 2:
			w.gang.Rules = append(w.gang.Rules, placement.LevelRule{Level: level, Mode: placement.Preferred})
		}
	}
	for i := range sets {
		w.gang.PodSets = append(w.gang.PodSets, placement.PodSet{Name: fmt.Sprint("set", i), Count: 1 + r.IntN(max(1, 5-sets)), Shape: randomShape(r)})
	}
	return w
}

// randomNode draws a node. Scale stretches its link scores, so that objectives
// take from one word to several.
func randomNode(r *rand.Rand, i int, crossing bool, scale int) placement.Node {
	n := placement.Node{
		Name:         fmt.Sprintf("n%d", 8+i), // n8, n9, n10, n11: natural order matters
		Architecture: []string{"amd64", "amd64", "amd64", "arm64", ""}[r.IntN(5)],
		Labels:       map[string]string{"disk": []string{"ssd", "hdd"}[r.IntN(2)]},
		Allocatable:  placement.Resources{placement.CPU: int64(1+r.IntN(9)) * 1000, placement.Pods: int64(2 + r.IntN(4))},
	}
	switch r.IntN(12) {
	case 0:
		n.Unschedulable = true
	case 1:
		n.NotReady = "kubelet stopped posting"
	case 2:
		n.Taints = append(n.Taints, placement.Taint{Key: "gpu", Value: "true", Effect: "NoSchedule"})
	case 3, 4, 5:
		n.Taints = append(n.Taints, placement.Taint{Key: "spot", Effect: "PreferNoSchedule"})
	}
	rack := r.IntN(3)
	if r.IntN(8) > 0 {
		n.Domains = append(n.Domains, placement.Domain{Level: "rack", ID: fmt.Sprint("r", 9+rack)})
	}
	hall := rack / 2
	if crossing {
		hall = r.IntN(2)
	}
	if r.IntN(8) > 0 {
		n.Domains = append(n.Domains, placement.Domain{Level: "hall", ID: fmt.Sprint("h", hall)})
	}
	for z := range r.IntN(3) {
		n.Zones = append(n.Zones, placement.Zone{ID: 2 * z, Allocatable: placement.Resources{placement.CPU: int64(1+r.IntN(4)) * 1000}})
	}
	devices := r.IntN(6)
	n.Allocatable[gpu] = int64(devices)
	if r.IntN(4) == 0 {
		return n // counted, not listed
	}
	for d := range devices {
		dev := placement.Device{ID: fmt.Sprint("gpu", d), Resource: gpu}
		if len(n.Zones) > 0 && r.IntN(6) > 0 {
			dev.Zone = new(n.Zones[r.IntN(len(n.Zones))].ID)
		}
		if r.IntN(8) == 0 {
			dev.Unusable = "lost: fell off the bus"
		}
		n.Devices = append(n.Devices, dev)
	}
	if r.IntN(3) > 0 {
		n.LinkScore = randomScores(r, devices, scale)
	}
	return n
}

func randomScores(r *rand.Rand, n, scale int) [][]int {
	m := make([][]int, n)
	for a := range m {
		m[a] = make([]int, n)
	}
	for a := range n {
		for b := range a {
			m[a][b] = scale * []int{0, 1, 5, 7, 10}[r.IntN(5)]
			m[b][a] = m[a][b]
		}
	}
	return m
}

func randomRunning(r *rand.Rand, w world, i int) (placement.Running, bool) {
	n := w.nodes[r.IntN(len(w.nodes))]
	p := placement.Running{Name: fmt.Sprint("p", i), Node: n.Name, Requests: placement.Resources{placement.CPU: int64(r.IntN(3)) * 1000}}
	if len(n.Zones) > 0 && r.IntN(2) == 0 {
		p.Zone = new(n.Zones[r.IntN(len(n.Zones))].ID)
	}
	if r.IntN(6) == 0 {
		p.Requests[gpu] = 1
		return p, true
	}
	for _, d := range n.Devices {
		held := slices.ContainsFunc(w.running, func(o placement.Running) bool { return o.Node == n.Name && slices.Contains(o.Devices, d.ID) })
		if !held && r.IntN(4) == 0 {
			p.Devices = append(p.Devices, d.ID)
		}
	}
	p.Requests[gpu] = int64(len(p.Devices))
	return p, true
}

func randomShape(r *rand.Rand) placement.Shape {
	s := placement.Shape{Requests: placement.Resources{placement.CPU: int64(r.IntN(3)) * 1000, gpu: []int64{0, 1, 1, 2, 2, 3}[r.IntN(6)]}}
	if r.IntN(4) == 0 {
		s.AlignNUMA = true
	}
	if r.IntN(4) == 0 {
		s.Architectures = []string{"amd64", "riscv64"}
	}
	if r.IntN(6) == 0 {
		s.Selector = []placement.Term{{Key: "disk", Operator: "In", Values: []string{"ssd"}}}
	}
	if r.IntN(3) == 0 {
		s.Tolerations = []placement.Toleration{{Key: "gpu", Operator: "Exists"}, {Key: "spot", Operator: "Exists"}}
	}
	return s
}

func domain(n *placement.Node, level string) string {
	for _, d := range n.Domains {
		if d.Level == level {
			return d.ID
		}
	}
	return ""
}

// soft names the domain of a node, with one of its own for each that has none.
func soft(n *placement.Node, level string) string {
	return cmp.Or(domain(n, level), "alone on "+n.Name)
}

func lessVector(a, b []int64) bool { return slices.Compare(a, b) < 0 }

func describe(w world) string {
	var b strings.Builder
	for _, n := range w.nodes {
		fmt.Fprintf(&b, "%+v\n", n)
		for _, d := range n.Devices {
			zone := "?"
			if d.Zone != nil {
				zone = fmt.Sprint(*d.Zone)
			}
			fmt.Fprintf(&b, "   %s zone %s\n", d.ID, zone)
		}
	}
	for _, p := range w.running {
		zone := "-"
		if p.Zone != nil {
			zone = fmt.Sprint(*p.Zone)
		}
		fmt.Fprintf(&b, "running %+v zone %s\n", p, zone)
	}
	fmt.Fprintf(&b, "levels %v\ngang %+v\n", w.levels, w.gang)
	return b.String()
}
