// SPDX-License-Identifier: Apache-2.0

package placement_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"tarsia.dev/tarsia/placement"
	"tarsia.dev/tarsia/topologymanager"
)

// recordedNUMA is a case of numa.jsonl: the filter and least-NUMA tests of
// scheduler-plugins' NodeResourceTopology.
type recordedNUMA struct {
	ID, Kind string
	Cluster  struct {
		Nodes []struct {
			Name        string
			Allocatable placement.Resources
			NUMA        struct {
				Policy topologymanager.Policy
				Scope  topologymanager.Scope
				Zones  []struct {
					ID                  int
					Capacity, Available placement.Resources
					Distances           map[int]int
				}
			}
		}
	}
	Requests []struct {
		QoS                        topologymanager.QoS
		Containers, InitContainers []topologymanager.Container
		PerPod                     placement.Resources
	}
	Expected struct {
		Outcome   placement.Outcome
		NUMANodes []int
	}
}

// The recorded cases of one node, through the whole engine.
func TestRecordedNUMACases(t *testing.T) {
	shared := os.Getenv("TARSIA_SHARED")
	if shared == "" {
		t.Skip("TARSIA_SHARED is not set: the recorded cases are third-party data and not in this repository")
	}
	file, err := os.Open(filepath.Join(shared, "placement-cases", "numa.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var c recordedNUMA
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		t.Run(c.ID, func(t *testing.T) { c.run(t) })
	}
}

func (c recordedNUMA) run(t *testing.T) {
	in, req := c.Cluster.Nodes[0], c.Requests[0]
	// The plugins are tested alone: what the node has in all is another's, and in
	// one case less than its zones have.
	n := placement.Node{Name: in.Name, Allocatable: placement.Resources{}}
	for _, z := range in.NUMA.Zones {
		n.Zones = append(n.Zones, placement.Zone{ID: z.ID, Allocatable: z.Available, Capacity: z.Capacity, Distances: z.Distances})
		for name, q := range z.Available {
			n.Allocatable[name] += q
		}
	}
	shape := placement.Shape{QoS: req.QoS, Requests: req.PerPod, FewestZones: c.Kind == "numa-least"}
	if c.Kind == "numa-fit" {
		n.Kubelet = &topologymanager.Kubelet{Policy: in.NUMA.Policy, Scope: in.NUMA.Scope, ForgetInit: true}
		for _, k := range req.InitContainers {
			k.Init = true
			shape.Containers = append(shape.Containers, k)
		}
		shape.Containers = append(shape.Containers, req.Containers...)
	}
	u := usage(t, []placement.Node{n}, nil)
	d := decide(t, u, placement.Gang{Name: "g", PodSets: []placement.PodSet{{Name: "s", Count: 1, Shape: shape}}})
	if got := d.Outcome; (got == placement.Placed) != (c.Expected.Outcome == placement.Placed) {
		t.Fatalf("got %s, %q, want %s", got, d.Sentences(), c.Expected.Outcome)
	}
	if c.Kind == "numa-least" && !slices.Equal(d.Assignments[0].Zones, c.Expected.NUMANodes) {
		t.Errorf("got zones %v, want %v", d.Assignments[0].Zones, c.Expected.NUMANodes)
	}
}
