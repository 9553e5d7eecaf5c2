// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"

	"tarsia.dev/tarsia/device"
	"tarsia.dev/tarsia/placement"
)

// gpu is the resource of devices that a case only numbers.
const gpu = "nvidia.com/gpu"

// choices answers which devices of a node to take: one request, or one after
// the other, each booked where it is placed.
func (c *Case) choices(ctx context.Context) (Answer, error) {
	w, err := c.deviceWorld(ctx)
	if err != nil {
		return Answer{}, err
	}
	var a Answer
	for i := range c.Requests {
		r := &c.Requests[i]
		res, err := w.choose(ctx, r)
		if err != nil {
			res = refusal(r.Name, err)
		}
		if c.sequence() {
			a.Steps = append(a.Steps, Step{[]Result{res}})
		} else {
			a.Results = append(a.Results, res)
		}
	}
	return a, nil
}

// deviceWorld is the nodes of a case with devices that are numbered.
func (c *Case) deviceWorld(ctx context.Context) (*world, error) {
	return c.newWorld(ctx, participation{}, func(out *placement.Node, n node) error {
		if n.Devices == nil {
			return nil
		}
		list, err := n.Devices.numbered()
		if err != nil {
			return err
		}
		for i := range list {
			out.Devices = append(out.Devices, placement.Device{
				ID: strconv.Itoa(*list[i].Index), Resource: gpu, Zone: list[i].NUMA, Socket: list[i].Socket, PCIe: list[i].PCIe, Module: list[i].Index,
			})
			out.Zones = withZone(out.Zones, list[i].NUMA)
		}
		out.Allocatable[gpu] = int64(len(list))
		out.LinkScore = n.Devices.PairScore
		out.Partitions = n.Devices.PartitionTable.sets()
		return nil
	})
}

// withZone adds a NUMA zone to those that a node lists.
func withZone(zones []placement.Zone, id *int) []placement.Zone {
	if id == nil || slices.ContainsFunc(zones, func(z placement.Zone) bool { return z.ID == *id }) {
		return zones
	}
	return append(zones, placement.Zone{ID: *id})
}

// maxDevices bounds the devices of a node that are only counted.
const maxDevices = 1024

// numbered lists the devices in the order of their index; of a node that only
// counts them, all alike.
func (d *devices) numbered() ([]listed, error) {
	if len(d.List) == 0 {
		if d.Count < 0 || d.Count > maxDevices {
			return nil, invalid("a node has %d devices: want 0 to %d", d.Count, maxDevices)
		}
		list := make([]listed, d.Count)
		for i := range list {
			list[i].Index = new(i)
			if i < len(d.NUMA) {
				list[i].NUMA = new(d.NUMA[i])
			}
		}
		return list, nil
	}
	list := slices.Clone(d.List)
	for i := range list {
		if list[i].Index == nil {
			return nil, unsupported("device %d of the list has no index", i)
		}
	}
	slices.SortStableFunc(list, func(a, b listed) int { return *a.Index - *b.Index })
	return list, nil
}

// sets are the partitions of a table, of all sizes.
func (t *partitionTable) sets() [][]int {
	if t == nil {
		return nil
	}
	out := slices.Clone(t.List)
	for size := range sorted(t.BySize) {
		out = append(out, t.BySize[size]...)
	}
	return out
}

// choose places one request for devices and books them.
func (w *world) choose(ctx context.Context, r *request) (Result, error) {
	var count int
	if len(r.Devices) > 0 {
		if err := json.Unmarshal(r.Devices, &count); err != nil {
			return Result{}, unsupported("request %q asks for devices %s, want a number", r.Name, cut(string(r.Devices)))
		}
	}
	if count < 1 {
		return Result{}, invalid("request %q asks for %d devices", r.Name, count)
	}
	ask := device.Request{Resource: gpu, Count: count}
	var err error
	if ask.Include, err = w.positions(r.MustInclude); err != nil {
		return Result{}, err
	}
	switch policy := w.c.Options.Profile; policy {
	case "simple":
		ask.Lowest = true
	case "best-effort", "assert", "":
	default:
		sets, known := fixedSets[policy]
		if !known {
			return Result{}, unsupported("devices by policy %q", policy)
		}
		for _, set := range sets {
			if len(set) == count {
				ask.Sets = append(ask.Sets, set)
			}
		}
		if len(ask.Sets) == 0 {
			return Result{}, invalid("policy %s has no set of %d devices", policy, count)
		}
	}
	usage := w.usage
	if len(r.AvailableDevices) > 0 {
		if usage, err = w.without(r.AvailableDevices); err != nil {
			return Result{}, err
		}
	}
	g := placement.Gang{
		Name: r.Name, Objective: []placement.Family{placement.FamilyDevices},
		PodSets: []placement.PodSet{{Name: r.Name, Count: 1, Shape: placement.Shape{Devices: []device.Request{ask}}}},
	}
	d, err := placement.Place(ctx, usage, g)
	if err != nil {
		return Result{}, err
	}
	res := outcomeOf(r.Name, d)
	if d.Outcome != placement.Placed {
		return res, nil
	}
	res.Placements = spots(d, func(placement.Assignment) bool { return true }, nil)
	if err := nameDevices(res.Placements, d, numberOf); err != nil {
		return Result{}, err
	}
	return res, usage.Commit(g, d)
}

// positions are the places of devices in the list of the first node.
func (w *world) positions(indices []int) ([]int, error) {
	var out []int
	for _, index := range indices {
		at := -1
		if len(w.nodes) > 0 {
			at = slices.IndexFunc(w.nodes[0].Devices, func(d placement.Device) bool { return d.ID == strconv.Itoa(index) })
		}
		if at < 0 {
			return nil, invalid("device %d is not on the node", index)
		}
		out = append(out, at)
	}
	return out, nil
}

// without is the usage with all devices but some held by others.
func (w *world) without(available []int) (*placement.Usage, error) {
	usage := w.usage.Clone()
	for _, n := range w.nodes {
		for _, d := range n.Devices {
			index, err := strconv.Atoi(d.ID)
			if err != nil || slices.Contains(available, index) {
				continue
			}
			if err := usage.Add(placement.Running{Name: "holder of " + d.ID, Node: n.Name, Devices: []string{d.ID}}); err != nil {
				return nil, err
			}
		}
	}
	return usage, nil
}

// nameDevices adds the devices of each pod to the places of a decision. name
// translates the engine's name of a device.
func nameDevices(places []Spot, d placement.Decision, name func(device.Part) any) error {
	for _, a := range d.Assignments {
		at := slices.IndexFunc(places, func(s Spot) bool { return s.Node == a.Node })
		if at < 0 || len(places[at].Devices) == places[at].Pods {
			continue
		}
		ids := []any{}
		for _, text := range a.Devices {
			p, err := device.ParsePart(text)
			if err != nil {
				return err
			}
			ids = append(ids, name(p))
		}
		places[at].Devices = append(places[at].Devices, ids)
	}
	return nil
}

// numberOf is a number where a device is known by one, else its id.
func numberOf(p device.Part) any {
	if n, err := strconv.Atoi(p.ID); err == nil {
		return n
	}
	return p.ID
}

// fixedSets are the device sets of policies that know no others, most wanted
// first: the two DGX-1 generations of go-gpuallocator (gpuallocator/
// staticdgx1_*.go). They follow from the NVLink mesh: pairs with two links, the
// halves of the board, the whole.
var fixedSets = map[string][][]int{
	"static-dgx1-pascal": dgx1Sets([]int{0, 2}, []int{1, 3}, []int{4, 6}, []int{5, 7}),
	"static-dgx1-volta":  dgx1Sets([]int{0, 3}, []int{1, 2}, []int{4, 7}, []int{5, 6}),
}

func dgx1Sets(pairs ...[]int) [][]int {
	var sets [][]int
	for i := range 8 {
		sets = append(sets, []int{i})
	}
	sets = append(sets, pairs...)
	return append(sets, []int{0, 1, 2, 3}, []int{4, 5, 6, 7}, []int{0, 1, 2, 3, 4, 5, 6, 7})
}
