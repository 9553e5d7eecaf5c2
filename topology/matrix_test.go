// SPDX-License-Identifier: Apache-2.0

package topology_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/cpuset"
	"tarsia.dev/tarsia/topology"
	"tarsia.dev/tarsia/topology/topologytest"
)

// table writes a matrix as `nvidia-smi topo -m` would.
func table(m topology.Matrix) []string {
	var out []string
	for _, r := range m.Rows {
		words := []string{r.Label}
		for _, c := range r.Cells {
			words = append(words, c.Code)
		}
		out = append(out, strings.Join(append(words, r.CPUAffinity.String(), r.NUMAAffinity.String(), r.MemoryNodes.String()), " "))
	}
	return out
}

func TestMatrix(t *testing.T) {
	tests := []struct {
		name   string
		node   *topology.Node
		want   []string
		legend []string
	}{
		{
			name: "box with NVSwitch and one NIC per GPU",
			node: topologytest.HGX("hgx"),
			want: []string{
				"GPU0 X NV18 NV18 NV18 NV18 NV18 NV18 NV18 PIX NODE NODE NODE SYS SYS SYS SYS 0-111 0 ",
				"GPU1 NV18 X NV18 NV18 NV18 NV18 NV18 NV18 NODE PIX NODE NODE SYS SYS SYS SYS 0-111 0 ",
				"GPU2 NV18 NV18 X NV18 NV18 NV18 NV18 NV18 NODE NODE PIX NODE SYS SYS SYS SYS 0-111 0 ",
				"GPU3 NV18 NV18 NV18 X NV18 NV18 NV18 NV18 NODE NODE NODE PIX SYS SYS SYS SYS 0-111 0 ",
				"GPU4 NV18 NV18 NV18 NV18 X NV18 NV18 NV18 SYS SYS SYS SYS PIX NODE NODE NODE 112-223 1 ",
				"GPU5 NV18 NV18 NV18 NV18 NV18 X NV18 NV18 SYS SYS SYS SYS NODE PIX NODE NODE 112-223 1 ",
				"GPU6 NV18 NV18 NV18 NV18 NV18 NV18 X NV18 SYS SYS SYS SYS NODE NODE PIX NODE 112-223 1 ",
				"GPU7 NV18 NV18 NV18 NV18 NV18 NV18 NV18 X SYS SYS SYS SYS NODE NODE NODE PIX 112-223 1 ",
				"NIC0 PIX NODE NODE NODE SYS SYS SYS SYS X NODE NODE NODE SYS SYS SYS SYS 0-111 0 ",
				"NIC1 NODE PIX NODE NODE SYS SYS SYS SYS NODE X NODE NODE SYS SYS SYS SYS 0-111 0 ",
				"NIC2 NODE NODE PIX NODE SYS SYS SYS SYS NODE NODE X NODE SYS SYS SYS SYS 0-111 0 ",
				"NIC3 NODE NODE NODE PIX SYS SYS SYS SYS NODE NODE NODE X SYS SYS SYS SYS 0-111 0 ",
				"NIC4 SYS SYS SYS SYS PIX NODE NODE NODE SYS SYS SYS SYS X NODE NODE NODE 112-223 1 ",
				"NIC5 SYS SYS SYS SYS NODE PIX NODE NODE SYS SYS SYS SYS NODE X NODE NODE 112-223 1 ",
				"NIC6 SYS SYS SYS SYS NODE NODE PIX NODE SYS SYS SYS SYS NODE NODE X NODE 112-223 1 ",
				"NIC7 SYS SYS SYS SYS NODE NODE NODE PIX SYS SYS SYS SYS NODE NODE NODE X 112-223 1 ",
			},
			legend: []string{"X", "NV#", "PIX", "NODE", "SYS"},
		},
		{
			name: "tray with coherent processors",
			node: topologytest.Tray("tray"),
			want: []string{
				"GPU0 X NV18 NV18 NV18 NODE NODE SYS SYS C2C SYS 0-71 0 2-9",
				"GPU1 NV18 X NV18 NV18 NODE NODE SYS SYS C2C SYS 0-71 0 10-17",
				"GPU2 NV18 NV18 X NV18 SYS SYS NODE NODE SYS C2C 72-143 1 18-25",
				"GPU3 NV18 NV18 NV18 X SYS SYS NODE NODE SYS C2C 72-143 1 26-33",
				"NIC0 NODE NODE SYS SYS X NODE SYS SYS PHB SYS 0-71 0 ",
				"NIC1 NODE NODE SYS SYS NODE X SYS SYS PHB SYS 0-71 0 ",
				"NIC2 SYS SYS NODE NODE SYS SYS X NODE SYS PHB 72-143 1 ",
				"NIC3 SYS SYS NODE NODE SYS SYS NODE X SYS PHB 72-143 1 ",
				"CPU0 C2C C2C SYS SYS PHB PHB SYS SYS X SYS 0-71 0 ",
				"CPU1 SYS SYS C2C C2C SYS SYS PHB PHB SYS X 72-143 1 ",
			},
			legend: []string{"X", "NV#", "C2C", "PHB", "NODE", "SYS"},
		},
		{
			name: "hive and a device of unknown NUMA node",
			node: topologytest.Hive("hive"),
			want: []string{
				"AMD0 X XG4 XG4 XG4 ? 0-31 0 ",
				"AMD1 XG4 X XG4 XG4 ? 0-31 0 ",
				"AMD2 XG4 XG4 X XG4 ? 32-63 1 ",
				"AMD3 XG4 XG4 XG4 X ? 32-63 1 ",
				"INTEL0 ? ? ? ? X   ",
			},
			legend: []string{"X", "XG#", "?"},
		},
		{
			name:   "no accelerator",
			node:   topologytest.VM("vm"),
			want:   []string{"NIC0 X 0-1  "},
			legend: []string{"X"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := test.node.Matrix()
			if diff := cmp.Diff(test.want, table(m)); diff != "" {
				t.Errorf("matrix (-want +got):\n%s", diff)
			}
			var codes []string
			for _, e := range m.Legend {
				codes = append(codes, e.Code)
				if e.Text == "" {
					t.Errorf("legend of %s: no text", e.Code)
				}
			}
			if diff := cmp.Diff(test.legend, codes); diff != "" {
				t.Errorf("legend (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMatrixLeavesOutVirtualFunctionsAndSecondPorts(t *testing.T) {
	n := topologytest.VM("vm")
	pf := n.NICs[0].Device
	n.NICs = append(n.NICs, topology.NIC{Name: "eth0p2", Device: pf}, topology.NIC{Name: "eth0v0", Device: "pci/0000:00:03.0"})
	for i := range n.PCI {
		if topology.PCIRef(n.PCI[i].Address) == "pci/0000:00:03.0" {
			a, _ := pf.PCI()
			n.PCI[i].PhysFn = &a
		}
	}
	if diff := cmp.Diff([]string{"NIC0 X 0-1  "}, table(n.Matrix())); diff != "" {
		t.Errorf("matrix (-want +got):\n%s", diff)
	}
}

func TestMatrixAffinities(t *testing.T) {
	m := topologytest.Tray("tray").Matrix()
	gpu := m.Rows[1]
	if gpu.Name != "NVIDIA GB200" || !gpu.MemoryNodes.Equal(cpuset.Range(10, 17)) {
		t.Errorf("row 1: found name %q, memory nodes %v", gpu.Name, gpu.MemoryNodes)
	}
}
