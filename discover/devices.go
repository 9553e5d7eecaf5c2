// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"cmp"
	"errors"
	"slices"

	"tarsia.dev/tarsia/kfd"
	"tarsia.dev/tarsia/machine"
	"tarsia.dev/tarsia/nvml"
	"tarsia.dev/tarsia/pci"
	"tarsia.dev/tarsia/sysfs"
	"tarsia.dev/tarsia/topology"
)

// readDevices fills what hangs on the buses: the PCI tree, accelerators, links,
// network interfaces and IOMMU groups, and the absences of their facts. CPUs
// and NUMA nodes are read before, because devices are joined to them.
func readDevices(m *machine.Machine, n *topology.Node) {
	d := &devices{m: m, n: n, at: map[pci.Address]int{}, accelerators: map[topology.Ref]int{}}
	n.PCI, n.Links = []topology.PCIFunction{}, []topology.Link{}
	n.Accelerators, n.NICs, n.IOMMUGroups = []topology.Accelerator{}, []topology.NIC{}, []topology.IOMMUGroup{}

	d.readPCI()
	d.readIOMMU()
	d.readAccelerators()
	d.readNICs()
	d.pcieLinks()
	d.nvlinks()
	d.c2cLinks()
	d.kfdLinks()
	d.numaAbsences()

	slices.SortFunc(n.Accelerators, func(a, b topology.Accelerator) int { return topology.CompareRefs(a.ID, b.ID) })
	slices.SortFunc(n.Links, func(a, b topology.Link) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), topology.CompareRefs(a.A, b.A), topology.CompareRefs(a.B, b.B))
	})
	slices.SortFunc(n.Firmware, func(a, b topology.Firmware) int {
		return cmp.Or(topology.CompareRefs(a.Device, b.Device), cmp.Compare(a.Component, b.Component), cmp.Compare(a.Source, b.Source))
	})
}

// devices is what the readers of one machine share while they join its facts.
type devices struct {
	m *machine.Machine
	n *topology.Node

	functions []function          // as n.PCI
	at        map[pci.Address]int // index in functions

	nvml    *nvml.Answers // nil when nobody asked or the answers cannot be read
	nvmlErr error
	kfd     []kfd.Node

	accelerators map[topology.Ref]int // index in n.Accelerators, before it is sorted
	gpus         []kfdGPU
}

// function is what one PCI function told.
type function struct {
	sysfs.PCIFunction
	config    sysfs.PCIConfig
	configErr error
	below     []int // functions whose parent this is, in order of address
	pcie      bool  // it speaks PCI Express, as its attributes, its config space or its driver show
	facesDown bool  // a PCI Express link begins here
}

// absent notes that a fact is not there, by the error that its reader gave.
// Text is what the file said, which counts where it said that it does not know.
func (d *devices) absent(object topology.Ref, fact, source, text string, err error) {
	if errors.Is(err, pci.ErrNoLink) {
		d.unknown(object, fact, source, text)
		return
	}
	absent(d.n, object, fact, source, err)
}

// unknown notes that a source was read and says that it does not know.
func (d *devices) unknown(object topology.Ref, fact, source, detail string) {
	unknown(d.n, object, fact, source, detail)
}

// functionOf returns the function of an object, if it is one that was read.
func (d *devices) functionOf(r topology.Ref) (*function, *topology.PCIFunction) {
	a, ok := r.PCI()
	if !ok {
		return nil, nil
	}
	i, ok := d.at[a]
	if !ok {
		return nil, nil
	}
	return &d.functions[i], &d.n.PCI[i]
}

// moduleVersion is the version of a loaded module, "" where it has none of its
// own: drivers of the kernel's tree have the kernel's.
func (d *devices) moduleVersion(driver string) string {
	if driver == "" {
		return ""
	}
	v, err := sysfs.Text(d.m, "sys/module/"+driver+"/version")
	if err != nil {
		return ""
	}
	return v
}
