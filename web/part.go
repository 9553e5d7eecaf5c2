// SPDX-License-Identifier: Apache-2.0

package web

import (
	"cmp"
	"fmt"
	"strings"

	"tarsia.dev/tarsia/cpuset"
	"tarsia.dev/tarsia/internal/unit"
	"tarsia.dev/tarsia/topology"
)

// complex is a root complex; with a single switch below it both are one part.
func (p *plan) complex(c topology.Complex) *part {
	root := &part{class: "br", title: "root complex " + c.ID, lines: []line{{"", c.ID}, {"s", "root complex"}}, copies: 1}
	branches := c.Branches
	if len(branches) == 1 && !branches[0].Device {
		b := branches[0]
		root.title += ", switch " + b.Function.Address.String() + linkTitle(p.link(b.Function))
		text, class := linkText(p.link(b.Function), b.Function)
		root.lines[1] = line{cmp.Or(class, "s"), strings.TrimSpace("switch " + text)}
		branches = b.Kids
	}
	for _, b := range branches {
		root.add(p.branch(b))
	}
	return root
}

func (p *plan) link(f *topology.PCIFunction) *topology.Link {
	if l, ok := p.pcie[topology.PCIRef(f.Address)]; ok {
		return &l
	}
	return nil
}

func (p *plan) branch(b *topology.Branch) *part {
	f := b.Function
	ref := topology.PCIRef(f.Address)
	var out *part
	switch {
	case p.gpus[ref] != nil:
		return p.accelerator(p.gpus[ref], f)
	case !b.Device:
		text, class := linkText(p.link(f), f)
		out = &part{class: "br", title: "bridge " + f.Address.String() + linkTitle(p.link(f)), copies: 1,
			lines: []line{{"", "switch " + f.Address.String()}, {cmp.Or(class, "s"), text}}}
	case p.nics[ref] != nil:
		out = p.nic(ref, f)
	default:
		text, class := linkText(p.link(f), f)
		name := f.Class.Name()
		out = &part{class: "dv", copies: 1, fold: fmt.Sprint(name, f.Vendor, f.Device, f.Driver, text),
			title: fmt.Sprintf("%s %s %s:%s %s%s", name, f.Address, f.Vendor, f.Device, f.Driver, linkTitle(p.link(f))),
			lines: []line{{"", name}, {cmp.Or(class, "s"), cmp.Or(text, f.Driver, fmt.Sprintf("%04x:%04x", uint16(f.Vendor), uint16(f.Device)))}}}
	}
	out.link = p.link(f)
	for _, k := range b.Kids {
		out.fold = ""
		out.add(p.branch(k))
	}
	return out
}

func (p *plan) nic(device topology.Ref, f *topology.PCIFunction) *part {
	ports := p.nics[device]
	names, title := "", p.labels[device]+" "+device.ID()
	for _, c := range ports {
		name := c.Name
		if c.RDMA != nil {
			name = c.RDMA.Device
			title += fmt.Sprintf(", %s port %d %s %s", c.RDMA.Device, c.RDMA.Port, c.RDMA.LinkLayer, c.RDMA.State)
		}
		title += ", " + c.Name
		if c.SpeedMbps != nil {
			title += " " + unit.Megabits(*c.SpeedMbps)
		}
		if names != "" {
			names += " "
		}
		names += name
	}
	out := &part{class: "ni", title: title, lines: []line{{"b", p.labels[device] + " " + names}, {"s", ""}}, copies: 1}
	if f != nil {
		out.link = p.link(f)
		text, class := linkText(out.link, f)
		if text == "" && ports[0].SpeedMbps != nil {
			text = unit.Megabits(*ports[0].SpeedMbps)
		}
		out.lines[1] = line{cmp.Or(class, "s"), text}
		out.title += linkTitle(out.link)
	}
	return out
}

func (p *plan) accelerator(a *topology.Accelerator, f *topology.PCIFunction) *part {
	out := &part{class: "gp", gpu: a, copies: 1, tall: p.tall}
	model := a.ShortModel()
	if a.Model == "" && f != nil {
		model += fmt.Sprintf(" %04x:%04x", uint16(f.Vendor), uint16(f.Device))
	}
	title := []string{p.labels[a.ID] + " " + cmp.Or(a.Model, a.Vendor), a.ID.ID()}
	if a.MemoryBytes != nil {
		title = append(title, unit.Bytes(*a.MemoryBytes))
	}
	head := line{"b", p.labels[a.ID]}
	if a.MemoryBytes != nil && a.State == topology.DeviceOK {
		head.text += " · " + unit.Bytes(*a.MemoryBytes)
	}
	switch a.State {
	case topology.DeviceLost:
		out.class, head = "gl", line{"tb", p.labels[a.ID] + " ✕ LOST"}
		title = append(title, "lost: "+a.StateReason)
	case topology.DeviceUnknown:
		out.class, head = "gu", line{"tu", p.labels[a.ID] + " ? state"}
		title = append(title, "state unknown "+a.StateReason)
	}
	out.lines = []line{head, {"", model}}
	if f != nil {
		out.link = p.link(f)
		text, class := linkText(out.link, f)
		if text != "" {
			out.lines = append(out.lines, line{cmp.Or(class, "s"), text})
			title = append(title, "PCIe "+text)
		}
	}
	for _, l := range p.n.Links {
		if end, ok := l.Other(a.ID); ok && l.Kind == topology.LinkC2C {
			out.gutter = 20
			text := "C2C"
			if l.BytesPerSecond != nil {
				text += " " + unit.Rate(*l.BytesPerSecond)
			}
			class := "s"
			if l.State != topology.LinkUp {
				class = "tb"
				text += " " + linkWord(l)
			}
			out.lines = append(out.lines, line{class, text})
			title = append(title, text+" to "+string(end))
		}
	}
	switch {
	case a.ExpectedPartitions != nil && *a.ExpectedPartitions != len(a.Partitions):
		out.lines = append(out.lines, line{"tb", fmt.Sprintf("%s %d of %d ▲", a.PartitionMode, len(a.Partitions), *a.ExpectedPartitions)})
	case len(a.Partitions) > 0:
		out.lines = append(out.lines, line{"s", fmt.Sprintf("%s, %d parts", a.PartitionMode, len(a.Partitions))})
	case len(a.MemoryNodes) > 0:
		out.lines = append(out.lines, line{"s", "NUMA " + cpuset.Of(a.MemoryNodes...).String()})
	}
	out.title = strings.Join(title, ", ") + " (" + a.Source + ")"
	return out
}

// linkText is width and speed of the link above a function, and a class where
// something is wrong with it.
func linkText(l *topology.Link, f *topology.PCIFunction) (text, class string) {
	if l == nil {
		return "", ""
	}
	speed := ""
	if f.Link != nil && f.Link.GTPerSec != nil {
		speed = " " + unit.Number(*f.Link.GTPerSec) + " GT/s"
	}
	switch {
	case l.State == topology.LinkDown:
		return "✕ link down", "tb"
	case l.Lanes == nil:
		return "? link", "tu"
	case l.State == topology.LinkDegraded && l.MaxLanes != nil:
		return fmt.Sprintf("▲ x%d of x%d", *l.Lanes, *l.MaxLanes) + speed, "tb"
	case l.State == topology.LinkStateUnknown:
		return fmt.Sprintf("? x%d", *l.Lanes) + speed, "tu"
	}
	return fmt.Sprintf("x%d", *l.Lanes) + speed, ""
}

func linkTitle(l *topology.Link) string {
	if l == nil {
		return ""
	}
	text := ", PCIe " + linkWord(*l)
	if l.BytesPerSecond != nil {
		text += " " + unit.Rate(*l.BytesPerSecond)
	}
	return text + " (" + l.Source + ")"
}

// linkWord is the state with its sign, the same everywhere.
func linkWord(l topology.Link) string {
	switch l.State {
	case topology.LinkUp:
		return "up"
	case topology.LinkDegraded:
		return "▲ degraded"
	case topology.LinkDown:
		return "✕ down"
	}
	return "? unknown"
}

// linkClass picks the stroke: the kind's colour when up, a pattern otherwise.
func linkClass(kind topology.LinkKind, s topology.LinkState) string {
	switch s {
	case topology.LinkDegraded:
		return "lb"
	case topology.LinkDown:
		return "ld"
	case topology.LinkStateUnknown:
		return "lu"
	}
	switch kind {
	case topology.LinkNVLink:
		return "nv"
	case topology.LinkXGMI, topology.LinkXe:
		return "xg"
	case topology.LinkC2C:
		return "cc"
	}
	return "pc"
}
