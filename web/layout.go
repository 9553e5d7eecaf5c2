// SPDX-License-Identifier: Apache-2.0

package web

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tarsia.dev/tarsia/cpuset"
	"tarsia.dev/tarsia/internal/unit"
	"tarsia.dev/tarsia/topology"
)

// Sizes in pixels.
const (
	chipWidth  = 148 // a device or accelerator
	chipHeight = 36
	inset      = 14 // of what hangs below a bridge; the trunk runs in it
	gap        = 8
	headHeight = 42 // of a package or NUMA box
	pad        = 10
	maxWidth   = 1500 // beyond which boxes without a fabric go to the next row
	stackLimit = 6    // complexes without accelerators in one column
)

// part is a root complex, bridge or device in the picture.
type part struct {
	class  string // of its rectangle
	title  string // all that is known, as a tooltip
	lines  []line
	link   *topology.Link // above it
	gpu    *topology.Accelerator
	stack  []*part // below it, without accelerators: one under the other
	cols   []*part // below it, with accelerators: side by side
	tall   int     // height of an accelerator, the same for all
	gutter int     // kept free at the right for a link to the processors
	fold   string  // like neighbours are drawn as one
	copies int
}

type line struct{ class, text string }

func (p *part) add(k *part) {
	if k.holdsGPU() {
		p.cols = append(p.cols, k)
		p.gutter = max(p.gutter, k.gutter)
		return
	}
	if last := len(p.stack) - 1; last >= 0 && k.fold != "" && p.stack[last].fold == k.fold {
		p.stack[last].copies++
		p.stack[last].title += "\n" + k.title
		return
	}
	p.stack = append(p.stack, k)
}

func (p *part) holdsGPU() bool { return p.gpu != nil || len(p.cols) > 0 }

func (p *part) ownHeight() int {
	return max(chipHeight, p.tall)
}

func (p *part) width() int {
	w := 0
	for _, k := range p.cols {
		w += k.width() + gap
	}
	w -= gap
	for _, k := range p.stack {
		w = max(w, k.width())
	}
	if len(p.cols)+len(p.stack) == 0 {
		return chipWidth
	}
	return max(w+inset, chipWidth)
}

func (p *part) height() int {
	h := p.ownHeight()
	for _, k := range p.stack {
		h += gap + k.height()
	}
	tallest := 0
	for _, k := range p.cols {
		tallest = max(tallest, k.height())
	}
	if tallest > 0 {
		h += 2*gap + tallest
	}
	return h
}

// block is a box with a heading: a NUMA node and what hangs at it, or a
// package.
type block struct {
	class  string
	title  string
	head   []line
	parts  [][]*part // columns
	inner  []*block
	x, w   int
	isCPUs topology.Ref // the package, for C2C links
}

func (b *block) width() int {
	w := 0
	for _, column := range b.parts {
		widest := 0
		for _, p := range column {
			widest = max(widest, p.width())
		}
		w += widest + gap
	}
	for _, k := range b.inner {
		w += k.width() + gap
	}
	heading := 0
	for _, l := range b.head {
		heading = max(heading, measure(l.text, 13))
	}
	return max(w-gap, min(heading, 420), chipWidth) + 2*pad
}

func (b *block) height() int {
	h := 0
	for _, column := range b.parts {
		tall := 0
		for _, p := range column {
			tall += p.height() + gap
		}
		h = max(h, tall)
	}
	for _, k := range b.inner {
		h = max(h, k.height()+gap)
	}
	return headHeight + h + pad
}

// plan makes blocks and parts from a node.
type plan struct {
	n      *topology.Node
	labels map[topology.Ref]string
	pcie   map[topology.Ref]topology.Link
	gpus   map[topology.Ref]*topology.Accelerator
	nics   map[topology.Ref][]*topology.NIC
	below  func(numa *int) []topology.Complex
	tall   int // what the accelerator with most lines needs
}

func newPlan(n *topology.Node) *plan {
	p := &plan{n: n, labels: n.Labels(), pcie: n.PCIeLinks(), gpus: map[topology.Ref]*topology.Accelerator{}, nics: map[topology.Ref][]*topology.NIC{}}
	for i := range n.Accelerators {
		p.gpus[n.Accelerators[i].ID] = &n.Accelerators[i]
	}
	for i := range n.NICs {
		d := n.NICs[i].Device
		p.nics[d] = append(p.nics[d], &n.NICs[i])
	}
	for i := range n.PCI {
		f := &n.PCI[i]
		if a := p.gpus[topology.PCIRef(f.Address)]; a != nil {
			p.tall = max(p.tall, 10+15*len(p.accelerator(a, f).lines))
		}
	}
	for i := range n.Accelerators {
		p.tall = max(p.tall, 10+15*len(p.accelerator(&n.Accelerators[i], nil).lines))
	}
	p.below = n.Complexes(func(f *topology.PCIFunction) bool {
		ref := topology.PCIRef(f.Address)
		return p.gpus[ref] != nil || f.PhysFn == nil && (p.nics[ref] != nil || f.IsDevice())
	})
	return p
}

// blocks returns the packages with their NUMA nodes, and devices of no known
// NUMA node.
func (p *plan) blocks() []*block {
	var out []*block
	used := map[int]bool{}
	for _, numa := range p.n.NUMANodes {
		if numa.CPUs.IsEmpty() || used[numa.ID] {
			continue
		}
		var ids []string
		all, first := numa.CPUs, topology.Ref("")
		for _, k := range p.n.Packages {
			if k.CPUs.Overlaps(numa.CPUs) {
				if first == "" {
					first = topology.PackageRef(k.ID)
				}
				ids, all = append(ids, fmt.Sprint(k.ID)), all.Or(k.CPUs)
			}
		}
		head := "package " + strings.Join(ids, ", ")
		if len(ids) == 0 {
			head = "processors"
		}
		b := &block{class: "pk", title: head, head: []line{{"b", head}, {"s", p.isa()}}, isCPUs: first}
		for _, other := range p.n.NUMANodes {
			if !used[other.ID] && !other.CPUs.IsEmpty() && all.Contains(other.CPUs) {
				used[other.ID] = true
				b.inner = append(b.inner, p.numa(other))
			}
		}
		out = append(out, b)
	}
	b := &block{class: "nk", title: "devices of unknown NUMA node", head: []line{{"tu", "? NUMA node unknown"}, {"s", "the machine does not tell"}}}
	if len(p.n.NUMANodes) < 2 {
		b.class, b.title, b.head = "nu", "devices", []line{{"b", "devices"}, {"s", "of the only NUMA node"}}
	}
	if p.fill(b, nil); len(b.parts) > 0 {
		out = append(out, b)
	}
	return out
}

func (p *plan) isa() string { return cmp.Or(p.n.ISA.Level, p.n.ISA.Base, p.n.Architecture) }

func (p *plan) numa(numa topology.NUMANode) *block {
	facts := "CPUs " + numa.CPUs.String()
	if numa.MemoryBytes != nil {
		facts += " · " + unit.Bytes(*numa.MemoryBytes)
	}
	b := &block{class: "nu", title: fmt.Sprintf("NUMA node %d, %s", numa.ID, facts), head: []line{{"b", fmt.Sprintf("NUMA node %d", numa.ID)}, {"s", facts}}}
	p.fill(b, &numa.ID)
	return b
}

// memoryOnly tells of NUMA nodes that have no CPUs and are no accelerator's
// memory; "" where there are none.
func (p *plan) memoryOnly() string {
	ids, size := cpuset.Set{}, int64(0)
	for _, numa := range p.n.NUMANodes {
		if numa.CPUs.IsEmpty() && numa.Accelerator == "" {
			ids = ids.Or(cpuset.Of(numa.ID))
			if numa.MemoryBytes != nil {
				size += *numa.MemoryBytes
			}
		}
	}
	if ids.IsEmpty() {
		return ""
	}
	return fmt.Sprintf("%s without CPUs, nobody's memory: %s, %s", plural(ids.Len(), "NUMA node"), ids, unit.Bytes(size))
}

// fill puts the devices of a NUMA node into columns: a column for each complex
// with accelerators, shared columns for the others.
func (p *plan) fill(b *block, numa *int) {
	var small []*part
	for _, c := range p.below(numa) {
		root := p.complex(c)
		if root.holdsGPU() {
			b.parts = append(b.parts, []*part{root})
		} else {
			small = append(small, root)
		}
	}
	for i := range p.n.Accelerators {
		a := &p.n.Accelerators[i]
		if _, isPCI := a.ID.PCI(); !isPCI && sameNode(a.NUMANode, numa) {
			b.parts = append(b.parts, []*part{p.accelerator(a, nil)})
		}
	}
	for i := range p.n.NICs {
		c := &p.n.NICs[i]
		if _, isPCI := c.Device.PCI(); !isPCI && sameNode(c.NUMANode, numa) && p.nics[c.Device][0] == c {
			small = append(small, p.nic(c.Device, nil))
		}
	}
	for column := range slices.Chunk(small, stackLimit) {
		b.parts = append(b.parts, column)
	}
}

func sameNode(a, b *int) bool { return a == nil && b == nil || a != nil && b != nil && *a == *b }
