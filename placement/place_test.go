// SPDX-License-Identifier: Apache-2.0

package placement_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/placement"
)

// box is a node with devices joined in neighbouring pairs, half of them in each
// of two NUMA zones.
func box(name, rack string, devices int) placement.Node {
	n := placement.Node{
		Name: name, Architecture: "amd64",
		Allocatable: placement.Resources{placement.CPU: 64_000, placement.Memory: 512 << 30, placement.Pods: 110, gpu: int64(devices)},
		Zones: []placement.Zone{
			{ID: 0, Allocatable: placement.Resources{placement.CPU: 32_000, placement.Memory: 256 << 30}},
			{ID: 1, Allocatable: placement.Resources{placement.CPU: 32_000, placement.Memory: 256 << 30}},
		},
	}
	if rack != "" {
		n.Domains = []placement.Domain{{Level: "rack", ID: rack}}
	}
	for d := range devices {
		n.Devices = append(n.Devices, placement.Device{ID: fmt.Sprint("gpu", d), Resource: gpu, Zone: new(d * 2 / devices)})
		row := make([]int, devices)
		for o := range row {
			switch {
			case o == d:
			case o/2 == d/2:
				row[o] = 100
			default:
				row[o] = 10
			}
		}
		n.LinkScore = append(n.LinkScore, row)
	}
	return n
}

func usage(t testing.TB, nodes []placement.Node, levels []string, running ...placement.Running) *placement.Usage {
	t.Helper()
	return build(t, world{nodes: nodes, levels: levels, running: running})
}

// places writes assignments as "node/zone:devices".
func places(d placement.Decision) []string {
	var out []string
	for _, a := range d.Assignments {
		zone := "-"
		if a.Zone != nil {
			zone = fmt.Sprint(*a.Zone)
		}
		out = append(out, a.Node+"/"+zone+":"+strings.Join(a.Devices, ","))
	}
	return out
}

func edit[T any](v T, change func(*T)) T {
	change(&v)
	return v
}

func TestPlace(t *testing.T) {
	held := func(node string, ids ...string) placement.Running {
		return placement.Running{Name: node + fmt.Sprint(ids), Node: node, Requests: placement.Resources{gpu: int64(len(ids))}, Devices: ids}
	}
	pair := []placement.Node{box("gb200-10", "r1", 4), box("gb200-2", "r1", 4), box("gb200-1", "r2", 4)}
	aligned := func(g placement.Gang) placement.Gang {
		return edit(g, func(g *placement.Gang) { g.PodSets[0].Shape.AlignNUMA = true })
	}
	for _, c := range []struct {
		name    string
		nodes   []placement.Node
		levels  []string
		running []placement.Running
		gang    placement.Gang
		want    []string
		reason  string // part of one of the reasons
	}{
		{
			name: "names in natural order", nodes: pair, gang: gang("g", 2, 4, requiredRack),
			want: []string{"gb200-2/-:gpu0,gpu1,gpu2,gpu3", "gb200-10/-:gpu0,gpu1,gpu2,gpu3"}, reason: "1 of 2 domains of level rack hold the gang",
		},
		{
			name: "the tighter rack", nodes: pair, gang: gang("g", 1, 4, requiredRack),
			want: []string{"gb200-1/-:gpu0,gpu1,gpu2,gpu3"}, reason: "rack r1 holds it too, but free pods left: rack would be 1 there and is 0 here",
		},
		{
			name: "whole nodes stay whole", nodes: pair[:2], running: []placement.Running{held("gb200-10", "gpu0")}, gang: gang("g", 1, 2),
			want: []string{"gb200-10/-:gpu2,gpu3"}, reason: "device sets score 100 of at most 100",
		},
		{
			name: "a single device leaves the pair whole", nodes: pair[:1], running: []placement.Running{held("gb200-10", "gpu0")}, gang: gang("g", 1, 1),
			want: []string{"gb200-10/-:gpu1"},
		},
		{
			name: "the preferred rack is given up", nodes: pair, gang: gang("g", 3, 4, preferredRack),
			want:   []string{"gb200-2/-:gpu0,gpu1,gpu2,gpu3", "gb200-10/-:gpu0,gpu1,gpu2,gpu3", "gb200-1/-:gpu0,gpu1,gpu2,gpu3"},
			reason: "preferred level rack is given up: its fullest domain r1 holds 2 of 3 pods",
		},
		{
			name: "a preferred level that no node has", nodes: pair[:1], gang: gang("g", 1, 1, placement.LevelRule{Level: "block", Mode: placement.Preferred}),
			want: []string{"gb200-10/-:gpu0"}, reason: "preferred level block is given up: no node has a domain of it",
		},
		{
			name: "cores and devices of one zone", nodes: pair[:1], running: []placement.Running{held("gb200-10", "gpu0")}, gang: aligned(gang("g", 1, 2)),
			want: []string{"gb200-10/1:gpu2,gpu3"}, reason: "NUMA zone 1",
		},
		{
			name: "two aligned pods, a zone each", nodes: pair[:1], gang: aligned(gang("g", 2, 2)),
			want: []string{"gb200-10/0:gpu0,gpu1", "gb200-10/1:gpu2,gpu3"},
		},
		{
			name: "devices that cannot be named", nodes: pair[:1], running: []placement.Running{{Name: "p", Node: "gb200-10", Requests: placement.Resources{gpu: 1}}},
			gang: gang("g", 1, 2), want: []string{"gb200-10/-:"}, reason: "devices not named: 1 nvidia.com/gpu are held by pods that do not say which",
		},
		{
			name: "a soft taint is avoided", gang: gang("g", 1, 4),
			nodes: []placement.Node{edit(box("a", "", 4), func(n *placement.Node) { n.Taints = []placement.Taint{{Key: "spot", Effect: "PreferNoSchedule"}} }), box("b", "", 8)},
			want:  []string{"b/-:gpu0,gpu1,gpu2,gpu3"},
		},
		{
			name: "CPU pods keep off the accelerators", gang: gang("g", 1, 0), nodes: []placement.Node{box("a", "", 4), box("b", "", 0)}, want: []string{"b/-:"},
		},
		{
			name: "the fewest halls before the fewest racks", levels: []string{"hall", "rack"}, gang: gang("g", 4, 4, preferredRack),
			nodes: []placement.Node{
				hall(box("a1", "ra", 8), "x"), hall(box("b1", "rb", 4), "y"), hall(box("b2", "rc", 8), "y"), hall(box("b3", "rd", 4), "y"),
			},
			want: []string{"b1/-:gpu0,gpu1,gpu2,gpu3", "b2/-:gpu0,gpu1,gpu2,gpu3", "b2/-:gpu4,gpu5,gpu6,gpu7", "b3/-:gpu0,gpu1,gpu2,gpu3"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := place(t, usage(t, c.nodes, c.levels, c.running...), c.gang)
			if d.Outcome != placement.Placed || !d.Optimal {
				t.Fatalf("%s, optimal %t: %+v", d.Outcome, d.Optimal, d)
			}
			if diff := cmp.Diff(c.want, places(d)); diff != "" {
				t.Error(diff)
			}
			if !slices.ContainsFunc(d.Reasons, func(r string) bool { return strings.Contains(r, c.reason) }) {
				t.Errorf("no reason says %q: %q", c.reason, d.Reasons)
			}
		})
	}
}

func hall(n placement.Node, id string) placement.Node {
	n.Domains = append(n.Domains, placement.Domain{Level: "hall", ID: id})
	return n
}

// TestCrossingLevels: where racks lie across halls, a tree counts a rack once
// for each hall. The decision counts anew and does not claim the optimum.
func TestCrossingLevels(t *testing.T) {
	w := world{
		nodes: []placement.Node{
			hall(box("a", "r0", 4), "h0"), hall(box("b", "r1", 4), "h0"), hall(box("c", "r0", 4), "h1"), hall(box("d", "r1", 4), "h1"),
		},
		gang: gang("g", 3, 4, preferredRack, placement.LevelRule{Level: "hall", Mode: placement.Preferred}),
	}
	d := place(t, build(t, w), w.gang)
	if d.Outcome != placement.Placed || d.Optimal || !slices.ContainsFunc(d.Reasons, func(r string) bool { return strings.Contains(r, "the levels cross") }) {
		t.Errorf("%s, optimal %t: %q", d.Outcome, d.Optimal, d.Reasons)
	}
	verify(t, w, d)
	want := []placement.Score{
		{Name: "preferred levels given up", Family: placement.FamilyGivenUp, Value: 2}, {Name: "domains used: hall", Family: placement.FamilyDomains, Value: 2},
		{Name: "domains used: rack", Family: placement.FamilyDomains, Value: 2}, {Name: "nodes used", Family: placement.FamilyDomains, Value: 3}}
	if diff := cmp.Diff(want, d.Objective[:4]); diff != "" {
		t.Error(diff)
	}
}

// TestLargeSet: beyond the exact table a set is filled in by size, and says so.
func TestLargeSet(t *testing.T) {
	var nodes []placement.Node
	for i := range 30 {
		nodes = append(nodes, edit(box(fmt.Sprint("n", i), fmt.Sprint("r", i/10), 0), func(n *placement.Node) { n.Allocatable[placement.Pods] = 110 + int64(i) }))
	}
	u := usage(t, nodes, nil)
	g := gang("g", 3000, 0, preferredRack)
	d := place(t, u, g)
	if d.Outcome != placement.Placed || d.Optimal || len(d.Assignments) != 3000 {
		t.Fatalf("%s, optimal %t, %d pods", d.Outcome, d.Optimal, len(d.Assignments))
	}
	if err := u.Commit(g, d); err != nil {
		t.Error(err)
	}
	if d.Objective[1].Value != 3 || d.Objective[2].Value != 24 {
		t.Errorf("objective %v, want 3 racks and 24 nodes", d.Objective)
	}
}

// TestUndecided: where the search ends at its bound there is neither a
// placement nor a proof.
func TestUndecided(t *testing.T) {
	var nodes []placement.Node
	for i := range 40 {
		nodes = append(nodes, placement.Node{Name: fmt.Sprint("n", i), Allocatable: placement.Resources{placement.CPU: 100 + int64(i%7), placement.Memory: 100 + int64(i%5)}})
	}
	var g placement.Gang
	for i := range 6 {
		cpu := int64(31 + 3*i)
		g.PodSets = append(g.PodSets, placement.PodSet{Name: fmt.Sprint("s", i), Count: 14, Shape: placement.Shape{Requests: placement.Resources{placement.CPU: cpu, placement.Memory: 84 - cpu}}})
	}
	d := place(t, usage(t, nodes, nil), g)
	if d.Outcome != placement.Undecided || d.Certificate != nil || !strings.Contains(d.Reasons[0], "stopped after") {
		t.Errorf("%s %q, want undecided with the bound", d.Outcome, d.Reasons)
	}
}

func TestInvalid(t *testing.T) {
	u := usage(t, []placement.Node{box("a", "r1", 4)}, nil)
	one := gang("g", 1, 1)
	for _, c := range []struct {
		name string
		gang placement.Gang
		want string
	}{
		{"no pods", placement.Gang{Name: "g"}, `place gang "g": it has no pods`},
		{"negative count", gang("g", -4, 1), `place gang "g": pod set "workers" has -4 pods, want 0 or more`},
		{"negative request", gang("g", 1, -1), `place gang "g": pod set "workers": has -4000 of "cpu", want 0 or more`},
		{"two sets of a name", edit(one, func(g *placement.Gang) { g.PodSets = append(g.PodSets, g.PodSets[0]) }), `place gang "g": two pod sets are named "workers"`},
		{"mode", gang("g", 1, 1, placement.LevelRule{Level: "rack", Mode: "soft"}), `place gang "g": the rule for level "rack" has mode "soft", want required, preferred or counted`},
		{"operator", edit(gang("g", 1, 1), func(g *placement.Gang) {
			g.PodSets[0].Shape.Selector = []placement.Term{{Key: "a", Operator: "Like"}}
		}), `place gang "g": pod set "workers": label term "a" has operator "Like", want In, NotIn, Exists, DoesNotExist, Gt or Lt`},
		{"too many pods", gang("g", 1<<20+1, 0), `place gang "g": it has more than 1048576 pods`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := placement.Place(context.Background(), u, c.gang); err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := placement.Place(ctx, u, one); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that the context was canceled", err)
	}
}
