// SPDX-License-Identifier: Apache-2.0

// Package topology says what a node and a fleet are: the one model that every
// reader fills and every speaker, engine and page reads. It is output, never
// input: what is recorded and read again is a snapshot (package machine).
//
// A value that a machine did not tell is nil (JSON null), never 0, and the
// Absences of the node say why. Lists are in a total order, so that equal
// machines give equal bytes. Begin with Node and Fleet.
package topology

import (
	"cmp"
	"slices"

	"tarsia.dev/tarsia/cpuset"
)

// APIVersion and the kinds of the published JSON documents.
const (
	APIVersion = "tarsia.dev/v1alpha1"
	KindNode   = "Node"
	KindFleet  = "Fleet"
)

// Node is one machine.
type Node struct {
	APIVersion   string `json:"apiVersion"`
	Kind         string `json:"kind"`
	Name         string `json:"name"`
	Architecture string `json:"architecture"` // GOARCH word: amd64, arm64, riscv64, ppc64, s390x; "unknown"
	System       System `json:"system"`

	Summary Summary `json:"summary"`
	Allowed Allowed `json:"allowed"`
	ISA     ISA     `json:"isa"`

	Packages    []Package     `json:"packages"`
	Cores       []Core        `json:"cores"`
	CPUKinds    []CPUKind     `json:"cpuKinds"`
	Caches      []Cache       `json:"caches"`
	NUMANodes   []NUMANode    `json:"numaNodes"`
	OnlineCPUs  cpuset.Set    `json:"onlineCPUs"`
	OfflineCPUs cpuset.Set    `json:"offlineCPUs"`
	PCI         []PCIFunction `json:"pci"`

	Accelerators []Accelerator `json:"accelerators"`
	Links        []Link        `json:"links"`
	NICs         []NIC         `json:"nics"`
	IOMMUGroups  []IOMMUGroup  `json:"iommuGroups"`

	Kernel   Kernel     `json:"kernel"`
	Boot     Boot       `json:"boot"`
	Modules  []Module   `json:"modules"`
	Firmware []Firmware `json:"firmware"`

	Emulation *Emulation `json:"emulation,omitempty"` // nil where nothing shows any

	Absences []Absence `json:"absences"`
}

// System is what the board calls itself: DMI sys_vendor and product_name, or
// the device tree's model. Serial numbers are never read.
type System struct {
	Vendor  string `json:"vendor,omitempty"`
	Product string `json:"product,omitempty"`
	Source  string `json:"source,omitempty"`
}

// Summary counts what is online in the whole machine, whatever a cpuset allows.
type Summary struct {
	Packages     int            `json:"packages"`
	Cores        int            `json:"cores"`
	Threads      int            `json:"threads"` // logical CPUs
	NUMANodes    int            `json:"numaNodes"`
	PCIFunctions int            `json:"pciFunctions"`
	Accelerators map[string]int `json:"accelerators"` // by vendor, lower case; PCI functions of class 0x03 (without server-management VGA) and 0x12
	Links        map[string]int `json:"links"`        // by kind; one per pair of ends whatever its lanes
	AbsentFacts  int            `json:"absentFacts"`
	OfflineCPUs  int            `json:"offlineCPUs"`
	MemoryBytes  *int64         `json:"memoryBytes"`
}

// Allowed is what this process, or the recorded one, may use: the cpuset view.
// Restricted is false where it is the whole machine.
type Allowed struct {
	CPUs       cpuset.Set `json:"cpus"`
	NUMANodes  cpuset.Set `json:"numaNodes"`
	Restricted bool       `json:"restricted"`
	Source     string     `json:"source,omitempty"`
}

// ISA is the instruction set that every online CPU has.
type ISA struct {
	Base         string   `json:"base,omitempty"`         // "x86-64", "ARMv8-A", "rv64"
	Extensions   []string `json:"extensions"`             // the kernel's words, sorted
	Level        string   `json:"level,omitempty"`        // computed: "x86-64-v4", "RVA23U64"; empty when none is reached or provable
	VendorVector string   `json:"vendorVector,omitempty"` // a vector unit that is not RVV 1.0, as "0.7.1 (T-Head)"
	Source       string   `json:"source,omitempty"`
}

// Package is one processor package.
type Package struct {
	ID   int        `json:"id"` // kernel physical_package_id
	CPUs cpuset.Set `json:"cpus"`
}

// Core is one core and its logical CPUs. Ids are the kernel's; nil where it
// does not know. Core ids are unique only within a package.
type Core struct {
	ID      *int       `json:"id"`
	Package *int       `json:"package"`
	Die     *int       `json:"die"`
	Cluster *int       `json:"cluster"`
	CPUs    cpuset.Set `json:"cpus"`
}

// CPUKind groups CPUs of one design in a machine that mixes several.
type CPUKind struct {
	Name string     `json:"name"` // model name, "part 0xd85", uarch
	CPUs cpuset.Set `json:"cpus"`
}

// Cache is one cache instance and the CPUs that share it.
type Cache struct {
	Level     int        `json:"level"`
	Type      string     `json:"type"` // Data, Instruction, Unified
	SizeBytes *int64     `json:"sizeBytes"`
	CPUs      cpuset.Set `json:"cpus"`
}

// NUMANode is one memory node, with or without CPUs.
type NUMANode struct {
	ID          int         `json:"id"`
	CPUs        cpuset.Set  `json:"cpus"` // online ones
	MemoryBytes *int64      `json:"memoryBytes"`
	Distances   map[int]int `json:"distances"`             // to node id, ACPI SLIT; 10 is local; empty when unknown
	Accelerator Ref         `json:"accelerator,omitempty"` // the accelerator whose memory this node is
}

// IOMMUGroup is the smallest unit of pass-through.
type IOMMUGroup struct {
	ID        int    `json:"id"`
	Type      string `json:"type,omitempty"` // DMA, DMA-FQ, identity; empty when unknown
	Functions []Ref  `json:"functions"`
}

// NIC is a network interface or RDMA device with hardware behind it.
type NIC struct {
	Name      string    `json:"name"`
	Device    Ref       `json:"device"` // "pci/..." or "platform/..."
	NUMANode  *int      `json:"numaNode"`
	LinkUp    *bool     `json:"linkUp"`
	SpeedMbps *int64    `json:"speedMbps"` // nil while the link is down
	RDMA      *RDMAPort `json:"rdma,omitempty"`
	Source    string    `json:"source"`
}

// RDMAPort is port 1..n of an InfiniBand or RoCE device.
type RDMAPort struct {
	Device    string `json:"device"` // mlx5_0
	Port      int    `json:"port"`
	State     string `json:"state"`     // ACTIVE, DOWN, INIT
	LinkLayer string `json:"linkLayer"` // InfiniBand, Ethernet
	Rate      string `json:"rate,omitempty"`
}

// Kernel is the running kernel.
type Kernel struct {
	Release    string            `json:"release,omitempty"`
	Parameters map[string]string `json:"parameters"` // only those that change topology, isolation or trust
}

// Boot is the trust state at boot. Nil and "" are not known.
type Boot struct {
	EFI        *bool  `json:"efi"`
	SecureBoot *bool  `json:"secureBoot"`
	Lockdown   string `json:"lockdown,omitempty"` // none, integrity, confidentiality
	SigEnforce *bool  `json:"sigEnforce"`         // /sys/module/module/parameters/sig_enforce
}

// Module is one loaded kernel module.
type Module struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	Taint   string `json:"taint,omitempty"` // letters as in /sys/module/*/taint: P, O, E
}

// Firmware is one component's running version.
type Firmware struct {
	Device    Ref    `json:"device"`    // "" for the system firmware
	Component string `json:"component"` // vbios, gsp, bios, ...
	Version   string `json:"version"`
	Source    string `json:"source"`
}

// AbsenceKind tells three ways in which a fact is missing.
type AbsenceKind string

// The three kinds of absence.
const (
	Missing    AbsenceKind = "missing"    // the file is not there
	Unreadable AbsenceKind = "unreadable" // it is there and could not be read or understood
	Unknown    AbsenceKind = "unknown"    // it was read and says that it does not know
)

// Absence is one fact that the machine did not tell.
type Absence struct {
	Object Ref         `json:"object"`
	Fact   string      `json:"fact"` // the model's field: numaNode, link, ...
	Kind   AbsenceKind `json:"kind"`
	Source string      `json:"source"`
	Detail string      `json:"detail,omitempty"` // what was found: "-1", "EINVAL", "permission denied"
}

// Compare orders absences by object, fact, source.
func (a Absence) Compare(b Absence) int {
	return cmp.Or(CompareRefs(a.Object, b.Object), cmp.Compare(a.Fact, b.Fact), cmp.Compare(a.Source, b.Source))
}

// AbsenceOf returns the first absence of a fact of an object.
func (n *Node) AbsenceOf(object Ref, fact string) (Absence, bool) {
	i := slices.IndexFunc(n.Absences, func(a Absence) bool { return a.Object == object && a.Fact == fact })
	if i < 0 {
		return Absence{}, false
	}
	return n.Absences[i], true
}
