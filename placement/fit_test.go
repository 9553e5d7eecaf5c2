// SPDX-License-Identifier: Apache-2.0

package placement_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/isa"
	"tarsia.dev/tarsia/placement"
)

// TestFits: every obstacle of a node is listed, not only the first, and what
// stands on it now is told from what it is.
func TestFits(t *testing.T) {
	tainted := func(n *placement.Node) {
		n.Taints = []placement.Taint{{Key: "gpu", Value: "true", Effect: "NoSchedule"}}
	}
	nodes := []placement.Node{
		edit(box("n1", "", 8), func(n *placement.Node) { n.Labels = map[string]string{"kind": "hgx"} }),
		edit(box("n2", "", 8), func(n *placement.Node) { n.Labels = map[string]string{"kind": "hgx"} }),
		edit(box("n3", "", 8), func(n *placement.Node) { tainted(n); n.Labels = map[string]string{"kind": "hgx"} }),
		edit(box("n4", "", 8), func(n *placement.Node) {
			tainted(n)
			n.NotReady, n.Unschedulable, n.Architecture = "gone", true, "arm64"
		}),
		edit(box("n5", "", 2), func(n *placement.Node) { n.Labels = map[string]string{"kind": "dev"} }),
		edit(box("n6", "", 4), func(n *placement.Node) { n.Labels = map[string]string{"kind": "dev"} }),
	}
	u := usage(t, nodes, nil, holder("x", "n2", 8, 0, ""))
	g := edit(gang("g", 3, 4), func(g *placement.Gang) { g.PodSets[0].Shape.AlignNUMA = true })
	fit, err := placement.Fits(u, g)
	if err != nil {
		t.Fatal(err)
	}
	got := fit.Sets
	type row struct {
		Node       string
		Fits       bool
		Now, Empty int64
		Why        []string
	}
	var rows []row
	for _, n := range got[0].Nodes {
		rows = append(rows, row{n.Node, n.Fits, n.Now, n.Empty, n.Why})
	}
	numa := func(res string) string {
		return "a pod wants 4 nvidia.com/gpu, 16 cpu, 256Gi memory in one NUMA zone; " + res
	}
	want := []row{
		{"n1", true, 2, 2, []string{}},
		{"n2", false, 0, 2, []string{"a pod wants 4 nvidia.com/gpu, 0 free of 8"}},
		{"n3", false, 0, 0, []string{"taint gpu=true:NoSchedule is not tolerated"}},
		{"n4", false, 0, 0, []string{"not ready: gone", "cordoned", "taint gpu=true:NoSchedule is not tolerated", "arm64, wanted amd64"}},
		{"n5", false, 0, 0, []string{"a pod wants 4 nvidia.com/gpu, 2 free of 2"}},
		{"n6", false, 0, 0, []string{numa("4 nvidia.com/gpu free, 2 per zone; 64 cpu free, 32 per zone; 512Gi memory free, 256Gi per zone")}},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("nodes (-want +got):\n%s", diff)
	}
	needs := []string{
		"a toleration of the taint gpu=true:NoSchedule would open 1 node more",
		"a node affinity kind In [hgx] keeps it off 1 node that would be chosen and cannot run it",
	}
	var texts []string
	for _, n := range got[0].Needs {
		texts = append(texts, n.Text)
	}
	if diff := cmp.Diff(needs, texts); diff != "" || got[0].Room != 2 {
		t.Errorf("room %d, want 2; needs (-want +got):\n%s", got[0].Room, diff)
	}
	// What is proposed does what it says, and takes nothing away.
	asked := edit(g, func(g *placement.Gang) {
		s := &g.PodSets[0].Shape
		for _, n := range got[0].Needs {
			if n.Toleration != nil {
				s.Tolerations = append(s.Tolerations, *n.Toleration)
			} else {
				s.Selector = append(s.Selector, *n.Term)
			}
		}
	})
	after, err := placement.Fits(u, asked)
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range after.Sets[0].Nodes {
		before := got[0].Nodes[i]
		if before.Fits && !n.Fits || n.Node == "n3" && !n.Fits || n.Node == "n6" && n.Why[0] != "kind=dev, wanted kind In [hgx]" {
			t.Errorf("with what is proposed %s says %v", n.Node, n.Why)
		}
	}
}

// TestFitsUnseen: a label term is proposed against nodes that a scheduler would
// choose though no variant of the image runs there, and every obstacle is told.
func TestFitsUnseen(t *testing.T) {
	arch := func(word string) func(*placement.Node) {
		return func(n *placement.Node) {
			n.Architecture, n.Labels = word, map[string]string{"kubernetes.io/arch": word}
		}
	}
	nodes := []placement.Node{
		edit(box("a", "", 8), arch("amd64")), edit(box("b", "", 8), arch("amd64")), edit(box("c", "", 8), arch("riscv64")),
		edit(box("d", "", 0), func(n *placement.Node) { arch("riscv64")(n); n.Unschedulable = true }),
	}
	g := gang("g", 1, 4)
	s := &g.PodSets[0].Shape
	s.Architectures = nil
	s.Images = []placement.Image{{Reference: "i", Platforms: []isa.Platform{{OS: "linux", Architecture: "amd64"}}}}
	s.Bars = []placement.Bar{{Constraint: "policy.yaml:7", Wanted: "x", Found: "y", Nodes: placement.NewNodeSet([]string{"d"})}}
	got, err := placement.Fits(usage(t, nodes, nil), g)
	if err != nil {
		t.Fatal(err)
	}
	var lacks []string
	for _, r := range got.Sets[0].Nodes[3].Obstacles {
		lacks = append(lacks, r.Constraint)
	}
	slices.Sort(lacks)
	if diff := cmp.Diff([]string{"image i", gpu, "policy.yaml:7", "unschedulable"}, lacks); diff != "" {
		t.Errorf("obstacles of d (-want +got):\n%s", diff)
	}
	want := "a node affinity kubernetes.io/arch In [amd64] keeps it off 1 node that would be chosen and cannot run it"
	if needs := got.Sets[0].Needs; len(needs) != 1 || needs[0].Text != want || !slices.Equal(needs[0].Nodes, []string{"c"}) {
		t.Errorf("needs %+v, want %q", needs, want)
	}
}
