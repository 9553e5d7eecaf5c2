// SPDX-License-Identifier: Apache-2.0

package discover_test

import (
	"fmt"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/discover"
	"tarsia.dev/tarsia/pci"
	"tarsia.dev/tarsia/topology"
)

func TestPCITree(t *testing.T) {
	b := newBoard(t)
	b.pci("pci0000:00/0000:00:00.0", attrs{"class": "0x060000", "vendor": "0x8086", "device": "0x09a2"})
	b.pci("pci0000:00/0000:00:1e.0", attrs{"class": "0x060401", "vendor": "0x8086", "device": "0x244e"})
	b.pci("pci0000:00/0000:00:1e.0/0000:0f:03.0", attrs{"class": "0x030000", "vendor": "0x102b", "device": "0x0532"})
	b.pci("pci0000:3a/0000:3a:01.0", bridge.with(width(16, 16)))
	b.pci("pci0000:3a/0000:3a:01.0/0000:3b:00.0", bridge.with(width(16, 16)))
	b.pci("pci0000:3a/0000:3a:01.0/0000:3b:00.0/0000:3c:00.0", bridge.with(width(16, 16)))
	b.pci("pci0000:3a/0000:3a:01.0/0000:3b:00.0/0000:3c:01.0", bridge.with(width(8, 8)))
	b.pci("pci0000:3a/0000:3a:01.0/0000:3b:00.0/0000:3c:00.0/0000:3d:00.0",
		h100.with(width(16, 16), attrs{"subsystem_vendor": "0x10de", "subsystem_device": "0x16c1"}))
	b.pci("pci0000:3a/0000:3a:01.0/0000:3b:00.0/0000:3c:01.0/0000:3e:00.0", nic.with(width(8, 8)))
	// A VMD controller: its own domain of 32 bits below a function of domain 0.
	b.pci("pci0000:3a/0000:3a:05.5", attrs{"class": "0x010400", "vendor": "0x8086", "device": "0x28c0"})
	b.pci("pci0000:3a/0000:3a:05.5/pci10000:e0/10000:e0:02.0", bridge)
	b.pci("pci0000:3a/0000:3a:05.5/pci10000:e0/10000:e0:02.0/10000:e1:00.0", attrs{"class": "0x010802", "vendor": "0x144d", "device": "0xa80a"})
	n := b.read()

	type row struct {
		Address, Parent, Root string
		Port                  topology.PortType
	}
	var got []row
	for _, f := range n.PCI {
		r := row{f.Address.String(), "", f.RootComplex, f.Port}
		if f.Parent != nil {
			r.Parent = f.Parent.String()
		}
		got = append(got, r)
	}
	want := []row{
		{"0000:00:00.0", "", "pci0000:00", ""},
		{"0000:00:1e.0", "", "pci0000:00", topology.PCIBridge},
		{"0000:0f:03.0", "0000:00:1e.0", "pci0000:00", ""},
		{"0000:3a:01.0", "", "pci0000:3a", topology.RootPort},
		{"0000:3a:05.5", "", "pci0000:3a", ""},
		{"0000:3b:00.0", "0000:3a:01.0", "pci0000:3a", topology.UpstreamPort},
		{"0000:3c:00.0", "0000:3b:00.0", "pci0000:3a", topology.DownstreamPort},
		{"0000:3c:01.0", "0000:3b:00.0", "pci0000:3a", topology.DownstreamPort},
		{"0000:3d:00.0", "0000:3c:00.0", "pci0000:3a", topology.Endpoint},
		{"0000:3e:00.0", "0000:3c:01.0", "pci0000:3a", topology.Endpoint},
		{"10000:e0:02.0", "", "pci10000:e0", topology.RootPort},
		{"10000:e1:00.0", "10000:e0:02.0", "pci10000:e0", ""},
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("tree (-want +got):\n%s", diff)
	}
	// Links: root port to switch, switch to GPU, switch to NIC, VMD port to disk;
	// none inside the switch, none to the conventional display.
	if got, want := n.Summary.Links, (map[string]int{"pcie": 4}); !gocmp.Equal(got, want) {
		t.Errorf("links %v, want %v", got, want)
	}
	gpu := n.PCI[8]
	if gpu.NUMANode == nil || *gpu.NUMANode != 0 || gpu.LocalCPUs.String() != "0-1" || gpu.SubDevice == nil || *gpu.SubDevice != 0x16c1 {
		t.Errorf("GPU function: %+v", gpu)
	}
	if gpu.IOMMUGroup != nil {
		t.Errorf("an IOMMU group %d that nobody told", *gpu.IOMMUGroup)
	}
	// The management controller's display is no accelerator.
	if got, want := n.Summary.Accelerators, (map[string]int{"nvidia": 1}); !gocmp.Equal(got, want) {
		t.Errorf("accelerators %v, want %v", got, want)
	}
}

func TestPortTypeFromConfig(t *testing.T) {
	for _, c := range []struct {
		code byte
		want topology.PortType
	}{
		{0, topology.Endpoint}, {1, topology.Endpoint}, {4, topology.RootPort}, {5, topology.UpstreamPort},
		{6, topology.DownstreamPort}, {7, topology.PCIBridge}, {8, topology.PCIBridge}, {9, topology.Endpoint}, {10, ""},
	} {
		b := newBoard(t)
		b.pci("pci0000:00/0000:00:01.0", bridge.with(attrs{"config": config(c.code)}))
		if got := b.read().PCI[0].Port; got != c.want {
			t.Errorf("code %d: port %q, want %q", c.code, got, c.want)
		}
	}
}

func TestFlatDirectory(t *testing.T) {
	b := newBoard(t)
	// A directory with a uevent file only, as captures of one card have.
	b.file("sys/bus/pci/devices/0000:01:00.0/uevent",
		"DRIVER=amdgpu\nPCI_CLASS=30000\nPCI_ID=1002:679A\nPCI_SUBSYS_ID=1458:229A\nPCI_SLOT_NAME=0000:01:00.0")
	n := b.read()
	want := topology.PCIFunction{Address: pci.Address{Bus: 1}, Class: 0x030000, Vendor: 0x1002, Device: 0x679a,
		SubVendor: new(pci.ID(0x1458)), SubDevice: new(pci.ID(0x229a)), Driver: "amdgpu"}
	if diff := gocmp.Diff(want, n.PCI[0]); diff != "" {
		t.Errorf("function (-want +got):\n%s", diff)
	}
}

func TestNUMAAbsence(t *testing.T) {
	b := newBoard(t)
	b.pci("pci0000:00/0000:00:01.0", h100.with(attrs{"numa_node": "-1"}))
	b.pci("pci0000:00/0000:00:02.0", nic.with(attrs{"numa_node": "EIO"}))
	b.pci("pci0000:00/0000:00:03.0", attrs{"class": "0x010802", "vendor": "0x144d", "device": "0xa80a"})
	b.pci("pci0000:00/0000:00:04.0", attrs{"class": "0x0c0330", "vendor": "0x8086", "device": "0x1", "numa_node": "-1"})
	b.pci("pci0000:00/0000:00:05.0", h100.with(attrs{"numa_node": "7"}))
	b.pci("pci0000:00/0000:00:06.0", h100.with(attrs{"numa_node": "1"}))
	n := b.read()
	for _, c := range []struct {
		object topology.Ref
		kind   topology.AbsenceKind
		detail string
	}{
		{"pci/0000:00:01.0", topology.Unknown, "-1"},
		{"pci/0000:00:02.0", topology.Unreadable, "input/output error"},
		{"pci/0000:00:03.0", topology.Missing, ""},
		{"pci/0000:00:05.0", topology.Unknown, "7, which is not online"},
	} {
		a := absence(t, n, c.object, "numaNode")
		if a.Kind != c.kind || a.Detail != c.detail {
			t.Errorf("%s: %s %q, want %s %q", c.object, a.Kind, a.Detail, c.kind, c.detail)
		}
	}
	for _, id := range []topology.Ref{"pci/0000:00:04.0", "pci/0000:00:06.0"} {
		if a, ok := n.AbsenceOf(id, "numaNode"); ok {
			t.Errorf("an absence that nobody wants: %+v", a)
		}
	}
	for id, want := range map[topology.Ref]*int{"pci/0000:00:01.0": nil, "pci/0000:00:05.0": nil, "pci/0000:00:06.0": new(1)} {
		if got := accelerator(t, n, id).NUMANode; !gocmp.Equal(got, want) {
			t.Errorf("%s: NUMA node %v, want %v", id, got, want)
		}
	}
}

func TestSRIOV(t *testing.T) {
	b := newBoard(t)
	port := "pci0000:00/0000:00:09.0"
	b.pci(port, bridge)
	dir := b.pci(port+"/0000:05:00.0", nic.with(attrs{"sriov_totalvfs": "64", "sriov_numvfs": "2"}))
	for i, a := range []string{"0000:05:10.4", "0000:05:10.0"} {
		b.link(fmt.Sprintf("%s/virtfn%d", dir, i), "../"+a)
		vf := b.pci(port+"/"+a, nic.with(attrs{"current_link_width": "0", "max_link_width": "0", "current_link_speed": "Unknown"}))
		b.link(vf+"/physfn", "../0000:05:00.0")
	}
	n := b.read()
	pf, vf := n.PCI[1], n.PCI[2]
	want := &topology.SRIOV{TotalVFs: 64, NumVFs: 2, VFs: []pci.Address{{Bus: 5, Device: 0x10, Function: 4}, {Bus: 5, Device: 0x10}}}
	if diff := gocmp.Diff(want, pf.SRIOV); diff != "" {
		t.Errorf("SR-IOV (-want +got):\n%s", diff)
	}
	if vf.PhysFn == nil || vf.PhysFn.String() != "0000:05:00.0" {
		t.Errorf("physfn %v", vf.PhysFn)
	}
	if _, ok := n.AbsenceOf("pci/0000:05:10.0", "link"); ok || n.Summary.Links["pcie"] != 1 {
		t.Errorf("a virtual function has no link of its own: %v", n.Links)
	}
}

func TestUnreadableDevice(t *testing.T) {
	b := newBoard(t)
	b.link("sys/bus/pci/devices/0000:01:00.0", "../../../devices/pci0000:00/0000:01:00.0") // leads nowhere
	b.pci("pci0000:00/0000:00:02.0", attrs{"class": "0x03x", "vendor": "EIO", "device": "0x1"})
	if err := b.AddDir("sys/bus/pci/devices/nonsense"); err != nil {
		t.Fatal(err)
	}
	n := b.read()
	if len(n.PCI) != 1 {
		t.Fatalf("%d functions, want 1", len(n.PCI))
	}
	for object, want := range map[topology.Ref]topology.AbsenceKind{
		"node": topology.Unreadable, "pci/0000:01:00.0": topology.Missing,
	} {
		if got := absence(t, n, object, "pci").Kind; got != want {
			t.Errorf("%s: %s, want %s", object, got, want)
		}
	}
	for _, fact := range []string{"class", "vendor"} {
		if got := absence(t, n, "pci/0000:00:02.0", fact).Kind; got != topology.Unreadable {
			t.Errorf("%s: %s", fact, got)
		}
	}
}

// bigBoard has eight GPUs behind four switches and a NIC with 500 virtual
// functions.
func bigBoard(t testing.TB) board {
	b := newBoard(t)
	for i := range 4 {
		root := fmt.Sprintf("pci0000:%x0/0000:%x0:01.0", i+2, i+2)
		b.pci(root, bridge.with(width(16, 16)))
		up := fmt.Sprintf("%s/0000:%x1:00.0", root, i+2)
		b.pci(up, bridge.with(width(16, 16)))
		for j := range 2 {
			down := fmt.Sprintf("%s/0000:%x2:0%d.0", up, i+2, j)
			b.pci(down, bridge.with(width(16, 16)))
			b.pci(fmt.Sprintf("%s/0000:%x%x:00.0", down, i+2, j+3), h100.with(width(16, 16)))
		}
	}
	b.pci("pci0000:a0/0000:a0:01.0", bridge.with(width(16, 16)))
	pf := b.pci("pci0000:a0/0000:a0:01.0/0000:a1:00.0", nic.with(width(16, 16), attrs{"sriov_totalvfs": "500", "sriov_numvfs": "500"}))
	for i := range 500 {
		a := fmt.Sprintf("0000:%02x:%02x.%d", 0xa2+i/256, i%256/8, i%8)
		b.link(fmt.Sprintf("%s/virtfn%d", pf, i), "../"+a)
		vf := b.pci("pci0000:a0/0000:a0:01.0/"+a, nic.with(attrs{"current_link_width": "0", "max_link_width": "0"}))
		b.link(vf+"/physfn", "../0000:a1:00.0")
	}
	return b
}

func TestBigBoard(t *testing.T) {
	n := bigBoard(t).read()
	if n.Summary.PCIFunctions != 4*6+502 || n.Summary.Links["pcie"] != 4+8+1 || n.Summary.Accelerators["nvidia"] != 8 {
		t.Errorf("summary %+v", n.Summary)
	}
}

func BenchmarkBigBoard(b *testing.B) {
	m := bigBoard(b).Machine()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := discover.Node("board", m); err != nil {
			b.Fatal(err)
		}
	}
}
