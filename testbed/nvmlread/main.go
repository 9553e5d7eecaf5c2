// SPDX-License-Identifier: Apache-2.0

// Command nvmlread reads a libnvidia-ml through go-nvml, NVIDIA's own binding, and
// prints what it says as lines of "device fact value". It shares no code with
// Tarsia: tests compare the two, so that a structure or a number that Tarsia has
// wrong shows. It needs cgo, and is a module of its own for that.
package main

import (
	"fmt"
	"os"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

func main() {
	library := nvml.New(nvml.WithLibraryPath(os.Args[1]))
	if r := library.Init(); r != nvml.SUCCESS {
		fmt.Fprintln(os.Stderr, "nvmlread:", r)
		os.Exit(1)
	}
	count, _ := library.DeviceGetCount()
	version, _ := library.SystemGetDriverVersion()
	fmt.Println("- driver", version)
	for i := range count {
		if d, r := library.DeviceGetHandleByIndex(i); r == nvml.SUCCESS {
			device(i, d)
		}
	}
}

// tell prints a fact that the library answered.
func tell[T any](i int, fact string, v T, r nvml.Return) {
	if r == nvml.SUCCESS {
		fmt.Printf("%d %s %v\n", i, fact, v)
	}
}

func device(i int, d nvml.Device) {
	pci, r := d.GetPciInfo()
	tell(i, "busId", text(pci.BusId[:]), r)
	name, r := d.GetName()
	tell(i, "name", name, r)
	uuid, r := d.GetUUID()
	tell(i, "uuid", uuid, r)
	module, r := d.GetModuleId()
	tell(i, "module", module, r)
	minor, r := d.GetMinorNumber()
	tell(i, "minor", minor, r)
	numa, r := d.GetNumaNodeId()
	tell(i, "numa", numa, r)
	memory, r := d.GetMemoryInfo_v2()
	tell(i, "memory", memory.Total, r)
	vbios, r := d.GetVbiosVersion()
	tell(i, "vbios", vbios, r)
	gsp, r := d.GetGspFirmwareVersion()
	tell(i, "gsp", gsp, r)
	corrected, uncorrected, pending, failed, r := d.GetRemappedRows()
	tell(i, "remapped", fmt.Sprint(corrected, uncorrected, pending, failed), r)
	ecc, r := d.GetTotalEccErrors(nvml.MEMORY_ERROR_TYPE_CORRECTED, nvml.AGGREGATE_ECC)
	tell(i, "ecc", ecc, r)
	fabric, r := d.GetGpuFabricInfoV().V2()
	tell(i, "fabric", fmt.Sprintf("%x %d %d %d", fabric.ClusterUuid, fabric.CliqueId, fabric.State, fabric.HealthMask), r)
	links(i, d)
	mig(i, d)
}

func links(i int, d nvml.Device) {
	values := []nvml.FieldValue{{FieldId: nvml.FI_DEV_NVLINK_LINK_COUNT}}
	if d.GetFieldValues(values) != nvml.SUCCESS || values[0].NvmlReturn != uint32(nvml.SUCCESS) {
		return
	}
	for n := range int(values[0].Value[0]) {
		state, r := d.GetNvLinkState(n)
		tell(i, fmt.Sprint("state", n), state, r)
		remote, r := d.GetNvLinkRemotePciInfo(n)
		tell(i, fmt.Sprint("remote", n), text(remote.BusId[:]), r)
	}
}

func mig(i int, d nvml.Device) {
	if on, _, r := d.GetMigMode(); r != nvml.SUCCESS || on != nvml.DEVICE_MIG_ENABLE {
		return
	}
	for p := range nvml.GPU_INSTANCE_PROFILE_COUNT {
		profile, r := d.GetGpuInstanceProfileInfo(p)
		if r != nvml.SUCCESS {
			continue
		}
		instances, _ := d.GetGpuInstances(&profile)
		for _, gi := range instances {
			info, r := gi.GetInfo()
			tell(i, fmt.Sprint("gi", info.Id), fmt.Sprint(info.ProfileId, info.Placement.Start, info.Placement.Size), r)
		}
	}
}

// text is the part before the first NUL.
func text[T int8 | uint8](b []T) string {
	var out []byte
	for _, c := range b {
		if c == 0 {
			break
		}
		out = append(out, byte(c))
	}
	return string(out)
}
