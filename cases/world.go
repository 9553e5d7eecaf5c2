// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"context"
	"fmt"
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
