// SPDX-License-Identifier: Apache-2.0

package placement_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/placement"
)

// holder is a running pod that holds GPUs of a node without naming them.
func holder(name, node string, gpus int64, priority int32, gang string) placement.Running {
	return placement.Running{Name: name, Node: node, Requests: placement.Resources{gpu: gpus}, Priority: priority, Gang: gang}
}

// urgent is a gang of priority 100 that may preempt.
func urgent(pods int, gpus int64, rules ...placement.LevelRule) placement.Gang {
	g := gang("urgent", pods, gpus, rules...)
	g.Priority, g.Preempt = 100, true
	g.PodSets[0].Shape.Requests = placement.Resources{gpu: gpus}
	return g
}

func TestPreempt(t *testing.T) {
	for _, c := range []struct {
		name    string
		nodes   []placement.Node
		running []placement.Running
		gang    placement.Gang
		want    []string // victims; nil: refused
	}{
		{
			"it fits: nobody goes", []placement.Node{box("a", "", 8), box("b", "", 8)}, []placement.Running{holder("low", "a", 8, 0, "")},
			urgent(1, 8), []string{},
		},
		{
			"the lowest priority goes", []placement.Node{box("a", "", 8), box("b", "", 8)},
			[]placement.Running{holder("five", "a", 8, 5, ""), holder("six", "b", 8, 6, "")}, urgent(1, 8), []string{"five"},
		},
		{
			"many of low priority before one of a higher", []placement.Node{box("a", "", 8), box("b", "", 8)},
			[]placement.Running{holder("x", "a", 4, 5, ""), holder("y", "a", 4, 5, ""), holder("six", "b", 8, 6, "")}, urgent(1, 8), []string{"x", "y"},
		},
		{
			"one gang before two pods", []placement.Node{box("a", "", 8), box("b", "", 8)},
			[]placement.Running{holder("x", "a", 4, 5, ""), holder("y", "a", 4, 5, ""), holder("u", "b", 4, 5, "g"), holder("v", "b", 4, 5, "g")}, urgent(1, 8), []string{"u", "v"},
		},
		{
			"the gang of fewer pods", []placement.Node{box("a", "", 8), box("b", "", 8), box("c", "", 8)},
			[]placement.Running{holder("x", "a", 8, 5, "g"), holder("y", "b", 8, 5, "g"), holder("z", "c", 8, 5, "")}, urgent(1, 8), []string{"z"},
		},
		{
			"a gang with one pod of the same priority stays", []placement.Node{box("a", "", 8)},
			[]placement.Running{holder("x", "a", 4, 5, "g"), holder("y", "a", 4, 100, "g")}, urgent(1, 8), nil,
		},
		{
			"none in vain", []placement.Node{box("a", "", 8)},
			[]placement.Running{holder("two", "a", 2, 1, ""), holder("six", "a", 6, 1, "")}, urgent(1, 6), []string{"six"},
		},
		{
			"within the rack", []placement.Node{box("a", "r1", 8), box("b", "r1", 8), box("c", "r2", 8), box("d", "r2", 8)},
			[]placement.Running{holder("a1", "a", 8, 1, ""), holder("b1", "b", 8, 1, ""), holder("c1", "c", 8, 1, "")},
			urgent(2, 8, requiredRack), []string{"c1"},
		},
		{
			"what frees no GPU stays", []placement.Node{box("a", "", 8)},
			[]placement.Running{{Name: "cpu", Node: "a", Requests: placement.Resources{placement.CPU: 1000}}, holder("x", "a", 1, 3, "")}, urgent(1, 8), []string{"x"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := usage(t, c.nodes, nil, c.running...)
			d := place(t, u, c.gang)
			if c.want == nil {
				if d.Outcome != placement.Refused || len(d.Victims) > 0 {
					t.Fatalf("%s with victims %v, want refused with none", d.Outcome, d.Victims)
				}
				return
			}
			if d.Outcome != placement.Placed || !slices.Equal(d.Victims, c.want) {
				t.Fatalf("%s with victims %v, want placed with %v\n%v", d.Outcome, d.Victims, c.want, d.Reasons)
			}
			if err := u.Commit(c.gang, d); err != nil {
				t.Fatal(err)
			}
			for _, v := range d.Victims {
				if err := u.Remove(v); err == nil {
					t.Errorf("victim %s still runs after the commit", v)
				}
			}
		})
	}
}

// TestPreemptHelps: four nodes of eight GPUs, six on each held by pods of high
// priority. Eight low ones could leave, and a pod of eight would still not fit:
// kubernetes-sigs/kueue#5243.
func TestPreemptHelps(t *testing.T) {
	var nodes []placement.Node
	var running []placement.Running
	for i := range 4 {
		n := fmt.Sprint("n", i)
		nodes = append(nodes, box(n, "", 8))
		for j := range 8 {
			priority := int32(100)
			if j >= 6 {
				priority = 0
			}
			running = append(running, holder(fmt.Sprint(n, "-", j), n, 1, priority, ""))
		}
	}
	d := place(t, usage(t, nodes, nil, running...), urgent(1, 8))
	if d.Outcome != placement.Refused || len(d.Victims) > 0 {
		t.Errorf("%s with victims %v, want refused with none", d.Outcome, d.Victims)
	}
	want := "nothing is evicted: if all 8 pods of lower priority left, it would not fit either"
	if !slices.Contains(d.Reasons, want) {
		t.Errorf("reasons %q, want %q among them", d.Reasons, want)
	}
	two := place(t, usage(t, nodes, nil, running...), urgent(4, 2))
	if len(two.Victims) != 8 || !two.Optimal {
		t.Errorf("victims %v, optimal %t; want all eight, proven", two.Victims, two.Optimal)
	}
}

// TestPreemptLarge: beyond what can be tried whole, victims that stand on one
// node are counted, and what is said of others is no more than is known.
func TestPreemptLarge(t *testing.T) {
	var nodes []placement.Node
	var local, spanning []placement.Running
	for i := range 200 {
		n := fmt.Sprint("n", i)
		nodes = append(nodes, box(n, fmt.Sprint("r", i/10), 8))
		for j := range 4 {
			local = append(local, holder(fmt.Sprint(n, "-", j), n, 2, int32(i%3), ""))
			spanning = append(spanning, holder(fmt.Sprint(n, "-", j), n, 2, 1, fmt.Sprint("g", (i/2*4+j)%37)))
		}
	}
	g := urgent(3, 8, requiredRack)
	d := place(t, usage(t, nodes, nil, local...), g)
	if d.Outcome != placement.Placed || len(d.Victims) != 12 || d.Objective[0].Value != 0 || !strings.Contains(d.Reasons[0], "no set of lower priority") {
		t.Errorf("%s, %d victims, %v: %q; want 12 of priority 0, proven", d.Outcome, len(d.Victims), d.Objective[:3], d.Reasons[0])
	}
	d = place(t, usage(t, nodes, nil, spanning...), g)
	if d.Outcome != placement.Placed || len(d.Victims) == 0 || d.Optimal || !strings.Contains(d.Reasons[0], "not ruled out") {
		t.Errorf("%s, %d victims, optimal %t: %q; want placed, and no proof claimed", d.Outcome, len(d.Victims), d.Optimal, d.Reasons[0])
	}
}

// TestCommitOfVictims: a decision whose victims have gone or have risen is
// stale, and nothing of it is done.
func TestCommitOfVictims(t *testing.T) {
	nodes := []placement.Node{box("a", "", 8), box("b", "", 8)}
	running := []placement.Running{holder("x", "a", 8, 1, ""), holder("y", "b", 8, 1, "")}
	u := usage(t, nodes, nil, running...)
	g := urgent(2, 8)
	d := place(t, u, g)
	if err := u.Remove("y"); err != nil {
		t.Fatal(err)
	}
	if err := u.Commit(g, d); err == nil || !strings.Contains(err.Error(), `victim "y" does not run`) {
		t.Errorf("error %v, want that y does not run", err)
	}
	if err := u.Add(holder("y", "b", 8, 100, "")); err != nil {
		t.Fatal(err)
	}
	if err := u.Commit(g, d); err == nil || !strings.Contains(err.Error(), "has priority 100, want less than 100") {
		t.Errorf("error %v, want that y has priority 100", err)
	}
	want := place(t, usage(t, nodes, nil, running[0], holder("y", "b", 8, 100, "")), g)
	if diff := cmp.Diff(want, place(t, u, g)); diff != "" {
		t.Errorf("after the refused commits (-want +got):\n%s", diff)
	}
}
