// SPDX-License-Identifier: Apache-2.0

package vendorlib

import (
	"fmt"
	"unsafe"

	"tarsia.dev/tarsia/nvml"
)

// fabricInfo is nvmlGpuFabricInfo_v3_t; _v2 ends after the mask.
type fabricInfo struct {
	version     uint32
	clusterUUID [16]byte
	status      int32
	cliqueID    uint32
	state       uint8
	healthMask  uint32
	summary     uint8
}

// sizeFabricV2 is sizeof(nvmlGpuFabricInfo_v2_t).
const sizeFabricV2 = unsafe.Offsetof(fabricInfo{}.summary)

// fabric asks by the newest form that the library takes: 3, 2, then the first,
// which had neither version nor mask.
func (d *asker) fabric() *nvml.Fabric {
	const symbol, oldest = "nvmlDeviceGetGpuFabricInfoV", "nvmlDeviceGetGpuFabricInfo"
	for _, form := range []struct {
		number uint32
		size   uintptr
	}{{3, unsafe.Sizeof(fabricInfo{})}, {2, sizeFabricV2}} {
		v := fabricInfo{version: structVersion(form.size, form.number)}
		if !d.ask(symbol, []string{symbol}, d.h, uintptr(unsafe.Pointer(&v))) {
			continue
		}
		delete(d.out.Unanswered, symbol) // a newer form may have been refused
		f := v.answer()
		if f != nil {
			f.HealthMask = new(int64(v.healthMask))
			if form.number >= 3 {
				f.Summary = new(int(v.summary))
			}
		}
		return f
	}
	var v1 struct {
		clusterUUID [16]byte
		status      int32
		cliqueID    uint32
		state       uint8
	}
	if !d.ask(oldest, []string{oldest}, d.h, uintptr(unsafe.Pointer(&v1))) {
		return nil
	}
	v := fabricInfo{clusterUUID: v1.clusterUUID, status: v1.status, cliqueID: v1.cliqueID, state: v1.state}
	return v.answer()
}

// answer is nil for a device without a fabric and for a state that no header
// knows.
func (v *fabricInfo) answer() *nvml.Fabric {
	if v.state > 3 {
		return nil
	}
	u := v.clusterUUID
	f := &nvml.Fabric{State: int(v.state), CliqueID: int(v.cliqueID),
		ClusterUUID: fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])}
	if v.status != 0 {
		f.Status = nvml.ReturnName(int(v.status))
	}
	return f
}
