// SPDX-License-Identifier: Apache-2.0

package check_test

import (
	"fmt"
	"slices"

	"tarsia.dev/tarsia/cpuset"
	"tarsia.dev/tarsia/finding"
	"tarsia.dev/tarsia/topology"
)

// faults are the plants: each makes exactly one finding of the healthy fleet.
var faults = []struct {
	name    string
	plant   func(*testFleet)
	id      string
	state   finding.State
	subject string // the first
	summary string // a part
}{
	{"gpu lost", func(f *testFleet) {
		n := f.node("hgx-02")
		a := &n.Accelerators[3]
		a.State, a.StateReason, a.NUMANode, a.DriverVersion, a.Model = topology.DeviceLost, "GPU_IS_LOST", nil, "", ""
		for i := range n.PCI {
			if topology.PCIRef(n.PCI[i].Address) == a.ID {
				n.PCI[i].NUMANode = nil
			}
		}
		n.Firmware = slices.DeleteFunc(n.Firmware, func(f topology.Firmware) bool { return f.Device == a.ID })
		n.Links = slices.DeleteFunc(n.Links, func(l topology.Link) bool { return l.Kind == topology.LinkNVLink && l.B == a.ID })
		for i := range n.Links {
			if l := &n.Links[i]; l.A == a.ID {
				l.State, l.Lanes = topology.LinkStateUnknown, nil
			}
		}
	}, "TAR-GPU-001", finding.Fail, "node/hgx-02/pci/0000:13:00.0", "hgx-02: 1 of 8 accelerators lost: nvidia accelerator 3"},
	{"a node is emulated", func(f *testFleet) {
		f.node("mi-02").Emulation = &topology.Emulation{Kind: "tcg",
			Evidence: []topology.EmulationEvidence{{Kind: "tcg", Source: "CPUID 40000000h", Found: "TCGTCGTCGTCG"}}}
	}, "TAR-EMU-001", finding.Warn, "node/mi-02", "mi-02: emulated: the machine by QEMU without KVM (tcg)"},
	{"processes are emulated", func(f *testFleet) {
		f.node("mi-02").Emulation = &topology.Emulation{
			Processes: []topology.EmulatedProcess{{PID: 7, Image: "qemu-arm-static"}}, ProcessesLeftOut: 2}
	}, "TAR-EMU-002", finding.Warn, "node/mi-02", "mi-02: 3 processes run under a user-mode emulator"},
	{"gpu not there", func(f *testFleet) {
		n := f.node("hgx-02")
		gone := n.Accelerators[7].ID
		n.Accelerators = n.Accelerators[:7]
		n.Links = slices.DeleteFunc(n.Links, func(l topology.Link) bool { return l.A == gone || l.B == gone })
		n.Firmware = slices.DeleteFunc(n.Firmware, func(f topology.Firmware) bool { return f.Device == gone })
	}, "TAR-GPU-002", finding.Fail, "node/hgx-02", "1 of 4 differ: hgx-02"},
	{"count without majority", func(f *testFleet) {
		n := f.node("mi-01")
		gone := n.Accelerators[3].ID
		n.Accelerators = n.Accelerators[:3]
		n.Links = slices.DeleteFunc(n.Links, func(l topology.Link) bool { return l.A == gone || l.B == gone })
		n.Firmware = slices.DeleteFunc(n.Firmware, func(f topology.Firmware) bool { return f.Device == gone })
	}, "TAR-GPU-002", finding.Warn, "node/mi-01", "no majority: 3 amd on mi-01, 4 amd on mi-02"},
	{"partition missing", func(f *testFleet) {
		a := &f.node("mi-02").Accelerators[1]
		a.Partitions = a.Partitions[:7]
	}, "TAR-GPU-003", finding.Fail, "node/mi-02/pci/0000:11:00.0", "31 of 32 accelerator partitions"},
	{"no driver", func(f *testFleet) {
		for _, name := range []string{"mi-01", "mi-02"} {
			for i := range f.node(name).Accelerators {
				a := &f.node(name).Accelerators[i]
				a.State, a.StateReason, a.DriverVersion = topology.DeviceUnknown, "no driver is bound", ""
			}
		}
	}, "TAR-GPU-004", finding.Unknown, "node/mi-01/pci/0000:10:00.0", "mi-[01-02]: state of 4 devices amd AMD Instinct MI300X not known: no driver is bound"},
	{"narrow link", func(f *testFleet) {
		l := &f.node("mi-01").Links[1]
		l.State, l.Lanes = topology.LinkDegraded, new(8)
	}, "TAR-LINK-001", finding.Fail, "node/mi-01/pci/0000:10:00.0", "mi-01: PCIe link of pci/0000:10:00.0 at x8 of x16"},
	{"nvlink down", func(f *testFleet) {
		l := &f.node("hgx-03").Links[4]
		l.State, l.Lanes, l.DownLanes = topology.LinkDegraded, new(17), []int{7}
	}, "TAR-LINK-002", finding.Fail, "node/hgx-03/pci/0000:12:00.0", "1 of 18 lanes down (link 7)"},
	{"switch dead", func(f *testFleet) {
		n := f.node("hgx-03")
		for i := range n.Links {
			if l := &n.Links[i]; l.Kind == topology.LinkNVLink {
				l.State, l.Lanes, l.DownLanes = topology.LinkDegraded, new(14), []int{1, 2, 3, 4}
			}
		}
	}, "TAR-LINK-002", finding.Fail, "node/hgx-03/pci/0000:10:00.0", "hgx-03: 8 NVLinks with lanes down"},
	{"xgmi down", func(f *testFleet) {
		l := &f.node("mi-02").Links[0]
		l.State, l.Lanes = topology.LinkDown, nil
	}, "TAR-LINK-002", finding.Fail, "node/mi-02/pci/0000:10:00.0", "XGMI link"},
	{"link unknown", func(f *testFleet) {
		for i := 1; i <= 4; i++ {
			n := f.node(fmt.Sprintf("hgx-%02d", i))
			n.Links[1].State, n.Links[1].Lanes = topology.LinkStateUnknown, nil
			n.Absences = append(n.Absences, topology.Absence{Object: gpuRef(0), Fact: "link", Kind: topology.Unreadable, Source: "sys/bus/pci/devices/0000:10:00.0/current_link_width", Detail: "EINVAL"})
		}
	}, "TAR-LINK-003", finding.Unknown, "node/hgx-01/pci/0000:10:00.0", "hgx-[01-04]: state of 1 link not known"},
	{"bridge missing", func(f *testFleet) {
		l := &f.node("mi-02").Links[0]
		l.Lanes, l.MaxLanes = new(9), new(9)
	}, "TAR-LINK-004", finding.Warn, "node/mi-02/pci/0000:10:00.0", "lanes of amd AMD Instinct MI300X in amd64 Acme MI300X box"},
	{"fabric not joined", func(f *testFleet) {
		f.node("gb-02").Accelerators[1].Fabric.State = "in-progress"
	}, "TAR-LINK-005", finding.Fail, "node/gb-02/pci/0000:11:00.0", "registration in-progress"},
	{"fabric health", func(f *testFleet) {
		f.node("gb-02").Accelerators[1].Fabric.HealthMask = new(int64(0x1a9))
	}, "TAR-LINK-005", finding.Fail, "node/gb-02/pci/0000:11:00.0", "degraded bandwidth"},
	{"vbios batch", func(f *testFleet) {
		for _, name := range []string{"hgx-03", "hgx-04"} {
			for i := range f.node(name).Firmware {
				if fw := &f.node(name).Firmware[i]; fw.Component == "vbios" {
					fw.Version = "97.00"
				}
			}
		}
		// A fifth node makes a majority.
		f.nodes = append(f.nodes, hgx("hgx-05", "amd64", "HGX", 8, ""))
	}, "TAR-FW-001", finding.Warn, "node/hgx-03/pci/0000:10:00.0", "hgx-[03-04], with 97.00 instead of 96.00"},
	{"vbios of one gpu", func(f *testFleet) {
		fw := f.node("mi-01").Firmware
		fw[2].Version = "97.00"
	}, "TAR-FW-001", finding.Warn, "node/mi-01/pci/0000:11:00.0", "1 of 2 differ: mi-01"},
	{"vbios silent", func(f *testFleet) {
		n := f.node("hgx-01")
		n.Firmware = slices.DeleteFunc(n.Firmware, func(f topology.Firmware) bool { return f.Device == gpuRef(2) })
	}, "TAR-FW-001", finding.Unknown, "node/hgx-01/pci/0000:12:00.0", "firmware vbios of nvidia NVIDIA X100: not known on hgx-01"},
	{"bios silent", func(f *testFleet) {
		n := f.node("hgx-01")
		n.Firmware = n.Firmware[1:]
	}, "TAR-FW-001", finding.Unknown, "node/hgx-01", "firmware bios of amd64 Acme HGX: not known on hgx-01"},
	{"driver batch", func(f *testFleet) {
		for i := range f.node("gb-03").Accelerators {
			f.node("gb-03").Accelerators[i].DriverVersion = "580.2"
		}
	}, "TAR-DRV-001", finding.Warn, "node/gb-03/pci/0000:10:00.0", "1 of 7 differ: gb-03, with nvidia 580.2 instead of nvidia 570.1"},
	{"kernel batch", func(f *testFleet) { f.node("rv-02").Kernel.Release = "6.6.0-vendor" },
		"TAR-KRN-001", finding.Warn, "node/rv-02", "kernel of riscv64 Acme Pine board: 1 of 3 differ: rv-02"},
	{"kernel silent", func(f *testFleet) { f.node("rv-02").Kernel.Release = "" },
		"TAR-KRN-001", finding.Unknown, "node/rv-02", "not known on rv-02"},
	{"numa unknown", func(f *testFleet) {
		n := f.node("hgx-04")
		n.NICs[0].NUMANode, n.NICs[1].NUMANode, n.PCI[len(n.PCI)-1].NUMANode = nil, nil, nil
		n.Absences = []topology.Absence{{Object: nicRef, Fact: "numaNode", Kind: topology.Unknown, Source: "sys/bus/pci/devices/0000:40:00.0/numa_node", Detail: "-1"}}
	}, "TAR-TOPO-001", finding.Unknown, "node/hgx-04/pci/0000:40:00.0", "hgx-04: NUMA node of 1 device not known: pci/0000:40:00.0 (numa_node says unknown: -1)"},
	{"cpu in two nodes", func(f *testFleet) {
		f.node("hgx-04").NUMANodes[1].CPUs = cpuset.Range(3, 7)
	}, "TAR-TOPO-002", finding.Fail, "node/hgx-04", "hgx-04: CPUs 3 are in several NUMA nodes"},
	{"cpu in no node", func(f *testFleet) {
		f.node("rv-01").NUMANodes[0].CPUs = cpuset.Range(0, 5)
	}, "TAR-TOPO-002", finding.Warn, "node/rv-01", "rv-01: CPUs 6-7 are in no NUMA node"},
	{"distance", func(f *testFleet) { f.node("hgx-04").NUMANodes[1].Distances[1] = 11 },
		"TAR-TOPO-002", finding.Warn, "node/hgx-04/numa/1", "distance of NUMA node 1 to 1 is 11"},
	{"numa node offline", func(f *testFleet) {
		n := f.node("hgx-04")
		n.NUMANodes = n.NUMANodes[1:]
		n.Absences = append(n.Absences, topology.Absence{Object: "numa/1", Fact: "distances", Kind: topology.Unreadable, Source: "sys/devices/system/node/node1/distance", Detail: "2 distances for 1 nodes"})
	}, "TAR-TOPO-002", finding.Unknown, "node/hgx-04/numa/1", "2 distances for 1 nodes, and 1 more"},
	{"numa table unreadable", func(f *testFleet) {
		f.node("rv-03").Absences = []topology.Absence{{Object: topology.NodeRef, Fact: "numaNodes", Kind: topology.Unreadable, Source: "sys/devices/system/node/online", Detail: "EIO"}}
	}, "TAR-TOPO-002", finding.Unknown, "node/rv-03", "rv-03: NUMA tables not understood, first numaNodes of node: EIO"},
	{"two cliques", func(f *testFleet) { f.node("gb-01").Accelerators[0].Fabric.CliqueID = 2 },
		"TAR-TOPO-003", finding.Warn, "node/gb-01/pci/0000:10:00.0", "gb-01: accelerators lie in 2 NVLink domains"},
	{"image", func(f *testFleet) { f.site.Images[1].Platforms = []string{"linux/amd64", "linux/arm64"} },
		"TAR-IMG-001", finding.Warn, "image/registry.example/b:1", "registry.example/b:1 has no linux/riscv64: 3 nodes of 12 cannot run it"},
	{"image unknown", func(f *testFleet) { f.site.Images[0].Platforms = nil },
		"TAR-IMG-002", finding.Unknown, "image/registry.example/a:1", "platforms not known"},
	{"secure boot mixed", func(f *testFleet) { f.node("gb-01").Boot.SecureBoot = new(false) },
		"TAR-SB-001", finding.Warn, "node/gb-01", "Secure Boot is off on 1 of 9 machines: gb-01"},
	{"secure boot unreadable", func(f *testFleet) {
		for _, name := range []string{"gb-01", "gb-02"} {
			f.node(name).Boot.SecureBoot = nil
			f.node(name).Absences = []topology.Absence{{Object: topology.NodeRef, Fact: "boot.secureBoot", Kind: topology.Unreadable, Source: "sys/firmware/efi/efivars/SecureBoot-x", Detail: "permission denied"}}
		}
	}, "TAR-SB-001", finding.Unknown, "node/gb-01", "gb-[01-02]: Secure Boot state not known: unreadable: permission denied"},
	{"efi unknown", func(f *testFleet) { f.node("rv-01").Boot.EFI = nil },
		"TAR-SB-001", finding.Unknown, "node/rv-01", "rv-01: Secure Boot state not known"},
}
