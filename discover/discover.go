// SPDX-License-Identifier: Apache-2.0

// Package discover joins the facts of one machine into a topology.Node. It
// reads through package machine only, so that a live host, a directory and a
// recording give the same node. What a machine does not tell becomes an Absence
// of the node, never a value of our own; a fact that a whole machine lacks is
// one absence of the node, not one per CPU.
//
// Begin with Node.
package discover

import (
	"errors"
	"slices"

	"tarsia.dev/tarsia/machine"
	"tarsia.dev/tarsia/procfs"
	"tarsia.dev/tarsia/topology"
)

// ErrNoMachine is returned for a root that holds neither /sys nor /proc.
var ErrNoMachine = errors.New("root holds neither sys nor proc")

// Node reads a whole machine. With name "" the node is called as its kernel's
// hostname says, else "localhost". The error is ErrNoMachine or nil: what else
// cannot be read is listed in the node's Absences.
func Node(name string, m *machine.Machine) (*topology.Node, error) {
	if !m.Exists("sys") && !m.Exists("proc") {
		return nil, ErrNoMachine
	}
	if name == "" {
		name = hostname(m)
	}
	n := empty(name)
	info, err := procfs.ReadCPUInfo(m)
	if err != nil {
		info = &procfs.CPUInfo{}
		absent(n, topology.NodeRef, "cpuinfo", "proc/cpuinfo", err)
	}
	readArchitecture(m, n, info)
	readCPUs(m, n, info)
	readNUMA(m, n)
	readAllowed(m, n)
	readISA(m, n, info)
	readSystem(m, n, info)
	readKernel(m, n)
	readBoot(m, n)
	readModules(m, n)
	readEmulation(m, n, info)
	readDevices(m, n)
	summarize(m, n)
	slices.SortStableFunc(n.Absences, topology.Absence.Compare)
	return n, nil
}

// empty is a node of which nothing is known. Its lists are empty, not null:
// what a machine did not tell is said by the absences.
func empty(name string) *topology.Node {
	return &topology.Node{
		APIVersion: topology.APIVersion, Kind: topology.KindNode, Name: name,
		ISA:      topology.ISA{Extensions: []string{}},
		Packages: []topology.Package{}, Cores: []topology.Core{}, CPUKinds: []topology.CPUKind{}, Caches: []topology.Cache{},
		NUMANodes: []topology.NUMANode{}, PCI: []topology.PCIFunction{}, Accelerators: []topology.Accelerator{}, Links: []topology.Link{},
		NICs: []topology.NIC{}, IOMMUGroups: []topology.IOMMUGroup{}, Modules: []topology.Module{}, Firmware: []topology.Firmware{},
		Absences: []topology.Absence{},
	}
}

func hostname(m *machine.Machine) string {
	name, err := m.ReadString("proc/sys/kernel/hostname")
	if err != nil || name == "" || name == "(none)" {
		return "localhost"
	}
	return name
}
