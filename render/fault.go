// SPDX-License-Identifier: Apache-2.0

package render

import "fmt"

// Fault is one thing that is broken, one line of a fleet or fact file. What each
// kind needs:
//
//	gpu-lost      index          the GPU has fallen off the bus, as after Xid 79
//	link-width    device, index, lanes    both ends of its PCIe link run on fewer lanes
//	nvlink-down   index, link    one NVLink of the GPU is not active
//	vbios         version        every GPU of the machine has this VBIOS
//	numa-unknown  device, index  the kernel says -1
//
// Index counts devices of one kind in the order of their addresses, from 0.
type Fault struct {
	Node    string `yaml:"node"` // in a fleet file: the machines, as gpu-[01-02]
	Kind    string `yaml:"kind"`
	Device  string `yaml:"device"` // the GPU when left out
	Index   int    `yaml:"index"`
	Link    int    `yaml:"link"`
	Lanes   int    `yaml:"lanes"`
	Version string `yaml:"version"`
}

// Kinds of Fault.
const (
	GPULost     = "gpu-lost"
	LinkWidth   = "link-width"
	NVLinkDown  = "nvlink-down"
	VBIOS       = "vbios"
	NUMAUnknown = "numa-unknown"
)

func (p *problems) fault(path string, f *Fault) {
	p.oneOf(path+".kind", f.Kind, GPULost, LinkWidth, NVLinkDown, VBIOS, NUMAUnknown)
	p.within(path+".index", f.Index, 0, maxFunctions)
	switch f.Kind {
	case LinkWidth:
		if !widthOK(f.Lanes) {
			p.add(path+".lanes", "found %d, want a width such as 8", f.Lanes)
		}
	case NVLinkDown:
		p.within(path+".link", f.Link, 0, 63)
	case VBIOS:
		p.line(path+".version", f.Version)
		if f.Version == "" {
			p.add(path, "found no version, want the one that the GPUs have")
		}
	}
}

// breakDown applies the faults of the machine to its layout.
func (h *host) breakDown() error {
	for _, f := range h.facts.Faults {
		if err := h.apply(f); err != nil {
			return fmt.Errorf("apply fault %q: %w", f.Kind, err)
		}
	}
	return nil
}

func (h *host) apply(f Fault) error {
	if f.Kind == VBIOS {
		if len(h.gpus) == 0 {
			return fmt.Errorf("found no GPU on machine %q", h.name)
		}
		h.vbios = f.Version
		return nil
	}
	target, err := h.find(f.Device, f.Index)
	if err != nil {
		return err
	}
	switch f.Kind {
	case GPULost:
		if !target.isGPU {
			return fmt.Errorf("found device %q of machine %q, want a GPU", f.Device, h.name)
		}
		target.lost = true
	case LinkWidth:
		if target.parent == nil || target.link == nil || f.Lanes >= target.link.Lanes {
			return fmt.Errorf("found %s of machine %q, want a device with a link wider than %d lanes", target.address, h.name, f.Lanes)
		}
		target.lanes, target.parent.lanes = f.Lanes, f.Lanes
	case NVLinkDown:
		if n := h.facts.NVIDIA; !target.isGPU || n == nil || n.NVLink == nil || f.Link >= n.NVLink.Links {
			return fmt.Errorf("found no NVLink %d at %s of machine %q", f.Link, target.address, h.name)
		}
		target.downNVLinks = append(target.downNVLinks, f.Link)
	case NUMAUnknown:
		target.node = -1
	}
	return nil
}

// find returns the index-th device of a kind; "" is the GPU.
func (h *host) find(kind string, index int) (*function, error) {
	n := 0
	for _, fn := range h.functions {
		if fn.vfOf != nil || kind == "" && !fn.isGPU || kind != "" && fn.kind != kind {
			continue
		}
		if n == index {
			return fn, nil
		}
		n++
	}
	if kind == "" {
		kind = "GPU"
	}
	return nil, fmt.Errorf("found %d of %s on machine %q, want number %d, counted from 0", n, kind, h.name, index)
}
