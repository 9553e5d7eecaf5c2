// SPDX-License-Identifier: Apache-2.0

package text

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"tarsia.dev/tarsia/internal/unit"
	"tarsia.dev/tarsia/topology"
)

// device returns a function's line and, for what is not an accelerator or NIC,
// the words by which like neighbours are folded.
func (t *tree) device(f *topology.PCIFunction) (text, fold string) {
	ref, link := topology.PCIRef(f.Address), t.link(f)
	switch {
	case t.gpus[ref] != nil:
		a := t.gpus[ref]
		name := t.accelerator(a)
		if a.Model == "" {
			name += " " + ids(f)
		}
		return join("  ", f.Address.String(), name, link, t.state(a)), ""
	case len(t.nics[ref]) > 0 && f.PhysFn == nil:
		return join("  ", f.Address.String(), t.nic(ref), link, virtual(f)), ""
	}
	fold = join("  ", f.Class.Name()+" "+ids(f), f.Driver, link, virtual(f))
	if f.PhysFn != nil {
		fold = join("  ", "virtual function of "+f.PhysFn.String(), f.Driver)
	}
	return f.Address.String() + "  " + fold, fold
}

func ids(f *topology.PCIFunction) string {
	return fmt.Sprintf("%04x:%04x", uint16(f.Vendor), uint16(f.Device))
}

func virtual(f *topology.PCIFunction) string {
	if f.SRIOV == nil || f.SRIOV.TotalVFs == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d VFs", f.SRIOV.NumVFs, f.SRIOV.TotalVFs)
}

// accelerator is label, model and memory, with its partitions.
func (t *tree) accelerator(a *topology.Accelerator) string {
	text := join(" ", t.labels[a.ID], cmp.Or(a.Model, a.Vendor))
	if a.MemoryBytes != nil {
		text += "  " + unit.Bytes(*a.MemoryBytes)
	}
	switch {
	case a.ExpectedPartitions != nil && *a.ExpectedPartitions != len(a.Partitions):
		text += fmt.Sprintf("  %s %d of %d PARTITIONS", a.PartitionMode, len(a.Partitions), *a.ExpectedPartitions)
	case len(a.Partitions) > 0:
		text += fmt.Sprintf("  %s %s", a.PartitionMode, plural(len(a.Partitions), "partition"))
	}
	return text
}

// state is silent about what is well.
func (t *tree) state(a *topology.Accelerator) string {
	reason := ""
	if a.StateReason != "" {
		reason = ": " + a.StateReason
	}
	switch a.State {
	case topology.DeviceOK:
		return ""
	case topology.DeviceLost:
		return "LOST" + reason
	}
	return "state unknown" + reason
}

// nic is the label, the interfaces of a device and their link.
func (t *tree) nic(device topology.Ref) string {
	text := t.labels[device]
	for _, c := range t.nics[device] {
		rdma, speed := "", ""
		if c.RDMA != nil {
			rdma = fmt.Sprintf("%s/%d %s %s", c.RDMA.Device, c.RDMA.Port, c.RDMA.LinkLayer, c.RDMA.State)
		}
		switch {
		case c.SpeedMbps != nil:
			speed = unit.Megabits(*c.SpeedMbps)
		case c.LinkUp != nil && !*c.LinkUp:
			speed = "link down"
		}
		text = join("  ", text, c.Name, rdma, speed)
	}
	return text
}

// link is the link above a function. Speed below the maximum is told and not
// judged: an idle link saves power. Width below the maximum is a fault.
func (t *tree) link(f *topology.PCIFunction) string {
	l, ok := t.pcie[topology.PCIRef(f.Address)]
	if !ok {
		return ""
	}
	width := ""
	switch {
	case l.State == topology.LinkDown:
		return "link DOWN"
	case l.Lanes == nil:
		width = "link unknown"
	case l.MaxLanes != nil && *l.Lanes < *l.MaxLanes:
		width = fmt.Sprintf("x%d of x%d", *l.Lanes, *l.MaxLanes)
	default:
		width = fmt.Sprintf("x%d", *l.Lanes)
	}
	if l.State == topology.LinkDegraded {
		width += " DEGRADED"
	}
	speed := ""
	if k := f.Link; k != nil && k.GTPerSec != nil {
		speed = unit.Number(*k.GTPerSec) + " GT/s"
		if k.MaxGTPerSec != nil && *k.GTPerSec < *k.MaxGTPerSec {
			speed = unit.Number(*k.GTPerSec) + " of " + unit.Number(*k.MaxGTPerSec) + " GT/s"
		}
	}
	return join(" ", width, speed)
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
