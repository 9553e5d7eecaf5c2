// SPDX-License-Identifier: Apache-2.0

package placement_test

import (
	"context"
	"strings"
	"testing"

	"tarsia.dev/tarsia/placement"
)

// A cost may differ by pod set: what leaders cost somewhere says nothing of
// workers.
func TestCostBySet(t *testing.T) {
	var nodes []placement.Node
	for _, name := range []string{"a", "b"} {
		nodes = append(nodes, placement.Node{Name: name, Allocatable: placement.Resources{placement.CPU: 4000, placement.Pods: 2}})
	}
	f, err := placement.NewFleet(nodes, nil)
	if err != nil {
		t.Fatal(err)
	}
	g := placement.Gang{
		Name: "g", Objective: []placement.Family{placement.FamilyCost},
		PodSets: []placement.PodSet{
			{Name: "leader", Count: 1, Shape: placement.Shape{Requests: placement.Resources{placement.CPU: 1000}}},
			{Name: "worker", Count: 2, Shape: placement.Shape{Requests: placement.Resources{placement.CPU: 2000}}},
		},
		Costs: []placement.Cost{{Name: "money", PerPod: map[string]int64{"a": 1, "b": 2}, Sets: map[string]placement.SetCost{
			"leader": {PerPod: map[string]int64{"a": 100}, Other: 7},
		}}},
	}
	d, err := placement.Place(context.Background(), placement.NewUsage(f), g)
	if err != nil || d.Outcome != placement.Placed {
		t.Fatalf("found %s, %v", d.Outcome, err)
	}
	want := int64(0)
	for _, a := range d.Assignments {
		want += map[string]map[string]int64{"leader": {"a": 100, "b": 7}, "worker": {"a": 1, "b": 2}}[a.PodSet][a.Node]
	}
	// The least is 9: the leader on b for 7, the workers on a for 1 each.
	s := d.Objective[0]
	if s != (placement.Score{Name: "cost: money", Family: placement.FamilyCost, Value: want}) || d.Optimal && want != 9 {
		t.Errorf("found %+v, optimal %t, want %d", s, d.Optimal, want)
	}
	g.Costs[0].Sets["worker"] = placement.SetCost{Other: -1}
	if _, err := placement.Place(context.Background(), placement.NewUsage(f), g); err == nil || !strings.Contains(err.Error(), `cost "money" is -1 a pod`) {
		t.Errorf("a negative cost: found %v", err)
	}
}
