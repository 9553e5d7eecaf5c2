// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"context"
	"fmt"
	"math"
	"strings"

	"tarsia.dev/tarsia/placement"
)

// ended tells whether a pod that is listed as running holds nothing any more.
func (e *existing) ended() bool {
	return e.Phase == "Succeeded" || e.Phase == "Failed" || e.State == "Succeeded" || e.State == "Failed"
}

// knows tells whether the case has a node of that name.
func (w *world) knows(name string) bool {
	_, known := w.index[name]
	return known
}

func (w *world) bookExisting(ctx context.Context) error {
	for i := range w.c.Cluster.Existing {
		if err := w.bookOne(ctx, &w.c.Cluster.Existing[i]); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) bookOne(ctx context.Context, e *existing) error {
	switch e.Kind {
	case "pod":
		if e.ended() || !w.knows(e.Node) {
			return nil
		}
		return w.run(placement.Running{Name: e.Name, Node: e.Node, Requests: w.perPod(e.Requests), Priority: clamp(e.Priority), Gang: e.Job})
	case "usage-same-flavor", "usage-other-flavor":
		return w.bookDomain(ctx, e, w.resources(e.PerPod), or(e.Count, 1))
	case "usage-other-flavor-total":
		use := w.resources(e.Requests)
		if _, said := use[placement.Pods]; !said {
			use[placement.Pods] = 0
		}
		return w.bookTotal(ctx, e, use)
	}
	return unsupported("existing use of kind %q is not known", e.Kind)
}

func clamp(priority int64) int32 {
	return int32(min(max(priority, math.MinInt32), math.MaxInt32))
}

// perPod is what one pod uses: what it asks for and its place.
func (w *world) perPod(a amounts) placement.Resources {
	out := w.resources(a)
	if extra, said := out[placement.Pods]; said {
		out[placement.Pods] = extra + 1
	}
	return out
}

// run books something that runs, under a name of its own.
func (w *world) run(r placement.Running) error {
	base := r.Name
	for i := 2; w.names[r.Name] || r.Name == ""; i++ {
		r.Name = fmt.Sprintf("%s#%d", base, i)
	}
	w.names[r.Name] = true
	return w.usage.Add(r)
}

// bookDomain books like pods that run somewhere in a domain.
func (w *world) bookDomain(ctx context.Context, e *existing, each placement.Resources, count int) error {
	if count < 0 || count > maxPods {
		return invalid("%d pods run in domain %q: want 0 to %d", count, e.Domain, maxPods)
	}
	if w.nodeIsLeaf() {
		total := placement.Resources{placement.Pods: int64(count)}
		for r, v := range each {
			if v > math.MaxInt64/int64(max(1, count))-int64(count) {
				return invalid("%d pods in domain %q use too much %s", count, e.Domain, r)
			}
			total[r] += v * int64(count)
		}
		return w.bookTotal(ctx, e, total)
	}
	if extra, said := each[placement.Pods]; said {
		each[placement.Pods] = extra + 1
	}
	return w.bookSomewhere(ctx, e, each, count)
}

// bookTotal books one use of a domain.
func (w *world) bookTotal(ctx context.Context, e *existing, use placement.Resources) error {
	if !w.nodeIsLeaf() {
		return w.bookSomewhere(ctx, e, use, 1)
	}
	if len(e.Domain) == 0 {
		return invalid("an existing use names no domain")
	}
	name, known := w.hosts[e.Domain[len(e.Domain)-1]]
	if !known {
		return nil
	}
	return w.run(placement.Running{Name: "use of " + name, Node: name, Requests: use, Priority: math.MaxInt32})
}

// bookSomewhere lets the engine find where in a domain pods may be that are only
// known to run in it: packed on few nodes, which leaves the others free.
func (w *world) bookSomewhere(ctx context.Context, e *existing, each placement.Resources, count int) error {
	if len(e.Domain) != len(w.levels) {
		return invalid("an existing use is in domain %q: want a value for each of the %d levels", e.Domain, len(w.levels))
	}
	var where []placement.Term
	for i, l := range w.levels {
		where = append(where, placement.Term{Key: l, Operator: "In", Values: []string{e.Domain[i]}})
	}
	g := placement.Gang{
		Name:    fmt.Sprintf("use %d of %s", len(w.names), strings.Join(e.Domain, "/")),
		PodSets: []placement.PodSet{{Name: "use", Count: count, Shape: placement.Shape{Requests: each, Selector: where, Tolerations: []placement.Toleration{{Operator: "Exists"}}}}},
	}
	w.names[g.Name] = true
	if count == 0 {
		return nil
	}
	d, err := placement.Place(ctx, w.usage, g)
	if err != nil {
		return err
	}
	if d.Outcome != placement.Placed {
		return unsupported("%d pods run in domain %s, whose nodes do not hold them: %s", count, strings.Join(e.Domain, "/"), d.Brief())
	}
	return w.usage.Commit(g, d)
}
