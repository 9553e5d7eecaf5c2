// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"cmp"
	"fmt"
	"slices"

	"tarsia.dev/tarsia/pci"
	"tarsia.dev/tarsia/topology"
)

// readAccelerators finds the accelerators of every vendor in the PCI tree, lets
// each vendor's own sources add what they know, and takes from those sources
// what the tree does not show.
func (d *devices) readAccelerators() {
	for i := range d.n.PCI {
		if f := &d.n.PCI[i]; pci.IsAccelerator(f.Class, f.Vendor, f.Device) {
			d.addAccelerator(d.pciAccelerator(&d.functions[i], f))
		}
	}
	d.readNVIDIA()
	d.readAMD()
	d.readPlatform()
	for i := range d.n.Accelerators {
		d.locate(&d.n.Accelerators[i])
	}
	d.index()
}

func (d *devices) addAccelerator(a topology.Accelerator) *topology.Accelerator {
	if a.MemoryNodes == nil {
		a.MemoryNodes = []int{}
	}
	if a.Partitions == nil {
		a.Partitions = []topology.Partition{}
	}
	d.accelerators[a.ID] = len(d.n.Accelerators)
	d.n.Accelerators = append(d.n.Accelerators, a)
	return &d.n.Accelerators[len(d.n.Accelerators)-1]
}

// accelerator returns the accelerator of that id, or nil.
func (d *devices) accelerator(id topology.Ref) *topology.Accelerator {
	if i, ok := d.accelerators[id]; ok {
		return &d.n.Accelerators[i]
	}
	return nil
}

// noIndex marks an accelerator that its vendor's tool does not count.
const noIndex = -1

// pciAccelerator is what the PCI tree alone tells of an accelerator.
func (d *devices) pciAccelerator(f *function, out *topology.PCIFunction) topology.Accelerator {
	a := topology.Accelerator{
		ID: topology.PCIRef(out.Address), Index: noIndex,
		Vendor: pci.Vendor(out.Vendor),
		// No name is known: the ids, as lspci -n writes them, keep models apart.
		Model:     fmt.Sprintf("%04x:%04x", uint16(out.Vendor), uint16(out.Device)),
		LocalCPUs: out.LocalCPUs, NUMANode: out.NUMANode,
		Driver: out.Driver, DriverVersion: d.moduleVersion(out.Driver),
		State: topology.DeviceUnknown, Source: f.Dir,
	}
	switch {
	case f.config.Gone:
		a.State = topology.DeviceLost
		a.StateReason = "config space reads all ones: nothing answers at this address (" + f.Dir + "/config)"
	case out.Driver == "":
		a.StateReason = "no driver is bound"
	case f.asleep():
		a.StateReason = "asleep in D3cold; reading would wake it"
	case f.configErr != nil:
		a.StateReason = "driver " + out.Driver + " is bound; the device was not asked: " + f.configErr.Error()
	default:
		a.State = topology.DeviceOK
	}
	return a
}

// locate checks the NUMA node: the nearest that has CPUs and is online.
func (d *devices) locate(a *topology.Accelerator) {
	if a.NUMANode != nil {
		a.NUMANode = d.nearestWithCPUs(*a.NUMANode)
	}
	for _, id := range a.MemoryNodes {
		n := d.numaNode(id)
		n.Accelerator = a.ID
		if a.NUMANode == nil {
			a.NUMANode = d.nearestWithCPUs(id)
		}
	}
}

// nearestWithCPUs returns the node itself when it has CPUs, else the one node
// with CPUs that is nearest by the distance table, nil when that is not one.
func (d *devices) nearestWithCPUs(id int) *int {
	n := d.numaNode(id)
	if n == nil {
		return nil
	}
	if !n.CPUs.IsEmpty() {
		return new(id)
	}
	var best *int
	least, tied := 0, false
	for i := range d.n.NUMANodes {
		other := &d.n.NUMANodes[i]
		far, ok := n.Distances[other.ID]
		if !ok || other.CPUs.IsEmpty() {
			continue
		}
		switch {
		case best == nil || far < least:
			best, least, tied = new(other.ID), far, false
		case far == least:
			tied = true
		}
	}
	if tied {
		return nil
	}
	return best
}

// memoryNode joins a NUMA node that a vendor names as the device's memory. A
// node with CPUs is the host's memory, whatever was said.
func (d *devices) memoryNode(a *topology.Accelerator, id int) {
	if n := d.numaNode(id); n != nil && n.CPUs.IsEmpty() && !slices.Contains(a.MemoryNodes, id) {
		a.MemoryNodes = append(a.MemoryNodes, id)
		slices.Sort(a.MemoryNodes)
	}
}

// index numbers the accelerators of each vendor that its tool does not count,
// after those that it does, in order of their ids.
func (d *devices) index() {
	next := map[string]int{}
	order := make([]*topology.Accelerator, len(d.n.Accelerators))
	for i := range d.n.Accelerators {
		a := &d.n.Accelerators[i]
		order[i] = a
		next[a.Vendor] = max(next[a.Vendor], a.Index+1)
	}
	slices.SortFunc(order, func(a, b *topology.Accelerator) int {
		return cmp.Or(cmp.Compare(a.Vendor, b.Vendor), topology.CompareRefs(a.ID, b.ID))
	})
	for _, a := range order {
		if a.Index == noIndex {
			a.Index = next[a.Vendor]
			next[a.Vendor]++
		}
	}
}

// addFirmware notes a running version; an empty one is none.
func (d *devices) addFirmware(id topology.Ref, component, version, source string) {
	if version != "" {
		d.n.Firmware = append(d.n.Firmware, topology.Firmware{Device: id, Component: component, Version: version, Source: source})
	}
}
