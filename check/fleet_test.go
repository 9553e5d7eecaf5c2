// SPDX-License-Identifier: Apache-2.0

package check_test

import (
	"fmt"

	"tarsia.dev/tarsia/cpuset"
	"tarsia.dev/tarsia/pci"
	"tarsia.dev/tarsia/topology"
)

// The machines of the tests: small, whole and healthy. A test breaks one thing.

func addr(bus, dev uint8) pci.Address { return pci.Address{Bus: bus, Device: dev} }

func gpuRef(i int) topology.Ref  { return topology.PCIRef(addr(uint8(0x10+i), 0)) }
func portRef(i int) topology.Ref { return topology.PCIRef(addr(uint8(0x80+i), 1)) }

const nicRef = topology.Ref("pci/0000:40:00.0")

// board is a machine with two NUMA nodes of four CPUs.
func board(name, arch, product string) *topology.Node {
	n := &topology.Node{APIVersion: topology.APIVersion, Kind: topology.KindNode, Name: name, Architecture: arch,
		System:     topology.System{Vendor: "Acme", Product: product},
		OnlineCPUs: cpuset.Range(0, 7),
		CPUKinds:   []topology.CPUKind{{Name: arch + " core", CPUs: cpuset.Range(0, 7)}},
		Kernel:     topology.Kernel{Release: "6.12.1"},
		Boot:       topology.Boot{EFI: new(true), SecureBoot: new(true)},
		Firmware:   []topology.Firmware{{Component: "bios", Version: "1.2", Source: "sys/class/dmi/id/bios_version"}},
	}
	for i := range 2 {
		n.NUMANodes = append(n.NUMANodes, topology.NUMANode{ID: i, CPUs: cpuset.Range(4*i, 4*i+3), Distances: map[int]int{i: 10, 1 - i: 21}})
	}
	return n
}

// hgx is a board with GPUs behind x16 ports, joined by hidden switches, and a
// NIC. Clique "" is an NVLink domain of its own.
func hgx(name, arch, product string, gpus int, cluster string) *topology.Node {
	n := board(name, arch, product)
	for i := range gpus {
		port, gpu := addr(uint8(0x80+i), 1), addr(uint8(0x10+i), 0)
		n.PCI = append(n.PCI,
			topology.PCIFunction{Address: port, Class: 0x060400, Port: topology.RootPort},
			topology.PCIFunction{Address: gpu, Parent: &port, Class: 0x030200, Vendor: pci.VendorNVIDIA, Device: 0x2330, NUMANode: new(i / ((gpus + 1) / 2))})
		a := topology.Accelerator{ID: gpuRef(i), Index: i, Vendor: "nvidia", Model: "NVIDIA X100", NUMANode: new(i / ((gpus + 1) / 2)),
			Driver: "nvidia", DriverVersion: "570.1", State: topology.DeviceOK, Source: "nvmlDeviceGetHandleByIndex"}
		if cluster != "" {
			a.Fabric = &topology.FabricMember{ClusterUUID: cluster, CliqueID: 1, State: topology.FabricCompleted, HealthMask: new(int64(0x1aa))}
		}
		n.Accelerators = append(n.Accelerators, a)
		n.Firmware = append(n.Firmware, topology.Firmware{Device: a.ID, Component: "vbios", Version: "96.00", Source: "nvmlDeviceGetVbiosVersion"})
		n.Links = append(n.Links,
			topology.Link{Kind: topology.LinkNVLink, A: "nvswitch/local", B: a.ID, Lanes: new(18), MaxLanes: new(18), State: topology.LinkUp, Source: "nvmlDeviceGetNvLinkState"},
			topology.Link{Kind: topology.LinkPCIe, A: a.ID, B: portRef(i), Lanes: new(16), MaxLanes: new(16), State: topology.LinkUp, Source: "sys/bus/pci/devices/" + gpu.String() + "/current_link_width"})
	}
	n.PCI = append(n.PCI, topology.PCIFunction{Address: addr(0x40, 0), Class: 0x020700, Vendor: pci.VendorMellanox, NUMANode: new(0)})
	n.NICs = []topology.NIC{{Name: "ib0", Device: nicRef, NUMANode: new(0)}, {Name: "eth0", Device: nicRef, NUMANode: new(0)}}
	return n
}

// mi300 is a board with GPUs in partitions.
func mi300(name string) *topology.Node {
	n := hgx(name, "amd64", "MI300X box", 4, "")
	for i := range n.Accelerators {
		a := &n.Accelerators[i]
		a.Vendor, a.Model, a.Driver, a.DriverVersion = "amd", "AMD Instinct MI300X", "amdgpu", "6.10"
		a.PartitionMode, a.ExpectedPartitions = "CPX", new(8)
		for p := range 8 {
			a.Partitions = append(a.Partitions, topology.Partition{ID: fmt.Sprint(p)})
		}
	}
	for i := range n.Links {
		if l := &n.Links[i]; l.Kind == topology.LinkNVLink {
			l.Kind, l.Source = topology.LinkXGMI, "sys/class/kfd/kfd/topology"
		}
	}
	return n
}

// edge is a device-tree board without EFI and with one NUMA node.
func edge(name string) *topology.Node {
	n := board(name, "riscv64", "Pine board")
	n.Boot = topology.Boot{EFI: new(false)}
	n.NUMANodes = []topology.NUMANode{{ID: 0, CPUs: cpuset.Range(0, 7)}}
	n.Firmware = nil
	n.NICs = []topology.NIC{{Name: "end0", Device: "platform/ethernet"}}
	return n
}

// grace adds the CPU-less NUMA nodes of coherent GPU memory.
func grace(name string) *topology.Node {
	n := hgx(name, "arm64", "NVL tray", 4, "4b3ccc65-6a5c-4b3c-8c3c-0123456789ab")
	for i := 2; i < 34; i++ {
		n.NUMANodes = append(n.NUMANodes, topology.NUMANode{ID: i, Distances: map[int]int{i: 10, 0: 80, 1: 80}})
	}
	return n
}

type testFleet struct {
	nodes []*topology.Node
	site  topology.Site
}

func (f *testFleet) node(name string) *topology.Node {
	for _, n := range f.nodes {
		if n.Name == name {
			return n
		}
	}
	panic("no node " + name)
}

func (f *testFleet) build() *topology.Fleet { return topology.NewFleet("test", f.nodes, f.site) }

// healthy is a fleet in which every check passes.
func healthy() *testFleet {
	f := &testFleet{}
	for i := 1; i <= 4; i++ {
		f.nodes = append(f.nodes, hgx(fmt.Sprintf("hgx-%02d", i), "amd64", "HGX", 8, ""))
	}
	for i := 1; i <= 3; i++ {
		f.nodes = append(f.nodes, grace(fmt.Sprintf("gb-%02d", i)), edge(fmt.Sprintf("rv-%02d", i)))
	}
	f.nodes = append(f.nodes, mi300("mi-01"), mi300("mi-02"))
	f.site = topology.Site{Name: "test", Images: []topology.Image{
		{Reference: "registry.example/a:1", Platforms: []string{"linux/amd64", "linux/arm64/v8", "linux/riscv64"}, UsedBy: []string{"deployment/a"}, Source: "site.yaml:9"},
		{Reference: "registry.example/b:1", Platforms: []string{"linux/amd64", "linux/arm64", "linux/riscv64"}, Source: "site.yaml:12"},
	}}
	return f
}
