// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"tarsia.dev/tarsia/placement"
)

// hostLevels are the names of levels of which each node is a domain.
var hostLevels = []string{"kubernetes.io/hostname", "<node>"}

// participation says which nodes of a case take part.
type participation struct {
	ready  bool // those that are ready
	levels bool // those with a domain at every level
	// flat takes the value of a level for the domain; else a domain is named by
	// the values of the levels around it too.
	flat bool
}

// world is the cluster of a case in the words of the engine.
type world struct {
	c      *Case
	part   participation
	levels []string // of the case, outermost first
	leaf   string   // the level of which each node is a domain; "" is none
	nodes  []placement.Node
	index  map[string]int    // of a node by its name
	hosts  map[string]string // node by host name
	units  map[string]int64  // thousandths that make a unit of the resource
	usage  *placement.Usage
	names  map[string]bool // of what runs
	mix    []placement.Demand
}

// newWorld builds the fleet of a case and books what runs on it.
func (c *Case) newWorld(ctx context.Context, part participation, adjust func(*placement.Node, node) error) (*world, error) {
	w := &world{c: c, part: part, levels: c.Cluster.Levels, index: map[string]int{}, hosts: map[string]string{}, units: map[string]int64{}, names: map[string]bool{}}
	if c.Cluster.Generator != nil {
		nodes, err := c.Cluster.Generator.nodes()
		if err != nil {
			return nil, err
		}
		c.Cluster.Nodes, c.Cluster.Generator = nodes, nil
	}
	w.findLeaf()
	w.findUnits()
	for _, n := range c.Cluster.Nodes {
		pn := w.node(n)
		if adjust != nil {
			if err := adjust(&pn, n); err != nil {
				return nil, err
			}
		}
		w.index[n.Name] = len(w.nodes)
		w.nodes = append(w.nodes, pn)
		host := n.Labels["kubernetes.io/hostname"]
		if host == "" {
			host = n.Name
		}
		if _, taken := w.hosts[host]; !taken {
			w.hosts[host] = n.Name
		}
	}
	var order []string
	for _, l := range w.levels {
		if l != w.leaf {
			order = append(order, l)
		}
	}
	fleet, err := placement.NewFleet(w.nodes, order)
	if err != nil {
		return nil, err
	}
	w.usage = placement.NewUsage(fleet)
	return w, w.bookExisting(ctx)
}

// findLeaf finds the level of which each node is a domain: the innermost one,
// where it is the host or no label at all.
func (w *world) findLeaf() {
	if len(w.levels) == 0 {
		return
	}
	last := w.levels[len(w.levels)-1]
	carried := slices.ContainsFunc(w.c.Cluster.Nodes, func(n node) bool { _, has := n.Labels[last]; return has })
	if slices.Contains(hostLevels, last) || !carried {
		w.leaf = last
	}
}

// nodeIsLeaf tells whether capacity is given by node, not by domain.
func (w *world) nodeIsLeaf() bool { return w.leaf != "" || len(w.levels) == 0 }

// findUnits counts a resource in thousandths where some amount of it in the case
// is no whole number.
func (w *world) findUnits() {
	see := func(a amounts) {
		for r, v := range a {
			if v%whole != 0 {
				w.units[r] = 1
			} else if w.units[r] == 0 {
				w.units[r] = int64(whole)
			}
		}
	}
	for _, n := range w.c.Cluster.Nodes {
		see(n.Allocatable)
	}
	for _, e := range w.c.Cluster.Existing {
		see(e.Requests)
		see(e.PerPod)
	}
	for _, e := range w.c.Expected.Assert {
		see(e.PerPod)
	}
	for _, r := range w.c.Requests {
		see(r.PerPod)
		for _, p := range r.Pods {
			see(p.Requests)
		}
	}
}

// resources turns amounts into those of the engine.
func (w *world) resources(a amounts) placement.Resources {
	out := make(placement.Resources, len(a))
	for r, v := range a {
		out[r] = int64(v) / max(1, w.units[r])
	}
	return out
}

// value is the domain of a node at a level by itself.
func (w *world) value(n node, level string) (string, bool) {
	if v, has := n.Labels[level]; has {
		return v, true
	}
	return n.Name, level == "<node>" || level == w.leaf && !slices.Contains(hostLevels, level)
}

func (w *world) node(n node) placement.Node {
	allocatable := w.resources(n.Allocatable)
	out := placement.Node{Name: n.Name, Labels: n.Labels, Allocatable: allocatable, Unschedulable: n.Unschedulable}
	if most, has := out.Allocatable["maxTasks"]; has {
		delete(out.Allocatable, "maxTasks")
		out.Allocatable[placement.Pods] = most
	}
	for _, t := range n.Taints {
		out.Taints = append(out.Taints, placement.Taint(t))
	}
	if w.part.ready && !n.Ready {
		out.NotReady = "not ready"
	}
	for key := range sorted(w.c.Cluster.DomainSelector) {
		if n.Labels[key] != w.c.Cluster.DomainSelector[key] {
			out.NotReady = fmt.Sprintf("outside the topology: label %s is not %s", key, w.c.Cluster.DomainSelector[key])
		}
	}
	var path []string
	broken := false
	for _, l := range w.levels {
		v, has := w.value(n, l)
		if !has && w.part.levels {
			out.NotReady = "outside the topology: no label " + l
		}
		broken = broken || !has && !w.part.flat
		path = append(path, strings.ReplaceAll(v, "/", "%2F"))
		switch {
		case l == w.leaf || !has || broken:
		case w.part.flat:
			out.Domains = append(out.Domains, placement.Domain{Level: l, ID: v})
		default:
			out.Domains = append(out.Domains, placement.Domain{Level: l, ID: strings.Join(path, "/")})
		}
	}
	return out
}

// level is the engine's name of a level of the case.
func (w *world) level(name string) (string, error) {
	switch {
	case !slices.Contains(w.levels, name):
		return "", invalid("the topology has no level %q", name)
	case name == w.leaf:
		return placement.LevelNode, nil
	}
	return name, nil
}

// counted asks for few domains of the levels up to and with the last-th.
func (w *world) counted(last int) []placement.LevelRule {
	var rules []placement.LevelRule
	for _, l := range w.levels[:last+1] {
		if l == w.leaf {
			l = placement.LevelNode
		}
		rules = append(rules, placement.LevelRule{Level: l, Mode: placement.Counted})
	}
	return rules
}

// nodes are the nodes of a generated cluster. The format gives them no names;
// those here are what its judge knows them by.
func (g *generator) nodes() ([]node, error) {
	outer := or(g.Tier2, 1)
	if outer < 1 || g.Tier1PerTier2 < 1 || g.NodesPerTier1 < 1 || g.NodesPerTier1 > maxNodes || g.Tier1PerTier2 > maxNodes || outer > maxNodes ||
		outer*g.Tier1PerTier2 > maxNodes || outer*g.Tier1PerTier2*g.NodesPerTier1 > maxNodes {
		return nil, invalid("a generated cluster of %d x %d x %d nodes: want 1 to %d", outer, g.Tier1PerTier2, g.NodesPerTier1, maxNodes)
	}
	var out []node
	for i := range outer {
		for j := range g.Tier1PerTier2 {
			for k := range g.NodesPerTier1 {
				tier2 := fmt.Sprintf("t2-%d", i)
				tier1 := fmt.Sprintf("%s.t1-%d", tier2, j)
				name := fmt.Sprintf("%s.n-%d", tier1, k)
				out = append(out, node{Name: name, Ready: true, Allocatable: g.Allocatable, Labels: map[string]string{
					"hypernode-tier2": tier2, "hypernode-tier1": tier1, "kubernetes.io/hostname": name,
				}})
			}
		}
	}
	return out, nil
}

// maxNodes and maxPods bound what a short line may ask for.
const (
	maxNodes = 200_000
	maxPods  = 1 << 20
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
