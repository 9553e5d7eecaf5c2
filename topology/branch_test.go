// SPDX-License-Identifier: Apache-2.0

package topology_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/topology"
	"tarsia.dev/tarsia/topology/topologytest"
)

// outline writes branches as "bridge(device device)".
func outline(branches []*topology.Branch) string {
	var parts []string
	for _, b := range branches {
		text := b.Function.Address.String()
		if len(b.Kids) > 0 {
			text += "(" + outline(b.Kids) + ")"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " ")
}

func TestComplexes(t *testing.T) {
	n := topologytest.HGX("hgx")
	// One NIC of the first switch does not tell its NUMA node.
	lost := topology.Ref("pci/0000:1c:00.0")
	for i := range n.PCI {
		if topology.PCIRef(n.PCI[i].Address) == lost {
			n.PCI[i].NUMANode = nil
		}
	}
	n.NICs[0].NUMANode = nil
	below := n.Complexes((*topology.PCIFunction).IsDevice)
	var got []string
	for _, numa := range []*int{new(0), new(1), nil, new(7)} {
		for _, c := range below(numa) {
			got = append(got, fmt.Sprintf("%s: %s", c.ID, outline(c.Branches)))
		}
	}
	want := []string{
		"pci0000:18: 0000:1b:00.0",
		"pci0000:34: 0000:35:00.0(0000:37:00.0 0000:38:00.0)",
		"pci0000:50: 0000:51:00.0(0000:53:00.0 0000:54:00.0)",
		"pci0000:6c: 0000:6d:00.0(0000:6f:00.0 0000:70:00.0)",
		"pci0000:88: 0000:89:00.0(0000:8b:00.0 0000:8c:00.0)",
		"pci0000:a4: 0000:a5:00.0(0000:a7:00.0 0000:a8:00.0)",
		"pci0000:c0: 0000:c1:00.0(0000:c3:00.0 0000:c4:00.0)",
		"pci0000:dc: 0000:dd:00.0(0000:df:00.0 0000:e0:00.0)",
		"pci0000:18: 0000:1c:00.0",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("complexes (-want +got):\n%s", diff)
	}
}

// Parents that are missing or form a loop come from damaged recordings.
func TestComplexesOfADamagedTree(t *testing.T) {
	n := topologytest.Board("board")
	missing := topologytest.Address("0000:77:00.0")
	for i := range n.PCI {
		if n.PCI[i].Parent != nil {
			n.PCI[i].Parent = &missing
		}
	}
	below := n.Complexes((*topology.PCIFunction).IsDevice)
	if got := below(nil); len(got) != 1 || outline(got[0].Branches) != "0000:01:00.0" {
		t.Errorf("missing parent: found %v", got)
	}
	for i := range n.PCI {
		n.PCI[i].Parent = &n.PCI[len(n.PCI)-1-i].Address
	}
	if got := n.Complexes((*topology.PCIFunction).IsDevice)(nil); len(got) != 0 {
		t.Errorf("loop: found %v", got)
	}
}

func TestLinkGroups(t *testing.T) {
	n := topologytest.Tray("tray")
	for i := range n.Links {
		if l := &n.Links[i]; l.Kind == topology.LinkNVLink && l.B == n.Accelerators[2].ID {
			l.Lanes, l.State, l.BytesPerSecond = new(16), topology.LinkDegraded, nil
		}
	}
	n.Links = append(n.Links, topology.Link{Kind: topology.LinkXe, A: n.Accelerators[0].ID, B: n.Accelerators[1].ID, State: topology.LinkStateUnknown})
	var got []string
	for _, g := range n.LinkGroups() {
		got = append(got, fmt.Sprintf("%d %s %s-%s %q %s", len(g.Members), g.Members[0].Kind, g.A, g.B, g.Width(), g.Members[0].State))
	}
	want := []string{
		`1 nvlink GPU2-NVSwitch "NV16 of NV18" degraded`,
		`3 nvlink GPU-NVSwitch "NV18" up`,
		`1 xelink GPU0-GPU1 "" unknown`,
		`4 c2c CPU-GPU "C2C" up`,
		`4 pcie NIC-port "x16" up`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
}

func TestShortModel(t *testing.T) {
	for model, want := range map[string]string{
		"NVIDIA H100 80GB HBM3": "H100", "NVIDIA GB200": "GB200", "AMD Instinct MI300X": "MI300X", "Radeon RX 6800": "Radeon RX 6800",
		"NVIDIA A100-SXM4-80GB": "A100-SXM4-80GB", "Tesla P100-PCIE-16GB": "P100-PCIE-16GB", "NVIDIA L4": "L4", "NVIDIA": "NVIDIA", "": "acme",
		"Orin (nvgpu)": "Orin", "NVIDIA H200 NVL": "H200 NVL",
	} {
		if got := (topology.Accelerator{Vendor: "acme", Model: model}).ShortModel(); got != want {
			t.Errorf("%q: found %q, want %q", model, got, want)
		}
	}
}
