// SPDX-License-Identifier: Apache-2.0

// Package nvml holds what the NVIDIA Management Library answered about the
// devices of a machine, and reads it. It never calls the library: a child
// process does, and its answers are one JSON document (one line) under
// machine.AnswersDir, so that recorded and live machines are read alike. Field
// names follow nvml.h without prefix and units follow NVML's.
package nvml

// AnswersFile is the document's name under machine.AnswersDir.
const AnswersFile = "nvml.json"

// Version is the version of the document that this package reads and writes.
const Version = 1

// Answers is the whole document.
type Answers struct {
	Version       int       `json:"version"`
	DriverVersion string    `json:"driverVersion,omitempty"`
	NVMLVersion   string    `json:"nvmlVersion,omitempty"`
	Error         string    `json:"error,omitempty"` // why nothing could be asked: "LIBRARY_NOT_FOUND"
	Devices       []Device  `json:"devices"`
	Unnamed       []Unnamed `json:"unnamed,omitempty"` // devices that told no address, so that nothing else can name them
	Pairs         []Pair    `json:"pairs,omitempty"`   // what NVML says of two devices, A below B
}

// Unnamed is a device that NVML counts and that told no address.
type Unnamed struct {
	Index int    `json:"index"`
	Error string `json:"error"` // as Device.Error
}

// Device is one GPU. A pointer is nil where NVML answered NOT_SUPPORTED or
// was not asked. Error is the name of the nvmlReturn_t that ended the asking,
// without NVML_ERROR_, "GPU_IS_LOST", or a word of the asker: "TIMEOUT" where a
// call did not come back, "NOT_ASKED" where an earlier device kept the asker
// from this one. Serial numbers are never asked for.
type Device struct {
	Index       int     `json:"index"`
	Error       string  `json:"error,omitempty"`
	Name        string  `json:"name,omitempty"`
	UUID        string  `json:"uuid,omitempty"`
	BusID       string  `json:"busId"` // nvmlPciInfo_t.busId: "00000000:1B:00.0"
	ModuleID    *int    `json:"moduleId,omitempty"`
	NUMANodeID  *int    `json:"numaNodeId,omitempty"` // memory as a NUMA node (nvmlDeviceGetNumaNodeId)
	MemoryBytes *int64  `json:"memoryTotal,omitempty"`
	VBIOS       string  `json:"vbiosVersion,omitempty"`
	GSPFirmware string  `json:"gspFirmwareVersion,omitempty"`
	NVLinks     []Link  `json:"nvlinks,omitempty"`
	C2C         *C2C    `json:"c2c,omitempty"`
	Fabric      *Fabric `json:"fabric,omitempty"`
	MIG         *MIG    `json:"mig,omitempty"`

	Minor          *int       `json:"minor,omitempty"`          // of /dev/nvidiaN
	CPUAffinity    string     `json:"cpuAffinity,omitempty"`    // CPU list; NVML's node scope
	MemoryAffinity string     `json:"memoryAffinity,omitempty"` // list of NUMA nodes, the device's own memory included
	PCIe           *PCIe      `json:"pcie,omitempty"`
	ECC            *ECC       `json:"ecc,omitempty"`
	RemappedRows   *Remapped  `json:"remappedRows,omitempty"`
	Persistence    *bool      `json:"persistence,omitempty"`
	ClocksEvents   *uint64    `json:"clocksEventReasons,omitempty"` // nvmlClocksEventReasons mask, see ClocksEventNames
	Unanswered     Unanswered `json:"unanswered,omitempty"`
}

// Unanswered names the calls that gave nothing: function (with "(165)" where it
// is a field value, and "[3]" where it is of one link) to nvmlReturn_t name.
// FUNCTION_NOT_FOUND: the library has no such symbol.
type Unanswered map[string]string

// PCIe is the link of a device as NVML tells it. Generations count from 1. What
// sysfs says of the path comes first in the product: NVML's figures are those of
// the card's own end.
type PCIe struct {
	Generation    *int    `json:"generation,omitempty"` // now; drops while idle
	Width         *int    `json:"width,omitempty"`      // lanes, now
	MaxGeneration *int    `json:"maxGeneration,omitempty"`
	MaxWidth      *int    `json:"maxWidth,omitempty"`      // of device and slot together
	GPUGeneration *int    `json:"gpuGeneration,omitempty"` // what the device alone could do
	Replays       *uint32 `json:"replays,omitempty"`       // since the driver was loaded; wraps
}

// ECC is the memory's error correction. Volatile counts begin when the driver
// loads, aggregate ones with the life of the device.
type ECC struct {
	Enabled              *bool   `json:"enabled,omitempty"`
	Pending              *bool   `json:"pending,omitempty"` // after the next reboot
	VolatileCorrected    *uint64 `json:"volatileCorrected,omitempty"`
	VolatileUncorrected  *uint64 `json:"volatileUncorrected,omitempty"`
	AggregateCorrected   *uint64 `json:"aggregateCorrected,omitempty"`
	AggregateUncorrected *uint64 `json:"aggregateUncorrected,omitempty"`
}

// Remapped is nvmlDeviceGetRemappedRows.
type Remapped struct {
	Correctable   uint32 `json:"correctable"`
	Uncorrectable uint32 `json:"uncorrectable"`
	Pending       bool   `json:"pending"` // a reset is needed
	Failed        bool   `json:"failed"`  // rows ran out: the device has to be replaced
}

// Pair is what NVML says of two devices. Ancestor is nvmlGpuTopologyLevel_t: 0
// same board, 10 one switch, 20 several, 30 one host bridge, 40 one NUMA node,
// 50 the system. NVLink and PCI are nvmlGpuP2PStatus_t, 0 is fine.
type Pair struct {
	A        int  `json:"a"`
	B        int  `json:"b"`
	Ancestor *int `json:"ancestor,omitempty"`
	NVLink   *int `json:"p2pNvlink,omitempty"`
	PCI      *int `json:"p2pPci,omitempty"`
}

// Link is one NVLink of a device.
type Link struct {
	Link         int    `json:"link"`
	State        *int   `json:"state,omitempty"`        // 1 active, 0 not
	Version      *int   `json:"version,omitempty"`      // nvmlDeviceGetNvLinkVersion
	SpeedMBps    *int64 `json:"speedMBps,omitempty"`    // NVML_FI_DEV_NVLINK_SPEED_MBPS, one direction
	RemoteBusID  string `json:"remoteBusId,omitempty"`  // "FFFFFFFF:FF:FF.0" where hidden
	RemoteDevice string `json:"remoteDevice,omitempty"` // GPU, SWITCH, IBMNPU, UNKNOWN
}

// C2C is the coherent chip-to-chip link between CPU and GPU
// (NVML_FI_DEV_C2C_LINK_*).
type C2C struct {
	LinkCount    int    `json:"linkCount"`
	LinksUp      *int   `json:"linksUp,omitempty"`
	MaxBandwidth *int64 `json:"linkMaxBwMBps,omitempty"` // per link, one direction
	CPUPackage   *int   `json:"cpuPackage,omitempty"`    // the package at the other end, where the asker knows it
}

// Fabric is nvmlGpuFabricInfo_v3_t, or an older form without mask and summary.
// State: 0 not supported, 1 not started, 2 in progress, 3 completed. While it is
// not completed, cluster and clique mean nothing.
type Fabric struct {
	State       int    `json:"state"`
	ClusterUUID string `json:"clusterUuid"`
	CliqueID    int    `json:"cliqueId"`
	HealthMask  *int64 `json:"healthMask,omitempty"` // see DecodeHealth
	Status      string `json:"status,omitempty"`     // nvmlReturn_t of the fabric's probe where it is no SUCCESS
	Summary     *int   `json:"healthSummary,omitempty"`
}

// MIG is the multi-instance state.
type MIG struct {
	Enabled   bool          `json:"enabled"`
	Pending   *bool         `json:"pending,omitempty"` // after the next reset, where it differs
	Instances []MIGInstance `json:"instances,omitempty"`
}

// MIGInstance is one GPU instance. UUID is that of its MIG device where it holds
// one compute instance; with several, each has its own.
type MIGInstance struct {
	ID        int               `json:"id"`
	Profile   string            `json:"profile"` // "1g.10gb", "" where the driver tells no name
	UUID      string            `json:"uuid,omitempty"`
	ProfileID *int              `json:"profileId,omitempty"`
	Placement *Placement        `json:"placement,omitempty"` // memory slices
	Compute   []ComputeInstance `json:"compute,omitempty"`
}

// Placement is where an instance lies: the first slice and how many.
type Placement struct {
	Start int `json:"start"`
	Size  int `json:"size"`
}

// ComputeInstance is one compute instance of a GPU instance.
type ComputeInstance struct {
	ID        int        `json:"id"`
	Profile   string     `json:"profile,omitempty"`
	ProfileID *int       `json:"profileId,omitempty"`
	Placement *Placement `json:"placement,omitempty"` // compute slices within the GPU instance
	UUID      string     `json:"uuid,omitempty"`
}
