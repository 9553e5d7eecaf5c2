// SPDX-License-Identifier: Apache-2.0

package render

import (
	"strconv"
	"strings"
)

// writeSystem writes what the machine calls itself, by DMI or device tree.
func (h *host) writeSystem(o *out) {
	f := h.facts
	o.file("proc/sys/kernel/hostname", h.name)
	if f.Kernel.Release != "" {
		o.file("proc/sys/kernel/osrelease", f.Kernel.Release)
		o.file("proc/version", "Linux version "+f.Kernel.Release+" (demo@tarsia) #1 SMP")
	}
	o.file("proc/cmdline", f.Kernel.Cmdline)
	if f.DeviceTree == nil {
		const dmi = "sys/class/dmi/id/"
		o.fact(dmi+"sys_vendor", f.Vendor)
		o.fact(dmi+"product_name", f.Product)
		o.fact(dmi+"bios_version", f.BIOS)
		return
	}
	o.link("proc/device-tree", "/sys/firmware/devicetree/base")
	const base = "sys/firmware/devicetree/base/"
	o.data(base+"model", words(f.DeviceTree.Model))
	o.data(base+"compatible", words(f.DeviceTree.Compatible...))
	h.writeHarts(o, base+"cpus/")
}

// writeHarts describes the harts of a RISC-V board as its device tree does
// (Linux, Documentation/devicetree/bindings/riscv/{cpus,extensions}.yaml).
func (h *host) writeHarts(o *out, cpus string) {
	r := h.facts.CPU.RISCV
	if r == nil {
		return
	}
	base, extensions := splitISA(r.ISA)
	for cpu := range h.cpus {
		node := cpus + "cpu@" + strconv.FormatInt(int64(r.FirstID+cpu), 16) + "/"
		o.data(node+"device_type", words("cpu"))
		o.data(node+"compatible", words(r.UArch, "riscv"))
		o.data(node+"mmu-type", words("riscv,"+r.MMU))
		o.data(node+"riscv,isa-base", words(base))
		o.data(node+"riscv,isa-extensions", words(extensions...))
	}
}

// splitISA cuts "rv64imac_zicsr" into the base "rv64i" and the extensions.
func splitISA(isa string) (base string, extensions []string) {
	letters, long, _ := strings.Cut(isa, "_")
	if len(letters) > len("rv64i") {
		base, letters = letters[:len("rv64i")], letters[len("rv64i"):]
		extensions = append(extensions, "i")
		for _, l := range letters {
			extensions = append(extensions, string(l))
		}
	} else {
		base = letters
	}
	if long != "" {
		extensions = append(extensions, strings.Split(long, "_")...)
	}
	return base, extensions
}

// words is a list of strings as a device tree holds it: each ends with a NUL.
func words(list ...string) []byte {
	var b []byte
	for _, w := range list {
		if w != "" {
			b = append(append(b, w...), 0)
		}
	}
	return b
}

// writePlatform writes the devices of a system on chip (kernel,
// Documentation/driver-api/driver-model/platform.rst).
func (h *host) writePlatform(o *out) {
	cards := 0
	for _, fn := range h.functions {
		if fn.device.DRM && fn.vfOf == nil {
			cards++
		}
	}
	for _, d := range h.facts.Platform {
		dir := platformPath(d)
		kind := d.Name[strings.LastIndexByte(d.Name, '.')+1:]
		o.file(dir+"/modalias", "of:N"+kind+"T(null)C"+d.Compatible)
		o.file(dir+"/uevent", "OF_NAME="+kind+"\nOF_COMPATIBLE_0="+d.Compatible+"\nOF_COMPATIBLE_N=1")
		o.link("sys/bus/platform/devices/"+d.Name, relative("sys/bus/platform/devices", dir))
		if d.Compatible != "" {
			node := "sys/firmware/devicetree/base/bus@0/" + d.Name
			o.data(node+"/compatible", words(d.Compatible))
			o.link(dir+"/of_node", relative(dir, node))
		}
		if d.Driver != "" {
			o.link(dir+"/driver", relative(dir, "sys/bus/platform/drivers/"+d.Driver))
			o.link("sys/bus/platform/drivers/"+d.Driver+"/"+d.Name, relative("sys/bus/platform/drivers/"+d.Driver, dir))
		}
		if d.DRM {
			writeDRM(o, dir, cards)
			cards++
		}
		if d.DevFreq {
			at := dir + "/devfreq/" + d.Name
			o.link(at+"/device", "../../../"+d.Name)
			o.link("sys/class/devfreq/"+d.Name, relative("sys/class/devfreq", at))
		}
	}
}

func platformPath(d PlatformDevice) string { return "sys/devices/platform/" + d.Name }
