// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"tarsia.dev/tarsia/device"
)

// deviceLines are the positions of the lines that only shapes that ask for
// devices have; nil for other gangs.
type deviceLines struct {
	at []int // by line of device.Cost; -1 where it has no line of its own
	// partitions and slots are by the sizes of the fleet.
	partitions, slots []int
}

// keptSizes is what a fleet can lose of partitions, or of slots: the sizes,
// largest first, and of each the most that one node has.
type keptSizes struct {
	size []int
	most []int64
}

// addKept notes what a fresh node of a table has.
func (f *Fleet) addKept(t *device.Table) {
	partitions, slots := t.Kept()
	f.partitionSizes.add(t.PartitionSizes, partitions)
	f.slotSizes.add(t.SlotSizes, slots)
}

func (k *keptSizes) add(sizes []int, kept []int64) {
	all := map[int]int64{}
	for i, s := range k.size {
		all[s] = k.most[i]
	}
	for i, v := range kept {
		all[sizes[i]] = max(all[sizes[i]], v)
	}
	k.size = slices.SortedFunc(maps.Keys(all), func(a, b int) int { return cmp.Compare(b, a) })
	k.most = k.most[:0]
	for _, s := range k.size {
		k.most = append(k.most, all[s])
	}
}

// asksDevices tells whether a set asks for devices by more than their number.
func (q *query) asksDevices(f *Fleet) bool {
	return slices.ContainsFunc(q.sets, func(set gangSet) bool {
		return len(set.s.Devices) > 0 || slices.ContainsFunc(set.s.needs, func(n need) bool { return f.modular[n.res] })
	})
}

// buildDevices writes the lines of FamilyDevices.
func (o *objective) buildDevices(q *query, line func(string) int) {
	if !q.asksDevices(o.f) {
		o.broken, o.lost = line(nameBroken), line(nameLost)
		return
	}
	d := &deviceLines{at: slices.Repeat([]int{-1}, device.Lines)}
	o.devices = d
	d.at[device.LineGivenUp] = line("device preferences given up")
	for _, size := range o.f.partitionSizes.size {
		d.partitions = append(d.partitions, line(fmt.Sprintf("partitions of %d devices lost", size)))
	}
	for _, size := range o.f.slotSizes.size {
		d.slots = append(d.slots, line(fmt.Sprintf("instances of %d slots lost", size)))
	}
	o.broken, o.lost = line(nameBroken), line(nameLost)
	d.at[device.LineNUMA] = line("NUMA nodes of devices beyond one a pod")
	d.at[device.LinePCIe] = line("PCIe switches of devices beyond one a pod")
	d.at[device.LineTaken] = line("untouched devices taken")
	d.at[device.LineNUMAOpened] = line("NUMA nodes of untouched devices opened")
	d.at[device.LinePCIeOpened] = line("PCIe switches of untouched devices opened")
}

// each visits the lines of a cost on a node that are the objective's.
func (d *deviceLines) each(f *Fleet, node int, c *device.Cost, visit func(line int, v int64)) {
	if d == nil || c == nil {
		return
	}
	for i, line := range d.at {
		if line >= 0 {
			visit(line, c[i])
		}
	}
	t := f.tables[f.table[node]]
	for i, size := range t.PartitionSizes[:min(len(t.PartitionSizes), device.MaxSizes)] {
		visit(d.partitions[slices.Index(f.partitionSizes.size, size)], c[device.LinePartitions+i])
	}
	for i, size := range t.SlotSizes[:min(len(t.SlotSizes), device.MaxSizes)] {
		visit(d.slots[slices.Index(f.slotSizes.size, size)], c[device.LineSlots+i])
	}
}

// bounds gives the largest value of each line for n pods on some nodes of which
// none has more than a number of devices.
func (d *deviceLines) bounds(f *Fleet, n, nodes, nodeDevices int64, put func(line int, v int64)) {
	if d == nil {
		return
	}
	for i, line := range d.at {
		switch i {
		case device.LineGivenUp:
			put(line, n*maxGivenUp)
		case device.LineNUMA, device.LinePCIe:
			put(line, n*nodeDevices)
		default:
			put(line, nodes*nodeDevices)
		}
	}
	for i, line := range d.partitions {
		put(line, nodes*f.partitionSizes.most[i])
	}
	for i, line := range d.slots {
		put(line, nodes*f.slotSizes.most[i])
	}
}

// maxGivenUp is more than the preferences that the requests of one pod can give
// up: three for each device that they could take.
const maxGivenUp = 3 * device.MaxRequests * device.MaxKind
