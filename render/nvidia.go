// SPDX-License-Identifier: Apache-2.0

package render

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tarsia.dev/tarsia/machine"
	"tarsia.dev/tarsia/nvml"
)

// hiddenSwitch is NVML's bus id of an NVSwitch that shows no address.
const hiddenSwitch = "FFFFFFFF:FF:FF.0"

// writeNVIDIA writes what the driver shows under /proc and what NVML answered.
func (h *host) writeNVIDIA(o *out) {
	n := h.facts.NVIDIA
	if n == nil {
		return
	}
	machineWord := map[string]string{"amd64": "x86_64", "arm64": "aarch64", "riscv64": "riscv64"}[h.facts.Architecture]
	o.file("proc/driver/nvidia/version", "NVRM version: NVIDIA UNIX Open Kernel Module for "+machineWord+"  "+n.Driver+"  Release Build  (demo@tarsia)")
	answers := nvml.Answers{Version: nvml.Version, DriverVersion: n.Driver, Devices: []nvml.Device{}}
	if major, _, ok := strings.Cut(n.Driver, "."); ok {
		// NVML's own version is the driver's with the CUDA major before it.
		answers.NVMLVersion = "13." + major
	}
	for _, gpu := range h.gpus {
		if gpu.kind != n.Device {
			continue
		}
		h.writeInformation(o, gpu)
		answers.Devices = append(answers.Devices, h.nvmlDevice(gpu))
	}
	data, err := json.Marshal(answers)
	if err != nil && o.err == nil {
		o.err = fmt.Errorf("encode nvml answers: %w", err)
	}
	o.data(machine.AnswersDir+"/"+nvml.AnswersFile, append(data, '\n'))
}

// writeInformation writes what the driver knows without NVML. Of a GPU that is
// gone it can no longer read the VBIOS, and says so with question marks.
func (h *host) writeInformation(o *out, gpu *function) {
	n := h.facts.NVIDIA
	vbios := h.vbios
	if gpu.lost {
		vbios = "??.??.??.??.??"
	}
	o.file("proc/driver/nvidia/gpus/"+gpu.address.String()+"/information", fmt.Sprintf(
		"Model: \t\t %s\nIRQ:   \t\t %d\nGPU UUID: \t %s\nVideo BIOS: \t %s\nBus Type: \t PCIe\nDMA Size: \t 52 bits\nDMA Mask: \t 0xfffffffffffff\nBus Location: \t %s\nDevice Minor: \t %d\nGPU Firmware: \t %s\nGPU Excluded:\t No",
		n.Model, 200+gpu.index, h.gpuUUID(gpu), vbios, gpu.address, gpu.index, n.GSP))
}

func (h *host) gpuUUID(gpu *function) string { return "GPU-" + h.uuid("gpu", gpu.index) }

func (h *host) nvmlDevice(gpu *function) nvml.Device {
	n := h.facts.NVIDIA
	d := nvml.Device{Index: gpu.index, BusID: busID(gpu)}
	if gpu.lost {
		d.Error = "GPU_IS_LOST"
		return d
	}
	d.Name, d.UUID, d.VBIOS, d.GSPFirmware = n.Model, h.gpuUUID(gpu), h.vbios, n.GSP
	d.MemoryBytes = new(int64(n.Memory))
	if gpu.index < len(n.Modules) {
		d.ModuleID = new(n.Modules[gpu.index])
	}
	if gpu.memoryNode > 0 {
		d.NUMANodeID = new(gpu.memoryNode)
	}
	d.NVLinks = h.nvlinks(gpu)
	if c := n.C2C; c != nil {
		d.C2C = &nvml.C2C{LinkCount: c.Links, LinksUp: new(c.Links), MaxBandwidth: new(c.MBps)}
		if gpu.node >= 0 {
			d.C2C.CPUPackage = new(h.packageOf(gpu.node))
		}
	}
	if f := n.Fabric; f != nil {
		d.Fabric = &nvml.Fabric{State: 3, ClusterUUID: f.Cluster, CliqueID: f.Clique, HealthMask: new(int64(healthy))}
	}
	return d
}

// healthy is a fabric health mask with every field at "no fault": degraded
// bandwidth, route recovery, unhealthy route and access timeout false (2 in two
// bits each), no wrong configuration (nvml.h,
// NVML_GPU_FABRIC_HEALTH_MASK_*).
const healthy = 0x1aa

// nvlinks joins a GPU with the switches, or link by link with its peers: each
// pair of GPUs has as many links as fit evenly. A link is down at both ends; a
// GPU that is gone takes its peers' links to it along.
func (h *host) nvlinks(gpu *function) []nvml.Link {
	spec := h.facts.NVIDIA.NVLink
	if spec == nil {
		return nil
	}
	var list []nvml.Link
	add := func(remote *function, far int) {
		l := nvml.Link{Link: len(list), State: new(1), Version: new(spec.Version), SpeedMBps: new(spec.MBps),
			RemoteBusID: hiddenSwitch, RemoteDevice: "SWITCH"}
		down := slices.Contains(gpu.downNVLinks, l.Link)
		if remote != nil {
			l.RemoteBusID, l.RemoteDevice = busID(remote), "GPU"
			down = down || remote.lost || slices.Contains(remote.downNVLinks, far)
		}
		if down {
			l.State = new(0)
		}
		list = append(list, l)
	}
	if spec.To == "switch" {
		for range spec.Links {
			add(nil, 0)
		}
		return list
	}
	peers := len(h.gpus) - 1
	if peers < 1 {
		return nil
	}
	each := spec.Links / peers
	for _, other := range h.gpus {
		if other == gpu {
			continue
		}
		// The other end numbers its links by its own order of peers.
		place := gpu.index
		if gpu.index > other.index {
			place--
		}
		for i := range each {
			add(other, place*each+i)
		}
	}
	return list
}

// busID is NVML's spelling of an address: eight digits of domain, capitals.
func busID(fn *function) string {
	a := fn.address
	return fmt.Sprintf("%08X:%02X:%02X.%s", a.Domain, a.Bus, a.Device, strconv.Itoa(int(a.Function)))
}
