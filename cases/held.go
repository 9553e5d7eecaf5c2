// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"context"
	"slices"

	"tarsia.dev/tarsia/placement"
)

// hold says which pods of the requests run already and stay: the survivors of
// a failed node, or those that a request which grows or shrinks has. It returns
// what they use, which is in nobody's books yet.
func (w *world) hold(ctx context.Context, g *placement.Gang, requests []request) ([]placement.Running, error) {
	var held []placement.Running
	switch w.c.Kind {
	case "replacement":
		if w.c.Workload == nil {
			return nil, nil
		}
		for _, a := range w.c.Workload.Admitted {
			for i := range requests {
				if requests[i].Name != a.Request {
					continue
				}
				runs, err := w.holdAssigned(g, &requests[i], a.Assignment, w.survives)
				if err != nil {
					return nil, err
				}
				held = append(held, runs...)
			}
		}
	case "elastic":
		for _, unit := range unitsOf(requests) {
			stale, err := w.stale(ctx, unit)
			if err != nil {
				return nil, err
			}
			if stale {
				continue
			}
			for i := range unit {
				if unit[i].PreviousAssignment == nil {
					continue
				}
				runs, err := w.holdAssigned(g, &unit[i], *unit[i].PreviousAssignment, func(string) bool { return true })
				if err != nil {
					return nil, err
				}
				held = append(held, runs...)
			}
		}
	}
	return held, nil
}

// staysWhole tells whether replacement is switched off for the workload: single
// pods that somebody owns are not moved, groups of pods are.
func (c *Case) staysWhole() bool {
	w := c.Workload
	return w != nil && c.Options.SourceGates["SkipReassignmentForPodOwnedWorkloads"] && w.OwnedByPod && len(w.OwnerKinds) <= 1 &&
		w.Annotations["kueue.x-k8s.io/is-group-workload"] != "true"
}

// markUnhealthy keeps new pods off the nodes that are to be replaced.
func (c *Case) markUnhealthy(out *placement.Node, n node) {
	if c.Workload == nil || c.staysWhole() {
		return
	}
	host := n.Labels["kubernetes.io/hostname"]
	if slices.Contains(c.Workload.UnhealthyNodes, n.Name) || host != "" && slices.Contains(c.Workload.UnhealthyNodes, host) {
		out.NotReady = "to be replaced"
	}
}

// survives tells whether pods on a host stay where they are.
func (w *world) survives(host string) bool {
	return w.c.staysWhole() || !slices.Contains(w.c.Workload.UnhealthyNodes, host)
}

// stale tells whether the previous places of a unit are void: a node of it is
// gone or takes no pods of it any more. The unit is then placed anew.
func (w *world) stale(ctx context.Context, unit []request) (bool, error) {
	for i := range unit {
		if unit[i].PreviousAssignment == nil {
			continue
		}
		for _, d := range unit[i].PreviousAssignment.Domains {
			name, known := w.hostOf(d.Values)
			if !known {
				return true, nil
			}
			if takes, err := w.takes(ctx, name, &unit[i]); err != nil || !takes {
				return true, err
			}
		}
	}
	return false, nil
}

// takes asks the engine whether a node, were it empty, would take pods of a
// request.
func (w *world) takes(ctx context.Context, name string, r *request) (bool, error) {
	shape, err := w.shape(r)
	if err != nil {
		return false, err
	}
	shape.Requests = nil
	fleet, err := placement.NewFleet(w.nodes[w.index[name]:][:1], nil)
	if err != nil {
		return false, err
	}
	d, err := placement.Place(ctx, placement.NewUsage(fleet), placement.Gang{
		Name: r.Name, PodSets: []placement.PodSet{{Name: r.Name, Count: 1, Shape: shape}},
	})
	return d.Outcome == placement.Placed, err
}

// hostOf is the node that the values of a domain name last.
func (w *world) hostOf(values []string) (string, bool) {
	if len(values) == 0 {
		return "", false
	}
	name, known := w.hosts[values[len(values)-1]]
	return name, known
}

// holdAssigned hands the pods of a previous assignment that stay to the engine
// as held, and returns what they use.
func (w *world) holdAssigned(g *placement.Gang, r *request, a assignment, stays func(host string) bool) ([]placement.Running, error) {
	at := slices.IndexFunc(g.PodSets, func(p placement.PodSet) bool { return p.Name == r.Name })
	set := &g.PodSets[at]
	var runs []placement.Running
	for _, d := range a.Domains {
		if !w.nodeIsLeaf() {
			return nil, unsupported("request %q holds pods in domains that are no nodes", r.Name)
		}
		name, known := w.hostOf(d.Values)
		if !known || !stays(d.Values[len(d.Values)-1]) {
			continue
		}
		if d.Count < 0 || d.Count > maxPods-len(set.Held) {
			return nil, invalid("request %q holds %d pods on node %q", r.Name, d.Count, name)
		}
		for range d.Count {
			pod := len(set.Held)
			set.Held = append(set.Held, placement.Assignment{PodSet: set.Name, Pod: pod, Node: name})
			runs = append(runs, placement.Running{
				Name: placement.PodName(g.Name, set.Name, pod), Node: name, Requests: set.Shape.Requests, Priority: g.Priority, Gang: g.Name,
			})
		}
	}
	return runs, nil
}

// ask lets the engine decide with what held pods use in the books. Where that
// leaves no place to replace pods, it is asked again without: the books of the
// scheduler that recorded the case do not hold the workload itself. The text
// says so.
func (w *world) ask(ctx context.Context, g placement.Gang, held []placement.Running) (placement.Decision, string, error) {
	bare := w.usage
	w.usage = bare.Clone()
	for _, r := range held {
		if err := w.usage.Add(r); err != nil {
			return placement.Decision{}, "", err
		}
	}
	d, err := placement.Place(ctx, w.usage, g)
	if err != nil || d.Outcome != placement.Refused || len(held) == 0 || w.c.Kind != "replacement" {
		return d, "", err
	}
	again, err := placement.Place(ctx, bare, g)
	if err != nil || again.Outcome != placement.Placed {
		return d, "", err
	}
	w.usage = bare
	return again, "fits where the pods that stay are not counted, as in the books of the case", nil
}
