// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"strings"

	"tarsia.dev/tarsia/pci"
	"tarsia.dev/tarsia/sysfs"
	"tarsia.dev/tarsia/topology"
)

// platformVendors are the vendor prefixes of device trees (kernel
// Documentation/devicetree/bindings/vendor-prefixes.yaml) whose word differs
// from ours or stands for a GPU maker.
var platformVendors = map[string]string{
	"nvidia": nvidia, "amd": amd, "intel": "intel", "arm": "arm", "img": "imagination",
	"qcom": "qualcomm", "brcm": "broadcom", "vivante": "vivante", "apple": "apple",
}

// readPlatform adds the GPUs of the system on chip, which no bus lists.
func (d *devices) readPlatform() {
	for _, g := range sysfs.PlatformGPUs(d.m) {
		a := topology.Accelerator{
			ID: topology.Ref("platform/" + g.Name), Index: noIndex, Vendor: platformVendor(g),
			Driver: g.Driver, DriverVersion: d.moduleVersion(g.Driver),
			State: topology.DeviceOK, Source: g.Found,
		}
		if len(g.Compatible) > 0 {
			a.Model = g.Compatible[0]
		}
		if g.Driver == "" {
			a.State, a.StateReason = topology.DeviceUnknown, "no driver is bound"
		}
		v, err := sysfs.Int(d.m, g.Dir+"/numa_node")
		switch {
		case err == nil && v >= 0:
			a.NUMANode = &v
			if n := d.numaNode(v); n != nil {
				a.LocalCPUs = n.CPUs
			}
		case d.nodesWithCPUs() > 1 && err != nil:
			d.absent(a.ID, "numaNode", g.Dir+"/numa_node", "", err)
		case d.nodesWithCPUs() > 1:
			d.unknown(a.ID, "numaNode", g.Dir+"/numa_node", "-1")
		}
		d.addAccelerator(a)
	}
}

func platformVendor(g sysfs.PlatformGPU) string {
	for _, c := range g.Compatible {
		prefix, _, _ := strings.Cut(c, ",")
		if v, ok := platformVendors[prefix]; ok {
			return v
		}
	}
	// NVIDIA's drivers of the Tegra GPU, where the device tree does not tell.
	if g.Driver == "nvgpu" || g.Driver == "gk20a" {
		return nvidia
	}
	return pci.VendorUnknown
}
