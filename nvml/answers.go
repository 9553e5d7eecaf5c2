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
	Version       int      `json:"version"`
	DriverVersion string   `json:"driverVersion,omitempty"`
	NVMLVersion   string   `json:"nvmlVersion,omitempty"`
	Error         string   `json:"error,omitempty"` // why nothing could be asked: "LIBRARY_NOT_FOUND"
	Devices       []Device `json:"devices"`
}

// Device is one GPU. A pointer is nil where NVML answered NOT_SUPPORTED or
// was not asked. Error is the name of the nvmlReturn_t that ended the asking,
// without NVML_ERROR_: "GPU_IS_LOST".
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

// Fabric is nvmlGpuFabricInfo_v3_t. State: 0 not supported, 1 not started, 2
// in progress, 3 completed.
type Fabric struct {
	State       int    `json:"state"`
	ClusterUUID string `json:"clusterUuid"`
	CliqueID    int    `json:"cliqueId"`
	HealthMask  *int64 `json:"healthMask,omitempty"`
}

// MIG is the multi-instance state.
type MIG struct {
	Enabled   bool          `json:"enabled"`
	Instances []MIGInstance `json:"instances,omitempty"`
}

// MIGInstance is one GPU instance.
type MIGInstance struct {
	ID      int    `json:"id"`
	Profile string `json:"profile"`
	UUID    string `json:"uuid,omitempty"`
}
