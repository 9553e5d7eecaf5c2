// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"strconv"
	"strings"

	"tarsia.dev/tarsia/cpuset"
)

// writePCI lays the tree under sys/devices and the links to it: bus, drivers,
// IOMMU groups, DRM (kernel, Documentation/ABI/testing/sysfs-bus-pci).
func (h *host) writePCI(o *out) {
	// Both are there on a kernel that can have them, with or without devices.
	o.dir("sys/bus/pci/devices")
	o.dir("sys/kernel/iommu_groups")
	for _, fn := range h.functions {
		h.writeFunction(o, fn)
		o.link("sys/bus/pci/devices/"+fn.address.String(), relative("sys/bus/pci/devices", fn.path))
	}
}

func (h *host) writeFunction(o *out, fn *function) {
	d, dir := fn.device, fn.path+"/"
	o.file(dir+"class", fn.class.String())
	o.file(dir+"vendor", d.ID.Vendor.String())
	o.file(dir+"device", d.ID.Device.String())
	sub := IDs{}
	if d.Subsystem != nil {
		sub = *d.Subsystem
	}
	o.file(dir+"subsystem_vendor", sub.Vendor.String())
	o.file(dir+"subsystem_device", sub.Device.String())
	o.file(dir+"revision", fmt.Sprintf("0x%02x", d.Revision))
	o.file(dir+"numa_node", strconv.Itoa(fn.node))
	o.file(dir+"local_cpulist", h.localCPUs(fn.node).String())
	o.data(dir+"config", fn.config())
	if fn.link != nil {
		h.writeLink(o, fn)
	}
	if d.Driver != "" {
		o.link(dir+"driver", relative(fn.path, "sys/bus/pci/drivers/"+d.Driver))
		o.link("sys/bus/pci/drivers/"+d.Driver+"/"+fn.address.String(), relative("sys/bus/pci/drivers/"+d.Driver, fn.path))
	}
	if h.facts.IOMMU != "" {
		group := "sys/kernel/iommu_groups/" + strconv.Itoa(fn.group)
		o.link(dir+"iommu_group", relative(fn.path, group))
		o.file(group+"/type", h.facts.IOMMU)
		o.link(group+"/devices/"+fn.address.String(), relative(group+"/devices", fn.path))
	}
	h.writeSRIOV(o, fn)
	if d.DRM {
		writeDRM(o, fn.path, fn.card)
	}
}

// writeLink writes one end's view as pci_speed_string spells it. A GPU that is
// gone answers every read with ones: speed code 15 and width 63, and of the
// supported speeds the highest that the kernel knows. A virtual function's link
// status is reserved and reads as zero (Base Specification 6.0, section 9.3.5).
func (h *host) writeLink(o *out, fn *function) {
	speed, lanes := speedText(fn.gtPerSec), fn.lanes
	maxSpeed, maxLanes := speedText(fn.link.GTPerSec), fn.link.Lanes
	switch {
	case fn.vfOf != nil:
		speed, lanes = "Unknown", 0
	case fn.lost:
		speed, lanes = "Unknown", 63
		maxSpeed, maxLanes = speedText(linkSpeeds[len(linkSpeeds)-1]), 63
	}
	o.file(fn.path+"/current_link_speed", speed)
	o.file(fn.path+"/current_link_width", strconv.Itoa(lanes))
	o.file(fn.path+"/max_link_speed", maxSpeed)
	o.file(fn.path+"/max_link_width", strconv.Itoa(maxLanes))
}

func speedText(gt float64) string { return strconv.FormatFloat(gt, 'f', 1, 64) + " GT/s PCIe" }

func (h *host) writeSRIOV(o *out, fn *function) {
	if fn.vfOf != nil {
		o.link(fn.path+"/physfn", "../"+fn.vfOf.address.String())
	}
	s := fn.device.SRIOV
	if s == nil {
		return
	}
	o.file(fn.path+"/sriov_totalvfs", strconv.Itoa(s.Total))
	o.file(fn.path+"/sriov_numvfs", strconv.Itoa(s.On))
	for i, vf := range fn.vfs {
		o.link(fn.path+"/virtfn"+strconv.Itoa(i), "../"+vf.address.String())
	}
}

// writeDRM adds a card and a render node. Minor numbers of render nodes begin
// at 128 (kernel, Documentation/gpu/drm-uapi.rst).
func writeDRM(o *out, device string, card int) {
	for _, name := range []string{"card" + strconv.Itoa(card), "renderD" + strconv.Itoa(128+card)} {
		dir := device + "/drm/" + name
		o.link(dir+"/device", "../../../"+base(device))
		o.link("sys/class/drm/"+name, relative("sys/class/drm", dir))
	}
}

// localCPUs is local_cpulist: of a device whose node the kernel does not know,
// all CPUs.
func (h *host) localCPUs(node int) cpuset.Set {
	if node < 0 {
		return h.all()
	}
	return h.nodes[node].cpus
}

// relative is the target of a link in directory dir to path, as the kernel
// writes it.
func relative(dir, path string) string {
	return strings.Repeat("../", strings.Count(dir, "/")) + strings.TrimPrefix(path, "sys/")
}
