// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"slices"

	"tarsia.dev/tarsia/pci"
)

// function is one PCI function of a machine that is laid out.
type function struct {
	address    pci.Address
	kind       string
	device     Device
	class      pci.Class
	port       int    // device/port type of the PCIe capability, as portEndpoint
	path       string // under sys/devices
	parent     *function
	secondary  int // bus below a bridge
	last       int // highest bus below a bridge
	node       int // NUMA node, -1 when the kernel does not know
	link       *Link
	gtPerSec   float64 // current
	lanes      int     // current
	group      int     // IOMMU group
	vfs        []*function
	vfOf       *function
	isGPU      bool
	index      int // of a GPU among the GPUs
	memoryNode int // first NUMA node of a GPU's memory, 0 for none
	card       int // drm card number

	lost        bool
	downNVLinks []int
}

// Device/port types (PCI Express Base Specification 6.0, section 7.5.3.2).
const (
	portEndpoint   = 0
	portRoot       = 4
	portUpstream   = 5
	portDownstream = 6
)

// pciLayout numbers buses depth first, as firmware does.
type pciLayout struct {
	host    *host
	domain  uint32
	bus     int // last one given out
	node    int
	complex string // sys/devices/pci0000:15
}

func (h *host) layPCI() error {
	for _, rc := range h.facts.PCI {
		l := pciLayout{host: h, domain: rc.Domain, bus: rc.Bus, node: -1,
			complex: fmt.Sprintf("sys/devices/pci%04x:%02x", rc.Domain, rc.Bus)}
		if rc.Node != nil {
			l.node = *rc.Node
		}
		slot := rc.Slot
		for _, t := range rc.Ports {
			port := l.function(nil, portKind, rc.Bus, slot)
			port.port = portRoot
			if err := l.below(port, t); err != nil {
				return err
			}
			slot++
		}
		for _, kind := range rc.Builtin {
			l.function(nil, kind, rc.Bus, slot)
			slot++
		}
	}
	slices.SortStableFunc(h.functions, func(a, b *function) int { return a.address.Compare(b.address) })
	for i, fn := range h.functions {
		if i > 0 && fn.address == h.functions[i-1].address {
			return fmt.Errorf("two devices at address %s: kinds %q and %q, want their root complexes on buses of their own",
				fn.address, h.functions[i-1].kind, fn.kind)
		}
		fn.group = i
	}
	h.numberCards()
	return nil
}

// numberCards gives DRM cards their numbers in the order of addresses.
func (h *host) numberCards() {
	n := 0
	for _, fn := range h.functions {
		if fn.device.DRM && fn.vfOf == nil {
			fn.card = n
			n++
		}
	}
}

// below puts what a tree says under a port.
func (l *pciLayout) below(port *function, t Tree) error {
	if err := l.nextBus(port); err != nil {
		return err
	}
	fn := l.function(port, t.Kind, port.secondary, 0)
	l.train(port, fn)
	if t.Switch {
		if err := l.switchBelow(fn, t); err != nil {
			return err
		}
	} else if err := l.virtual(fn); err != nil {
		return err
	}
	port.last = l.bus
	if len(l.host.functions) > maxFunctions {
		return fmt.Errorf("found more than %d PCI functions", maxFunctions)
	}
	return nil
}

// switchBelow puts the internal bus of a switch and its downstream ports below
// its upstream port.
func (l *pciLayout) switchBelow(up *function, t Tree) error {
	up.port = portUpstream
	if err := l.nextBus(up); err != nil {
		return err
	}
	for i, b := range t.Below {
		down := l.function(up, t.Kind, up.secondary, i)
		down.port = portDownstream
		if err := l.below(down, b); err != nil {
			return err
		}
	}
	up.last = l.bus
	return nil
}

func (l *pciLayout) nextBus(bridge *function) error {
	if l.bus++; l.bus > 255 {
		return fmt.Errorf("found more buses below %s than the domain has left", l.complex)
	}
	bridge.secondary, bridge.last = l.bus, l.bus
	return nil
}

func (l *pciLayout) function(parent *function, kind string, bus, dev int) *function {
	d := l.host.facts.Devices[kind]
	fn := &function{
		address: pci.Address{Domain: l.domain, Bus: uint8(bus), Device: uint8(dev)},
		kind:    kind, device: d, class: pci.Class(d.Class), parent: parent, node: l.node, link: d.Link,
	}
	dir := l.complex
	if parent != nil {
		dir = parent.path
	}
	fn.path = dir + "/" + fn.address.String()
	if fn.link != nil {
		fn.gtPerSec, fn.lanes = fn.link.GTPerSec, fn.link.Lanes
	}
	l.host.functions = append(l.host.functions, fn)
	return fn
}

// train agrees the link between a port and what is below it. A port is as wide
// as the slot is built for, which firmware divides (bifurcates) to suit: it has
// no more lanes than the device.
func (l *pciLayout) train(port, fn *function) {
	built := Link{port.link.GTPerSec, min(port.link.Lanes, fn.link.Lanes)}
	port.link = &built
	port.lanes, fn.lanes = built.Lanes, built.Lanes
	port.gtPerSec = min(built.GTPerSec, fn.link.GTPerSec)
	fn.gtPerSec = port.gtPerSec
}

// virtual adds the virtual functions: routing ids follow the physical
// function's one by one, as on ConnectX (offset 1, stride 1).
func (l *pciLayout) virtual(pf *function) error {
	s := pf.device.SRIOV
	if s == nil {
		return nil
	}
	for i := range s.On {
		devfn := int(pf.address.Device)<<3 + int(pf.address.Function) + 1 + i
		if devfn > 255 {
			return fmt.Errorf("found %d virtual functions at %s, want no more than its bus holds", s.On, pf.address)
		}
		vf := *pf
		vf.address.Device, vf.address.Function = uint8(devfn>>3), uint8(devfn&7)
		vf.path = pf.parent.path + "/" + vf.address.String()
		vf.device.ID = s.VF
		vf.device.SRIOV, vf.device.Net, vf.device.RDMA, vf.device.DRM = nil, nil, nil, false
		vf.vfOf, vf.vfs = pf, nil
		pf.vfs = append(pf.vfs, &vf)
		l.host.functions = append(l.host.functions, &vf)
	}
	return nil
}
