// SPDX-License-Identifier: Apache-2.0

package vendorlib

import (
	"math/bits"
	"strconv"
	"unsafe"

	"tarsia.dev/tarsia/cpuset"
	"tarsia.dev/tarsia/nvml"
)

// asker asks one device. After an answer that ends the asking it calls nothing
// more: a GPU that fell off the bus can hold each call for a long time.
type asker struct {
	n    *NVML
	h    uintptr
	out  *nvml.Device
	done bool
}

// device fills in all that is asked of one device but its pairs.
func (n *NVML) device(h uintptr, out *nvml.Device) {
	d := &asker{n: n, h: h, out: out}
	out.Name = d.text("nvmlDeviceGetName")
	out.UUID = d.text("nvmlDeviceGetUUID")
	out.Minor = d.number("nvmlDeviceGetMinorNumber")
	out.ModuleID = d.number("nvmlDeviceGetModuleId")
	out.NUMANodeID = d.number("nvmlDeviceGetNumaNodeId")
	out.VBIOS = d.text("nvmlDeviceGetVbiosVersion")
	out.GSPFirmware = d.gsp()
	out.MemoryBytes = d.memory()
	out.CPUAffinity = d.affinity("nvmlDeviceGetCpuAffinityWithinScope", "nvmlDeviceGetCpuAffinity")
	out.MemoryAffinity = d.affinity("nvmlDeviceGetMemoryAffinity")
	out.PCIe = d.pcie()
	out.Persistence = d.flag("nvmlDeviceGetPersistenceMode")
	out.ClocksEvents = d.wide([]string{"nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons"})
	out.ECC = d.ecc()
	out.RemappedRows = d.remapped()
	out.NVLinks = d.nvlinks()
	out.C2C = d.c2c()
	out.Fabric = d.fabric()
	out.MIG = d.mig()
}

// ask calls a function of the device and tells whether it answered; args come
// after the device's handle. key is what Unanswered says where it did not.
//
//go:uintptrescapes
func (d *asker) ask(key string, symbols []string, args ...uintptr) bool {
	if d.done {
		return false
	}
	code, err := d.n.lib.Call(symbols, args...)
	if err == nil && code == 0 {
		return true
	}
	name := "FUNCTION_NOT_FOUND"
	if err == nil {
		name = nvml.ReturnName(code)
	}
	d.note(key, name)
	if err == nil && (code == gpuIsLost || code == resetRequired) {
		d.done, d.out.Error = true, name
	}
	return false
}

func (d *asker) note(key, name string) {
	if d.out.Unanswered == nil {
		d.out.Unanswered = nvml.Unanswered{}
	}
	d.out.Unanswered[key] = name
}

func (d *asker) text(symbol string) string {
	var buf [96]byte // NVML_DEVICE_NAME_V2_BUFFER_SIZE, the longest of those asked for
	if !d.ask(symbol, []string{symbol}, d.h, uintptr(unsafe.Pointer(&buf)), uintptr(len(buf))) {
		return ""
	}
	return cString(buf[:])
}

// gsp asks nvmlDeviceGetGspFirmwareVersion, whose buffer has a fixed size,
// NVML_GSP_FIRMWARE_VERSION_BUF_SIZE, and room here for a larger one.
func (d *asker) gsp() string {
	const symbol = "nvmlDeviceGetGspFirmwareVersion"
	var buf [256]byte
	if !d.ask(symbol, []string{symbol}, d.h, uintptr(unsafe.Pointer(&buf))) {
		return ""
	}
	return cString(buf[:])
}

// number asks for an unsigned int.
func (d *asker) number(symbols ...string) *int {
	var v uint32
	if !d.ask(symbols[0], symbols, d.h, uintptr(unsafe.Pointer(&v))) {
		return nil
	}
	return new(int(v))
}

// flag asks for an nvmlEnableState_t.
func (d *asker) flag(symbol string) *bool {
	v := d.number(symbol)
	if v == nil {
		return nil
	}
	return new(*v == 1)
}

// wide asks for an unsigned long long.
func (d *asker) wide(symbols []string) *uint64 {
	var v uint64
	if !d.ask(symbols[0], symbols, d.h, uintptr(unsafe.Pointer(&v))) {
		return nil
	}
	return &v
}

// memory is the total. nvmlMemory_v2_t begins with its version, padded to eight
// bytes; the old form begins with the total.
func (d *asker) memory() *int64 {
	var v2 struct {
		version                     uint32
		total, reserved, free, used uint64
	}
	v2.version = structVersion(unsafe.Sizeof(v2), 2)
	const first, second = "nvmlDeviceGetMemoryInfo_v2", "nvmlDeviceGetMemoryInfo"
	var total uint64
	if d.ask(first, []string{first}, d.h, uintptr(unsafe.Pointer(&v2))) {
		total = v2.total
	} else {
		var v1 struct{ total, free, used uint64 }
		if !d.ask(second, []string{second}, d.h, uintptr(unsafe.Pointer(&v1))) {
			return nil
		}
		total = v1.total
	}
	if total > 1<<62 {
		d.note(second, "found "+strconv.FormatUint(total, 10)+" bytes")
		return nil
	}
	return new(int64(total))
}

// structVersion is NVML_STRUCT_VERSION.
func structVersion(size uintptr, version uint32) uint32 { return uint32(size) | version<<24 }

// affinityWords is room for 4096 CPUs or NUMA nodes.
const affinityWords = 64

// affinity asks for a set of CPUs or NUMA nodes as "0-3,8": in the scope of a NUMA
// node (NVML_AFFINITY_SCOPE_NODE), or by an older function without a scope.
func (d *asker) affinity(scoped string, older ...string) string {
	var words [affinityWords]uint64 // unsigned long has 64 bits on all three architectures
	ok := d.ask(scoped, []string{scoped}, d.h, affinityWords, uintptr(unsafe.Pointer(&words)), 0)
	if !ok && len(older) > 0 {
		ok = d.ask(older[0], older, d.h, affinityWords, uintptr(unsafe.Pointer(&words)))
	}
	if !ok {
		return ""
	}
	var ids []int
	for i, w := range words {
		for ; w != 0; w &= w - 1 {
			ids = append(ids, i*64+bits.TrailingZeros64(w))
		}
	}
	return cpuset.Of(ids...).String()
}

func (d *asker) pcie() *nvml.PCIe {
	p := nvml.PCIe{
		Generation: d.number("nvmlDeviceGetCurrPcieLinkGeneration"), Width: d.number("nvmlDeviceGetCurrPcieLinkWidth"),
		MaxGeneration: d.number("nvmlDeviceGetMaxPcieLinkGeneration"), MaxWidth: d.number("nvmlDeviceGetMaxPcieLinkWidth"),
		GPUGeneration: d.number("nvmlDeviceGetGpuMaxPcieLinkGeneration"),
	}
	if v := d.number("nvmlDeviceGetPcieReplayCounter"); v != nil {
		p.Replays = new(uint32(*v))
	}
	if p == (nvml.PCIe{}) {
		return nil
	}
	return &p
}

func (d *asker) ecc() *nvml.ECC {
	var e nvml.ECC
	var current, pending uint32
	if d.ask("nvmlDeviceGetEccMode", []string{"nvmlDeviceGetEccMode"}, d.h, uintptr(unsafe.Pointer(&current)), uintptr(unsafe.Pointer(&pending))) {
		e.Enabled, e.Pending = new(current == 1), new(pending == 1)
	}
	for _, c := range []struct {
		kind, counter uintptr
		into          **uint64
	}{
		{0, 0, &e.VolatileCorrected}, {1, 0, &e.VolatileUncorrected}, {0, 1, &e.AggregateCorrected}, {1, 1, &e.AggregateUncorrected},
	} {
		var v uint64
		if d.ask("nvmlDeviceGetTotalEccErrors", []string{"nvmlDeviceGetTotalEccErrors"}, d.h, c.kind, c.counter, uintptr(unsafe.Pointer(&v))) {
			*c.into = &v
		}
	}
	if e == (nvml.ECC{}) {
		return nil
	}
	return &e
}

func (d *asker) remapped() *nvml.Remapped {
	const symbol = "nvmlDeviceGetRemappedRows"
	var corrected, uncorrected, pending, failed uint32
	if !d.ask(symbol, []string{symbol}, d.h, uintptr(unsafe.Pointer(&corrected)), uintptr(unsafe.Pointer(&uncorrected)),
		uintptr(unsafe.Pointer(&pending)), uintptr(unsafe.Pointer(&failed))) {
		return nil
	}
	return &nvml.Remapped{Correctable: corrected, Uncorrectable: uncorrected, Pending: pending != 0, Failed: failed != 0}
}
