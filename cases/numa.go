// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"context"
	"maps"
	"slices"
	"strconv"

	"tarsia.dev/tarsia/placement"
	"tarsia.dev/tarsia/topologymanager"
)

// zones answers whether a kubelet admits a pod, and on which NUMA zones; or the
// fewest zones that hold one.
func (c *Case) zones(ctx context.Context) (Answer, error) {
	w, err := c.newWorld(ctx, participation{}, c.addZones)
	if err != nil {
		return Answer{}, err
	}
	var a Answer
	for i := range c.Requests {
		res, err := w.align(ctx, &c.Requests[i])
		if err != nil {
			res = refusal(c.Requests[i].Name, err)
		}
		a.Results = append(a.Results, res)
	}
	return a, nil
}

// addZones gives a node its NUMA zones, with what is free of them, and its
// kubelet.
func (c *Case) addZones(out *placement.Node, n node) error {
	if n.NUMA == nil {
		return nil
	}
	for _, z := range n.NUMA.Zones {
		pz := placement.Zone{ID: z.ID, Allocatable: units(z.Available), Capacity: units(z.Capacity), Distances: map[int]int{}}
		for to := range sorted(z.Distances) {
			id, err := strconv.Atoi(to)
			if err != nil {
				return unsupported("node %q tells the distance to zone %q, want a number", n.Name, to)
			}
			pz.Distances[id] = int(z.Distances[to])
		}
		out.Zones = append(out.Zones, pz)
	}
	// Whether a node has enough in all is another's question: what was recorded
	// asks for the zones alone, and the totals of its nodes contradict them.
	for r := range out.Allocatable {
		out.Allocatable[r] = plenty
	}
	if c.Kind == "numa-least" && !slices.ContainsFunc(c.Requests, func(r request) bool { return r.QoS != string(topologymanager.QoSGuaranteed) }) {
		total := placement.Resources{}
		for _, z := range out.Zones {
			total = plus(total, z.Allocatable)
		}
		maps.Copy(out.Allocatable, total)
	}
	// The recorded filter looks at nodes of one policy only.
	filter := c.Options.Profile == "numa-filter"
	if policy := topologymanager.Policy(n.NUMA.Policy); policy == topologymanager.SingleNUMANode || policy != "" && !filter {
		out.Kubelet = &topologymanager.Kubelet{
			Policy: policy, Scope: topologymanager.Scope(n.NUMA.Scope),
			ForgetInit: filter, // as it does, against the kubelet
		}
	}
	return nil
}

// plenty is more of a resource than anybody asks for.
const plenty = 1 << 50

// units turns amounts into those of the engine; a part of a unit is none.
func units(a amounts) placement.Resources {
	if a == nil {
		return nil
	}
	out := make(placement.Resources, len(a))
	for r, v := range a {
		out[r] = int64(v / whole)
	}
	return out
}

func (w *world) align(ctx context.Context, r *request) (Result, error) {
	shape, err := w.shape(r)
	if err != nil {
		return Result{}, err
	}
	shape.QoS = topologymanager.QoS(r.QoS)
	shape.FewestZones = w.c.Kind == "numa-least"
	var running, starting placement.Resources
	for _, k := range r.InitContainers {
		sidecar := k.RestartPolicy == "Always"
		shape.Containers = append(shape.Containers, topologymanager.Container{Name: k.Name, Requests: units(k.Requests), Init: true, Sidecar: sidecar})
		if sidecar {
			running = plus(running, units(k.Requests))
			starting = most(starting, running)
		} else {
			starting = most(starting, plus(running, units(k.Requests)))
		}
	}
	for _, k := range r.Containers {
		shape.Containers = append(shape.Containers, topologymanager.Container{Name: k.Name, Requests: units(k.Requests)})
		running = plus(running, units(k.Requests))
	}
	if len(shape.Containers) > 0 {
		shape.Requests = most(starting, running)
	}
	d, err := w.placeOne(ctx, r.Name, shape)
	if err != nil {
		return Result{}, err
	}
	res := outcomeOf(r.Name, d)
	if d.Outcome != placement.Placed {
		return res, nil
	}
	res.Placements = spots(d, func(placement.Assignment) bool { return true }, nil)
	for _, a := range d.Assignments {
		// An init container may have lain in other zones than the pod has at last.
		if len(a.Zones) > 0 && len(r.InitContainers) == 0 {
			res.Placements[0].NUMANodes = append(res.Placements[0].NUMANodes, a.Zones)
		}
	}
	return res, nil
}

// plus is the sum of two amounts of resources, most the larger of each.
func plus(a, b placement.Resources) placement.Resources {
	out := placement.Resources{}
	for r, v := range a {
		out[r] = v
	}
	for r, v := range b {
		out[r] += v
	}
	return out
}

func most(a, b placement.Resources) placement.Resources {
	out := placement.Resources{}
	for r, v := range a {
		out[r] = v
	}
	for r, v := range b {
		out[r] = max(out[r], v)
	}
	return out
}

// placeOne places and books a single pod.
func (w *world) placeOne(ctx context.Context, name string, shape placement.Shape) (placement.Decision, error) {
	g := placement.Gang{
		Name: name, Objective: []placement.Family{placement.FamilyDevices},
		PodSets: []placement.PodSet{{Name: name, Count: 1, Shape: shape}},
	}
	d, err := placement.Place(ctx, w.usage, g)
	if err != nil || d.Outcome != placement.Placed {
		return d, err
	}
	return d, w.usage.Commit(g, d)
}
