// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"tarsia.dev/tarsia/cpuset"
	"tarsia.dev/tarsia/pci"
)

// PCIFunction is one function of the PCI tree. Parent is the bridge above it,
// nil on a root bus; both ends of the link above a function are its own Link
// and its parent's.
type PCIFunction struct {
	Address     pci.Address  `json:"address"`
	Parent      *pci.Address `json:"parent"`
	RootComplex string       `json:"rootComplex"` // "pci0000:3a", as in DRA pcieRoot
	Class       pci.Class    `json:"class"`
	Vendor      pci.ID       `json:"vendor"`
	Device      pci.ID       `json:"device"`
	SubVendor   *pci.ID      `json:"subVendor"`
	SubDevice   *pci.ID      `json:"subDevice"`
	Port        PortType     `json:"port,omitempty"`
	Driver      string       `json:"driver,omitempty"`
	NUMANode    *int         `json:"numaNode"`
	LocalCPUs   cpuset.Set   `json:"localCPUs"`
	IOMMUGroup  *int         `json:"iommuGroup"`
	Link        *PCILink     `json:"link"`
	ACS         *ACS         `json:"acs"` // nil where configuration space could not be read as far
	SRIOV       *SRIOV       `json:"sriov,omitempty"`
	PhysFn      *pci.Address `json:"physfn,omitempty"` // set on a virtual function
}

// PortType is what a function is in the PCI Express tree (Base Specification
// 6.0, section 7.5.3.2), read from config space or, without it, concluded from
// the tree; empty when neither tells.
type PortType string

// Port types.
const (
	Endpoint       PortType = "endpoint"
	RootPort       PortType = "root-port"
	UpstreamPort   PortType = "upstream-port"
	DownstreamPort PortType = "downstream-port"
	PCIBridge      PortType = "pci-bridge"
)

// PCILink is one end's view of a link. Zero lanes are never written: nil means
// that this end does not tell, or that there is no link.
type PCILink struct {
	GTPerSec    *float64 `json:"gtPerSec"`
	MaxGTPerSec *float64 `json:"maxGTPerSec"`
	Lanes       *int     `json:"lanes"`
	MaxLanes    *int     `json:"maxLanes"`
}

// SRIOV is the virtual-function state of a physical function.
type SRIOV struct {
	TotalVFs int           `json:"totalVFs"`
	NumVFs   int           `json:"numVFs"`
	VFs      []pci.Address `json:"vfs"`
}

// Accelerator is a GPU or another processing accelerator of any vendor.
type Accelerator struct {
	ID                 Ref           `json:"id"`
	Index              int           `json:"index"`  // the vendor tool's index where known, else the order of addresses within a vendor
	Vendor             string        `json:"vendor"` // nvidia, amd, intel, ..., unknown
	Model              string        `json:"model,omitempty"`
	UUID               string        `json:"uuid,omitempty"`
	ModuleID           *int          `json:"moduleID"` // position on the baseboard
	NUMANode           *int          `json:"numaNode"` // nearest with CPUs
	LocalCPUs          cpuset.Set    `json:"localCPUs"`
	MemoryBytes        *int64        `json:"memoryBytes"`
	MemoryNodes        []int         `json:"memoryNodes"` // NUMA nodes that are this device's memory
	Driver             string        `json:"driver,omitempty"`
	DriverVersion      string        `json:"driverVersion,omitempty"`
	State              DeviceState   `json:"state"`
	StateReason        string        `json:"stateReason,omitempty"`
	XGMIHive           string        `json:"xgmiHive,omitempty"`
	Fabric             *FabricMember `json:"fabric,omitempty"`
	PartitionMode      string        `json:"partitionMode,omitempty"` // CPX, SPX, mig
	Partitions         []Partition   `json:"partitions"`
	ExpectedPartitions *int          `json:"expectedPartitions"`
	ErrorCounts        []ErrorCount  `json:"errorCounts,omitempty"` // none told: no entry, never zeros
	Source             string        `json:"source"`
}

// ErrorCount is what one block of an accelerator has counted since its driver
// was loaded.
type ErrorCount struct {
	Block         string `json:"block"` // the vendor's word: umc (memory controller), gfx, sdma, xgmi_wafl
	Uncorrectable int64  `json:"uncorrectable"`
	Correctable   int64  `json:"correctable"`
	Deferred      *int64 `json:"deferred"` // nil where the driver does not tell them apart
	Source        string `json:"source"`
}

// DeviceState is whether a device answers. It says nothing of its links.
type DeviceState string

// Device states. A device that nobody could ask is DeviceUnknown, not ok.
const (
	DeviceOK      DeviceState = "ok"
	DeviceLost    DeviceState = "lost"
	DeviceUnknown DeviceState = "unknown"
)

// FabricMember is membership in a multi-node NVLink domain
// (nvmlGpuFabricInfo). Domain joins both ids as NVIDIA's gpu.clique label does.
type FabricMember struct {
	ClusterUUID string `json:"clusterUUID"`
	CliqueID    int    `json:"cliqueID"`
	State       string `json:"state"` // completed, in-progress, not-started, not-supported
	HealthMask  *int64 `json:"healthMask"`
}

// Partition is a MIG instance, XCP partition or the like.
type Partition struct {
	ID      string `json:"id"`
	Profile string `json:"profile,omitempty"`
	UUID    string `json:"uuid,omitempty"`
}

// LinkKind is the protocol of a link.
type LinkKind string

// Link kinds.
const (
	LinkPCIe   LinkKind = "pcie"
	LinkNVLink LinkKind = "nvlink"
	LinkXGMI   LinkKind = "xgmi"
	LinkC2C    LinkKind = "c2c"
	LinkXe     LinkKind = "xelink"
)

// Link joins two ends; there is one Link per kind and pair of ends, whatever
// its lanes. A is before B by CompareRefs.
type Link struct {
	Kind     LinkKind `json:"kind"`
	A        Ref      `json:"a"`
	B        Ref      `json:"b"`
	Lanes    *int     `json:"lanes"`    // PCIe lanes, or bundled NVLink/XGMI/C2C links, that are up
	MaxLanes *int     `json:"maxLanes"` // that both ends could have
	// BytesPerSecond is one direction at the present width and at the speed the
	// link is built for (an idle link may run slower); MaxBytesPerSecond at full
	// width.
	BytesPerSecond    *int64    `json:"bytesPerSecond"`
	MaxBytesPerSecond *int64    `json:"maxBytesPerSecond"`
	Coherent          bool      `json:"coherent"` // cache-coherent between the ends
	State             LinkState `json:"state"`
	DownLanes         []int     `json:"downLanes,omitempty"` // indices of the bundled links that are down, on A's side, or on B's where A is a switch or does not answer
	Source            string    `json:"source"`
}

// LinkState is the worst that either end says.
type LinkState string

// Link states: degraded is narrower than both ends could be.
const (
	LinkUp           LinkState = "up"
	LinkDegraded     LinkState = "degraded"
	LinkDown         LinkState = "down"
	LinkStateUnknown LinkState = "unknown"
)

// Other returns the end that is not r, and whether r is an end at all.
func (l Link) Other(r Ref) (Ref, bool) {
	switch r {
	case l.A:
		return l.B, true
	case l.B:
		return l.A, true
	}
	return "", false
}
