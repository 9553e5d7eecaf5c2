// SPDX-License-Identifier: Apache-2.0

package topologytest

import (
	"fmt"

	"tarsia.dev/tarsia/cpuset"
	"tarsia.dev/tarsia/pci"
	"tarsia.dev/tarsia/topology"
)

// Classes that the nodes are made of.
const (
	classHostBridge pci.Class = 0x060000
	classPCIBridge  pci.Class = 0x060400
	class3D         pci.Class = 0x030200
	classVGA        pci.Class = 0x030000
	classEthernet   pci.Class = 0x020000
	classInfiniBand pci.Class = 0x020700
	classNVMe       pci.Class = 0x010802
	classSCSI       pci.Class = 0x010000
)

// HGX is an amd64 box of two packages with eight GPUs. Each GPU shares a PCIe
// switch with one NIC, four pairs to a package, and has 18 NVLinks to the
// NVSwitches.
func HGX(name string) *topology.Node {
	b := New(name, "amd64")
	b.Node.System = topology.System{Vendor: "Example", Product: "HGX H100 8-GPU", Source: "/sys/class/dmi/id/product_name"}
	b.Node.Kernel.Release = "6.8.0-79-generic"
	b.Node.Boot = topology.Boot{EFI: new(true), SecureBoot: new(true), Lockdown: "integrity", SigEnforce: new(true)}
	b.Node.ISA = topology.ISA{Base: "x86-64", Level: "x86-64-v4", Extensions: []string{"avx512f"}, Source: "/proc/cpuinfo"}
	b.NUMA(0, 0, 111, 2, 1024)
	b.NUMA(1, 112, 223, 2, 1024)
	b.Distances(10, 21, 0)
	for i := range 8 {
		numa := i / 4
		bus := 0x18 + 0x1c*i
		at := func(offset, device int) string { return fmt.Sprintf("0000:%02x:%02x.0", bus+offset, device) }
		b.Function(at(0, 0), "", classHostBridge, pci.VendorIntel, 0x09a2, numa)
		b.Function(at(0, 1), "", classPCIBridge, pci.VendorIntel, 0x352a, numa)
		b.Function(at(1, 0), at(0, 1), classPCIBridge, 0x1000, 0xc030, numa)
		b.PCIe(at(1, 0), 32, 16, 16)
		b.Function(at(2, 0), at(1, 0), classPCIBridge, 0x1000, 0xc030, numa)
		b.Function(at(2, 1), at(1, 0), classPCIBridge, 0x1000, 0xc030, numa)
		gpu := b.Function(at(3, 0), at(2, 0), class3D, pci.VendorNVIDIA, 0x2330, numa)
		b.PCIe(at(3, 0), 32, 16, 16)
		nic := b.Function(at(4, 0), at(2, 1), classInfiniBand, pci.VendorMellanox, 0x1021, numa)
		b.PCIe(at(4, 0), 32, 16, 16)
		a := b.GPU(gpu, "nvidia", "NVIDIA H100 80GB HBM3", 80)
		a.ModuleID, a.Driver, a.DriverVersion = new(i+1), "nvidia", "580.95.05"
		b.Bundle(topology.LinkNVLink, gpu, "nvswitch/local", 18, 18, 26562, "nvml")
		c := b.NIC(fmt.Sprintf("ibs%d", i), nic, numa, 400000)
		c.RDMA = &topology.RDMAPort{Device: fmt.Sprintf("mlx5_%d", i), Port: 1, State: "ACTIVE", LinkLayer: "InfiniBand", Rate: "400 Gb/sec (4X NDR)"}
	}
	return b.Finish()
}

// Tray is an arm64 tray of two packages and four GPUs, with coherent links
// between package and GPU, and 34 NUMA nodes of which 32 have no CPUs.
func Tray(name string) *topology.Node {
	b := New(name, "arm64")
	b.Node.System = topology.System{Vendor: "Example", Product: "GB200 NVL", Source: "/sys/class/dmi/id/product_name"}
	b.Node.Kernel.Release = "6.14.0-1007-nvidia-64k"
	b.Node.ISA = topology.ISA{Base: "ARMv8-A", Extensions: []string{"sve2"}, Source: "/proc/cpuinfo"}
	b.NUMA(0, 0, 71, 1, 478)
	b.NUMA(1, 72, 143, 1, 478)
	for i := range 4 {
		numa := i / 2
		domain := []int{0x0008, 0x0009, 0x0018, 0x0019}[i]
		at := func(bus int) string { return fmt.Sprintf("%04x:%02x:00.0", domain, bus) }
		b.Function(at(0), "", classPCIBridge, pci.VendorNVIDIA, 0x22b8, numa)
		gpu := b.Function(at(1), at(0), class3D, pci.VendorNVIDIA, 0x2941, numa)
		a := b.GPU(gpu, "nvidia", "NVIDIA GB200", 186)
		a.ModuleID, a.Driver, a.DriverVersion = new(i), "nvidia", "580.95.05"
		a.Fabric = &topology.FabricMember{ClusterUUID: "6c2e4fa1-3b9d-4c5e-8a77-0d1f2e3a4b5c", CliqueID: 1, State: "completed", HealthMask: new(int64(0))}
		b.Bundle(topology.LinkNVLink, gpu, "nvswitch/local", 18, 18, 50000, "nvml")
		b.Bundle(topology.LinkC2C, gpu, topology.PackageRef(numa), 1, 1, 450000, "nvml")
		for k := range 8 {
			id, size := 2+8*i+k, int64(0)
			if k == 0 {
				size = 186
			}
			b.MemoryNode(id, size, gpu)
			a.MemoryNodes = append(a.MemoryNodes, id)
		}
	}
	for i := range 4 {
		domain := []int{0x0000, 0x0002, 0x0010, 0x0012}[i]
		at := func(bus int) string { return fmt.Sprintf("%04x:%02x:00.0", domain, bus) }
		b.Function(at(0), "", classPCIBridge, pci.VendorNVIDIA, 0x22b2, i/2)
		nic := b.Function(at(3), at(0), classInfiniBand, pci.VendorMellanox, 0x1023, i/2)
		b.PCIe(at(3), 64, 16, 16)
		c := b.NIC(fmt.Sprintf("ibp%d", i), nic, i/2, 800000)
		c.RDMA = &topology.RDMAPort{Device: fmt.Sprintf("mlx5_%d", i), Port: 1, State: "ACTIVE", LinkLayer: "InfiniBand"}
	}
	b.Distances(10, 40, 80)
	return b.Finish()
}

// Board is a riscv64 board with one GPU, whose link is narrower than it could
// be, and of whose NUMA nodes and Secure Boot nothing is known.
func Board(name string) *topology.Node {
	b := New(name, "riscv64")
	b.Node.System = topology.System{Product: "Example RISC-V board", Source: "/proc/device-tree/model"}
	b.Node.Kernel.Release = "6.16.3"
	b.Node.ISA = topology.ISA{Base: "rv64", Extensions: []string{"a", "c", "d", "f", "i", "m"}, Source: "/proc/cpuinfo"}
	cpus := cpuset.Range(0, 3)
	b.Node.OnlineCPUs = cpus
	b.Node.Packages = []topology.Package{{ID: 0, CPUs: cpus}}
	b.Node.NUMANodes = []topology.NUMANode{{ID: 0, CPUs: cpus, MemoryBytes: new(int64(32) << 30), Distances: map[int]int{}}}
	for c := range cpus.All() {
		b.Node.Cores = append(b.Node.Cores, topology.Core{ID: new(c), Package: new(0), CPUs: cpuset.Of(c)})
	}
	b.Node.Allowed = topology.Allowed{CPUs: cpus, NUMANodes: cpuset.Of(0)}
	b.Function("0000:00:00.0", "", classPCIBridge, 0x1fa9, 0x7001, -1)
	gpu := b.Function("0000:01:00.0", "0000:00:00.0", classVGA, pci.VendorAMD, 0x73bf, -1)
	b.PCIe("0000:01:00.0", 8, 4, 16)
	a := b.GPU(gpu, "amd", "Radeon RX 6800", 16)
	a.Driver, a.NUMANode = "amdgpu", nil
	b.Absent(topology.NodeRef, "secureBoot", topology.Missing, "/sys/firmware/efi", "")
	return b.Finish()
}

// VM is a small virtual machine without accelerators.
func VM(name string) *topology.Node {
	b := New(name, "amd64")
	b.Node.System = topology.System{Vendor: "QEMU", Product: "Standard PC", Source: "/sys/class/dmi/id/product_name"}
	b.Node.Kernel.Release = "6.1.0-40-cloud-amd64"
	b.NUMA(0, 0, 1, 1, 8)
	b.Function("0000:00:00.0", "", classHostBridge, pci.VendorIntel, 0x1237, -1)
	for i, class := range []pci.Class{classSCSI, classEthernet, classSCSI, 0xffff00} {
		b.Function(fmt.Sprintf("0000:00:%02x.0", i+1), "", class, 0x1af4, pci.ID(0x1041+i), -1)
	}
	b.NIC("eth0", topology.PCIRef(Address("0000:00:02.0")), -1, 10000)
	return b.Finish()
}

// Hive is an amd64 box with four AMD GPUs of two NUMA nodes, all joined by
// XGMI, and one GPU of another vendor of which no NUMA node is known.
func Hive(name string) *topology.Node {
	b := New(name, "amd64")
	b.NUMA(0, 0, 31, 2, 256)
	b.NUMA(1, 32, 63, 2, 256)
	b.Distances(10, 32, 0)
	var gpus []topology.Ref
	for i := range 4 {
		at := func(bus int) string { return fmt.Sprintf("0000:%02x:00.0", 0x20*(i+1)+bus) }
		b.Function(at(0), "", classPCIBridge, pci.VendorAMDCPU, 0x14ab, i/2)
		gpu := b.Function(at(1), at(0), 0x120000, pci.VendorAMD, 0x74a1, i/2)
		b.PCIe(at(1), 32, 16, 16)
		b.GPU(gpu, "amd", "AMD Instinct MI300X", 192).XGMIHive = "0x9a1b"
		for _, other := range gpus {
			b.Bundle(topology.LinkXGMI, other, gpu, 4, 4, 16000, "/sys/class/kfd")
		}
		gpus = append(gpus, gpu)
	}
	b.Function("0000:e0:00.0", "", classPCIBridge, pci.VendorAMDCPU, 0x14ab, -1)
	b.GPU(b.Function("0000:e1:00.0", "0000:e0:00.0", class3D, pci.VendorIntel, 0x0bd5, -1), "intel", "", 64).MemoryBytes = nil
	b.Function("0000:e0:01.0", "", classPCIBridge, pci.VendorAMDCPU, 0x14ab, -1)
	b.Function("0000:e5:00.0", "0000:e0:01.0", classNVMe, 0x144d, 0xa80a, -1)
	return b.Finish()
}
