// SPDX-License-Identifier: Apache-2.0

package topology

import "tarsia.dev/tarsia/pci"

// Branch is a part of the PCI tree as it is shown to people: devices, and those
// bridges at which more than one way to a device begins.
type Branch struct {
	Function *PCIFunction
	Device   bool // wanted itself, not only as a bridge above others
	Kids     []*Branch
}

// Complex is what hangs below one root complex.
type Complex struct {
	ID       string // "pci0000:3a"
	Branches []*Branch
}

// Complexes returns, for each NUMA node and under nil for devices that name
// none, the parts of the PCI tree that hold wanted functions. An accelerator or
// NIC lies where the model says, every other function where its own NUMANode
// says; a bridge is shown wherever devices below it are.
func (n *Node) Complexes(wanted func(*PCIFunction) bool) func(numa *int) []Complex {
	kids := map[Ref][]*PCIFunction{}
	known := map[pci.Address]bool{}
	for i := range n.PCI {
		known[n.PCI[i].Address] = true
	}
	for i := range n.PCI {
		f := &n.PCI[i]
		parent := Ref("")
		// In a damaged recording the parent may be missing.
		if f.Parent != nil && known[*f.Parent] {
			parent = PCIRef(*f.Parent)
		}
		kids[parent] = append(kids[parent], f)
	}
	place := map[Ref]*int{}
	for i := range n.NICs {
		if c := &n.NICs[i]; c.NUMANode != nil {
			place[c.Device] = c.NUMANode
		}
	}
	for i := range n.Accelerators {
		if a := &n.Accelerators[i]; a.NUMANode != nil {
			place[a.ID] = a.NUMANode
		}
	}
	var build func(f *PCIFunction, numa *int) *Branch
	build = func(f *PCIFunction, numa *int) *Branch {
		ref := PCIRef(f.Address)
		b := &Branch{Function: f}
		for _, k := range kids[ref] {
			if below := build(k, numa); below != nil {
				b.Kids = append(b.Kids, below)
			}
		}
		at := place[ref]
		if at == nil {
			at = f.NUMANode
		}
		b.Device = wanted(f) && sameNUMANode(at, numa)
		switch {
		case b.Device || len(b.Kids) > 1:
			return b
		case len(b.Kids) == 1:
			return b.Kids[0]
		}
		return nil
	}
	return func(numa *int) []Complex {
		var out []Complex
		index := map[string]int{}
		for _, f := range kids[""] {
			b := build(f, numa)
			if b == nil {
				continue
			}
			i, ok := index[f.RootComplex]
			if !ok {
				i = len(out)
				index[f.RootComplex] = i
				out = append(out, Complex{ID: f.RootComplex})
			}
			out[i].Branches = append(out[i].Branches, b)
		}
		return out
	}
}

func sameNUMANode(a, b *int) bool { return a == nil && b == nil || a != nil && b != nil && *a == *b }

// PCIeLinks returns the link above each PCI function that has one.
func (n *Node) PCIeLinks() map[Ref]Link {
	parents := map[Ref]Ref{}
	for _, f := range n.PCI {
		if f.Parent != nil {
			parents[PCIRef(f.Address)] = PCIRef(*f.Parent)
		}
	}
	out := map[Ref]Link{}
	for _, l := range n.Links {
		switch {
		case l.Kind != LinkPCIe:
		case parents[l.B] == l.A:
			out[l.B] = l
		case parents[l.A] == l.B:
			out[l.A] = l
		}
	}
	return out
}

// IsDevice tells functions that do something for their user from those that
// hold a machine together: bridges, ports, system parts.
func (f *PCIFunction) IsDevice() bool {
	switch f.Class.Base() {
	case pci.BaseStorage, pci.BaseNetwork, pci.BaseDisplay, pci.BaseAccelerator, 0x04, 0x0d, 0x10:
		return true
	case 0x05:
		return f.Class.Sub() == 0x0502
	case 0x0c:
		return f.Class.Sub() == 0x0c03
	case pci.BaseBridge:
		return f.Class.Sub() == pci.SubOtherBridge && f.Vendor == pci.VendorNVIDIA
	case 0xff, 0x00:
		return f.Driver != ""
	}
	return false
}
