// SPDX-License-Identifier: Apache-2.0

package placement_test

import (
	"slices"
	"strings"
	"testing"

	"tarsia.dev/tarsia/isa"
	"tarsia.dev/tarsia/placement"
	"tarsia.dev/tarsia/topology"
)

// board is a small machine with an instruction set.
func board(name, arch string, set *isa.Set) placement.Node {
	return placement.Node{Name: name, Architecture: arch, ISA: set, Allocatable: placement.Resources{placement.CPU: 8000, placement.Memory: 16 << 30}}
}

func riscv(extensions, vendorVector string) *isa.Set {
	return &isa.Set{Architecture: "riscv64", Base: "rv64", Extensions: strings.Fields(extensions), VendorVector: vendorVector}
}

func platforms(t *testing.T, text string) []isa.Platform {
	t.Helper()
	var out []isa.Platform
	for word := range strings.FieldsSeq(text) {
		p, err := isa.ParsePlatform(word)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, p)
	}
	return out
}

// TestInstructionSets: a node that cannot run the pod's programs refuses in
// words that say what is missing and what is there.
func TestInstructionSets(t *testing.T) {
	plain := riscv("i m a f d c zicsr zifencei", "")
	vector := riscv("i m a f d c v zicsr zba zbb zbs", "")
	draft := riscv("i m a f d c v", "0.7.1 (T-Head)")
	v := []isa.Need{{Architecture: "riscv64", Extensions: []string{"v"}}}
	rva23, err := isa.Level("riscv64", "rva23u64")
	if err != nil {
		t.Fatal(err)
	}
	image := func(text string) []placement.Image {
		return []placement.Image{{Reference: "r/infer:1", Platforms: platforms(t, text)}}
	}
	for _, c := range []struct {
		name  string
		node  placement.Node
		needs []isa.Need
		image []placement.Image
		want  string // the refusal; "" is placed
		relax string
	}{
		{"vector is there", board("a", "riscv64", vector), v, nil, "", ""},
		{"vector is missing", board("a", "riscv64", plain), v, nil, "node a: extension v missing (has rv64gc), wanted riscv64 with v", "instruction set -> any"},
		{"a draft of it", board("a", "riscv64", draft), v, nil, "node a: extension v missing (has rv64gcv, vector 0.7.1 (T-Head)), wanted riscv64 with v", "instruction set -> any"},
		{"the draft itself", board("a", "riscv64", draft), []isa.Need{{DraftVector: true}}, nil, "", ""},
		{"a profile", board("a", "riscv64", vector), []isa.Need{rva23}, nil,
			"node a: extensions zawrs, zcb, zcmop, zfa and 7 more missing (has rv64gcv), wanted RVA23U64", "instruction set -> any"},
		{"nobody told", board("a", "riscv64", nil), v, nil, "node a: not known whether it has v (riscv64), wanted riscv64 with v", "instruction set -> any"},
		{"another architecture", board("a", "amd64", nil), v, nil, "node a: architecture amd64, wanted riscv64 with v", "instruction set -> any"},
		{"unknown architecture", board("a", "", nil), v, nil, "node a: its architecture is not known, wanted riscv64 with v", "instruction set -> any"},
		{"an image for it", board("a", "riscv64", plain), nil, image("linux/amd64 linux/riscv64"), "", ""},
		{"an image not for it", board("a", "riscv64", plain), nil, image("linux/amd64 linux/arm64"),
			"node a: image r/infer:1: no variant for riscv64, there is linux/amd64 or linux/arm64", "image platforms -> any"},
		{"an image for more of it", board("a", "riscv64", plain), nil, image("linux/riscv64/rva22u64"),
			"node a: image r/infer:1: extensions zba, zbb, zbs, zfhmin and 2 more missing (has rv64gc), there is linux/riscv64/rva22u64", "image platforms -> any"},
		{"an image that nobody looked into", board("a", "riscv64", plain), nil, []placement.Image{{Reference: "r/x"}}, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := placement.Gang{Name: "g", PodSets: []placement.PodSet{{Name: "p", Count: 1, Shape: placement.Shape{
				Requests: placement.Resources{placement.CPU: 1000}, ISA: c.needs, Images: c.image}}}}
			fleet, err := placement.NewFleet([]placement.Node{c.node}, nil)
			if err != nil {
				t.Fatal(err)
			}
			d, err := placement.Place(t.Context(), placement.NewUsage(fleet), g)
			if err != nil {
				t.Fatal(err)
			}
			if c.want == "" {
				if d.Outcome != placement.Placed {
					t.Errorf("%s %v, want placed", d.Outcome, d.Refusals)
				}
				return
			}
			var got []string
			for _, r := range d.Refusals {
				got = append(got, r.String())
			}
			if d.Outcome != placement.Refused || !slices.Contains(got, c.want) {
				t.Errorf("%s %q, want refused with %q", d.Outcome, got, c.want)
			}
			if d.Certificate == nil || d.Certificate.Relax == nil || d.Certificate.Relax.Change != c.relax {
				t.Errorf("certificate %+v, want relaxation %q", d.Certificate, c.relax)
			}
		})
	}
}

// TestShapesOfInstructionSets: shapes that differ in nothing else have counts of
// their own.
func TestShapesOfInstructionSets(t *testing.T) {
	fleet, err := placement.NewFleet([]placement.Node{board("a", "riscv64", riscv("i m a f d c", ""))}, nil)
	if err != nil {
		t.Fatal(err)
	}
	u := placement.NewUsage(fleet)
	var got []placement.Outcome
	for _, needs := range [][]isa.Need{nil, {{Extensions: []string{"v"}}}, {{Extensions: []string{"c"}}}, {{DraftVector: true}}} {
		d, err := placement.Place(t.Context(), u, placement.Gang{Name: "g", PodSets: []placement.PodSet{{Name: "p", Count: 1, Shape: placement.Shape{ISA: needs}}}})
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, d.Outcome)
	}
	want := []placement.Outcome{placement.Placed, placement.Refused, placement.Placed, placement.Refused}
	if !slices.Equal(got, want) {
		t.Errorf("outcomes %v, want %v", got, want)
	}
}

func TestInstructionSetOfMachine(t *testing.T) {
	n := &topology.Node{Name: "a", Architecture: "riscv64", ISA: topology.ISA{Base: "rv64", Extensions: []string{"c", "v"}, VendorVector: "0.7.1 (T-Head)"}}
	got := placement.FromTopology(topology.NewFleet("f", []*topology.Node{n}, topology.Site{}))[0].ISA
	if got == nil || got.VendorVector == "" || !slices.Equal(got.Extensions, n.ISA.Extensions) {
		t.Errorf("instruction set %+v, want that of the machine", got)
	}
}
