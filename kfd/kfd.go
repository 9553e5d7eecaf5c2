// SPDX-License-Identifier: Apache-2.0

// Package kfd reads the topology of AMD's compute driver,
// /sys/class/kfd/kfd/topology: the nodes (CPUs, GPUs and partitions of GPUs) and
// the links between them, each in the driver's own words (Linux
// drivers/gpu/drm/amd/amdkfd/kfd_topology.c and include/uapi/linux/kfd_sysfs.h).
// It leaves out what belongs together: package discover joins partitions to
// devices. Begin with Read.
package kfd

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"

	"tarsia.dev/tarsia/machine"
	"tarsia.dev/tarsia/pci"
)

// Dir is where the driver shows its topology.
const Dir = "sys/class/kfd/kfd/topology"

// MaxNodes bounds the nodes and the links of a node: the driver's own limit
// follows from 64 partitions on 8 devices and is far below.
const MaxNodes = 4096

// Node is one node of the topology: a CPU with its memory, a GPU, or one
// partition of a GPU.
type Node struct {
	ID              int
	Path            string // sys/class/kfd/kfd/topology/nodes/2
	Name            string // code name, or "ip discovery"
	CPUCores        int    // 0 for a GPU
	SIMDs           int    // 0 for a CPU
	VendorID        pci.ID
	DeviceID        pci.ID
	Domain          uint32
	LocationID      uint32 // see Address and Partition
	DRMRenderMinor  int
	HiveID          uint64 // 0: in no XGMI hive
	UniqueID        uint64 // 0: the device tells none; equal for the partitions of one device
	XCCs            int    // accelerator dies of this partition, 0 when the driver is too old to say
	LocalMemBytes   int64  // of the local memory banks; 0 when none is told
	GFXTarget       int    // 90402 is gfx942
	FirmwareVersion int    // of the compute microcode (MEC)
	IOLinks         []Link // direct links
	P2PLinks        []Link // paths through the host
}

// IsGPU tells whether the node computes with SIMDs.
func (n *Node) IsGPU() bool { return n.SIMDs > 0 }

// Address is the PCI address in domain and location_id: bus in bits 15..8,
// device in 7..3, function in 2..0. In a partitioned device older kernels count
// the partition up in the function bits.
func (n *Node) Address() pci.Address {
	l := n.LocationID
	return pci.Address{Domain: n.Domain, Bus: uint8(l >> 8), Device: uint8(l>>3) & 0x1f, Function: uint8(l) & 7}
}

// Partition is the number of the partition within its device: bits 31..28 of
// location_id where set (kernel 6.8 and later), else the function bits.
func (n *Node) Partition() int {
	if high := int(n.LocationID >> 28); high != 0 {
		return high
	}
	return int(n.LocationID & 7)
}

// LinkType is the protocol of a link, as the CRAT table numbers it
// (kfd_crat.h, CRAT_IOLINK_TYPE_*).
type LinkType int

// Link types that occur.
const (
	HyperTransport LinkType = 1
	PCIExpress     LinkType = 2
	QPI            LinkType = 5
	XGMI           LinkType = 11
)

// flagEnabled is CRAT_IOLINK_FLAGS_ENABLED.
const flagEnabled = 1

// Link leads from its node to another. Bandwidths are in MB/s; 0 means that the
// driver does not say, not that there is no link.
type Link struct {
	Path         string
	Type         LinkType
	From, To     int
	Weight       int
	MinBandwidth int64 // of one of the bundled links, for XGMI
	MaxBandwidth int64 // of all of them
	Enabled      bool
}

// Read returns the nodes by id. The error joins what could not be read, each
// with its path; a node without properties is left out. A machine without the
// driver gives an error for which errors.Is(err, fs.ErrNotExist) holds.
func Read(m *machine.Machine) ([]Node, error) {
	names, err := m.ReadDir(Dir + "/nodes")
	if err != nil {
		return nil, err
	}
	var nodes []Node
	var failed []error
	for _, id := range numbers(names) {
		n, err := readNode(m, id)
		if err != nil {
			failed = append(failed, err)
		}
		if n != nil {
			nodes = append(nodes, *n)
		}
	}
	return nodes, errors.Join(failed...)
}

// numbers returns the names that are numbers, in order, at most MaxNodes.
func numbers(names []string) []int {
	var out []int
	for _, name := range names {
		if n, err := strconv.Atoi(name); err == nil && n >= 0 && strconv.Itoa(n) == name {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out[:min(len(out), MaxNodes)]
}

func readNode(m *machine.Machine, id int) (*Node, error) {
	dir := Dir + "/nodes/" + strconv.Itoa(id)
	p, err := properties(m, dir)
	if err != nil {
		return nil, err
	}
	n := &Node{
		ID: id, Path: dir,
		CPUCores:        p.count("cpu_cores_count"),
		SIMDs:           p.count("simd_count"),
		VendorID:        pci.ID(p["vendor_id"]),
		DeviceID:        pci.ID(p["device_id"]),
		Domain:          uint32(p["domain"]),
		LocationID:      uint32(p["location_id"]),
		DRMRenderMinor:  p.count("drm_render_minor"),
		HiveID:          p["hive_id"],
		UniqueID:        p["unique_id"],
		XCCs:            p.count("num_xcc"),
		GFXTarget:       p.count("gfx_target_version"),
		FirmwareVersion: p.count("fw_version"),
	}
	var errs [3]error
	// A file that is not there is an older driver's answer, not a failure.
	if n.Name, errs[0] = m.ReadString(dir + "/name"); errors.Is(errs[0], fs.ErrNotExist) {
		errs[0] = nil
	}
	n.LocalMemBytes = int64(min(p["local_mem_size"], 1<<62))
	if n.IsGPU() && n.LocalMemBytes == 0 {
		n.LocalMemBytes = localMemory(m, dir+"/mem_banks")
	}
	n.IOLinks, errs[1] = readLinks(m, dir+"/io_links")
	n.P2PLinks, errs[2] = readLinks(m, dir+"/p2p_links")
	return n, errors.Join(errs[:]...)
}

// Heap types of frame buffer memory (kfd_sysfs.h, HSA_MEM_HEAP_TYPE_*).
const (
	heapFBPublic  = 1
	heapFBPrivate = 2
)

// localMemory adds up the banks of device memory, or returns 0.
func localMemory(m *machine.Machine, dir string) int64 {
	names, err := m.ReadDir(dir)
	if err != nil {
		return 0
	}
	var sum uint64
	for _, id := range numbers(names) {
		p, err := properties(m, fmt.Sprintf("%s/%d", dir, id))
		if err != nil {
			return 0
		}
		if t := p["heap_type"]; t == heapFBPublic || t == heapFBPrivate {
			sum += min(p["size_in_bytes"], 1<<50)
		}
	}
	return int64(min(sum, 1<<62))
}

func readLinks(m *machine.Machine, dir string) ([]Link, error) {
	names, err := m.ReadDir(dir)
	if err != nil {
		return nil, nil // older drivers have no p2p_links; a GPU alone has no io_links
	}
	var links []Link
	var failed []error
	for _, id := range numbers(names) {
		path := fmt.Sprintf("%s/%d", dir, id)
		p, err := properties(m, path)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		links = append(links, Link{
			Path: path + "/properties", Type: LinkType(p.count("type")),
			From: p.count("node_from"), To: p.count("node_to"), Weight: p.count("weight"),
			MinBandwidth: int64(p.count("min_bandwidth")), MaxBandwidth: int64(p.count("max_bandwidth")),
			Enabled: p["flags"]&flagEnabled != 0,
		})
	}
	return links, errors.Join(failed...)
}
