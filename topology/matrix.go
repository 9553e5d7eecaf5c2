// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"slices"
	"strconv"
	"strings"

	"tarsia.dev/tarsia/cpuset"
)

// Matrix says for each pair of devices how they reach each other, in the form
// of `nvidia-smi topo -m`, for every vendor.
type Matrix struct {
	// Rows are accelerators in their order in the node, then NICs (one per
	// device, virtual functions left out), then those processors that a link
	// other than PCIe ends at.
	Rows   []MatrixRow   `json:"rows"`
	Legend []LegendEntry `json:"legend"` // of the codes that occur, closest first
}

// MatrixRow is one device. Cells are in the order of the rows.
type MatrixRow struct {
	Ref   Ref    `json:"ref"`
	Label string `json:"label"` // GPU0, NIC0, CPU0; the vendor instead of GPU where several vendors are present
	Name  string `json:"name"`  // model of an accelerator, interface or RDMA device of a NIC
	Cells []Path `json:"cells"`
	// CPUAffinity and NUMAAffinity are empty when the machine does not tell.
	CPUAffinity  cpuset.Set `json:"cpuAffinity"`
	NUMAAffinity cpuset.Set `json:"numaAffinity"`
	// MemoryNodes are the NUMA nodes that are the accelerator's own memory.
	MemoryNodes cpuset.Set `json:"memoryNodes"`
}

// LegendEntry explains one code; numbers in it are written #.
type LegendEntry struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// legend is in the order in which it is printed: closest first.
var legend = [...]LegendEntry{
	{"X", "the device itself"},
	{"NV#", "bundled NVLinks, # of them"},
	{"XG#", "bundled XGMI links, # of them"},
	{"XE#", "bundled Xe links, # of them"},
	{"C2C", "coherent chip-to-chip link"},
	{"PIX", "at most one PCIe switch between"},
	{"PXB", "several PCIe switches, no host bridge"},
	{"PHB", "through one PCIe host bridge"},
	{"NODE", "across host bridges within one NUMA node"},
	{"SYS", "across NUMA nodes"},
	{"?", "not known: the machine does not tell the NUMA node"},
}

// Matrix computes all pairs.
func (n *Node) Matrix() Matrix {
	paths, labels := n.Paths(), n.Labels()
	m := Matrix{Rows: []MatrixRow{}, Legend: []LegendEntry{}}
	add := func(r Ref, name string, memory []int) {
		row := MatrixRow{Ref: r, Label: labels[r], Name: name, CPUAffinity: paths.CPUs(r), MemoryNodes: cpuset.Of(memory...)}
		if node, ok := paths.numa[r]; ok {
			row.NUMAAffinity = cpuset.Of(node)
		}
		if isCPU(r) {
			row.NUMAAffinity = n.numaNodesOf(row.CPUAffinity)
		}
		m.Rows = append(m.Rows, row)
	}
	for _, a := range n.Accelerators {
		add(a.ID, a.Model, a.MemoryNodes)
	}
	for _, c := range n.NICs {
		seen := slices.ContainsFunc(m.Rows, func(r MatrixRow) bool { return r.Ref == c.Device })
		if seen || paths.isVirtual(c.Device) {
			continue
		}
		name := c.Name
		if c.RDMA != nil {
			name = c.RDMA.Device
		}
		add(c.Device, name, nil)
	}
	for _, r := range paths.linkedCPUs() {
		add(r, strings.Replace(string(r), "/", " ", 1), nil)
	}

	codes := map[string]bool{}
	for i := range m.Rows {
		m.Rows[i].Cells = make([]Path, len(m.Rows))
		for j := range m.Rows {
			path := paths.Between(m.Rows[i].Ref, m.Rows[j].Ref)
			m.Rows[i].Cells[j] = path
			codes[legendCode(path.Code)] = true
		}
	}
	for _, e := range legend {
		if codes[e.Code] {
			m.Legend = append(m.Legend, e)
		}
	}
	return m
}

// numaNodesOf returns the NUMA nodes that have any of the CPUs.
func (n *Node) numaNodesOf(cpus cpuset.Set) cpuset.Set {
	var ids []int
	for _, m := range n.NUMANodes {
		if m.CPUs.Overlaps(cpus) {
			ids = append(ids, m.ID)
		}
	}
	return cpuset.Of(ids...)
}

// AcceleratorLabel is the short name of n.Accelerators[i] in matrices and
// pictures: "GPU3", or "NVIDIA3" where accelerators of several vendors have the
// same index.
func (n *Node) AcceleratorLabel(i int) string {
	a := n.Accelerators[i]
	word := "GPU"
	if slices.ContainsFunc(n.Accelerators, func(b Accelerator) bool { return b.Vendor != a.Vendor }) {
		word = strings.ToUpper(a.Vendor)
	}
	return word + strconv.Itoa(a.Index)
}

// isVirtual tells a virtual function, which shares the way of its physical one.
func (p *Paths) isVirtual(r Ref) bool {
	a, ok := r.PCI()
	if !ok {
		return false
	}
	i, known := p.functions[a]
	return known && p.node.PCI[i].PhysFn != nil
}

// linkedCPUs are the packages and NUMA nodes at which a link that is not PCIe
// ends, up or not.
func (p *Paths) linkedCPUs() []Ref {
	var out []Ref
	for _, l := range p.node.Links {
		for _, end := range []Ref{l.A, l.B} {
			if l.Kind != LinkPCIe && isCPU(end) && !slices.Contains(out, end) {
				out = append(out, end)
			}
		}
	}
	slices.SortFunc(out, CompareRefs)
	return out
}

// legendCode is the code with its number as #.
func legendCode(code string) string {
	for _, prefix := range []string{"NV", "XG", "XE"} {
		if strings.HasPrefix(code, prefix) {
			return prefix + "#"
		}
	}
	return code
}
