// SPDX-License-Identifier: Apache-2.0

package text

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"tarsia.dev/tarsia/topology"
)

// Fleet writes the machines, like ones together, the domains that join them,
// and where like things differ. With All each machine has its own line, and
// what agrees is listed too.
func Fleet(w io.Writer, f *topology.Fleet, opt Options) error {
	p := newPrinter(opt)
	p.heading(f, "Fleet "+f.Name)
	p.blank()
	p.machines(f)
	p.domains(f)
	p.batches(f)
	p.images(f)
	return p.flush(w)
}

// machines writes a row for each kind of machine in each place.
func (p *printer) machines(f *topology.Fleet) {
	var trees []topology.DomainTree
	for _, t := range f.Trees {
		// Domains that never leave a node say nothing in a table of nodes.
		if slices.ContainsFunc(t.Domains, func(d topology.Domain) bool { return !strings.HasPrefix(d.ID, "node/") }) {
			trees = append(trees, t)
		}
	}
	places := make([]map[string]string, len(trees))
	head := []string{"nodes", "arch", "product", "accelerators"}
	for i, t := range trees {
		places[i] = t.Leaves()
		head = append(head, t.Name)
	}
	var rows [][]string
	names := map[string][]string{}
	for _, n := range f.Nodes {
		row := []string{n.Name, n.Architecture, join(" ", n.System.Vendor, n.System.Product), models(n)}
		for i := range trees {
			row = append(row, shortDomain(places[i][n.Name]))
		}
		key := strings.Join(row[1:], "\x00")
		if p.opt.All {
			key = n.Name
		}
		if names[key] == nil {
			rows = append(rows, row)
		}
		names[key] = append(names[key], n.Name)
	}
	for i, row := range rows {
		key := strings.Join(row[1:], "\x00")
		if p.opt.All {
			key = row[0]
		}
		rows[i][0] = topology.NameRange(names[key])
	}
	p.fitColumn(append([][]string{head}, rows...), 2)
	p.table("", append([][]string{head}, rows...))
}

// fitColumn cuts the texts of one column so that the table fits the width, down
// to a readable rest.
func (p *printer) fitColumn(rows [][]string, column int) {
	const least = 16
	widths := make([]int, len(rows[0]))
	total := -2
	for i := range widths {
		for _, r := range rows {
			widths[i] = max(widths[i], columns(r[i]))
		}
		total += widths[i] + 2
	}
	room := max(widths[column]-max(total-p.width, 0), least)
	for _, r := range rows {
		if runes := []rune(clean(r[column])); len(runes) > room {
			r[column] = strings.TrimRight(string(runes[:room-3]), " ") + "..."
		}
	}
}

// models is "8 H100"; lost devices count, for they are there.
func models(n *topology.Node) string {
	count := map[string]int{}
	for _, a := range n.Accelerators {
		count[a.ShortModel()]++
	}
	var parts []string
	for _, m := range byCount(count) {
		parts = append(parts, fmt.Sprintf("%d %s", count[m], m))
	}
	return strings.Join(parts, ", ")
}

// shortDomain cuts a cluster UUID to what tells it from others at a glance.
func shortDomain(id string) string {
	uuid, clique, ok := strings.Cut(id, ".")
	if ok && len(uuid) == 36 && strings.Count(uuid, "-") == 4 {
		return uuid[:8] + "..." + "." + clique
	}
	if strings.HasPrefix(id, "node/") {
		return "of its own"
	}
	return id
}

func (p *printer) domains(f *topology.Fleet) {
	for _, t := range f.Trees {
		p.blank()
		p.line("%s domains (%s)", t.Name, t.Source)
		kids := map[string][]topology.Domain{}
		var single []string
		for _, d := range t.Domains {
			if d.Parent == "" && strings.HasPrefix(d.ID, "node/") {
				single = append(single, d.Nodes...)
				continue
			}
			kids[d.Parent] = append(kids[d.Parent], d)
		}
		p.domainTree(kids, "", "  ")
		if len(single) > 0 {
			p.wrap("  ", 4, fmt.Sprintf("%s of their own within a node: %s", plural(len(single), "domain"), topology.NameRange(single)))
		}
	}
}

func (p *printer) domainTree(kids map[string][]topology.Domain, parent, indent string) {
	for _, d := range kids[parent] {
		p.wrap(indent, len(indent)+2, fmt.Sprintf("%s  %s: %s", d.ID, plural(len(d.Nodes), "node"), topology.NameRange(d.Nodes)))
		if d.ID != "" && d.ID != parent {
			p.domainTree(kids, d.ID, indent+"  ")
		}
	}
}

func (p *printer) batches(f *topology.Fleet) {
	groups := f.BatchGroups("")
	agree := 0
	var differ []topology.BatchGroup
	for _, g := range groups {
		if len(g.Batches) == 1 {
			agree++
			if !p.opt.All {
				continue
			}
		}
		differ = append(differ, g)
	}
	if len(groups) == 0 {
		return
	}
	p.blank()
	p.line("Batches  %d of %d groups agree", agree, len(groups))
	for _, g := range differ {
		p.wrap("  ", 4, fmt.Sprintf("%s, %s: %s", g.Topic, g.Group, g.Summary()))
		for _, b := range g.Batches {
			p.wrap("      ", 8, b.String())
		}
	}
}

func (p *printer) images(f *topology.Fleet) {
	if len(f.Images) == 0 {
		return
	}
	p.blank()
	p.line("Images")
	var rows [][]string
	for _, i := range f.Images {
		platforms := strings.Join(i.Platforms, " ")
		if platforms == "" {
			platforms = "platforms not known"
		}
		rows = append(rows, []string{i.Reference, platforms, strings.Join(i.UsedBy, " ")})
	}
	p.table("  ", rows)
}
