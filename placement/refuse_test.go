// SPDX-License-Identifier: Apache-2.0

package placement_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"tarsia.dev/tarsia/placement"
)

func TestRefuse(t *testing.T) {
	board := placement.Node{Name: "board", Architecture: "riscv64", Allocatable: placement.Resources{placement.CPU: 8000, placement.Memory: 16 << 30}}
	shape := func(change func(*placement.Shape)) placement.Gang {
		return edit(gang("g", 1, 4), func(g *placement.Gang) { change(&g.PodSets[0].Shape) })
	}
	split := edit(box("a", "r1", 4), func(n *placement.Node) { n.Devices[3].Zone = nil })
	for _, c := range []struct {
		name  string
		nodes []placement.Node
		gang  placement.Gang
		want  placement.Refusal // one of the refusals
		relax string
	}{
		{
			"architecture", []placement.Node{box("a", "", 4)}, shape(func(s *placement.Shape) { s.Architectures = []string{"riscv64"} }),
			placement.Refusal{Level: "node", Domain: "a", Constraint: "architecture", Wanted: "riscv64", Found: "amd64"}, "architecture riscv64 -> any",
		},
		{
			"unknown architecture", []placement.Node{edit(box("a", "", 4), func(n *placement.Node) { n.Architecture = "" })}, gang("g", 1, 4),
			placement.Refusal{Level: "node", Domain: "a", Constraint: "architecture", Wanted: "amd64", Found: "unknown"}, "architecture amd64 -> any",
		},
		{
			"a zone is too small", []placement.Node{box("a", "", 4)}, shape(func(s *placement.Shape) { s.AlignNUMA = true; delete(s.Requests, placement.CPU) }),
			placement.Refusal{
				Level: "node", Domain: "a", Constraint: "numa", Wanted: "4 nvidia.com/gpu, 256Gi memory in one NUMA zone",
				Found: "4 nvidia.com/gpu free, 2 per zone; 512Gi memory free, 256Gi per zone",
			}, "NUMA alignment: required -> none",
		},
		{
			"a device of unknown zone", []placement.Node{split}, edit(gang("g", 2, 2), func(g *placement.Gang) { g.PodSets[0].Shape.AlignNUMA = true }),
			placement.Refusal{Level: "fleet", Domain: "fleet", Constraint: "numa", Wanted: "2 pods", Found: "1 fits on 1 node; held back by numa on 1 of them"}, "pods 2 -> 1",
		},
		{
			"no zones known", []placement.Node{edit(box("a", "", 0), func(n *placement.Node) { n.Zones = nil })}, edit(gang("g", 1, 0), func(g *placement.Gang) {
				g.PodSets[0].Shape.AlignNUMA = true
				g.PodSets[0].Shape.Requests[placement.CPU] = 1500
			}),
			placement.Refusal{Level: "node", Domain: "a", Constraint: "numa", Wanted: "1500m cpu in one NUMA zone", Found: "its NUMA zones are not known"}, "NUMA alignment: required -> none",
		},
		{
			"taint", []placement.Node{edit(box("a", "", 4), func(n *placement.Node) {
				n.Taints = []placement.Taint{{Key: "gpu", Value: "true", Effect: "NoSchedule"}}
			})}, gang("g", 1, 4),
			placement.Refusal{Level: "node", Domain: "a", Constraint: "taint gpu=true:NoSchedule", Wanted: "no such taint, or a toleration", Found: "taint gpu=true:NoSchedule"}, "taint gpu=true:NoSchedule: not tolerated -> tolerated",
		},
		{
			"label", []placement.Node{edit(box("a", "", 4), func(n *placement.Node) { n.Labels = map[string]string{"disk": "hdd"} })},
			shape(func(s *placement.Shape) {
				s.Selector = []placement.Term{{Key: "disk", Operator: "In", Values: []string{"ssd", "nvme"}}}
			}),
			placement.Refusal{Level: "node", Domain: "a", Constraint: "label disk", Wanted: "disk In [ssd nvme]", Found: "disk=hdd"}, "label disk In [ssd nvme] -> any",
		},
		{
			"node affinity", []placement.Node{box("a", "", 4)}, shape(func(s *placement.Shape) {
				s.AnyOf = [][]placement.Term{{{Key: "disk", Operator: "Exists"}, {Key: "x", Operator: "Gt", Values: []string{"3"}}}, {{Key: "y", Operator: "Exists"}}}
			}),
			placement.Refusal{Level: "node", Domain: "a", Constraint: "node affinity", Wanted: "disk Exists and x Gt [3], or y Exists", Found: "none of them"}, "node affinity -> any",
		},
		{
			"a lost device", []placement.Node{edit(box("a", "", 4), func(n *placement.Node) { n.Devices[1].Unusable = "lost: fell off the bus" })}, gang("g", 1, 4),
			placement.Refusal{Level: "node", Domain: "a", Constraint: "nvidia.com/gpu", Wanted: "4 a pod", Found: "3 free of 4; gpu1 unusable: lost: fell off the bus"}, "",
		},
		{
			"a resource that no node lists", []placement.Node{board}, edit(gang("g", 1, 1), func(g *placement.Gang) { g.PodSets[0].Shape.Architectures = nil }),
			placement.Refusal{Level: "node", Domain: "board", Constraint: "nvidia.com/gpu", Wanted: "1 a pod", Found: "no node lists it"}, "",
		},
		{
			"no rack", []placement.Node{box("a", "r1", 4), box("b", "", 8)}, gang("g", 2, 4, requiredRack),
			placement.Refusal{Level: "node", Domain: "b", Constraint: "has no rack", Wanted: "a domain of level rack", Found: "none"}, "rule rack: required -> preferred",
		},
		{
			"a level that no node has", []placement.Node{box("a", "r1", 4)}, gang("g", 1, 4, placement.LevelRule{Level: "block", Mode: placement.Required}),
			placement.Refusal{Level: "fleet", Domain: "fleet", Constraint: "has no block", Wanted: "one domain of level block", Found: "none among 1 node"}, "rule block: required -> preferred",
		},
		{
			"the rack falls short", []placement.Node{box("a", "r1", 4), box("b", "r1", 8), box("c", "r2", 4)}, gang("g", 8, 4, requiredRack),
			placement.Refusal{Level: "rack", Domain: "r1", Constraint: gpu, Wanted: "8 pods", Found: "3 fit on 2 nodes; held back by nvidia.com/gpu on 2 of them"}, "pods 8 -> 3",
		},
		{"an empty fleet", nil, gang("g", 1, 0), placement.Refusal{}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := place(t, usage(t, c.nodes, nil), c.gang)
			if d.Outcome != placement.Refused || d.Certificate == nil {
				t.Fatalf("%+v, want refused with a certificate", d)
			}
			if c.nodes != nil && !slices.Contains(d.Refusals, c.want) {
				t.Errorf("no refusal is %+v:\n%+v", c.want, d.Refusals)
			}
			got := ""
			if d.Certificate.Relax != nil {
				got = d.Certificate.Relax.Change
			}
			if got != c.relax {
				t.Errorf("relaxation %q, want %q", got, c.relax)
			}
			if c.gang.PodSets[0].Shape.AnyOf == nil && len(c.gang.Rules) == 0 || len(c.gang.Rules) > 0 && c.gang.Rules[0].Level == "rack" {
				checkCertificate(t, world{nodes: c.nodes, gang: c.gang}, d)
			}
		})
	}
}

// TestLikeIsSummed: many nodes with one lack take three lines and a number.
func TestLikeIsSummed(t *testing.T) {
	var nodes []placement.Node
	for i := range 200 {
		nodes = append(nodes, edit(box(fmt.Sprint("n", i), fmt.Sprint("r", i), 0), func(n *placement.Node) { n.Unschedulable = i%2 == 0 }))
	}
	d := place(t, usage(t, nodes, nil), gang("g", 1, 4, requiredRack))
	var cells, cordoned int
	for _, r := range d.Refusals {
		switch {
		case r.Level == "rack":
			cells++
		case r.Constraint == "unschedulable":
			cordoned++
		}
	}
	if len(d.Refusals) > 50 || cells != 30 || cordoned != 3 {
		t.Errorf("%d refusals, %d racks, %d cordoned nodes; want at most 50, 30, 3", len(d.Refusals), cells, cordoned)
	}
	if got := d.Refusals[29]; got.More != 170 || !strings.HasSuffix(got.String(), "(and 170 more like it)") {
		t.Errorf("the last rack says %q", got)
	}
}
