// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"maps"
	"slices"

	"tarsia.dev/tarsia/kfd"
	"tarsia.dev/tarsia/topology"
)

// kfdLinks adds the XGMI links between AMD devices, and between a device and its
// CPU where the package is built so, from the compute topology; and the PCIe
// links to the host of devices that the PCI tree does not show. The links
// between the partitions of one device are inside it and none here.
func (d *devices) kfdLinks() {
	byNode := map[int]topology.Ref{}
	for _, g := range d.gpus {
		for _, n := range g.nodes {
			byNode[n.ID] = g.id
		}
	}
	for id, ref := range d.kfdCPUs() {
		byNode[id] = ref
	}
	best := map[pair]map[topology.LinkKind]*kfd.Link{}
	for i := range d.kfd {
		for j := range d.kfd[i].IOLinks {
			l := &d.kfd[i].IOLinks[j]
			from, okFrom := byNode[d.kfd[i].ID]
			to, okTo := byNode[l.To]
			kind := d.kfdKind(l, from, to)
			if !okFrom || !okTo || from == to || kind == "" {
				continue
			}
			p := makePair(from, to)
			if best[p] == nil {
				best[p] = map[topology.LinkKind]*kfd.Link{}
			}
			// Partitions repeat their device's link; the widest tells most.
			if old := best[p][kind]; old == nil || old.MaxBandwidth < l.MaxBandwidth {
				best[p][kind] = l
			}
		}
	}
	for _, p := range slices.SortedFunc(maps.Keys(best), pair.compare) {
		for _, kind := range slices.Sorted(maps.Keys(best[p])) {
			d.n.Links = append(d.n.Links, d.kfdLink(kind, p, best[p][kind]))
		}
	}
}

// kfdKind is the kind of a link that is wanted, "" for others: those between
// CPUs, and PCIe links that the PCI tree has.
func (d *devices) kfdKind(l *kfd.Link, from, to topology.Ref) topology.LinkKind {
	fromGPU, toGPU := d.accelerator(from) != nil, d.accelerator(to) != nil
	switch {
	case l.Type == kfd.XGMI && (fromGPU || toGPU):
		return topology.LinkXGMI
	case l.Type == kfd.PCIExpress && fromGPU != toGPU:
		gpu := from
		if toGPU {
			gpu = to
		}
		if f, _ := d.functionOf(gpu); f == nil {
			return topology.LinkPCIe
		}
	}
	return ""
}

func (d *devices) kfdLink(kind topology.LinkKind, p pair, l *kfd.Link) topology.Link {
	gpu := p.b
	if d.accelerator(gpu) == nil {
		gpu = p.a
	}
	out := topology.Link{
		Kind: kind, A: p.a, B: p.b, Coherent: kind == topology.LinkXGMI,
		State: topology.LinkStateUnknown, Source: l.Path,
	}
	const mb = 1_000_000
	if l.MaxBandwidth > 0 {
		out.MaxBytesPerSecond = new(l.MaxBandwidth * mb)
	}
	switch {
	case kind == topology.LinkPCIe:
		// The driver tells what the slot is built for and not what was trained.
		d.unknown(gpu, "link", l.Path, "present width")
	case !l.Enabled:
		d.unknown(gpu, "link", l.Path, "link to "+string(p.other(gpu))+" without the flag enabled")
	default:
		out.State, out.BytesPerSecond = topology.LinkUp, out.MaxBytesPerSecond
		if l.MinBandwidth > 0 && l.MaxBandwidth%l.MinBandwidth == 0 {
			out.MaxLanes = new(int(l.MaxBandwidth / l.MinBandwidth))
			out.Lanes = out.MaxLanes
		}
	}
	return out
}

// kfdCPUs names the topology's CPU nodes: the driver makes one per NUMA node
// with CPUs, in their order. Where the numbers differ they keep the driver's
// own, because which is which is then not known.
func (d *devices) kfdCPUs() map[int]topology.Ref {
	var cpus []int
	for i := range d.kfd {
		if n := &d.kfd[i]; n.CPUCores > 0 && !n.IsGPU() {
			cpus = append(cpus, n.ID)
		}
	}
	var numa []int
	for i := range d.n.NUMANodes {
		if n := &d.n.NUMANodes[i]; !n.CPUs.IsEmpty() {
			numa = append(numa, n.ID)
		}
	}
	slices.Sort(numa)
	out := map[int]topology.Ref{}
	for i, id := range cpus {
		if len(cpus) == len(numa) {
			out[id] = topology.NUMARef(numa[i])
		} else {
			out[id] = kfdRef(id)
		}
	}
	return out
}
