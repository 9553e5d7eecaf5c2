// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"fmt"

	"tarsia.dev/tarsia/machine"
	"tarsia.dev/tarsia/pci"
	"tarsia.dev/tarsia/procfs"
	"tarsia.dev/tarsia/topology"
)

// summarize counts what is online in the whole machine. It comes last.
func summarize(m *machine.Machine, n *topology.Node) {
	s := topology.Summary{
		Packages:     len(n.Packages),
		Cores:        len(n.Cores),
		Threads:      n.OnlineCPUs.Len(),
		NUMANodes:    len(n.NUMANodes),
		PCIFunctions: functions(m, n),
		Accelerators: accelerators(n),
		Links:        map[string]int{},
		OfflineCPUs:  n.OfflineCPUs.Len(),
		MemoryBytes:  memory(m, n),
	}
	for _, l := range n.Links {
		s.Links[string(l.Kind)]++
	}
	s.AbsentFacts = len(n.Absences)
	n.Summary = s
}

// functions counts PCI functions. Where sysfs has no PCI tree but the older
// /proc/bus/pci/devices is there, their number is known and nothing else: that
// file has no domains, so that no function can be named.
func functions(m *machine.Machine, n *topology.Node) int {
	const tree = "sys/bus/pci/devices"
	if len(n.PCI) > 0 || m.Exists(tree) {
		return len(n.PCI)
	}
	devices, err := procfs.ReadPCIDevices(m)
	if err != nil || len(devices) == 0 {
		return 0
	}
	detail := fmt.Sprintf("proc/bus/pci/devices counts %d functions, without domain and class", len(devices))
	for i := range n.Absences {
		if a := &n.Absences[i]; a.Object == topology.NodeRef && a.Fact == "pci" && a.Detail == "" {
			a.Detail = detail
		}
	}
	return len(devices)
}

// accelerators counts by vendor the PCI functions that are accelerators, and
// the accelerators that no PCI function stands for: those of platforms, and those
// that a driver tells of on a machine without a PCI tree.
func accelerators(n *topology.Node) map[string]int {
	counts := map[string]int{}
	counted := make(map[topology.Ref]bool, len(n.PCI))
	for _, f := range n.PCI {
		if pci.IsAccelerator(f.Class, f.Vendor, f.Device) {
			counts[pci.Vendor(f.Vendor)]++
			counted[topology.PCIRef(f.Address)] = true
		}
	}
	for _, a := range n.Accelerators {
		if !counted[a.ID] {
			counts[a.Vendor]++
		}
	}
	return counts
}

// memory is MemTotal of the machine or, where /proc does not tell it, the sum
// of its nodes; nil when one of them does not tell.
func memory(m *machine.Machine, n *topology.Node) *int64 {
	if total, err := procfs.ReadMemTotal(m, "proc/meminfo"); err == nil {
		return &total
	}
	var sum int64
	for _, node := range n.NUMANodes {
		if node.MemoryBytes == nil {
			return nil
		}
		sum += *node.MemoryBytes
	}
	if len(n.NUMANodes) == 0 {
		return nil
	}
	return &sum
}
