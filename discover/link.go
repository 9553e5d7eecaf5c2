// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"tarsia.dev/tarsia/pci"
	"tarsia.dev/tarsia/sysfs"
	"tarsia.dev/tarsia/topology"
)

// pcieLinks makes one Link per PCI Express link: from each port that faces down
// to the function 0 below it, and from the node itself to a device whose port
// is not shown, as in most virtual machines. A switch's own bus, between its
// upstream and its downstream ports, is no link, and neither is the way to a
// device that the processor integrates.
func (d *devices) pcieLinks() {
	for i := range d.functions {
		d.functions[i].facesDown = d.facesDown(i)
	}
	for i := range d.functions {
		port := &d.functions[i]
		if !port.facesDown {
			continue
		}
		if below := d.firstBelow(port); below != nil {
			d.addPCIe(topology.PCIRef(port.Address), port, below)
		}
	}
	slots := map[pci.Address]bool{} // one link per device, whatever its functions
	for i := range d.functions {
		f := &d.functions[i]
		slot := f.Address
		slot.Function = 0
		if slots[slot] || !d.aloneOnLink(i) {
			continue
		}
		slots[slot] = true
		d.addPCIe(topology.NodeRef, nil, f)
	}
}

// facesDown tells whether a PCI Express link begins at this bridge. A bridge
// whose type nobody tells counts when there is PCI Express on either side of it.
func (d *devices) facesDown(i int) bool {
	switch out := &d.n.PCI[i]; out.Port {
	case topology.RootPort, topology.DownstreamPort:
		return true
	case "":
		if out.Class.Sub() != pci.SubPCIBridge {
			return false
		}
		for _, below := range d.functions[i].below {
			if d.functions[below].pcie {
				return true
			}
		}
	}
	return false
}

// firstBelow is the lowest function below a port: function 0 of the device that
// the link leads to, and not one of its virtual functions.
func (d *devices) firstBelow(port *function) *function {
	for _, i := range port.below {
		if d.functions[i].PhysFn == nil {
			return &d.functions[i]
		}
	}
	return nil
}

// aloneOnLink tells whether a function sits on a link whose upper end is not
// shown: it has link attributes with at least one value and no port above.
func (d *devices) aloneOnLink(i int) bool {
	f, out := &d.functions[i], &d.n.PCI[i]
	if out.Port != topology.Endpoint || out.PhysFn != nil || !f.HasLink() {
		return false
	}
	if f.config.PCIe && f.config.PortType == sysfs.PortIntegratedEndpoint {
		return false
	}
	if out.Parent != nil {
		up := d.at[*out.Parent]
		if d.functions[up].facesDown || d.n.PCI[up].Port == topology.PCIBridge {
			return false
		}
	}
	if out.Link == nil && !f.config.Gone {
		// Width 0 of a function on the root bus: an integrated GPU has no link.
		if v := f.CurrentWidth; v.Err != nil && pci.IsAccelerator(out.Class, out.Vendor, out.Device) {
			d.absent(topology.PCIRef(f.Address), "link", v.Path, v.Text, v.Err)
		}
		return false
	}
	return true
}

// addPCIe adds the link of a device. Port is nil where the upper end is not
// shown; a capture of one device directory has none, most virtual machines too.
func (d *devices) addPCIe(above topology.Ref, port, dev *function) {
	ref := topology.PCIRef(dev.Address)
	ends := makePair(above, ref)
	l := topology.Link{Kind: topology.LinkPCIe, A: ends.a, B: ends.b, State: topology.LinkStateUnknown, Source: dev.CurrentWidth.Path}
	up, down := (*topology.PCILink)(nil), dev.link()
	if port != nil {
		up = port.link()
	}
	liar := isPlaceholder(dev)
	if liar && (up == nil || !isNarrowest(up)) || contradicts(up, down) {
		down = nil
	}
	onCard := liar && down != nil
	var speed *float64
	for _, end := range []*topology.PCILink{up, down} {
		if end != nil {
			l.Lanes = least(l.Lanes, end.Lanes)
			l.MaxLanes = least(l.MaxLanes, end.MaxLanes)
			speed = least(speed, end.MaxGTPerSec)
		}
	}
	if dev.config.Gone {
		l.Lanes = nil
	}
	if !onCard {
		l.BytesPerSecond, l.MaxBytesPerSecond = rate(speed, l.Lanes), rate(speed, l.MaxLanes)
	}
	switch {
	case l.Lanes == nil:
		d.noWidth(ref, dev.CurrentWidth, liar)
	case l.MaxLanes == nil:
		d.noWidth(ref, dev.MaxWidth, liar)
	case *l.Lanes < *l.MaxLanes:
		l.State = topology.LinkDegraded
	default:
		l.State = topology.LinkUp
		if onCard {
			d.unknown(ref, "link.bytesPerSecond", dev.MaxSpeed.Path, dev.MaxSpeed.Text+placeholderText)
		}
	}
	d.n.Links = append(d.n.Links, l)
}

// noWidth notes why the state of a link is not known.
func (d *devices) noWidth(ref topology.Ref, width sysfs.Attr[int], liar bool) {
	switch {
	case liar:
		d.unknown(ref, "link", width.Path, width.Text+placeholderText)
	case width.Err == nil:
		d.unknown(ref, "link", width.Path, width.Text)
	default:
		d.absent(ref, "link", width.Path, width.Text, width.Err)
	}
}

const placeholderText = ", a value that Intel GPUs show for the bus inside the card"

// isPlaceholder tells whether a function's link attributes are no fact: Intel's
// discrete GPUs sit behind a switch on their own card and say 2.5 GT/s x1 for
// present and maximum, whatever the slot does (Arc A380 and B580 under i915 and
// xe). The link that limits them is the one above the card's upstream port.
func isPlaceholder(f *function) bool {
	if f.Vendor.Value != pci.VendorIntel || f.Class.Value.Base() != pci.BaseDisplay {
		return false
	}
	l := f.link()
	return l != nil && (l.MaxLanes != nil || l.Lanes != nil) && isNarrowest(l)
}

// isNarrowest tells whether nothing that an end says exceeds one lane at the
// first speed.
func isNarrowest(l *topology.PCILink) bool {
	const lanes, speed = 1, 2.5
	return (l.Lanes == nil || *l.Lanes == lanes) && (l.MaxLanes == nil || *l.MaxLanes == lanes) &&
		(l.GTPerSec == nil || *l.GTPerSec == speed) && (l.MaxGTPerSec == nil || *l.MaxGTPerSec == speed)
}

// contradicts tells whether the port has trained more lanes than the device
// says that it has: then the device is wrong, because a link never trains wider
// than either end.
func contradicts(up, down *topology.PCILink) bool {
	return up != nil && down != nil && up.Lanes != nil && down.MaxLanes != nil && *up.Lanes > *down.MaxLanes
}

// least returns the smaller of what is known.
func least[T int | float64](a, b *T) *T {
	switch {
	case a == nil:
		return b
	case b == nil || *a <= *b:
		return a
	}
	return b
}

// rate is bytes per second, nil where speed or lanes are not known.
func rate(gtPerSec *float64, lanes *int) *int64 {
	if gtPerSec == nil || lanes == nil {
		return nil
	}
	return new(pci.BytesPerSecond(*gtPerSec, *lanes))
}
