// SPDX-License-Identifier: Apache-2.0

// Package topologytest makes small nodes by hand for the tests of packages that
// show or judge a topology. They look like machines that exist and claim to be
// none: for discovered nodes see packages render and discover. Every call
// returns a fresh node that the test may change.
package topologytest

import (
	"fmt"
	"slices"

	"tarsia.dev/tarsia/cpuset"
	"tarsia.dev/tarsia/pci"
	"tarsia.dev/tarsia/topology"
)

// Builder adds parts to a node. Finish sorts and counts them.
type Builder struct{ Node *topology.Node }

// New begins a node.
func New(name, architecture string) *Builder {
	return &Builder{&topology.Node{
		APIVersion: topology.APIVersion, Kind: topology.KindNode, Name: name, Architecture: architecture,
		Kernel: topology.Kernel{Parameters: map[string]string{}},
		ISA:    topology.ISA{Extensions: []string{}},
	}}
}

// NUMA adds a memory node with CPUs first..last, a processor package of the
// same number, and one core for every threads CPUs.
func (b *Builder) NUMA(id, first, last, threads int, memoryGiB int64) {
	n := b.Node
	cpus := cpuset.Range(first, last)
	n.NUMANodes = append(n.NUMANodes, topology.NUMANode{ID: id, CPUs: cpus, MemoryBytes: new(memoryGiB << 30), Distances: map[int]int{}})
	n.Packages = append(n.Packages, topology.Package{ID: id, CPUs: cpus})
	for c, i := first, 0; c <= last; c, i = c+threads, i+1 {
		n.Cores = append(n.Cores, topology.Core{ID: new(i), Package: new(id), CPUs: cpuset.Range(c, c+threads-1)})
	}
	n.OnlineCPUs = n.OnlineCPUs.Or(cpus)
	n.Allowed = topology.Allowed{CPUs: n.OnlineCPUs, NUMANodes: n.Allowed.NUMANodes.Or(cpuset.Of(id))}
}

// MemoryNode adds a NUMA node without CPUs.
func (b *Builder) MemoryNode(id int, memoryGiB int64, owner topology.Ref) {
	b.Node.NUMANodes = append(b.Node.NUMANodes, topology.NUMANode{
		ID: id, MemoryBytes: new(memoryGiB << 30), Distances: map[int]int{}, Accelerator: owner})
}

// Function adds a PCI function below parent ("" for a root bus) of a NUMA node
// (-1 for unknown) and returns its address.
func (b *Builder) Function(address, parent string, class pci.Class, vendor, device pci.ID, numa int) topology.Ref {
	a := Address(address)
	f := topology.PCIFunction{Address: a, RootComplex: fmt.Sprintf("pci%04x:%02x", a.Domain, a.Bus), Class: class, Vendor: vendor, Device: device}
	if parent != "" {
		p := Address(parent)
		f.Parent = &p
		i := slices.IndexFunc(b.Node.PCI, func(g topology.PCIFunction) bool { return g.Address == p })
		f.RootComplex = b.Node.PCI[i].RootComplex
	}
	if numa >= 0 {
		f.NUMANode = &numa
		f.LocalCPUs = b.Node.NUMANodes[numa].CPUs
	} else {
		f.LocalCPUs = b.Node.OnlineCPUs
		b.Absent(topology.PCIRef(a), "numaNode", topology.Unknown, "/sys/bus/pci/devices/"+address+"/numa_node", "-1")
	}
	b.Node.PCI = append(b.Node.PCI, f)
	return topology.PCIRef(a)
}

// PCIe adds the link above the function at address, of at most max lanes.
func (b *Builder) PCIe(address string, gtPerSec float64, lanes, most int) {
	a := Address(address)
	i := slices.IndexFunc(b.Node.PCI, func(f topology.PCIFunction) bool { return f.Address == a })
	f := &b.Node.PCI[i]
	f.Link = &topology.PCILink{GTPerSec: &gtPerSec, MaxGTPerSec: &gtPerSec, Lanes: &lanes, MaxLanes: &most}
	l := topology.Link{Kind: topology.LinkPCIe, A: topology.PCIRef(*f.Parent), B: topology.PCIRef(a), Lanes: &lanes, MaxLanes: &most,
		BytesPerSecond: new(pci.BytesPerSecond(gtPerSec, lanes)), MaxBytesPerSecond: new(pci.BytesPerSecond(gtPerSec, most)),
		State: topology.LinkUp, Source: "/sys/bus/pci/devices/" + address + "/current_link_width"}
	if lanes < most {
		l.State = topology.LinkDegraded
	}
	b.Node.Links = append(b.Node.Links, l)
}

// Bundle adds a link of another kind whose lanes carry laneMBps each.
func (b *Builder) Bundle(kind topology.LinkKind, x, y topology.Ref, up, most int, laneMBps int64, source string) {
	if topology.CompareRefs(x, y) > 0 {
		x, y = y, x
	}
	l := topology.Link{Kind: kind, A: x, B: y, Lanes: &up, MaxLanes: &most,
		BytesPerSecond: new(int64(up) * laneMBps * 1e6), MaxBytesPerSecond: new(int64(most) * laneMBps * 1e6),
		Coherent: kind != topology.LinkNVLink, State: topology.LinkUp, Source: source}
	switch {
	case up == 0:
		l.State = topology.LinkDown
	case up < most:
		l.State = topology.LinkDegraded
	}
	for i := up; i < most; i++ {
		l.DownLanes = append(l.DownLanes, i)
	}
	b.Node.Links = append(b.Node.Links, l)
}

// GPU adds an accelerator on the PCI function id.
func (b *Builder) GPU(id topology.Ref, vendor, model string, memoryGiB int64) *topology.Accelerator {
	n := b.Node
	a := topology.Accelerator{ID: id, Vendor: vendor, Model: model, State: topology.DeviceOK, Partitions: []topology.Partition{},
		MemoryNodes: []int{}, MemoryBytes: new(memoryGiB << 30), Source: "/sys/bus/pci/devices/" + id.ID()}
	for _, other := range n.Accelerators {
		if other.Vendor == vendor {
			a.Index++
		}
	}
	for _, f := range n.PCI {
		if topology.PCIRef(f.Address) == id {
			a.NUMANode, a.LocalCPUs, a.Driver = f.NUMANode, f.LocalCPUs, f.Driver
		}
	}
	n.Accelerators = append(n.Accelerators, a)
	return &n.Accelerators[len(n.Accelerators)-1]
}

// NIC adds a network device on the PCI function device.
func (b *Builder) NIC(name string, device topology.Ref, numa int, mbps int64) *topology.NIC {
	c := topology.NIC{Name: name, Device: device, LinkUp: new(true), SpeedMbps: &mbps, Source: "/sys/class/net/" + name}
	if numa >= 0 {
		c.NUMANode = &numa
	}
	b.Node.NICs = append(b.Node.NICs, c)
	return &b.Node.NICs[len(b.Node.NICs)-1]
}

// Absent says that the machine does not tell a fact.
func (b *Builder) Absent(object topology.Ref, fact string, kind topology.AbsenceKind, source, detail string) {
	b.Node.Absences = append(b.Node.Absences, topology.Absence{Object: object, Fact: fact, Kind: kind, Source: source, Detail: detail})
}

// Distances sets local within a node, far between nodes with CPUs, and memory
// to and between nodes without.
func (b *Builder) Distances(local, far, memory int) {
	for i := range b.Node.NUMANodes {
		for j := range b.Node.NUMANodes {
			d := far
			switch {
			case i == j:
				d = local
			case b.Node.NUMANodes[i].CPUs.IsEmpty() || b.Node.NUMANodes[j].CPUs.IsEmpty():
				d = memory
			}
			b.Node.NUMANodes[i].Distances[b.Node.NUMANodes[j].ID] = d
		}
	}
}

// Finish brings lists into their order and counts the summary.
func (b *Builder) Finish() *topology.Node {
	n := b.Node
	slices.SortFunc(n.PCI, func(x, y topology.PCIFunction) int { return x.Address.Compare(y.Address) })
	slices.SortFunc(n.Absences, topology.Absence.Compare)
	s := topology.Summary{Packages: len(n.Packages), Cores: len(n.Cores), Threads: n.OnlineCPUs.Len(), NUMANodes: len(n.NUMANodes),
		PCIFunctions: len(n.PCI), Accelerators: map[string]int{}, Links: map[string]int{}, AbsentFacts: len(n.Absences),
		OfflineCPUs: n.OfflineCPUs.Len(), MemoryBytes: new(int64(0))}
	for _, a := range n.Accelerators {
		s.Accelerators[a.Vendor]++
	}
	for _, l := range n.Links {
		s.Links[string(l.Kind)]++
	}
	for _, m := range n.NUMANodes {
		if !m.CPUs.IsEmpty() {
			*s.MemoryBytes += *m.MemoryBytes
		}
	}
	n.Summary = s
	return n
}

// Address parses an address of a test; it panics on a misspelt one.
func Address(text string) pci.Address {
	a, err := pci.ParseAddress(text)
	if err != nil {
		panic(err)
	}
	return a
}
