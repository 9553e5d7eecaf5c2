// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"errors"
	"io/fs"

	"tarsia.dev/tarsia/pci"
	"tarsia.dev/tarsia/sysfs"
	"tarsia.dev/tarsia/topology"
)

// readPCI fills the PCI tree.
func (d *devices) readPCI() {
	addresses, err := sysfs.PCIAddresses(d.m)
	if err != nil {
		d.absent(topology.NodeRef, "pci", sysfs.PCIDevices, "", err)
	}
	for _, a := range addresses {
		f, err := sysfs.ReadPCIFunction(d.m, a)
		if err != nil {
			d.absent(topology.PCIRef(a), "pci", f.Dir, "", err)
			continue
		}
		fn := function{PCIFunction: f}
		fn.config, fn.configErr = sysfs.ReadPCIConfig(d.m, &f)
		fn.pcie = f.HasLink() || fn.config.PCIe || f.Driver == "pcieport"
		d.at[a] = len(d.functions)
		d.functions = append(d.functions, fn)
	}
	for i := range d.functions {
		d.n.PCI = append(d.n.PCI, d.pciFunction(&d.functions[i]))
	}
	for i := range d.n.PCI {
		if p := d.n.PCI[i].Parent; p != nil {
			up := &d.functions[d.at[*p]]
			up.below = append(up.below, i)
		}
	}
	d.portTypes()
}

func (d *devices) pciFunction(f *function) topology.PCIFunction {
	out := topology.PCIFunction{
		Address: f.Address, RootComplex: f.Place.Root,
		Class: f.Class.Value, Vendor: f.Vendor.Value, Device: f.Device.Value,
		SubVendor: f.SubVendor.Ptr(), SubDevice: f.SubDevice.Ptr(),
		Driver: f.Driver, LocalCPUs: f.LocalCPUs.Value, IOMMUGroup: f.IOMMUGroup.Ptr(),
		PhysFn: f.PhysFn,
	}
	ref := topology.PCIRef(f.Address)
	if f.Class.Err != nil {
		d.absent(ref, "class", f.Class.Path, f.Class.Text, f.Class.Err)
	}
	if f.Vendor.Err != nil {
		d.absent(ref, "vendor", f.Vendor.Path, f.Vendor.Text, f.Vendor.Err)
	}
	if f.Device.Err != nil {
		d.absent(ref, "device", f.Device.Path, f.Device.Text, f.Device.Err)
	}
	if v := f.NUMANode; v.Err == nil && v.Value >= 0 {
		out.NUMANode = &v.Value
	}
	// The nearest bridge that the bus lists: a capture may lack one in between.
	for i := len(f.Place.Above) - 1; i >= 0 && out.Parent == nil; i-- {
		if _, ok := d.at[f.Place.Above[i]]; ok {
			out.Parent = &f.Place.Above[i]
		}
	}
	out.Link = f.link()
	if e := f.config.Extended; e.Seen {
		out.ACS = topology.NewACS(e.ACSCapability, e.ACSControl)
	}
	if f.TotalVFs.Err == nil && f.TotalVFs.Value > 0 {
		out.SRIOV = &topology.SRIOV{TotalVFs: f.TotalVFs.Value, NumVFs: f.NumVFs.Value, VFs: f.VirtFns}
		if out.SRIOV.VFs == nil {
			out.SRIOV.VFs = []pci.Address{}
		}
	}
	return out
}

// link is this end's view, nil when it tells nothing. What a function that is
// gone seems to say is bits that nobody drives.
func (f *function) link() *topology.PCILink {
	if f.config.Gone {
		return nil
	}
	l := topology.PCILink{
		GTPerSec: f.CurrentSpeed.Ptr(), MaxGTPerSec: f.MaxSpeed.Ptr(),
		Lanes: f.CurrentWidth.Ptr(), MaxLanes: f.MaxWidth.Ptr(),
	}
	if l == (topology.PCILink{}) {
		return nil
	}
	return &l
}

// portTypes says what each function is in the PCI Express tree: as its config
// space says, or else, for an ordinary user and in a capture without it, as
// follows from where it stands. Parents come before children, because a bus
// number below a bridge is larger than the bridge's own and a VMD domain is
// larger than domain 0; where that does not hold, the type stays empty.
func (d *devices) portTypes() {
	for i := range d.functions {
		f, out := &d.functions[i], &d.n.PCI[i]
		if f.config.PCIe {
			out.Port = portType(f.config.PortType)
		} else {
			out.Port = d.concludePort(f, out)
		}
	}
}

func portType(code sysfs.PCIPortType) topology.PortType {
	switch code {
	case sysfs.PortEndpoint, sysfs.PortLegacyEndpoint, sysfs.PortIntegratedEndpoint:
		return topology.Endpoint
	case sysfs.PortRoot:
		return topology.RootPort
	case sysfs.PortUpstream:
		return topology.UpstreamPort
	case sysfs.PortDownstream:
		return topology.DownstreamPort
	case sysfs.PortToPCIBridge, sysfs.PortFromPCIBridge:
		return topology.PCIBridge
	}
	return ""
}

// subtractive is the programming interface of a bridge that decodes what nobody
// else claims, which only conventional bridges do.
const subtractive = pci.Class(0x060401)

func (d *devices) concludePort(f *function, out *topology.PCIFunction) topology.PortType {
	if out.Class == subtractive {
		return topology.PCIBridge
	}
	if !f.pcie {
		return ""
	}
	if out.Class.Sub() != pci.SubPCIBridge {
		return topology.Endpoint
	}
	if out.Parent == nil {
		if f.Place.Root == "" {
			return ""
		}
		return topology.RootPort
	}
	switch d.n.PCI[d.at[*out.Parent]].Port {
	case topology.RootPort, topology.DownstreamPort:
		// A switch has bridges below it and nothing else; what stands deeper
		// is below a bridge that the capture lacks.
		for _, i := range f.below {
			if above := d.functions[i].Place.Above; above[len(above)-1] == f.Address && d.n.PCI[i].Class.Sub() != pci.SubPCIBridge {
				return topology.PCIBridge
			}
		}
		if len(f.below) > 0 {
			return topology.UpstreamPort
		}
	case topology.UpstreamPort:
		return topology.DownstreamPort
	}
	return ""
}

// numaAbsences notes whose NUMA node is not known: of every accelerator, and on
// a machine with several nodes of the devices that move much data. Of a USB
// controller nobody wants to know.
func (d *devices) numaAbsences() {
	wanted := map[topology.Ref]bool{}
	for i := range d.n.Accelerators {
		a := &d.n.Accelerators[i]
		if a.NUMANode == nil && a.ID.Kind() == "pci" {
			wanted[a.ID] = true
		}
	}
	if d.nodesWithCPUs() > 1 {
		for i := range d.n.NICs {
			wanted[d.n.NICs[i].Device] = true
		}
		for i := range d.n.PCI {
			if c := d.n.PCI[i].Class; c.Base() == pci.BaseStorage || c.Base() == pci.BaseNetwork {
				wanted[topology.PCIRef(d.n.PCI[i].Address)] = true
			}
		}
	}
	for i := range d.functions {
		f, out := &d.functions[i], &d.n.PCI[i]
		if ref := topology.PCIRef(f.Address); wanted[ref] {
			d.numaAbsence(ref, f, out)
			delete(wanted, ref)
		}
	}
	// What is left has no function here; the lists give the order.
	for i := range d.n.Accelerators {
		if a := &d.n.Accelerators[i]; wanted[a.ID] {
			d.absent(a.ID, "numaNode", sysfs.PCIDevices+"/"+a.ID.ID()+"/numa_node", "", fs.ErrNotExist)
		}
	}
}

func (d *devices) numaAbsence(ref topology.Ref, f *function, out *topology.PCIFunction) {
	v := f.NUMANode
	switch {
	case v.Err != nil:
		d.absent(ref, "numaNode", v.Path, v.Text, v.Err)
	case out.NUMANode == nil:
		d.unknown(ref, "numaNode", v.Path, v.Text)
	case d.numaNode(*out.NUMANode) == nil:
		d.unknown(ref, "numaNode", v.Path, v.Text+", which is not online")
	}
}

// numaNode returns an online node by its id, or nil.
func (d *devices) numaNode(id int) *topology.NUMANode {
	for i := range d.n.NUMANodes {
		if d.n.NUMANodes[i].ID == id {
			return &d.n.NUMANodes[i]
		}
	}
	return nil
}

func (d *devices) nodesWithCPUs() int {
	count := 0
	for i := range d.n.NUMANodes {
		if !d.n.NUMANodes[i].CPUs.IsEmpty() {
			count++
		}
	}
	return count
}

// asleep tells whether config space was left alone so as not to wake the
// function.
func (f *function) asleep() bool { return errors.Is(f.configErr, sysfs.ErrAsleep) }
