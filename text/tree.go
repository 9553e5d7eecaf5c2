// SPDX-License-Identifier: Apache-2.0

package text

import (
	"fmt"
	"slices"
	"strings"

	"tarsia.dev/tarsia/cpuset"
	"tarsia.dev/tarsia/internal/unit"
	"tarsia.dev/tarsia/topology"
)

// branch is a line of the tree with what hangs below it. Branches of one fold
// key are told as one.
type branch struct {
	text string
	fold string
	more []string // addresses of folded siblings
	kids []*branch
}

func (p *printer) tree(branches []*branch) {
	for _, b := range branches {
		p.line("%s", b.text)
		p.subtree("", b.kids)
	}
}

func (p *printer) subtree(indent string, kids []*branch) {
	kids = folded(kids)
	for i, k := range kids {
		glyph, below := "├─ ", "│  "
		if i == len(kids)-1 {
			glyph, below = "└─ ", "   "
		}
		lines := []string{k.text}
		if columns(indent)+3+columns(k.text) > p.width {
			lines = p.fold(k.text, columns(indent)+5)
		}
		p.line("%s%s%s", indent, glyph, lines[0])
		for _, l := range lines[1:] {
			p.line("%s%s  %s", indent, below, l)
		}
		p.subtree(indent+below, k.kids)
	}
}

// folded joins neighbours of the same fold key.
func folded(kids []*branch) []*branch {
	var out []*branch
	for _, k := range kids {
		if last := len(out) - 1; last >= 0 && k.fold != "" && out[last].fold == k.fold {
			out[last].more = append(out[last].more, k.text)
			continue
		}
		out = append(out, k)
	}
	for _, k := range out {
		if len(k.more) > 0 {
			first, _, _ := strings.Cut(k.text, "  ")
			last, _, _ := strings.Cut(k.more[len(k.more)-1], "  ")
			k.text = fmt.Sprintf("%d × %s  %s to %s", len(k.more)+1, k.fold, first, last)
			// Told: who folds again must leave it so.
			k.fold, k.more = "", nil
		}
	}
	return out
}

// tree holds what the branches of one node are made from.
type tree struct {
	n      *topology.Node
	opt    Options
	labels map[topology.Ref]string
	gpus   map[topology.Ref]*topology.Accelerator
	nics   map[topology.Ref][]*topology.NIC
	pcie   map[topology.Ref]topology.Link // by lower end
	below  func(numa *int) []topology.Complex
	left   int // functions that are not listed
}

func newTree(n *topology.Node, opt Options) *tree {
	t := &tree{n: n, opt: opt, labels: n.Labels(), gpus: map[topology.Ref]*topology.Accelerator{}, nics: map[topology.Ref][]*topology.NIC{}, pcie: n.PCIeLinks()}
	for i := range n.Accelerators {
		t.gpus[n.Accelerators[i].ID] = &n.Accelerators[i]
	}
	for i := range n.NICs {
		d := n.NICs[i].Device
		t.nics[d] = append(t.nics[d], &n.NICs[i])
	}
	for i := range n.PCI {
		if !t.listed(&n.PCI[i]) {
			t.left++
		}
	}
	t.below = n.Complexes(t.listed)
	return t
}

// listed says whether the function has a line of its own.
func (t *tree) listed(f *topology.PCIFunction) bool {
	ref := topology.PCIRef(f.Address)
	if t.opt.All || t.gpus[ref] != nil {
		return true
	}
	return f.PhysFn == nil && (len(t.nics[ref]) > 0 || f.IsDevice())
}

// machine returns the packages, then memory without CPUs, then devices of
// which no NUMA node is known.
func (t *tree) machine() []*branch {
	var out []*branch
	used := map[int]bool{}
	for _, numa := range t.n.NUMANodes {
		if numa.CPUs.IsEmpty() || used[numa.ID] {
			continue
		}
		packages, cpus := t.packagesOf(numa.CPUs)
		b := &branch{text: packageText(packages, cpus)}
		for _, other := range t.n.NUMANodes {
			if !used[other.ID] && !other.CPUs.IsEmpty() && cpus.Contains(other.CPUs) {
				used[other.ID] = true
				b.kids = append(b.kids, t.numaNode(other))
			}
		}
		out = append(out, b)
	}
	if len(t.n.NUMANodes) == 0 {
		for _, k := range t.n.Packages {
			out = append(out, &branch{text: packageText([]int{k.ID}, k.CPUs)})
		}
	}
	for _, numa := range t.n.NUMANodes {
		if t.untold(numa) {
			out = append(out, t.numaNode(numa))
		}
	}
	out = append(out, t.memoryOnly()...)
	if kids := t.devices(nil); len(kids) > 0 {
		text := "NUMA node unknown"
		if len(t.n.NUMANodes) < 2 {
			text = "devices"
		}
		out = append(out, &branch{text: text, kids: kids})
	}
	return out
}

// packagesOf returns the packages that a NUMA node reaches into, and all their
// CPUs with its own.
func (t *tree) packagesOf(cpus cpuset.Set) ([]int, cpuset.Set) {
	var ids []int
	all := cpus
	for _, k := range t.n.Packages {
		if k.CPUs.Overlaps(cpus) {
			ids = append(ids, k.ID)
			all = all.Or(k.CPUs)
		}
	}
	return ids, all
}

func packageText(ids []int, cpus cpuset.Set) string {
	switch len(ids) {
	case 0:
		return "machine  CPUs " + cpus.String()
	case 1:
		return fmt.Sprintf("package %d  CPUs %s", ids[0], cpus)
	}
	return fmt.Sprintf("packages %s  CPUs %s", cpuset.Of(ids...), cpus)
}

func (t *tree) numaNode(numa topology.NUMANode) *branch {
	text := fmt.Sprintf("NUMA node %d  CPUs %s", numa.ID, numa.CPUs)
	if t.untold(numa) {
		text = fmt.Sprintf("NUMA node %d  CPUs not known", numa.ID)
	}
	if numa.MemoryBytes != nil {
		text += "  " + unit.Bytes(*numa.MemoryBytes)
	}
	if d := distances(numa); d != "" {
		text += "  distance " + d
	}
	return &branch{text: text, kids: t.devices(&numa.ID)}
}

// distances tells the distances to other nodes, near ones first: "21 to 1-3".
func distances(numa topology.NUMANode) string {
	at := map[int]cpuset.Set{}
	for to, d := range numa.Distances {
		if to != numa.ID {
			at[d] = at[d].Or(cpuset.Of(to))
		}
	}
	var parts []string
	for _, d := range sortedKeys(at) {
		parts = append(parts, fmt.Sprintf("%d to %s", d, at[d]))
	}
	return strings.Join(parts, ", ")
}

// untold says whether the machine does not tell the CPUs of a NUMA node, as
// against a node that has none.
func (t *tree) untold(numa topology.NUMANode) bool {
	_, absent := t.n.AbsenceOf(topology.NUMARef(numa.ID), "cpus")
	return absent && numa.CPUs.IsEmpty()
}

// memoryOnly folds NUMA nodes without CPUs: a tray of four GPUs has 32.
func (t *tree) memoryOnly() []*branch {
	ids := map[topology.Ref]cpuset.Set{}
	sizes := map[topology.Ref]int64{}
	unsized := map[topology.Ref]bool{}
	var owners []topology.Ref
	count := 0
	for _, numa := range t.n.NUMANodes {
		if !numa.CPUs.IsEmpty() || t.untold(numa) {
			continue
		}
		count++
		if _, seen := ids[numa.Accelerator]; !seen {
			owners = append(owners, numa.Accelerator)
		}
		ids[numa.Accelerator] = ids[numa.Accelerator].Or(cpuset.Of(numa.ID))
		if numa.MemoryBytes != nil {
			sizes[numa.Accelerator] += *numa.MemoryBytes
		} else {
			unsized[numa.Accelerator] = true
		}
	}
	if count == 0 {
		return nil
	}
	// What belongs to nobody is told last.
	slices.SortStableFunc(owners, func(a, b topology.Ref) int { return strings.Compare(known(a), known(b)) })
	all := cpuset.Set{}
	b := &branch{}
	for _, owner := range owners {
		all = all.Or(ids[owner])
		what := "nobody's memory"
		if owner != "" {
			what = "memory of " + t.n.EndLabel(owner, t.labels)
		}
		word := "NUMA nodes "
		if ids[owner].Len() == 1 {
			word = "NUMA node "
		}
		size := unit.Bytes(sizes[owner])
		if unsized[owner] {
			size = "size not known"
		}
		b.kids = append(b.kids, &branch{text: fmt.Sprintf("%s%s  %s  %s", word, ids[owner], what, size)})
	}
	b.text = fmt.Sprintf("%s without CPUs: %s", plural(count, "NUMA node"), all)
	return []*branch{b}
}

func known(owner topology.Ref) string {
	if owner == "" {
		return "nobody"
	}
	return "known"
}

// devices returns what hangs at the NUMA node, nil for what tells none.
func (t *tree) devices(numa *int) []*branch {
	var out []*branch
	for _, c := range t.below(numa) {
		var kids []*branch
		for _, b := range c.Branches {
			kids = append(kids, t.function(b))
		}
		if kids = folded(kids); len(kids) == 1 {
			out = append(out, &branch{text: join(" · ", c.ID, kids[0].text), kids: kids[0].kids})
			continue
		}
		out = append(out, &branch{text: c.ID, kids: kids})
	}
	for i := range t.n.Accelerators {
		a := &t.n.Accelerators[i]
		if _, isPCI := a.ID.PCI(); !isPCI && sameNode(a.NUMANode, numa) {
			out = append(out, &branch{text: string(a.ID) + "  " + t.accelerator(a)})
		}
	}
	for i := range t.n.NICs {
		c := &t.n.NICs[i]
		if _, isPCI := c.Device.PCI(); !isPCI && sameNode(c.NUMANode, numa) && t.nics[c.Device][0] == c {
			out = append(out, &branch{text: string(c.Device) + "  " + t.nic(c.Device)})
		}
	}
	return out
}

func sameNode(a, b *int) bool { return a == nil && b == nil || a != nil && b != nil && *a == *b }

// function returns the line of a device or of a bridge at which ways part.
func (t *tree) function(b *topology.Branch) *branch {
	var kids []*branch
	for _, k := range b.Kids {
		kids = append(kids, t.function(k))
	}
	if b.Device {
		text, fold := t.device(b.Function)
		if len(kids) > 0 {
			fold = ""
		}
		return &branch{text: text, fold: fold, kids: kids}
	}
	// Below a switch the ways go through its downstream ports.
	word := "bridge"
	for _, k := range b.Kids {
		if k.Function.Parent != nil && *k.Function.Parent != b.Function.Address {
			word = "switch"
		}
	}
	return &branch{text: join("  ", b.Function.Address.String(), word, t.link(b.Function)), kids: kids}
}
