// SPDX-License-Identifier: Apache-2.0

package placement_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/placement"
)

func TestNewFleetRefuses(t *testing.T) {
	two := box("a", "r1", 2)
	for _, c := range []struct {
		name   string
		nodes  []placement.Node
		levels []string
		want   string
	}{
		{"twin names", []placement.Node{two, box("a", "r2", 4)}, nil, `build fleet: two nodes are named "a"`},
		{"no name", []placement.Node{two, {}}, nil, `build fleet: node 1 of 2 has no name`},
		{"negative", []placement.Node{{Name: "a", Allocatable: placement.Resources{"cpu": -1}}}, nil, `build fleet: node "a": has -1 of "cpu", want 0 or more`},
		{"negative zone", []placement.Node{{Name: "a", Zones: []placement.Zone{{ID: 3, Allocatable: placement.Resources{"cpu": -1}}}}}, nil, `build fleet: node "a": NUMA zone 3: has -1 of "cpu", want 0 or more`},
		{"twin zones", []placement.Node{{Name: "a", Zones: []placement.Zone{{ID: 1}, {ID: 1}}}}, nil, `build fleet: node "a" lists NUMA zone 1 twice`},
		{"twin devices", []placement.Node{edit(box("a", "", 2), func(n *placement.Node) { n.Devices[1].ID = "gpu0" })}, nil, `build fleet: node "a": lists device "gpu0" twice`},
		{"unknown zone", []placement.Node{edit(box("a", "", 2), func(n *placement.Node) { n.Devices[1].Zone = new(7) })}, nil, `build fleet: node "a": puts device "gpu1" in NUMA zone 7, which it does not list`},
		{"scores too few", []placement.Node{edit(box("a", "", 2), func(n *placement.Node) { n.LinkScore = n.LinkScore[:1] })}, nil, `build fleet: node "a": has link scores of 1 devices, want 2`},
		{"scores not square", []placement.Node{edit(box("a", "", 2), func(n *placement.Node) { n.LinkScore[1] = nil })}, nil, `build fleet: node "a": has 0 link scores for device "gpu1", want 2`},
		{"scores not symmetric", []placement.Node{edit(box("a", "", 2), func(n *placement.Node) { n.LinkScore[1][0] = 5 })}, nil, `build fleet: node "a": scores the link of "gpu1" and "gpu0" 5 one way and 100 the other, want one score`},
		{"scores negative", []placement.Node{edit(box("a", "", 2), func(n *placement.Node) { n.LinkScore[1][0], n.LinkScore[0][1] = -5, -5 })}, nil, `build fleet: node "a": scores the link of "gpu1" and "gpu0" -5, want 0 to 16777215`},
		{"too many devices", []placement.Node{box("a", "", 66)}, nil, `build fleet: node "a": lists more than 64 devices of "nvidia.com/gpu"`},
		{"two domains of a level", []placement.Node{edit(box("a", "r1", 2), func(n *placement.Node) {
			n.Domains = append(n.Domains, placement.Domain{Level: "rack", ID: "r2"})
		})}, nil, `build fleet: node "a" lies in two domains of level "rack"`},
		{"twin levels", nil, []string{"rack", "rack"}, `build fleet: level "rack" is named twice`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := placement.NewFleet(c.nodes, c.levels); err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestUsageRefuses(t *testing.T) {
	u := usage(t, []placement.Node{box("a", "", 2)}, nil, placement.Running{Name: "p", Node: "a", Requests: placement.Resources{gpu: 1}, Devices: []string{"gpu0"}})
	for _, c := range []struct {
		pod  placement.Running
		want string
	}{
		{placement.Running{Name: "p", Node: "a"}, `add pod "p": it runs already`},
		{placement.Running{Name: "q", Node: "b"}, `add pod "q": it runs on node "b", which the fleet does not have`},
		{placement.Running{Name: "q", Node: "a", Requests: placement.Resources{"cpu": -5}}, `add pod "q": has -5 of "cpu", want 0 or more`},
		{placement.Running{Name: "q", Node: "a", Devices: []string{"gpu7"}}, `add pod "q": it holds device "gpu7", which node "a" does not list`},
		{placement.Running{Name: "q", Node: "a", Devices: []string{"gpu0"}}, `add pod "q": it holds device "gpu0" of node "a", which is held already`},
		{placement.Running{Name: "q", Node: "a", Zone: new(4)}, `add pod "q": it runs in NUMA zone 4, which node "a" does not list`},
	} {
		if err := u.Add(c.pod); err == nil || err.Error() != c.want {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
	if err := u.Remove("q"); err == nil || err.Error() != `remove pod "q": it does not run` {
		t.Errorf("got %v", err)
	}
	// What runs is a fact even where it is more than the node has.
	if err := u.Add(placement.Running{Name: "big", Node: "a", Requests: placement.Resources{"cpu": 1 << 40}}); err != nil {
		t.Error(err)
	}
	if d := place(t, u, gang("g", 1, 1)); d.Outcome != placement.Refused || !strings.HasPrefix(d.Refusals[1].Found, "0 free of 64") {
		t.Errorf("%s, %+v", d.Outcome, d.Refusals)
	}
}

// TestCommitRefuses: a decision that was tampered with or became stale books
// nothing.
func TestCommitRefuses(t *testing.T) {
	nodes := []placement.Node{box("a", "", 4)}
	g := edit(gang("g", 2, 2), func(g *placement.Gang) { g.PodSets[0].Shape.AlignNUMA = true })
	good := place(t, usage(t, nodes, nil), g)
	for _, c := range []struct {
		name   string
		change func(*placement.Decision)
		want   string
	}{
		{"refused", func(d *placement.Decision) { d.Outcome = placement.Refused }, `commit gang "g": its decision is refused, want placed`},
		{"a pod is missing", func(d *placement.Decision) { d.Assignments = d.Assignments[:1] }, `commit gang "g": the decision leaves out 1 pods of set "workers"`},
		{"no such pod", func(d *placement.Decision) { d.Assignments[1].Pod = 2 }, `commit gang "g": it has no pod 2 in set "workers"`},
		{"a pod twice", func(d *placement.Decision) { d.Assignments[1].Pod = 0 }, `commit gang "g": pod "g/workers/0": it runs already`},
		{"a device twice", func(d *placement.Decision) { d.Assignments[1].Devices = []string{"gpu0", "gpu1"} }, `commit gang "g": pod "g/workers/1": it holds device "gpu0" of node "a", which is held already`},
		{"not aligned", func(d *placement.Decision) { d.Assignments[1].Zone = nil }, `commit gang "g": pod "g/workers/1": node "a": it must be aligned, and the decision names no NUMA zone`},
		{"the other zone", func(d *placement.Decision) { d.Assignments[0].Zone = new(1) }, `commit gang "g": pod "g/workers/0": node "a": devices [gpu0 gpu1] are not usable or not in the pod's NUMA zone`},
		{"a full zone", func(d *placement.Decision) { d.Assignments[1].Zone = new(0) }, `commit gang "g": pod "g/workers/1": node "a": too little is free in NUMA zone 0`},
		{"too few devices", func(d *placement.Decision) { d.Assignments[0].Devices = []string{"gpu0"} }, `commit gang "g": pod "g/workers/0": node "a": the decision names 1 of 2 nvidia.com/gpu`},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := usage(t, nodes, nil)
			d := edit(good, func(d *placement.Decision) {
				d.Assignments = append([]placement.Assignment(nil), d.Assignments...)
				c.change(d)
			})
			if err := u.Commit(g, d); err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
			if diff := cmp.Diff(good, place(t, u, g)); diff != "" {
				t.Errorf("something stayed booked:\n%s", diff)
			}
		})
	}
	u := usage(t, nodes, nil, placement.Running{Name: "p", Node: "a", Requests: placement.Resources{placement.CPU: 60_000}})
	if err := u.Commit(g, good); err == nil || err.Error() != `commit gang "g": pod "g/workers/0": node "a": too little cpu is free` {
		t.Errorf("a stale decision: %v", err)
	}
}

// TestSharedFleet: a fleet serves several owners of a usage at once.
func TestSharedFleet(t *testing.T) {
	f, err := placement.NewFleet([]placement.Node{box("a", "r1", 8), box("b", "r1", 8), box("c", "r2", 8)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := place(t, placement.NewUsage(f), gang("g", 3, 2, preferredRack))
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			u := placement.NewUsage(f)
			for k := range 20 {
				if d, err := placement.Place(context.Background(), u, gang("other", 1+(i+k)%3, int64(1+k%4))); err != nil || d.Outcome != placement.Placed {
					t.Error(d.Outcome, err)
				}
			}
			if d, err := placement.Place(context.Background(), u, gang("g", 3, 2, preferredRack)); err != nil || !cmp.Equal(want, d) {
				t.Error(cmp.Diff(want, d), err)
			}
		})
	}
	all.Wait()
}

func TestTerms(t *testing.T) {
	labels := map[string]string{"disk": "ssd", "gen": "5", "word": "x"}
	for _, c := range []struct {
		term placement.Term
		want bool
	}{
		{placement.Term{Key: "disk", Operator: "In", Values: []string{"hdd", "ssd"}}, true},
		{placement.Term{Key: "none", Operator: "In", Values: []string{""}}, false},
		{placement.Term{Key: "disk", Operator: "NotIn", Values: []string{"ssd"}}, false},
		{placement.Term{Key: "none", Operator: "NotIn", Values: []string{"ssd"}}, true},
		{placement.Term{Key: "disk", Operator: "Exists"}, true},
		{placement.Term{Key: "none", Operator: "DoesNotExist"}, true},
		{placement.Term{Key: "gen", Operator: "Gt", Values: []string{"4"}}, true},
		{placement.Term{Key: "gen", Operator: "Lt", Values: []string{"5"}}, false},
		{placement.Term{Key: "none", Operator: "Lt", Values: []string{"5"}}, false},
		{placement.Term{Key: "word", Operator: "Gt", Values: []string{"0"}}, false},
	} {
		if got := c.term.Matches(labels); got != c.want {
			t.Errorf("%s: %t, want %t", c.term, got, c.want)
		}
	}
}

func TestTolerations(t *testing.T) {
	taint := placement.Taint{Key: "gpu", Value: "true", Effect: "NoSchedule"}
	for _, c := range []struct {
		toleration placement.Toleration
		want       bool
	}{
		{placement.Toleration{Key: "gpu", Operator: "Exists"}, true},
		{placement.Toleration{Operator: "Exists"}, true},
		{placement.Toleration{Key: "gpu", Value: "true"}, true},
		{placement.Toleration{Key: "gpu", Operator: "Equal", Value: "true", Effect: "NoSchedule"}, true},
		{placement.Toleration{Key: "gpu", Operator: "Equal", Value: "false"}, false},
		{placement.Toleration{Key: "gpu", Operator: "Exists", Effect: "NoExecute"}, false},
		{placement.Toleration{Key: "other", Operator: "Exists"}, false},
		{placement.Toleration{Value: "true"}, false},
	} {
		if got := c.toleration.Tolerates(taint); got != c.want {
			t.Errorf("%+v: %t, want %t", c.toleration, got, c.want)
		}
	}
	// A cordon is a taint that can be tolerated (core/v1, well-known taints).
	cordoned := edit(box("a", "", 4), func(n *placement.Node) { n.Unschedulable = true })
	g := edit(gang("g", 1, 1), func(g *placement.Gang) {
		g.PodSets[0].Shape.Tolerations = []placement.Toleration{{Key: "node.kubernetes.io/unschedulable", Operator: "Exists"}}
	})
	if d := place(t, usage(t, []placement.Node{cordoned}, nil), g); d.Outcome != placement.Placed {
		t.Errorf("%s: %+v", d.Outcome, d.Refusals)
	}
	if got := fmt.Sprint(taint, placement.Taint{Key: "spot", Effect: "NoExecute"}); got != "gpu=true:NoSchedule spot:NoExecute" {
		t.Error(got)
	}
}
