// SPDX-License-Identifier: Apache-2.0

package topologymanager

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// recorded is a case of numa.jsonl: the filter and least-NUMA tests of
// scheduler-plugins' NodeResourceTopology.
type recorded struct {
	ID, Kind string
	Cluster  struct {
		Nodes []struct {
			NUMA struct {
				Policy, Scope string
				Zones         []struct {
					ID                  int
					Capacity, Available map[string]int64
					Distances           map[int]int
				}
			}
		}
	}
	Requests []struct {
		QoS                        string
		Containers, InitContainers []struct {
			Name     string
			Requests map[string]int64
		}
		PerPod map[string]int64
	}
	Expected struct {
		Outcome   string
		NUMANodes []int
	}
}

func TestRecordedCases(t *testing.T) {
	shared := os.Getenv("TARSIA_SHARED")
	if shared == "" {
		t.Skip("TARSIA_SHARED is not set: the recorded cases are third-party data and not in this repository")
	}
	file, err := os.Open(filepath.Join(shared, "placement-cases", "numa.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	seen := map[string]int{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var c recorded
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		seen[c.Kind]++
		t.Run(c.ID, func(t *testing.T) { c.run(t) })
	}
	if seen["numa-fit"] == 0 || seen["numa-least"] == 0 {
		t.Errorf("read %v, want cases of both kinds", seen)
	}
}

func (c recorded) run(t *testing.T) {
	var n Node
	numa, req := c.Cluster.Nodes[0].NUMA, c.Requests[0]
	n.Kubelet = Kubelet{Policy: Policy(numa.Policy), Scope: Scope(numa.Scope)}
	for _, z := range numa.Zones {
		n.Zones = append(n.Zones, Zone{ID: z.ID, Capacity: z.Capacity, Available: z.Available, Distances: z.Distances})
	}
	if c.Kind == "numa-least" {
		got, err := Fewest(n.Zones, QoS(req.QoS), req.PerPod)
		if err != nil || !slices.Equal(got, c.Expected.NUMANodes) {
			t.Errorf("got zones %v, %v, want %v", got, err, c.Expected.NUMANodes)
		}
		return
	}
	p := Pod{QoS: QoS(req.QoS)}
	for _, k := range req.InitContainers {
		p.Containers = append(p.Containers, Container{Name: k.Name, Requests: k.Requests, Init: true})
	}
	for _, k := range req.Containers {
		p.Containers = append(p.Containers, Container{Name: k.Name, Requests: k.Requests})
	}
	for _, n.Kubelet.ForgetInit = range []bool{false, true} {
		a, err := Predict(n, p)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%v %v %s", a.Admitted, a.Containers, a.Reason)
		if want := c.Expected.Outcome == "placed"; a.Admitted != want {
			t.Errorf("forget init %v: got admitted %v (%s), want %v", n.Kubelet.ForgetInit, a.Admitted, a.Reason, want)
		}
	}
}
