// SPDX-License-Identifier: Apache-2.0

package render

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// KFD link types (Linux, drivers/gpu/drm/amd/include/kgd_kfd_interface.h and
// amdkfd/kfd_crat.h, CRAT_IOLINK_TYPE_*).
const (
	linkHT   = 1
	linkPCIe = 2
	linkQPI  = 5
	linkXGMI = 11
)

const kfdDir = "sys/class/kfd/kfd/topology/"

// writeAMD writes what amdgpu shows at each GPU, and KFD's topology: first the
// NUMA nodes with CPUs, then the GPUs.
func (h *host) writeAMD(o *out) {
	a := h.facts.AMD
	if a == nil {
		return
	}
	for _, gpu := range h.gpus {
		h.writeAMDGPU(o, gpu)
	}
	o.file(kfdDir+"generation_id", "2")
	o.file(kfdDir+"system_properties", "platform_oem 0\nplatform_id 0\nplatform_rev 0")
	cpuNodes := h.nodesWithCPUs().Len()
	for id := range cpuNodes {
		h.writeKFDNode(o, id, nil, h.cpuLinks(id))
	}
	for _, gpu := range h.gpus {
		h.writeKFDNode(o, cpuNodes+gpu.index, gpu, h.gpuLinks(cpuNodes, gpu))
	}
}

func (h *host) uniqueID(gpu *function) uint64 {
	return binary.BigEndian.Uint64(h.digest("gpu", gpu.index))
}

func (h *host) hiveID() uint64 { return binary.BigEndian.Uint64(h.digest("hive", 0)) }

// writeAMDGPU follows Linux, Documentation/gpu/amdgpu.
func (h *host) writeAMDGPU(o *out, gpu *function) {
	a, dir := h.facts.AMD, gpu.path+"/"
	o.file(dir+"unique_id", fmt.Sprintf("%016x", h.uniqueID(gpu)))
	o.file(dir+"product_name", a.Model)
	o.file(dir+"vbios_version", h.vbios)
	o.file(dir+"mem_info_vram_total", strconv.FormatInt(int64(a.Memory), 10))
	for _, name := range slices.Sorted(maps.Keys(a.Firmware)) {
		o.file(dir+"fw_version/"+name+"_fw_version", a.Firmware[name])
	}
	if a.Partition != "" {
		o.file(dir+"current_compute_partition", a.Partition)
		o.file(dir+"available_compute_partition", "SPX, DPX, QPX, CPX")
		o.file(dir+"current_memory_partition", "NPS1")
	}
	if a.XGMI != nil {
		o.file(dir+"xgmi_hive_info/xgmi_hive_id", strconv.FormatUint(h.hiveID(), 10))
		o.file(dir+"xgmi_physical_id", strconv.Itoa(gpu.index))
	}
}

// kfdLink is one direction of one link.
type kfdLink struct {
	kind, to, weight, low, high int // MB/s; 0 is not told
}

// cpuLinks is the links of a node of CPUs: to the other such nodes, and to the
// GPUs near it. KFD knows those among CPUs only on x86, where firmware has a
// table of them.
func (h *host) cpuLinks(id int) []kfdLink {
	var links []kfdLink
	cpuNodes := h.nodesWithCPUs().Len()
	if x := h.facts.CPU.X86; x != nil {
		kind := linkQPI
		if x.Vendor == "AuthenticAMD" {
			kind = linkHT
		}
		for to := range cpuNodes {
			if to != id {
				links = append(links, kfdLink{kind: kind, to: to, weight: h.facts.Memory.Far})
			}
		}
	}
	for _, gpu := range h.gpus {
		if max(gpu.node, 0) == id {
			links = append(links, h.hostLink(gpu, cpuNodes+gpu.index))
		}
	}
	return links
}

func (h *host) gpuLinks(cpuNodes int, gpu *function) []kfdLink {
	links := []kfdLink{h.hostLink(gpu, max(gpu.node, 0))}
	if x := h.facts.AMD.XGMI; x != nil {
		for _, other := range h.gpus {
			if other != gpu {
				links = append(links, kfdLink{linkXGMI, cpuNodes + other.index, 15, x.MBps, x.MBps})
			}
		}
	}
	return links
}

// hostLink is a GPU's PCIe link as KFD sees it: from the 312 MB/s of one lane at
// 2.5 GT/s to what it is built for.
func (h *host) hostLink(gpu *function, to int) kfdLink {
	l := kfdLink{kind: linkPCIe, to: to, weight: 20}
	if gpu.link != nil {
		l.low, l.high = 312, int(gpu.link.GTPerSec/8*float64(gpu.link.Lanes)*1000)
	}
	return l
}

// writeKFDNode writes one node in the words of kfd_topology.c, in its order.
func (h *host) writeKFDNode(o *out, id int, gpu *function, links []kfdLink) {
	dir := kfdDir + "nodes/" + strconv.Itoa(id) + "/"
	a := h.facts.AMD
	var b strings.Builder
	put := func(name string, v uint64) { fmt.Fprintf(&b, "%s %d\n", name, v) }
	var cores, simds, target, vendor, device, location, domain, minor, hive, unique, xcc uint64
	gpuID, name, bank, heap := "0", "", h.facts.Memory.PerNode, 0
	if gpu == nil {
		cores = uint64(h.nodes[id].cpus.Len())
	} else {
		gpuID, name, bank, heap = strconv.FormatUint(h.uniqueID(gpu)%65535+1, 10), "ip discovery", a.Memory, 1
		simds, target, xcc = uint64(a.Units*4), uint64(a.Target), uint64(a.XCC)
		vendor, device = uint64(gpu.device.ID.Vendor), uint64(gpu.device.ID.Device)
		ad := gpu.address
		location, domain = uint64(ad.Bus)<<8|uint64(ad.Device)<<3|uint64(ad.Function), uint64(ad.Domain)
		minor, unique = uint64(128+gpu.card), h.uniqueID(gpu)
		if a.XGMI != nil {
			hive = h.hiveID()
		}
	}
	put("cpu_cores_count", cores)
	put("simd_count", simds)
	put("mem_banks_count", 1)
	put("caches_count", 0)
	put("io_links_count", uint64(len(links)))
	put("p2p_links_count", 0)
	put("gfx_target_version", target)
	put("vendor_id", vendor)
	put("device_id", device)
	put("location_id", location)
	put("domain", domain)
	put("drm_render_minor", minor)
	put("hive_id", hive)
	put("unique_id", unique)
	put("num_xcc", xcc)
	o.data(dir+"properties", []byte(b.String()))
	o.file(dir+"gpu_id", gpuID)
	o.file(dir+"name", name)
	o.file(dir+"mem_banks/0/properties", fmt.Sprintf("heap_type %d\nsize_in_bytes %d\nflags 0\nwidth 64\nmem_clk_max 0", heap, bank))
	for i, l := range links {
		o.file(dir+"io_links/"+strconv.Itoa(i)+"/properties", fmt.Sprintf(
			"type %d\nversion_major 0\nversion_minor 0\nnode_from %d\nnode_to %d\nweight %d\nmin_latency 0\nmax_latency 0\nmin_bandwidth %d\nmax_bandwidth %d\nrecommended_transfer_size 0\nflags 1",
			l.kind, id, l.to, l.weight, l.low, l.high))
	}
}
