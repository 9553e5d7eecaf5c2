// SPDX-License-Identifier: Apache-2.0

package web

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"tarsia.dev/tarsia/internal/unit"
	"tarsia.dev/tarsia/topology"
)

const (
	bundleRoom = 50 // between the boxes and a switch bar
	barHeight  = 28
)

// stroke is a line's width by what it carries: the square root keeps a x16
// link visible beside eighteen NVLinks.
func stroke(bytesPerSecond *int64) float64 {
	if bytesPerSecond == nil {
		return 2
	}
	return 1.5 + 8*math.Sqrt(min(float64(*bytesPerSecond)/1e12, 1))
}

// bundle is what leaves one accelerator for a bar.
type bundle struct {
	gpu   topology.Ref
	links []topology.Link
}

// hasFabric tells whether links run between accelerators or to switches.
func (p *plan) hasFabric() bool {
	return slices.ContainsFunc(p.n.Links, func(l topology.Link) bool {
		return l.Kind != topology.LinkPCIe && l.Kind != topology.LinkC2C
	})
}

// fabric draws the links between accelerators below the boxes and returns the
// next free line: a bar for switches, a bar for a full mesh, brackets for
// everything else.
func (d *drawing) fabric(y int) int {
	bottom := y - 2*gap
	for _, kind := range []topology.LinkKind{topology.LinkNVLink, topology.LinkXGMI, topology.LinkXe} {
		toSwitch := map[topology.Ref][]topology.Link{}
		var peers []topology.Link
		for _, l := range d.plan.n.Links {
			if l.Kind != kind {
				continue
			}
			_, a := d.feet[l.A]
			_, b := d.feet[l.B]
			switch {
			case a && b:
				peers = append(peers, l)
			case a:
				toSwitch[l.A] = append(toSwitch[l.A], l)
			case b:
				toSwitch[l.B] = append(toSwitch[l.B], l)
			}
		}
		if len(toSwitch) > 0 {
			word := map[topology.LinkKind]string{topology.LinkNVLink: "NVSwitch"}[kind]
			y = d.bar(bottom, y, d.bundles(toSwitch), cmp.Or(word, "switch"), true)
			bottom = y - 2*gap
		}
		if mesh, odd, label := fullMesh(peers); mesh != nil {
			y = d.bar(bottom, y, d.bundles(mesh), label, false)
			bottom = y - 2*gap
			peers = odd
		}
		y = d.brackets(bottom, y, peers)
		bottom = y - 2*gap
	}
	return y
}

// bundles orders by the feet, left to right.
func (d *drawing) bundles(of map[topology.Ref][]topology.Link) []bundle {
	var out []bundle
	for gpu, links := range of {
		out = append(out, bundle{gpu, links})
	}
	slices.SortFunc(out, func(a, b bundle) int { return cmp.Compare(d.feet[a.gpu].x, d.feet[b.gpu].x) })
	return out
}

// bar draws a switch or a mesh, with a bundle from each accelerator.
func (d *drawing) bar(bottom, y int, bundles []bundle, label string, labelled bool) int {
	if len(bundles) == 0 {
		return y
	}
	first, last := d.feet[bundles[0].gpu], d.feet[bundles[len(bundles)-1].gpu]
	top := bottom + bundleRoom
	if !labelled {
		top = bottom + bundleRoom/2
	}
	for _, b := range bundles {
		d.bundle(b, top, labelled)
	}
	d.open("", label)
	x, w := first.x, last.x+last.w-first.x
	// A bar over one accelerator still has to hold its label.
	w = max(w, measure(label, 12)+2*pad)
	d.rect("ba", x, top, w, barHeight, 4)
	d.text("b m", x+w/2, top+18, 12, w-2*pad, label)
	d.close()
	d.width = max(d.width, x+w+pad)
	return top + barHeight + 2*gap
}

func (d *drawing) bundle(b bundle, top int, labelled bool) {
	lanes, most, bytes, state := 0, 0, int64(0), topology.LinkUp
	for _, l := range b.links {
		if l.Lanes != nil {
			lanes += *l.Lanes
		}
		if l.MaxLanes != nil {
			most += *l.MaxLanes
		}
		if l.BytesPerSecond != nil {
			bytes += *l.BytesPerSecond
		}
		state = worse(state, l.State)
	}
	kind := b.links[0].Kind
	class := linkClass(kind, state)
	d.marks[class] = true
	foot := d.feet[b.gpu]
	x := foot.x + 16
	text := fmt.Sprintf("%s%d", map[topology.LinkKind]string{topology.LinkNVLink: "NV", topology.LinkXGMI: "XG", topology.LinkXe: "XE"}[kind], lanes)
	rate, textClass := unit.Rate(bytes), "b"
	switch state {
	case topology.LinkDegraded:
		text, textClass = fmt.Sprintf("▲ %s of %d", text, most), "tb"
	case topology.LinkDown:
		text, rate, textClass = "✕ down", "", "tb"
	case topology.LinkStateUnknown:
		text, textClass = "? unknown", "tu"
		if bytes == 0 {
			rate = ""
		}
	}
	d.open("", fmt.Sprintf("%s: %s %s (%s)", d.plan.labels[b.gpu], text, rate, b.links[0].Source))
	d.path(class, stroke(&bytes), "M%d %dV%d", x, foot.y, top)
	if labelled {
		d.text(textClass, x+10, top-24, 12, foot.w-28, text)
		d.text("s", x+10, top-9, 11, foot.w-28, rate)
	}
	d.close()
}

func worse(a, b topology.LinkState) topology.LinkState {
	order := []topology.LinkState{topology.LinkUp, topology.LinkStateUnknown, topology.LinkDegraded, topology.LinkDown}
	if slices.Index(order, b) > slices.Index(order, a) {
		return b
	}
	return a
}

// fullMesh returns the links by accelerator where at least three of them are
// all joined to one another, those of the links that differ from the rest, and
// a label; nil where they are not.
func fullMesh(links []topology.Link) (mesh map[topology.Ref][]topology.Link, odd []topology.Link, label string) {
	ends := map[topology.Ref][]topology.Link{}
	for _, l := range links {
		ends[l.A] = append(ends[l.A], l)
		ends[l.B] = append(ends[l.B], l)
	}
	n := len(ends)
	if n < 3 || len(links) != n*(n-1)/2 {
		return nil, nil, ""
	}
	rate := map[int64]int{}
	for _, l := range links {
		if l.State != topology.LinkUp {
			odd = append(odd, l)
		} else if l.BytesPerSecond != nil {
			rate[*l.BytesPerSecond]++
		}
	}
	label = fmt.Sprintf("%s, all %d joined to one another", map[topology.LinkKind]string{topology.LinkNVLink: "NVLink", topology.LinkXGMI: "XGMI", topology.LinkXe: "Xe Link"}[links[0].Kind], n)
	if len(rate) == 1 {
		for r := range rate {
			label += ", " + unit.Rate(r) + " a pair"
		}
	}
	for r, of := range ends {
		up := slices.DeleteFunc(slices.Clone(of), func(l topology.Link) bool { return l.State != topology.LinkUp })
		if len(up) > 0 {
			of = up
		}
		ends[r] = of
	}
	return ends, odd, label
}

// brackets draws links between pairs, short ones nearest to the boxes; two that
// do not overlap share a line.
func (d *drawing) brackets(bottom, y int, links []topology.Link) int {
	if len(links) == 0 {
		return y
	}
	type span struct {
		l        topology.Link
		from, to int
	}
	var spans []span
	for _, l := range links {
		a, b := d.feet[l.A], d.feet[l.B]
		spans = append(spans, span{l, min(a.x+a.w/2, b.x+b.w/2), max(a.x+a.w/2, b.x+b.w/2)})
	}
	slices.SortStableFunc(spans, func(a, b span) int { return cmp.Or(cmp.Compare(a.to-a.from, b.to-b.from), cmp.Compare(a.from, b.from)) })
	var levels [][]span
	for _, s := range spans {
		free := slices.IndexFunc(levels, func(level []span) bool {
			return !slices.ContainsFunc(level, func(o span) bool { return s.from < o.to+4 && o.from < s.to+4 })
		})
		if free < 0 {
			free = len(levels)
			levels = append(levels, nil)
		}
		levels[free] = append(levels[free], s)
		depth := bottom + 22 + 20*free
		class := linkClass(s.l.Kind, s.l.State)
		d.marks[class] = true
		// Lines of several levels leave a chip side by side.
		shift := 5 * (free % 8)
		text := topology.LinkGroup{Members: []topology.Link{s.l}}.Width()
		if s.l.BytesPerSecond != nil {
			text += " " + unit.Rate(*s.l.BytesPerSecond)
		}
		textClass := "s m"
		if s.l.State != topology.LinkUp {
			text, textClass = linkWord(s.l)+" "+text, "tb m"
		}
		d.open("", fmt.Sprintf("%s - %s: %s (%s)", d.plan.labels[s.l.A], d.plan.labels[s.l.B], text, s.l.Source))
		d.path(class, stroke(s.l.BytesPerSecond), "M%d %dV%dH%dV%d", s.from+shift, d.feet[s.l.A].y, depth, s.to-shift, d.feet[s.l.B].y)
		d.text(textClass, (s.from+s.to)/2, depth-5, 11, s.to-s.from-2*shift-8, text)
		d.close()
	}
	return bottom + 22 + 20*len(levels) + gap
}

// coherent draws C2C links from an accelerator up to the processors of its own
// box.
func (d *drawing) coherent(p *part, cpus topology.Ref, top int) {
	for _, k := range p.cols {
		d.coherent(k, cpus, top)
	}
	if p.gpu == nil {
		return
	}
	for _, l := range d.plan.n.Links {
		end, ok := l.Other(p.gpu.ID)
		if !ok || l.Kind != topology.LinkC2C || end != cpus {
			continue
		}
		foot := d.feet[p.gpu.ID]
		class := linkClass(l.Kind, l.State)
		d.marks[class] = true
		x := foot.x + foot.w - 12
		d.path(class, stroke(l.BytesPerSecond), "M%d %dV%d", x, foot.y-p.tall, top)
	}
}

// legend explains what the picture uses, and nothing else.
func (d *drawing) legend(y int) int {
	entries := []struct{ class, text string }{
		{"pc", "PCIe"}, {"nv", "NVLink"}, {"xg", "XGMI or Xe link"}, {"cc", "C2C, coherent"},
		{"lb", "▲ degraded: fewer lanes than both ends have"}, {"ld", "✕ down"}, {"lu", "? state not known"},
		{"gl", "✕ device lost"}, {"gu", "? device state not known"}, {"nk", "? NUMA node not known"},
	}
	x := pad
	y += 16
	for _, e := range entries {
		if !d.marks[e.class] {
			continue
		}
		w := 34 + measure(e.text, 11) + 14
		if x > pad && x+w > d.width-pad {
			x, y = pad, y+20
		}
		d.raw("<g>")
		switch e.class {
		case "gl", "gu", "nk":
			d.rect(e.class, x, y-10, 26, 12, 2)
		default:
			d.path(e.class, 3, "M%d %dH%d", x, y-4, x+26)
		}
		d.close()
		d.text("s", x+32, y, 11, w, e.text)
		x += w
	}
	return y
}
