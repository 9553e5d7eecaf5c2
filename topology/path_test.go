// SPDX-License-Identifier: Apache-2.0

package topology_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/pci"
	"tarsia.dev/tarsia/topology"
	"tarsia.dev/tarsia/topology/topologytest"
)

const (
	bridge pci.Class = 0x060400
	gpu3D  pci.Class = 0x030200
)

// tree is one root port above two switches in a row: a and b below the first,
// c below the second, d on another root port, e in another root complex.
func tree(numa int) *topologytest.Builder {
	b := topologytest.New("tree", "amd64")
	b.NUMA(0, 0, 3, 1, 8)
	b.NUMA(1, 4, 7, 1, 8)
	add := func(at, parent string, class pci.Class, lanes int) {
		b.Function(at, parent, class, pci.VendorNVIDIA, 0x2330, numa)
		if lanes > 0 {
			b.PCIe(at, 16, lanes, 16)
		}
	}
	add("0000:10:01.0", "", bridge, 0)
	add("0000:11:00.0", "0000:10:01.0", bridge, 16) // upstream port of the first switch
	for i := range 3 {
		add(fmt.Sprintf("0000:12:%02x.0", i), "0000:11:00.0", bridge, 0)
	}
	add("0000:13:00.0", "0000:12:00.0", gpu3D, 16) // a
	add("0000:14:00.0", "0000:12:01.0", gpu3D, 8)  // b
	add("0000:15:00.0", "0000:12:02.0", bridge, 4) // upstream port of the second switch
	add("0000:16:00.0", "0000:15:00.0", bridge, 0)
	add("0000:17:00.0", "0000:16:00.0", gpu3D, 16) // c
	add("0000:10:02.0", "", bridge, 0)
	add("0000:18:00.0", "0000:10:02.0", gpu3D, 16) // d
	add("0000:20:01.0", "", bridge, 0)
	add("0000:21:00.0", "0000:20:01.0", gpu3D, 16) // e
	add("0000:21:00.1", "0000:20:01.0", gpu3D, 0)  // second function of e
	return b
}

func TestPathOverPCIe(t *testing.T) {
	const a, bb, c, d, e, e1 = "pci/0000:13:00.0", "pci/0000:14:00.0", "pci/0000:17:00.0", "pci/0000:18:00.0", "pci/0000:21:00.0", "pci/0000:21:00.1"
	rate := func(lanes int) *int64 { return new(pci.BytesPerSecond(16, lanes)) }
	known, unknown := tree(0).Finish(), tree(-1).Finish()
	one := tree(-1)
	one.Node.NUMANodes = one.Node.NUMANodes[:1]
	tests := []struct {
		name string
		node *topology.Node
		a, b topology.Ref
		want topology.Path
	}{
		{"itself", known, a, a, topology.Path{Code: "X", Rank: 1 << 20}},
		{"one switch, the narrower link counts", known, a, bb, topology.Path{Code: "PIX", Rank: 50, BytesPerSecond: rate(8)}},
		{"functions of one device", known, e, e1, topology.Path{Code: "PIX", Rank: 50, BytesPerSecond: rate(16)}},
		{"two switches", known, a, c, topology.Path{Code: "PXB", Rank: 40, BytesPerSecond: rate(4)}},
		{"two root ports of a complex", known, a, d, topology.Path{Code: "PHB", Rank: 30}},
		{"two root complexes", known, a, e, topology.Path{Code: "NODE", Rank: 20}},
		{"NUMA nodes do not matter below a bridge", unknown, a, bb, topology.Path{Code: "PIX", Rank: 50, BytesPerSecond: rate(8)}},
		{"nor in one root complex", unknown, a, d, topology.Path{Code: "PHB", Rank: 30}},
		{"unknown NUMA nodes", unknown, a, e, topology.Path{Code: "?"}},
		{"unknown, but there is only one NUMA node", one.Finish(), a, e, topology.Path{Code: "NODE", Rank: 20}},
		{"a device that is not there", known, a, "pci/0000:ff:00.0", topology.Path{Code: "?"}},
		{"its own package", known, a, "package/0", topology.Path{Code: "PHB", Rank: 30}},
		{"the other package", known, a, "package/1", topology.Path{Code: "SYS", Rank: 10}},
		{"a NUMA node", known, "numa/1", a, topology.Path{Code: "SYS", Rank: 10}},
		{"a package and a device of no known place", unknown, a, "package/1", topology.Path{Code: "?"}},
		{"two packages", known, "package/0", "package/1", topology.Path{Code: "SYS", Rank: 10}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, test.node.Path(test.a, test.b)); diff != "" {
				t.Errorf("%s to %s (-want +got):\n%s", test.a, test.b, diff)
			}
			if diff := cmp.Diff(test.want, test.node.Path(test.b, test.a)); diff != "" {
				t.Errorf("%s to %s (-want +got):\n%s", test.b, test.a, diff)
			}
		})
	}
}

func TestPathOverBundles(t *testing.T) {
	const x, y = topology.Ref("pci/0000:13:00.0"), topology.Ref("pci/0000:21:00.0")
	type link struct {
		kind     topology.LinkKind
		a, b     topology.Ref
		up, most int
	}
	tests := []struct {
		name  string
		links []link
		want  topology.Path
	}{
		{"direct", []link{{topology.LinkNVLink, x, y, 2, 4}}, topology.Path{Code: "NV2", Rank: 200, BytesPerSecond: new(int64(2e9))}},
		{"down falls back to PCIe", []link{{topology.LinkNVLink, x, y, 0, 4}}, topology.Path{Code: "NODE", Rank: 20}},
		{
			"through a switch, the narrower side counts",
			[]link{{topology.LinkNVLink, x, "nvswitch/local", 17, 18}, {topology.LinkNVLink, y, "nvswitch/local", 18, 18}},
			topology.Path{Code: "NV17", Rank: 1700, BytesPerSecond: new(int64(17e9))},
		},
		{
			"through several switches",
			[]link{
				{topology.LinkNVLink, x, "pci/0000:05:00.0", 4, 4}, {topology.LinkNVLink, y, "pci/0000:05:00.0", 4, 4},
				{topology.LinkNVLink, x, "pci/0000:06:00.0", 5, 5}, {topology.LinkNVLink, y, "pci/0000:06:00.0", 5, 5},
			},
			topology.Path{Code: "NV9", Rank: 900, BytesPerSecond: new(int64(9e9))},
		},
		{"only one end at the switch", []link{{topology.LinkNVLink, x, "nvswitch/local", 18, 18}}, topology.Path{Code: "NODE", Rank: 20}},
		{
			"a processor is no switch",
			[]link{{topology.LinkNVLink, x, "package/0", 3, 3}, {topology.LinkNVLink, y, "package/0", 3, 3}},
			topology.Path{Code: "NODE", Rank: 20},
		},
		{
			"the better of two kinds",
			[]link{{topology.LinkXe, x, y, 2, 2}, {topology.LinkXGMI, x, y, 3, 3}},
			topology.Path{Code: "XG3", Rank: 300, BytesPerSecond: new(int64(3e9))},
		},
		{"Xe", []link{{topology.LinkXe, x, y, 2, 2}}, topology.Path{Code: "XE2", Rank: 200, BytesPerSecond: new(int64(2e9))}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := tree(0)
			for _, l := range test.links {
				b.Bundle(l.kind, l.a, l.b, l.up, l.most, 1000, "test")
			}
			if diff := cmp.Diff(test.want, b.Finish().Path(y, x)); diff != "" {
				t.Errorf("path (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPathOfUnknownWidth(t *testing.T) {
	const x, y = topology.Ref("pci/0000:13:00.0"), topology.Ref("pci/0000:21:00.0")
	for kind, code := range map[topology.LinkKind]string{topology.LinkNVLink: "NV?", topology.LinkXGMI: "XG?", topology.LinkC2C: "C2C"} {
		n := tree(0).Finish()
		n.Links = append(n.Links, topology.Link{Kind: kind, A: x, B: y, State: topology.LinkStateUnknown})
		if diff := cmp.Diff(topology.Path{Code: code, Rank: 100}, n.Path(x, y)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", kind, diff)
		}
	}
}

// A parent loop cannot come from a kernel, but a damaged recording can hold one.
func TestPathEndsOnALoopOfParents(t *testing.T) {
	n := tree(0).Finish()
	loop := topologytest.Address("0000:12:00.0")
	for i := range n.PCI {
		if n.PCI[i].Address == topologytest.Address("0000:11:00.0") {
			n.PCI[i].Parent = &loop
		}
	}
	if got := n.Path("pci/0000:13:00.0", "pci/0000:14:00.0").Code; got != "PXB" {
		t.Errorf("path: found %s, want PXB", got)
	}
}

func BenchmarkMatrix(b *testing.B) {
	n := topologytest.HGX("hgx")
	b.ReportAllocs()
	for b.Loop() {
		n.Matrix()
	}
}
