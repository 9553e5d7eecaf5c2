// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"strings"
)

// writeCPUInfo writes /proc/cpuinfo in the dialect of the architecture.
func (h *host) writeCPUInfo(o *out) {
	var b strings.Builder
	switch c := h.facts.CPU; {
	case c.X86 != nil:
		h.x86Info(&b)
	case c.Arm != nil:
		h.armInfo(&b)
	case c.RISCV != nil:
		h.riscvInfo(&b)
	}
	o.data("proc/cpuinfo", []byte(b.String()))
}

// x86Info follows arch/x86/kernel/cpu/proc.c.
func (h *host) x86Info(b *strings.Builder) {
	c := h.facts.CPU
	before := fmt.Sprintf("vendor_id\t: %s\ncpu family\t: %d\nmodel\t\t: %d\nmodel name\t: %s\nstepping\t: %d\nmicrocode\t: 0x%x\ncpu MHz\t\t: %d.000\n",
		c.X86.Vendor, c.X86.Family, c.X86.Model, c.Model, c.X86.Stepping, c.X86.Microcode, c.MHz)
	if kib := h.lastCacheKiB(); kib > 0 {
		before += fmt.Sprintf("cache size\t: %d KB\n", kib)
	}
	after := fmt.Sprintf("fpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: 31\nwp\t\t: yes\nflags\t\t: %s\nbugs\t\t: \nbogomips\t: %d.00\nclflush size\t: 64\ncache_alignment\t: 64\naddress sizes\t: 52 bits physical, 57 bits virtual\npower management:\n\n",
		c.Features, 2*c.MHz)
	for cpu := range h.cpus {
		pkg, core, thread := h.locate(cpu)
		apic := (pkg*c.Cores+core)*c.Threads + thread
		fmt.Fprintf(b, "processor\t: %d\n%sphysical id\t: %d\nsiblings\t: %d\ncore id\t\t: %d\ncpu cores\t: %d\napicid\t\t: %d\ninitial apicid\t: %d\n%s",
			cpu, before, pkg, c.Cores*c.Threads, core, c.Cores, apic, apic, after)
	}
}

// armInfo follows c_show in arch/arm64/kernel/cpuinfo.c. BogoMIPS is twice the
// frequency of the architected timer, which is 1 GHz from Armv8.6 on.
func (h *host) armInfo(b *strings.Builder) {
	c := h.facts.CPU
	for cpu := range h.cpus {
		fmt.Fprintf(b, "processor\t: %d\nBogoMIPS\t: 2000.00\nFeatures\t: %s\nCPU implementer\t: 0x%02x\nCPU architecture: 8\nCPU variant\t: 0x%x\nCPU part\t: 0x%03x\nCPU revision\t: %d\n\n",
			cpu, c.Features, c.Arm.Implementer, c.Arm.Variant, c.Arm.Part, c.Arm.Revision)
	}
}

// riscvInfo follows c_show in arch/riscv/kernel/cpu.c: "isa" is what all harts
// have, "hart isa" what this one has. uarch is the first compatible word of the
// device tree; machines that boot with ACPI have none.
func (h *host) riscvInfo(b *strings.Builder) {
	r := h.facts.CPU.RISCV
	for cpu := range h.cpus {
		fmt.Fprintf(b, "processor\t: %d\nhart\t\t: %d\n", cpu, r.FirstID+cpu)
		for _, v := range []struct{ key, text string }{
			{"isa\t\t", r.ISA}, {"mmu\t\t", r.MMU}, {"uarch\t\t", r.UArch}, {"mvendorid\t", r.Vendor},
			{"marchid\t\t", r.Arch}, {"mimpid\t\t", r.Imp}, {"hart isa\t", r.ISA},
		} {
			if v.text != "" {
				b.WriteString(v.key + ": " + v.text + "\n")
			}
		}
		b.WriteByte('\n')
	}
}

// locate is where a logical CPU sits.
func (h *host) locate(cpu int) (pkg, core, thread int) {
	c := h.facts.CPU
	return cpu / c.Cores % c.Packages, cpu % c.Cores, cpu / (c.Cores * c.Packages)
}

// lastCacheKiB is the size of the highest cache level, 0 without caches.
func (h *host) lastCacheKiB() int64 {
	level, size := 0, Size(0)
	for _, c := range h.facts.CPU.Caches {
		if c.Level > level {
			level, size = c.Level, c.Size
		}
	}
	return int64(size) >> 10
}
