// SPDX-License-Identifier: Apache-2.0

package web

import (
	_ "embed"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"tarsia.dev/tarsia/topology"
)

//go:embed svg.css
var svgStyle string

// hatch marks a lost device. It is defined once per document.
const hatch = `<defs><pattern id="tn-hatch" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">` +
	`<rect class="hx" width="8" height="8"/><path class="hl" d="M0 0V8"/></pattern></defs>`

// NodeSVG draws a node as a stand-alone SVG document: packages and NUMA nodes
// as boxes, the PCI tree in them, accelerators at their feet, and the links
// between accelerators below, as wide as they are fast. What is degraded, down,
// lost or not known has a pattern and a sign as well as a colour.
func NodeSVG(w io.Writer, n *topology.Node) error {
	_, err := io.WriteString(w, drawNode(n, true))
	if err != nil {
		return fmt.Errorf("write svg: %w", err)
	}
	return nil
}

// point is where the links of an accelerator leave its chip.
type point struct{ x, y, w int }

// drawing is one picture under way.
type drawing struct {
	canvas
	plan   *plan
	feet   map[topology.Ref]point
	marks  map[string]bool // classes used, for the legend
	height int
	width  int
}

// drawNode returns the picture. Alone it has a name, a style sheet and a
// heading; within a page it has none of these, so that alike nodes have equal
// pictures.
func drawNode(n *topology.Node, alone bool) string {
	d := &drawing{plan: newPlan(n), feet: map[topology.Ref]point{}, marks: map[string]bool{}}
	blocks := d.plan.blocks()
	y := pad
	if alone {
		y += 52
	}
	d.width = 640
	for _, row := range rows(blocks, d.plan.hasFabric()) {
		x, tall := pad, 0
		for _, b := range row {
			tall = max(tall, b.height())
		}
		for _, b := range row {
			b.x, b.w = x, b.width()
			d.block(b, y, tall, "")
			x += b.w + 2*gap
		}
		d.width = max(d.width, x-2*gap+pad)
		y += tall + 2*gap
	}
	y = d.fabric(y)
	if note := d.plan.memoryOnly(); note != "" {
		d.text("s", pad, y+12, 11, d.width-2*pad, note)
		y += 20
	}
	y = d.legend(y)
	d.height = y + pad

	body := d.buf.String()
	var out canvas
	title := "topology of " + n.Name
	if !alone {
		title = "topology of the machine"
	}
	out.raw(`<svg xmlns="http://www.w3.org/2000/svg" class="tn" role="img" viewBox="0 0 %d %d" width="%d" height="%d">`, d.width, d.height, d.width, d.height)
	out.raw("<title>%s</title>\n", escape(title))
	if alone {
		out.raw("<style>\n%s</style>\n%s\n", svgStyle, hatch)
		out.raw(`<rect fill="var(--bg)" width="%d" height="%d"/>`, d.width, d.height)
		out.text("b", pad, pad+16, 18, d.width-2*pad, n.Name)
		out.text("s", pad, pad+36, 12, d.width-2*pad, subtitle(n))
	}
	out.buf.WriteString(body)
	out.raw("</svg>\n")
	return out.buf.String()
}

func subtitle(n *topology.Node) string {
	parts := []string{n.Architecture}
	if product := strings.TrimSpace(n.System.Vendor + " " + n.System.Product); product != "" {
		parts = append(parts, product)
	}
	parts = append(parts, fmt.Sprintf("%d cores, %d threads", n.Summary.Cores, n.Summary.Threads), plural(n.Summary.NUMANodes, "NUMA node"))
	for _, v := range slices.Sorted(maps.Keys(n.Summary.Accelerators)) {
		parts = append(parts, fmt.Sprintf("%d %s", n.Summary.Accelerators[v], v))
	}
	return strings.Join(parts, " · ")
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// rows breaks blocks into rows, unless links between accelerators have to run
// below all of them.
func rows(blocks []*block, together bool) [][]*block {
	var out [][]*block
	width := 0
	for _, b := range blocks {
		w := b.width() + 2*gap
		if len(out) == 0 || !together && width+w > maxWidth {
			out, width = append(out, nil), 0
		}
		out[len(out)-1] = append(out[len(out)-1], b)
		width += w
	}
	return out
}

// block draws a box and all in it; tall is what its row has.
func (d *drawing) block(b *block, y, tall int, cpus topology.Ref) {
	d.open("", b.title)
	d.rect(b.class, b.x, y, b.w, tall, 6)
	for i, l := range b.head {
		d.text(l.class, b.x+pad, y+17+16*i, 13-i, b.w-2*pad, l.text)
	}
	d.close()
	if b.class == "nk" {
		d.marks["nk"] = true
	}
	if b.isCPUs != "" {
		cpus = b.isCPUs
	}
	x := b.x + pad
	for _, k := range b.inner {
		k.x, k.w = x, k.width()
		// A box with a wide heading gives its only child all its room.
		if len(b.inner) == 1 {
			k.w = b.w - 2*pad
		}
		d.block(k, y+headHeight, tall-headHeight-pad, cpus)
		x += k.w + gap
	}
	foot := y + tall - pad
	for _, column := range b.parts {
		widest, at := 0, y+headHeight
		for _, p := range column {
			widest = max(widest, p.width())
		}
		for _, p := range column {
			d.part(p, x, at, widest, foot)
			d.coherent(p, cpus, y+headHeight-4)
			at += p.height() + gap
		}
		x += widest + gap
	}
}

// part draws a chip, the trunk below it, and its kids. Accelerators stand on
// foot, so that links between them leave from one line.
func (d *drawing) part(p *part, x, y, w, foot int) {
	if p.gpu != nil {
		y = foot - p.tall
		d.feet[p.gpu.ID] = point{x, foot, w}
		if p.class != "gp" {
			d.marks[p.class] = true
		}
	}
	own := w
	if p.gpu == nil {
		own -= p.gutter
	}
	d.open("", p.title)
	d.rect(p.class, x, y, own, p.ownHeight(), 4)
	for i, l := range p.lines {
		size := 12
		if i > 0 {
			size = 11
		}
		text := l.text
		if i == 0 && p.copies > 1 {
			text = fmt.Sprintf("%d × %s", p.copies, text)
		}
		d.text(l.class, x+7, y+15+15*i, size, own-12, text)
	}
	d.close()

	at, trunk := y+p.ownHeight(), x+6
	for _, k := range p.stack {
		at += gap
		d.wire(k, "M%d %dV%dH%d", trunk, y+p.ownHeight(), at+chipHeight/2, x+inset)
		d.part(k, x+inset, at, own-inset, foot)
		at += k.height()
	}
	if len(p.cols) == 0 {
		return
	}
	bus, kx := at+gap, x+inset
	for _, k := range p.cols {
		kw := k.width()
		if len(p.cols) == 1 {
			kw = w - inset
		}
		top := bus + gap
		if k.gpu != nil {
			top = foot - k.tall
		}
		d.wire(k, "M%d %dV%dH%dV%d", trunk, y+p.ownHeight(), bus, kx+12, top)
		d.part(k, kx, bus+gap, kw, foot)
		kx += kw + gap
	}
}

// wire draws the link above a part: its width tells lanes, its pattern the
// state.
func (d *drawing) wire(k *part, format string, args ...any) {
	class, width := "pc", 1.5
	if k.link != nil {
		class = linkClass(topology.LinkPCIe, k.link.State)
		if k.link.Lanes != nil {
			width = 1 + float64(*k.link.Lanes)/8
		}
	}
	d.marks[class] = true
	d.path(class, width, format, args...)
}
