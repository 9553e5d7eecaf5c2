// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"maps"
	"slices"

	"tarsia.dev/tarsia/pci"
)

// Bounds of one machine. The largest there are have 1920 CPUs.
const (
	maxCPUs      = 4096
	maxNodes     = 128
	maxGPUs      = 64
	maxFunctions = 512
	maxList      = 512
	maxCPUInfo   = 7 << 20 // bytes of /proc/cpuinfo; machine.MaxFile is 8 MiB
	maxCPUFiles  = 120_000 // machine.MaxEntries is 200,000
)

// portKind is the kind of device that every root complex's ports are.
const portKind = "port"

// facts checks and fills in what has a default.
func (p *problems) facts(f *Facts) {
	p.line("vendor", f.Vendor)
	p.line("product", f.Product)
	p.line("bios", f.BIOS)
	p.oneOf("architecture", f.Architecture, "amd64", "arm64", "riscv64")
	p.cpu(f)
	if f.Memory.PerNode == 0 {
		p.add("memory.perNode", "found none, want a size, as 64 GiB")
	}
	f.Memory.Near = orElse(f.Memory.Near, 12)
	f.Memory.Far = orElse(f.Memory.Far, 21)
	p.within("memory.near", f.Memory.Near, 10, 254)
	p.within("memory.far", f.Memory.Far, 10, 254)
	if dt := f.DeviceTree; dt != nil {
		p.line("deviceTree.model", dt.Model)
		for i, c := range dt.Compatible {
			p.line(fmt.Sprintf("deviceTree.compatible.%d", i), c)
		}
	}
	p.line("kernel.release", f.Kernel.Release)
	p.line("kernel.cmdline", f.Kernel.Cmdline)
	if f.Boot.Lockdown != "" {
		p.oneOf("boot.lockdown", f.Boot.Lockdown, "none", "integrity", "confidentiality")
	}
	if f.Boot.SecureBoot != nil && !f.Boot.EFI {
		p.add("boot.secureBoot", "found it without efi, want efi: true beside it")
	}
	if f.IOMMU != "" {
		p.oneOf("iommu", f.IOMMU, "DMA", "DMA-FQ", "identity")
	}
	p.modules(f)
	for _, name := range slices.Sorted(maps.Keys(f.Devices)) {
		d := f.Devices[name]
		p.device("devices."+name, name, &d)
	}
	p.pci(f)
	p.platform(f)
	p.nvidia(f)
	p.amd(f)
	for i := range f.Faults {
		p.fault(fmt.Sprintf("faults.%d", i), &f.Faults[i])
	}
}

func (p *problems) cpu(f *Facts) {
	c := &f.CPU
	c.Threads = orElse(c.Threads, 1)
	c.NodesPerPackage = orElse(c.NodesPerPackage, 1)
	p.line("cpu.model", c.Model)
	p.line("cpu.features", c.Features)
	p.within("cpu.packages", c.Packages, 1, 64)
	p.within("cpu.cores", c.Cores, 1, 1024)
	p.within("cpu.threads", c.Threads, 1, 8)
	p.within("cpu.nodesPerPackage", c.NodesPerPackage, 1, 32)
	p.within("cpu.clusterCores", c.ClusterCores, 0, 1024)
	p.within("cpu.mhz", c.MHz, 0, 100_000)
	p.oneArch(f)
	if len(p.list) > 0 {
		return
	}
	if n := c.Packages * c.Cores * c.Threads; n > maxCPUs {
		p.add("cpu.cores", "found %d CPUs in all, want at most %d", n, maxCPUs)
	} else if text := n * c.textBytes(); text > maxCPUInfo {
		p.add("cpu", "found %d bytes of /proc/cpuinfo for %d CPUs, want at most %d", text, n, maxCPUInfo)
	} else if files := n * (25 + 5*len(c.Caches)); files > maxCPUFiles {
		p.add("cpu.caches", "found some %d files for %d CPUs, want at most %d", files, n, maxCPUFiles)
	}
	if c.Cores%c.NodesPerPackage != 0 {
		p.add("cpu.nodesPerPackage", "found %d, want a divisor of %d cores", c.NodesPerPackage, c.Cores)
	}
	if len(c.Caches) > 8 {
		p.add("cpu.caches", "found %d, want at most 8", len(c.Caches))
	}
	for i := range c.Caches {
		path := fmt.Sprintf("cpu.caches.%d", i)
		cache := &c.Caches[i]
		cache.Cores = orElse(cache.Cores, 1)
		p.within(path+".level", cache.Level, 1, 4)
		p.oneOf(path+".type", cache.Type, "Data", "Instruction", "Unified")
		p.within(path+".cores", cache.Cores, 1, c.Cores)
	}
}

// oneArch wants the identification of the machine's architecture and no other.
func (p *problems) oneArch(f *Facts) {
	c := &f.CPU
	for _, a := range []struct {
		key, arch string
		there     bool
	}{{"x86", "amd64", c.X86 != nil}, {"arm", "arm64", c.Arm != nil}, {"riscv", "riscv64", c.RISCV != nil}} {
		switch want := a.arch == f.Architecture; {
		case want && !a.there:
			p.add("cpu", "found no %s, want it on %s", a.key, a.arch)
		case !want && a.there:
			p.add("cpu."+a.key, "found it on %q, want it only on %s", clip(f.Architecture), a.arch)
		}
	}
	if x := c.X86; x != nil {
		p.line("cpu.x86.vendor", x.Vendor)
		p.within("cpu.x86.family", x.Family, 0, 1<<12)
		p.within("cpu.x86.model", x.Model, 0, 1<<8)
		p.within("cpu.x86.stepping", x.Stepping, 0, 15)
		p.within("cpu.x86.microcode", x.Microcode, 0, 1<<32-1)
	}
	if a := c.Arm; a != nil {
		p.within("cpu.arm.implementer", a.Implementer, 0, 0xff)
		p.within("cpu.arm.variant", a.Variant, 0, 0xf)
		p.within("cpu.arm.part", a.Part, 0, 0xfff)
		p.within("cpu.arm.revision", a.Revision, 0, 0xf)
	}
	if r := c.RISCV; r != nil {
		for _, v := range []struct{ key, text string }{
			{"isa", r.ISA}, {"mmu", r.MMU}, {"uarch", r.UArch}, {"mvendorid", r.Vendor}, {"marchid", r.Arch}, {"mimpid", r.Imp},
		} {
			p.line("cpu.riscv."+v.key, v.text)
		}
		p.within("cpu.riscv.firstHart", r.FirstID, 0, maxCPUs)
	}
}

// textBytes is no less than one CPU has in /proc/cpuinfo.
func (c *CPU) textBytes() int {
	n := 1024 + len(c.Model) + len(c.Features)
	if x := c.X86; x != nil {
		n += len(x.Vendor)
	}
	if r := c.RISCV; r != nil {
		n += 2*len(r.ISA) + len(r.MMU) + len(r.UArch) + len(r.Vendor) + len(r.Arch) + len(r.Imp)
	}
	return n
}

func (p *problems) modules(f *Facts) {
	if len(f.Modules) > maxList {
		p.add("modules", "found %d, want at most %d", len(f.Modules), maxList)
		return
	}
	seen := map[string]bool{}
	for i, m := range f.Modules {
		path := fmt.Sprintf("modules.%d", i)
		p.name(path+".name", m.Name)
		p.line(path+".version", m.Version)
		p.line(path+".taint", m.Taint)
		if seen[m.Name] {
			p.add(path+".name", "found %q twice", m.Name)
		}
		seen[m.Name] = true
	}
}

func (p *problems) device(path, name string, d *Device) {
	p.name(path, name)
	if d.ID == (IDs{}) {
		p.add(path, "found no id, want vendor:device, as 10de:2330")
	}
	if d.Class == 0 {
		p.add(path, "found no class, want one, as 0x030200")
	}
	p.within(path+".revision", d.Revision, 0, 255)
	if d.Driver != "" {
		p.name(path+".driver", d.Driver)
	}
	if d.Net != nil {
		p.net(path+".net", d.Net)
	}
	if d.RDMA != nil {
		p.oneOf(path+".rdma.layer", d.RDMA.Layer, "InfiniBand", "Ethernet")
		p.line(path+".rdma.rate", d.RDMA.Rate)
	}
	if s := d.SRIOV; s != nil {
		p.within(path+".sriov.total", s.Total, 1, 255)
		p.within(path+".sriov.on", s.On, 0, s.Total)
	}
	if name == portKind && (d.Link == nil || pci.Class(d.Class).Sub() != pci.SubPCIBridge) {
		p.add(path, "found class %v, want a link and class 0x060400 of a root port", pci.Class(d.Class))
	}
}

func (p *problems) net(path string, n *Net) {
	p.name(path+".prefix", n.Prefix)
	p.within(path+".prefix", len(n.Prefix), 1, 10)
	p.within(path+".mbps", n.Mbps, 0, 10_000_000)
}

func (p *problems) platform(f *Facts) {
	if len(f.Platform) > maxList {
		p.add("platform", "found %d, want at most %d", len(f.Platform), maxList)
		return
	}
	seen := map[string]bool{}
	for i, d := range f.Platform {
		path := fmt.Sprintf("platform.%d", i)
		p.name(path+".name", d.Name)
		p.line(path+".compatible", d.Compatible)
		if d.Driver != "" {
			p.name(path+".driver", d.Driver)
		}
		if d.Net != nil {
			p.net(path+".net", d.Net)
		}
		if seen[d.Name] {
			p.add(path+".name", "found %q twice", d.Name)
		}
		seen[d.Name] = true
	}
}

func orElse(v, otherwise int) int {
	if v == 0 {
		return otherwise
	}
	return v
}
