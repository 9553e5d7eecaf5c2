// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"slices"

	"tarsia.dev/tarsia/device"
	"tarsia.dev/tarsia/pci"
	"tarsia.dev/tarsia/topology"
)

// resourceNIC is the kind of the NICs that speak RDMA.
const resourceNIC = "rdma/nic"

func addDevices(node *Node, n *topology.Node) {
	var refs []topology.Ref // by device: the accelerator that it is, or is part of
	add := func(d Device, numa *int, at topology.Ref) {
		if numa != nil && slices.ContainsFunc(node.Zones, func(z Zone) bool { return z.ID == *numa }) {
			d.Zone = new(*numa)
		}
		if numa != nil {
			d.Socket = packageOf(n, *numa)
		}
		if a, ok := at.PCI(); ok {
			d.PCIe = switchOf(n, a)
		}
		node.Devices, refs = append(node.Devices, d), append(refs, at)
		node.Allocatable[d.Resource]++
	}
	for _, a := range n.Accelerators {
		if a.Vendor == "" || a.Vendor == "unknown" {
			continue
		}
		d := Device{ID: string(a.ID), Resource: a.Vendor + ".com/gpu", Module: moduleOf(n, &a)}
		if a.State == topology.DeviceLost {
			d.Unusable = "lost"
			if a.StateReason != "" {
				d.Unusable += ": " + a.StateReason
			}
		}
		if a.PartitionMode != "mig" || len(a.Partitions) == 0 {
			add(d, a.NUMANode, a.ID)
			continue
		}
		for _, p := range a.Partitions {
			add(Device{ID: d.ID + "/" + p.ID, Resource: a.Vendor + ".com/mig-" + p.Profile, Unusable: d.Unusable}, a.NUMANode, a.ID)
		}
	}
	accelerators := len(refs)
	for _, c := range n.NICs {
		if c.RDMA == nil || slices.Contains(refs[accelerators:], c.Device) {
			continue
		}
		d := Device{ID: string(c.Device), Resource: resourceNIC, Auxiliary: true, Functions: functionsOf(n, c.Device)}
		if c.RDMA.State != "ACTIVE" {
			d.Unusable = "its port is " + c.RDMA.State
		}
		add(d, c.NUMANode, c.Device)
	}
	paths := n.Paths()
	node.LinkScore = make([][]int, len(refs))
	for i, a := range refs {
		node.LinkScore[i] = make([]int, len(refs))
		for j, b := range refs {
			// How NICs are joined to one another decides nothing.
			if a != b && (i < accelerators || j < accelerators) {
				node.LinkScore[i][j] = paths.Between(a, b).Rank
			}
		}
	}
}

// moduleOf is the module id of an accelerator, nil where another claims the same.
func moduleOf(n *topology.Node, a *topology.Accelerator) *int {
	for _, o := range n.Accelerators {
		if a.ModuleID != nil && o.ModuleID != nil && o.ID != a.ID && *o.ModuleID == *a.ModuleID {
			return nil
		}
	}
	return a.ModuleID
}

// packageOf is the package that all CPUs of a NUMA node belong to, nil when
// there is none or more than one.
func packageOf(n *topology.Node, numa int) *int {
	at := slices.IndexFunc(n.NUMANodes, func(m topology.NUMANode) bool { return m.ID == numa })
	if at < 0 || n.NUMANodes[at].CPUs.IsEmpty() {
		return nil
	}
	cpus := n.NUMANodes[at].CPUs
	for _, p := range n.Packages {
		if p.CPUs.Contains(cpus) {
			return new(p.ID)
		}
	}
	return nil
}

// switchOf names the PCIe switch that a function hangs from by the address of
// its upstream port, or, where there is no switch, the root complex.
func switchOf(n *topology.Node, a pci.Address) string {
	at := func(a pci.Address) *topology.PCIFunction {
		i := slices.IndexFunc(n.PCI, func(f topology.PCIFunction) bool { return f.Address == a })
		if i < 0 {
			return nil
		}
		return &n.PCI[i]
	}
	f := at(a)
	if f == nil {
		return ""
	}
	for up := f; up.Parent != nil; {
		if up = at(*up.Parent); up == nil {
			break
		}
		if up.Port == topology.UpstreamPort {
			return up.Address.String()
		}
	}
	return f.RootComplex
}

// functionsOf lists the virtual functions of a device.
func functionsOf(n *topology.Node, ref topology.Ref) []device.Function {
	a, ok := ref.PCI()
	if !ok {
		return nil
	}
	var out []device.Function
	for _, f := range n.PCI {
		if f.Address == a && f.SRIOV != nil {
			for _, vf := range f.SRIOV.VFs {
				out = append(out, device.Function{ID: string(topology.PCIRef(vf))})
			}
		}
	}
	return out[:min(len(out), device.MaxSlots)]
}
