// SPDX-License-Identifier: Apache-2.0

package placement_test

import (
	"context"
	"testing"

	"tarsia.dev/tarsia/placement"
)

// A bar keeps pods off its nodes, says so in its own words, and is not confused
// with a bar of the same words and other nodes.
func TestBars(t *testing.T) {
	var nodes []placement.Node
	for _, name := range []string{"a", "b", "c"} {
		nodes = append(nodes, placement.Node{Name: name, Allocatable: placement.Resources{placement.CPU: 1000}})
	}
	f, err := placement.NewFleet(nodes, nil)
	if err != nil {
		t.Fatal(err)
	}
	u := placement.NewUsage(f)
	place := func(barred ...string) placement.Decision {
		t.Helper()
		bar := placement.Bar{Constraint: "policy.yaml:7", Wanted: "cores of its own", Found: "shared cores", Nodes: placement.NewNodeSet(barred)}
		d, err := placement.Place(context.Background(), u, placement.Gang{Name: "g", PodSets: []placement.PodSet{{
			Name: "w", Count: 1, Shape: placement.Shape{Requests: placement.Resources{placement.CPU: 1000}, Bars: []placement.Bar{bar}},
		}}})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	if d := place("a"); d.Assignments[0].Node != "b" {
		t.Errorf("found %v, want node b", d.Assignments)
	}
	if d := place("b", "a"); d.Assignments[0].Node != "c" {
		t.Errorf("found %v, want node c", d.Assignments)
	}
	d := place("c", "b", "a", "a")
	want := placement.Refusal{Level: "node", Domain: "a", Constraint: "policy.yaml:7", Wanted: "cores of its own", Found: "shared cores"}
	if d.Outcome != placement.Refused || len(d.Refusals) < 2 || d.Refusals[1] != want {
		t.Errorf("found %s %+v, want refused with %+v", d.Outcome, d.Refusals, want)
	}
	if n := placement.NewNodeSet([]string{"a", "a", "b"}).Len(); n != 2 {
		t.Errorf("found %d nodes, want 2", n)
	}
	var none *placement.NodeSet
	if none.Has("a") || none.Len() != 0 {
		t.Error("a nil set holds a node")
	}
}
