// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"tarsia.dev/tarsia/device"
	"tarsia.dev/tarsia/placement"
)

// instances answers requests for slices of GPUs that are cut by a placement
// table, all of a case together.
func (c *Case) instances(ctx context.Context) (Answer, error) {
	w, err := c.newWorld(ctx, participation{}, cutDevices)
	if err != nil {
		return Answer{}, err
	}
	for _, n := range c.Cluster.Nodes {
		if n.Devices == nil {
			continue
		}
		for _, u := range n.Devices.Used {
			part := device.Part{ID: strconv.Itoa(u.GPU), Profile: u.Profile, Start: u.Start}
			if err := w.run(placement.Running{Name: "holder of " + part.String(), Node: n.Name, Devices: []string{part.String()}}); err != nil {
				return Answer{}, err
			}
		}
	}
	g := placement.Gang{Name: "instances", Objective: []placement.Family{placement.FamilyDevices}}
	for _, r := range c.Requests {
		count := or(r.Count, 1)
		if count < 1 || count > maxPods {
			return Answer{}, invalid("request %q asks for %d pods: want 1 to %d", r.Name, count, maxPods)
		}
		g.PodSets = append(g.PodSets, placement.PodSet{Name: r.Name, Count: count, Shape: placement.Shape{
			Devices: []device.Request{{Resource: gpu, Count: 1, Profile: r.Profile}},
		}})
	}
	d, err := placement.Place(ctx, w.usage, g)
	if err != nil {
		return Answer{}, err
	}
	var a Answer
	for _, r := range c.Requests {
		res := outcomeOf(r.Name, d)
		if d.Outcome == placement.Placed {
			ours := d
			ours.Assignments = slices.DeleteFunc(slices.Clone(d.Assignments), func(x placement.Assignment) bool { return x.PodSet != r.Name })
			res.Placements = spots(ours, func(placement.Assignment) bool { return true }, nil)
			if err := nameDevices(res.Placements, ours, instanceOf); err != nil {
				return Answer{}, err
			}
		}
		a.Results = append(a.Results, res)
	}
	return a, nil
}

// instanceOf names an instance as GPU:PROFILE:START.
func instanceOf(p device.Part) any { return fmt.Sprintf("%s:%s:%d", p.ID, p.Profile, p.Start) }

// cutDevices gives a node GPUs with the profiles of its table.
func cutDevices(out *placement.Node, n node) error {
	if n.Devices == nil || n.Devices.MIG == nil {
		return nil
	}
	list, err := n.Devices.numbered()
	if err != nil {
		return err
	}
	slots := &device.Slots{Count: n.Devices.MIG.Slices}
	for name := range sorted(n.Devices.MIG.Profiles) {
		p := n.Devices.MIG.Profiles[name]
		slots.Profiles = append(slots.Profiles, device.Profile{Name: name, Size: p.Size, Starts: p.Starts})
		for _, s := range p.Starts {
			slots.Count = max(slots.Count, s+p.Size)
		}
	}
	for i := range list {
		out.Devices = append(out.Devices, placement.Device{ID: strconv.Itoa(*list[i].Index), Resource: gpu, Zone: list[i].NUMA, Slots: slots})
		out.Zones = withZone(out.Zones, list[i].NUMA)
	}
	out.Allocatable[gpu] = int64(len(list))
	return nil
}
