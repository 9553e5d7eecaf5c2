// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"tarsia.dev/tarsia/claim"
	"tarsia.dev/tarsia/placement"
)

// driver is the name of the driver of devices that a case names only.
const driver = "case"

// claimed answers gangs whose pods claim devices, with alternatives, of which
// some draw from the same counters. All of a case are placed together.
func (c *Case) claimed(ctx context.Context) (Answer, error) {
	w, err := c.newWorld(ctx, participation{}, addPool)
	if err != nil {
		return Answer{}, err
	}
	g := placement.Gang{Name: "claims"}
	for i := range c.Requests {
		r := &c.Requests[i]
		count := or(r.Count, 1)
		if count < 1 || count > maxPods {
			return Answer{}, invalid("request %q asks for %d pods: want 1 to %d", r.Name, count, maxPods)
		}
		shape, err := w.shape(r)
		if err != nil {
			return Answer{}, err
		}
		for _, q := range r.Claims {
			shape.Claims = append(shape.Claims, q.claim())
		}
		g.PodSets = append(g.PodSets, placement.PodSet{Name: r.Name, Count: count, Shape: shape})
	}
	d, err := placement.Place(ctx, w.usage, g)
	if err != nil {
		return Answer{}, err
	}
	var a Answer
	for _, r := range c.Requests {
		res := outcomeOf(r.Name, d)
		if d.Outcome == placement.Placed {
			res.Placements = spots(d, func(x placement.Assignment) bool { return x.PodSet == r.Name }, nil)
			for _, x := range d.Assignments {
				if x.PodSet != r.Name {
					continue
				}
				at := slices.IndexFunc(res.Placements, func(s Spot) bool { return s.Node == x.Node })
				res.Placements[at].Devices = append(res.Placements[at].Devices, claimedDevices(x))
			}
		}
		a.Results = append(a.Results, res)
	}
	return a, nil
}

// claimedDevices are the names of the devices of a pod.
func claimedDevices(a placement.Assignment) []any {
	names := []any{}
	for _, c := range a.Claims {
		for _, r := range c.Results {
			names = append(names, strings.TrimPrefix(r.Device, driver+"/"+a.Node+"/"))
		}
	}
	return names
}

// claim is a claim for devices by their names: one list of names, or several of
// which an earlier one is the better.
func (q *claimRequest) claim() claim.Claim {
	lists := q.FirstAvailable
	if len(lists) == 0 {
		lists = [][]string{{q.Name}}
	}
	r := claim.Request{Name: q.Name}
	for i, names := range lists {
		exact := claim.Exact{Count: or(q.Count, 1), Class: driver, Selectors: []claim.Selector{{
			Text:  fmt.Sprintf("device.name in %q", names),
			Match: func(d *claim.Device) (bool, error) { return slices.Contains(names, d.Name), nil },
		}}}
		if len(lists) > 1 {
			exact.Name = fmt.Sprintf("choice-%d", i)
		}
		r.Alternatives = append(r.Alternatives, exact)
	}
	return claim.Claim{Name: q.Name, Requests: []claim.Request{r}}
}

// addPool gives a node the devices that claims know by name.
func addPool(out *placement.Node, n node) error {
	if n.Devices == nil || len(n.Devices.List) == 0 {
		return nil
	}
	const counters = "counters"
	pool := claim.Pool{Driver: driver, Name: n.Name}
	if len(n.Devices.Counters) > 0 {
		pool.Counters = []claim.CounterSet{{Name: counters, Counters: n.Devices.Counters}}
	}
	for _, x := range n.Devices.List {
		d := claim.Device{Name: x.Name}
		if len(x.Consumes) > 0 {
			d.Consumes = []claim.Consumption{{CounterSet: counters, Counters: x.Consumes}}
		}
		pool.Devices = append(pool.Devices, d)
	}
	out.Pools = []claim.Pool{pool}
	return nil
}
