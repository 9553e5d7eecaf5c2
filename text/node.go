// SPDX-License-Identifier: Apache-2.0

package text

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"tarsia.dev/tarsia/internal/unit"
	"tarsia.dev/tarsia/topology"
)

// Node writes one machine: what it is, the tree from package to device, the
// links that are not PCIe, the matrix, and what the machine does not tell.
func Node(w io.Writer, n *topology.Node, opt Options) error {
	p := newPrinter(opt)
	p.header(n)
	p.blank()
	t := newTree(n, opt)
	p.tree(t.machine())
	if t.left > 0 {
		p.line("+ %s more (bridges, ports, system parts); --all lists them", plural(t.left, "PCI function"))
	}
	p.links(n)
	p.matrix(n)
	p.absences(n)
	return p.flush(w)
}

func (p *printer) header(n *topology.Node) {
	const hang = 9
	product := join(" ", n.System.Vendor, n.System.Product)
	release := n.Kernel.Release
	if release != "" {
		release = "Linux " + release
	}
	p.wrap("", 0, join(" · ", n.Name, n.Architecture, product, release))
	s := n.Summary
	facts := counts(n)
	if s.MemoryBytes != nil {
		facts = append(facts, unit.Bytes(*s.MemoryBytes)+" memory")
	}
	for _, v := range slices.Sorted(maps.Keys(s.Accelerators)) {
		facts = append(facts, fmt.Sprintf("%d %s accelerator%s", s.Accelerators[v], v, map[bool]string{false: "s"}[s.Accelerators[v] == 1]))
	}
	if k := len(n.NICs); k > 0 {
		facts = append(facts, plural(k, "NIC"))
	}
	if _, absent := n.AbsenceOf(topology.NodeRef, "pci"); absent && s.PCIFunctions == 0 {
		facts = append(facts, "PCI not known")
	} else {
		facts = append(facts, plural(s.PCIFunctions, "PCI function"))
	}
	p.wrap("has      ", hang, strings.Join(facts, ", "))
	if s.OfflineCPUs > 0 {
		p.wrap("offline  ", hang, "CPUs "+n.OfflineCPUs.String())
	}
	if isa := isaLine(n.ISA); isa != "" {
		p.wrap("ISA      ", hang, isa)
	}
	if len(n.CPUKinds) > 1 {
		var kinds []string
		for _, k := range n.CPUKinds {
			kinds = append(kinds, k.Name+" on CPUs "+k.CPUs.String())
		}
		p.wrap("CPUs     ", hang, strings.Join(kinds, " · "))
	}
	p.wrap("boot     ", hang, bootLine(n.Boot))
	p.emulation(n)
	if n.Allowed.Restricted {
		p.wrap("allowed  ", hang, fmt.Sprintf("this process may use only CPUs %s and NUMA nodes %s (%s)", n.Allowed.CPUs, n.Allowed.NUMANodes, n.Allowed.Source))
	}
}

// counts tells of processors and NUMA nodes. No machine runs without a CPU, a
// package and memory, so none of them is not zero but not known.
func counts(n *topology.Node) []string {
	s := n.Summary
	var facts []string
	if s.Threads == 0 {
		facts = append(facts, "CPUs not known")
	} else {
		if s.Packages > 0 {
			facts = append(facts, plural(s.Packages, "package"))
		} else {
			facts = append(facts, "packages not known")
		}
		facts = append(facts, plural(s.Cores, "core"), plural(s.Threads, "thread"))
	}
	if s.NUMANodes == 0 {
		return append(facts, "NUMA nodes not known")
	}
	return append(facts, plural(s.NUMANodes, "NUMA node"))
}

func isaLine(isa topology.ISA) string {
	level := isa.Base
	if isa.Level != "" {
		level = isa.Level
	}
	vector := isa.VendorVector
	if vector != "" {
		vector = "vector unit " + vector + ", not RVV 1.0"
	}
	return join(" · ", level, vector)
}

func bootLine(b topology.Boot) string {
	tell := func(v *bool, unknown, no, yes string) string {
		switch {
		case v == nil:
			return unknown
		case *v:
			return yes
		}
		return no
	}
	parts := []string{
		tell(b.EFI, "EFI not known", "no EFI", "EFI"),
		tell(b.SecureBoot, "Secure Boot not known", "Secure Boot off", "Secure Boot on"),
	}
	if b.EFI != nil && !*b.EFI && b.SecureBoot == nil {
		parts = parts[:1]
	}
	if b.Lockdown != "" {
		parts = append(parts, "lockdown "+b.Lockdown)
	}
	parts = append(parts, tell(b.SigEnforce, "", "", "only signed modules"))
	return join(" · ", parts...)
}

// links writes a line for each group of like links; PCIe in full only where
// something is wrong with it, for the tree shows the rest.
func (p *printer) links(n *topology.Node) {
	var rows [][]string
	for _, g := range n.LinkGroups() {
		l := g.Members[0]
		each := ""
		if len(g.Members) > 1 {
			each = " each"
		}
		bandwidth := ""
		if l.BytesPerSecond != nil {
			bandwidth = unit.Rate(*l.BytesPerSecond) + each
		}
		coherent := ""
		if l.Coherent {
			coherent = "coherent"
		}
		rows = append(rows, []string{fmt.Sprintf("%d ×", len(g.Members)), string(l.Kind), g.A + " - " + g.B, g.Width(), bandwidth, coherent, linkState(l)})
	}
	if len(rows) == 0 {
		return
	}
	p.blank()
	p.line("Links, one direction")
	p.table("  ", rows, 0)
}

func linkState(l topology.Link) string {
	if l.State == topology.LinkUp {
		return "up"
	}
	word := map[topology.LinkState]string{topology.LinkDegraded: "DEGRADED", topology.LinkDown: "DOWN", topology.LinkStateUnknown: "state unknown"}[l.State]
	if len(l.DownLanes) > 0 && l.Kind != topology.LinkPCIe {
		word += " link " + strings.Trim(strings.ReplaceAll(fmt.Sprint(l.DownLanes), " ", ","), "[]") + " down"
	}
	return word
}

// matrix writes the matrix in blocks of as many columns as fit.
func (p *printer) matrix(n *topology.Node) {
	m := n.Matrix()
	if len(m.Rows) < 2 {
		return
	}
	p.blank()
	label, cell := 0, 2
	for _, r := range m.Rows {
		label = max(label, len(r.Label))
		for _, c := range r.Cells {
			cell = max(cell, len(c.Code))
		}
	}
	cell = max(cell, label)
	affinity := func(r topology.MatrixRow) string { return cmp.Or(r.CPUAffinity.String(), "?") }
	numa := func(r topology.MatrixRow) string { return cmp.Or(r.NUMAAffinity.String(), "?") }
	cpus, nodes := len("CPUs"), len("NUMA")
	for _, r := range m.Rows {
		cpus, nodes = max(cpus, len(affinity(r))), max(nodes, len(numa(r)))
	}
	each := max((p.width-label-2)/(cell+1), 1)
	p.line("Matrix")
	for from := 0; from < len(m.Rows); from += each {
		to := min(from+each, len(m.Rows))
		// Affinities stand beside the last block, or in one of their own.
		last := to == len(m.Rows) && label+2+(to-from)*(cell+1)+2+cpus+2+nodes <= p.width
		p.matrixHead(m, label, cell, cpus, from, to, last)
		for _, r := range m.Rows {
			text := fmt.Sprintf("  %-*s", label, r.Label)
			for _, c := range r.Cells[from:to] {
				text += fmt.Sprintf(" %-*s", cell, c.Code)
			}
			if last {
				text += fmt.Sprintf("  %-*s  %s", cpus, affinity(r), numa(r))
			}
			p.line("%s", text)
		}
		if to == len(m.Rows) && !last {
			p.affinities(m)
		}
	}
	var legend []string
	for _, e := range m.Legend {
		legend = append(legend, e.Code+" = "+e.Text)
	}
	p.wrap("  ", 2, strings.Join(legend, "; "))
}

// affinities tells the nearest CPUs, devices of the same ones together.
func (p *printer) affinities(m topology.Matrix) {
	devices := map[string][]string{}
	var order []string
	for _, r := range m.Rows {
		near := fmt.Sprintf("CPUs %s  NUMA %s", cmp.Or(r.CPUAffinity.String(), "?"), cmp.Or(r.NUMAAffinity.String(), "?"))
		if devices[near] == nil {
			order = append(order, near)
		}
		devices[near] = append(devices[near], r.Label)
	}
	for _, near := range order {
		p.line("  %s: %s", near, topology.NameRange(devices[near]))
	}
}

func (p *printer) matrixHead(m topology.Matrix, label, cell, cpus, from, to int, affinities bool) {
	text := fmt.Sprintf("  %-*s", label, "")
	for _, r := range m.Rows[from:to] {
		text += fmt.Sprintf(" %-*s", cell, r.Label)
	}
	if affinities {
		text += fmt.Sprintf("  %-*s  NUMA", cpus, "CPUs")
	}
	p.line("%s", text)
}

// absences writes what the machine did not tell, alike ones on one line.
func (p *printer) absences(n *topology.Node) {
	type group struct {
		fact, kind, detail, source, object string
		count                              int
	}
	var groups []group
	for _, a := range n.Absences {
		// The same file of another device is the same thing not known.
		source := strings.ReplaceAll(a.Source, a.Object.ID(), "*")
		if a.Object.ID() == "" {
			source = a.Source
		}
		i := slices.IndexFunc(groups, func(g group) bool {
			return g.fact == a.Fact && g.kind == string(a.Kind) && g.detail == a.Detail && g.source == source
		})
		if i >= 0 {
			groups[i].count++
			continue
		}
		groups = append(groups, group{a.Fact, string(a.Kind), a.Detail, source, string(a.Object), 1})
	}
	if len(groups) == 0 {
		return
	}
	p.blank()
	p.line("Not known")
	for _, g := range groups {
		of := " of " + g.object
		switch {
		case g.count > 1:
			of = " of " + plural(g.count, "object")
		case g.object == string(topology.NodeRef):
			of = ""
		}
		said := ""
		switch {
		case g.detail == "":
		case g.kind == string(topology.Unknown):
			said = " says " + g.detail
		default:
			said = " (" + g.detail + ")"
		}
		p.wrap("  ", 4, fmt.Sprintf("%s%s: %s, %s%s", g.fact, of, g.kind, g.source, said))
	}
}
