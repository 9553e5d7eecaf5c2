// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"tarsia.dev/tarsia/pci"
)

func (p *problems) pci(f *Facts) {
	if len(f.PCI) > maxNodes {
		p.add("pci", "found %d root complexes, want at most %d", len(f.PCI), maxNodes)
		return
	}
	nodes := f.CPU.Packages * f.CPU.NodesPerPackage
	for i, rc := range f.PCI {
		path := fmt.Sprintf("pci.%d", i)
		p.within(path+".bus", rc.Bus, 0, 255)
		p.within(path+".slot", rc.Slot, 0, 31)
		if rc.Node != nil {
			p.within(path+".numa", *rc.Node, 0, nodes-1)
		}
		if n := rc.Slot + len(rc.Ports) + len(rc.Builtin); n > 32 {
			p.add(path, "found a device number of %d on the root bus, want at most 31", n-1)
		}
		if len(rc.Ports) > 0 {
			p.kind(path+".ports", f, portKind)
		}
		for j, t := range rc.Ports {
			p.tree(fmt.Sprintf("%s.ports.%d", path, j), f, t)
		}
		for j, kind := range rc.Builtin {
			path := fmt.Sprintf("%s.builtin.%d", path, j)
			if d, ok := p.kind(path, f, kind); ok && d.Link != nil {
				p.add(path, "found %q with a link, want it below a port", kind)
			}
		}
	}
}

// tree wants switches to be bridges, and what lies below a port to have a link.
func (p *problems) tree(path string, f *Facts, t Tree) {
	d, ok := p.kind(path, f, t.Kind)
	if !ok {
		return
	}
	bridge := pci.Class(d.Class).Sub() == pci.SubPCIBridge
	switch {
	case d.Link == nil:
		p.add(path, "found %q below a port, want a device with a link", t.Kind)
	case t.Switch && !bridge:
		p.add(path, "found %q as a switch, want one of class 0x060400", t.Kind)
	case !t.Switch && bridge:
		p.add(path, "found %q without what lies below it, want %s(...)", t.Kind, t.Kind)
	}
	for _, b := range t.Below {
		p.tree(path, f, b)
	}
}

// kind looks a device kind up and names the ones there are.
func (p *problems) kind(path string, f *Facts, name string) (Device, bool) {
	d, ok := f.Devices[name]
	if !ok {
		p.add(path, "found no device %q, want one of: %s", clip(name), clip(strings.Join(slices.Sorted(maps.Keys(f.Devices)), ", ")))
	}
	return d, ok
}

func (p *problems) nvidia(f *Facts) {
	n := f.NVIDIA
	if n == nil {
		return
	}
	p.kind("nvidia.device", f, n.Device)
	for _, v := range []struct{ key, text string }{
		{"driver", n.Driver}, {"model", n.Model}, {"vbios", n.VBIOS}, {"gsp", n.GSP},
	} {
		p.line("nvidia."+v.key, v.text)
	}
	for i, m := range n.Modules {
		p.within(fmt.Sprintf("nvidia.modules.%d", i), m, 0, 255)
	}
	p.within("nvidia.memoryNodes", n.MemoryNodes, 0, 32)
	if l := n.NVLink; l != nil {
		p.within("nvidia.nvlink.links", l.Links, 1, 64)
		p.within("nvidia.nvlink.version", l.Version, 1, 9)
		p.within("nvidia.nvlink.mbps", int(l.MBps), 1, 10_000_000)
		p.oneOf("nvidia.nvlink.to", l.To, "switch", "peers")
	}
	if c := n.C2C; c != nil {
		p.within("nvidia.c2c.links", c.Links, 1, 64)
		p.within("nvidia.c2c.mbps", int(c.MBps), 1, 10_000_000)
	}
	if n.Fabric != nil {
		p.fabric("nvidia.fabric", n.Fabric)
	}
}

// fabric wants what nvmlGpuFabricInfo can say; an id of zeros is NVML's word for none.
func (p *problems) fabric(path string, f *Fabric) {
	hex := strings.ReplaceAll(f.Cluster, "-", "")
	if len(f.Cluster) != 36 || len(hex) != 32 || strings.Trim(hex, "0123456789abcdef") != "" || strings.Trim(hex, "0") == "" {
		p.add(path+".cluster", "found %q, want a uuid in small letters that is not all zeros", clip(f.Cluster))
	}
	p.within(path+".clique", f.Clique, 0, 1<<31-1)
}

func (p *problems) amd(f *Facts) {
	a := f.AMD
	if a == nil {
		return
	}
	if f.NVIDIA != nil {
		p.add("amd", "found nvidia and amd, want GPUs of one vendor on a machine")
	}
	a.XCC = orElse(a.XCC, 1)
	p.kind("amd.device", f, a.Device)
	p.line("amd.model", a.Model)
	p.line("amd.vbios", a.VBIOS)
	p.within("amd.target", a.Target, 0, 999_999)
	p.within("amd.units", a.Units, 0, 10_000)
	p.within("amd.xcc", a.XCC, 1, 64)
	if a.Partition != "" {
		p.oneOf("amd.partition", a.Partition, "SPX")
	}
	for _, name := range slices.Sorted(maps.Keys(a.Firmware)) {
		p.name("amd.firmware."+name, name)
		p.line("amd.firmware."+name, a.Firmware[name])
	}
	if a.XGMI != nil {
		p.within("amd.xgmi.mbps", a.XGMI.MBps, 1, 10_000_000)
	}
}
