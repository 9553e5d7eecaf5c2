// SPDX-License-Identifier: Apache-2.0

package vendorlib

import (
	"cmp"
	"slices"
	"strings"
	"unsafe"

	"tarsia.dev/tarsia/nvml"
)

// Bounds: NVML_GPU_INSTANCE_PROFILE_COUNT is 18, NVML_COMPUTE_INSTANCE_PROFILE_COUNT
// 9, and no GPU holds more than 8 instances of either.
const (
	maxProfiles  = 32
	maxInstances = 64
)

// instanceInfo is nvmlGpuInstanceInfo_t.
type instanceInfo struct {
	device        uintptr
	id, profileID uint32
	start, size   uint32
}

// computeInfo is nvmlComputeInstanceInfo_t.
type computeInfo struct {
	device, instance uintptr
	id, profileID    uint32
	start, size      uint32
}

// profileInfo is nvmlGpuInstanceProfileInfo_v2_t.
type profileInfo struct {
	version, id, p2p, slices, instances, multiprocessors uint32
	copy, decoder, encoder, jpeg, ofa                    uint32
	memoryMB                                             uint64
	name                                                 [96]byte
}

// computeProfileInfo is nvmlComputeInstanceProfileInfo_v2_t.
type computeProfileInfo struct {
	version, id, slices, instances, multiprocessors uint32
	copy, decoder, encoder, jpeg, ofa               uint32
	name                                            [96]byte
}

// migDevice is one MIG device: what a program sees as a GPU.
type migDevice struct {
	gpu, compute int
	uuid         string
}

// mig asks for the mode and, where it is on, for the tree: instances by profile,
// then the compute instances of each, then the UUIDs of the MIG devices. The
// driver tells the tree to root alone; others get the MIG devices' numbers.
func (d *asker) mig() *nvml.MIG {
	const symbol = "nvmlDeviceGetMigMode"
	var current, pending uint32
	if !d.ask(symbol, []string{symbol}, d.h, uintptr(unsafe.Pointer(&current)), uintptr(unsafe.Pointer(&pending))) {
		return nil
	}
	m := &nvml.MIG{Enabled: current == 1}
	if current != pending {
		m.Pending = new(pending == 1)
	}
	if !m.Enabled {
		return m
	}
	for profile := range maxProfiles {
		id, name, ok := d.instanceProfile(profile)
		if !ok {
			continue
		}
		for _, h := range d.handles("nvmlDeviceGetGpuInstances", d.h, id) {
			m.Instances = append(m.Instances, d.instance(h, name))
		}
	}
	m.Instances = slices.DeleteFunc(m.Instances, func(i nvml.MIGInstance) bool { return i.ID < 0 })
	d.nameInstances(m)
	slices.SortFunc(m.Instances, func(a, b nvml.MIGInstance) int { return cmp.Compare(a.ID, b.ID) })
	return m
}

// instanceProfile tells a profile's id and name; ok is false where the device has
// no such profile.
func (d *asker) instanceProfile(profile int) (id uint32, name string, ok bool) {
	const symbol, older = "nvmlDeviceGetGpuInstanceProfileInfoV", "nvmlDeviceGetGpuInstanceProfileInfo"
	var v2 profileInfo
	v2.version = structVersion(unsafe.Sizeof(v2), 2)
	if d.quiet([]string{symbol}, d.h, uintptr(profile), uintptr(unsafe.Pointer(&v2))) {
		return v2.id, profileName(v2.name[:]), true
	}
	var v1 struct {
		id       uint32
		rest     [9]uint32
		memoryMB uint64
	}
	if d.quiet([]string{older}, d.h, uintptr(profile), uintptr(unsafe.Pointer(&v1))) {
		return v1.id, "", true
	}
	return 0, "", false
}

// profileName is "1g.10gb" of the driver's "MIG 1g.10gb".
func profileName(b []byte) string {
	return strings.TrimSpace(strings.TrimPrefix(cString(b), "MIG"))
}

// quiet asks what a device may well not have, and notes nothing but its loss.
//
//go:uintptrescapes
func (d *asker) quiet(symbols []string, args ...uintptr) bool {
	if d.done {
		return false
	}
	code, err := d.n.lib.Call(symbols, args...)
	if err == nil && (code == gpuIsLost || code == resetRequired) {
		d.done, d.out.Error = true, nvml.ReturnName(code)
	}
	return err == nil && code == 0
}

// handles asks for the instances of one profile below a device or GPU instance.
func (d *asker) handles(symbol string, above uintptr, profile uint32) []uintptr {
	var list [maxInstances]uintptr
	count := uint32(maxInstances)
	if !d.ask(symbol, []string{symbol}, above, uintptr(profile), uintptr(unsafe.Pointer(&list)), uintptr(unsafe.Pointer(&count))) {
		return nil
	}
	return slices.Clone(list[:min(count, maxInstances)])
}

// instance reads one GPU instance; its ID is -1 where it tells none.
func (d *asker) instance(h uintptr, profile string) nvml.MIGInstance {
	const symbol = "nvmlGpuInstanceGetInfo"
	var info instanceInfo
	if !d.ask(symbol, []string{symbol}, h, uintptr(unsafe.Pointer(&info))) {
		return nvml.MIGInstance{ID: -1}
	}
	i := nvml.MIGInstance{ID: int(info.id), Profile: profile, ProfileID: new(int(info.profileID)),
		Placement: &nvml.Placement{Start: int(info.start), Size: int(info.size)}}
	for number := range maxProfiles {
		const symbol = "nvmlGpuInstanceGetComputeInstanceProfileInfoV"
		var p computeProfileInfo
		p.version = structVersion(unsafe.Sizeof(p), 2)
		if !d.quiet([]string{symbol}, h, uintptr(number), 0, uintptr(unsafe.Pointer(&p))) {
			continue
		}
		for _, c := range d.handles("nvmlGpuInstanceGetComputeInstances", h, p.id) {
			if ci, ok := d.computeInstance(c, profileName(p.name[:])); ok {
				i.Compute = append(i.Compute, ci)
			}
		}
	}
	slices.SortFunc(i.Compute, func(a, b nvml.ComputeInstance) int { return cmp.Compare(a.ID, b.ID) })
	return i
}

func (d *asker) computeInstance(h uintptr, profile string) (nvml.ComputeInstance, bool) {
	symbols := []string{"nvmlComputeInstanceGetInfo_v2", "nvmlComputeInstanceGetInfo"}
	var info computeInfo
	if !d.ask(symbols[0], symbols, h, uintptr(unsafe.Pointer(&info))) {
		return nvml.ComputeInstance{}, false
	}
	return nvml.ComputeInstance{ID: int(info.id), Profile: profile, ProfileID: new(int(info.profileID)),
		Placement: &nvml.Placement{Start: int(info.start), Size: int(info.size)}}, true
}

// nameInstances gives the instances the UUIDs of their MIG devices, and adds those
// that the tree did not show.
func (d *asker) nameInstances(m *nvml.MIG) {
	for _, v := range d.migDevices() {
		at := slices.IndexFunc(m.Instances, func(i nvml.MIGInstance) bool { return i.ID == v.gpu })
		if at < 0 {
			m.Instances = append(m.Instances, nvml.MIGInstance{ID: v.gpu})
			at = len(m.Instances) - 1
		}
		i := &m.Instances[at]
		of := slices.IndexFunc(i.Compute, func(c nvml.ComputeInstance) bool { return c.ID == v.compute })
		if of < 0 {
			i.Compute = append(i.Compute, nvml.ComputeInstance{ID: v.compute})
			of = len(i.Compute) - 1
		}
		i.Compute[of].UUID = v.uuid
	}
	for at := range m.Instances {
		if i := &m.Instances[at]; len(i.Compute) == 1 {
			i.UUID = i.Compute[0].UUID
		}
	}
}

func (d *asker) migDevices() []migDevice {
	var found []migDevice
	most := d.number("nvmlDeviceGetMaxMigDeviceCount")
	if most == nil {
		return nil
	}
	for index := range min(*most, maxInstances) {
		var h uintptr
		if !d.quiet([]string{"nvmlDeviceGetMigDeviceHandleByIndex"}, d.h, uintptr(index), uintptr(unsafe.Pointer(&h))) {
			continue // NOT_FOUND: numbers have gaps
		}
		var gpu, compute uint32
		if !d.ask("nvmlDeviceGetGpuInstanceId", []string{"nvmlDeviceGetGpuInstanceId"}, h, uintptr(unsafe.Pointer(&gpu))) ||
			!d.ask("nvmlDeviceGetComputeInstanceId", []string{"nvmlDeviceGetComputeInstanceId"}, h, uintptr(unsafe.Pointer(&compute))) {
			continue
		}
		var uuid [96]byte
		d.ask("nvmlDeviceGetUUID(MIG)", []string{"nvmlDeviceGetUUID"}, h, uintptr(unsafe.Pointer(&uuid)), uintptr(len(uuid)))
		found = append(found, migDevice{int(gpu), int(compute), cString(uuid[:])})
	}
	return found
}
