// SPDX-License-Identifier: Apache-2.0

package collective

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"tarsia.dev/tarsia/topology"
)

// outlet is how the ranks of one machine reach other machines.
type outlet struct {
	node, domain string
	ranks, rails int
	ports        *int64 // bytes per second of all ports; nil is not known
	missing      string // why, when nil
	pcie         Way    // from the ranks to the ports; no name where links are no limit
}

// outlet finds the ports next to the ranks: for each rank the nearest active
// RDMA devices of the machine's fastest rate. Other jobs on the machine that
// share them are not counted.
func (m machinePart) outlet(domain string) outlet {
	o := outlet{node: m.Node.Name, domain: domain, ranks: len(m.Accelerators)}
	ports := m.ports()
	if ports == nil {
		o.missing = "no RDMA port of " + m.Node.Name + " tells its rate"
		return o
	}
	used := map[topology.Ref]topology.NIC{}
	for _, r := range m.Accelerators {
		best := -1
		for _, p := range ports {
			best = max(best, m.paths.Between(r, p.Device).Rank)
		}
		for _, p := range ports {
			if m.paths.Between(r, p.Device).Rank == best {
				used[p.Device] = p
			}
		}
	}
	var sum int64
	for _, p := range used {
		rate := *p.SpeedMbps * 1_000_000 / 8
		// A port gets no more than its own PCIe link brings it.
		if l, ok := m.pcie[p.Device]; ok && l.BytesPerSecond != nil {
			rate = min(rate, int64(float64(*l.BytesPerSecond)*efficiency[PCIe]/efficiency[Network]))
		}
		sum += rate
	}
	o.ports, o.rails = &sum, len(used)
	// A GPU with a coherent link to its processor reaches ports over that too.
	if !slices.ContainsFunc(m.Accelerators, m.hasC2C) {
		o.pcie = m.ownPCIe(m.Accelerators)
	}
	return o
}

func (m machinePart) hasC2C(r topology.Ref) bool {
	return slices.ContainsFunc(m.Node.Links, func(l topology.Link) bool {
		_, ok := l.Other(r)
		return ok && l.Kind == topology.LinkC2C
	})
}

// ports are the RDMA devices of the machine's fastest rate, one a device.
func (m machinePart) ports() []topology.NIC {
	var fastest int64
	byDevice := map[topology.Ref]topology.NIC{}
	for _, n := range m.Node.NICs {
		if n.RDMA == nil || n.RDMA.State != "" && n.RDMA.State != "ACTIVE" || n.LinkUp != nil && !*n.LinkUp || n.SpeedMbps == nil || m.virtual(n.Device) {
			continue
		}
		fastest = max(fastest, *n.SpeedMbps)
		byDevice[n.Device] = n
	}
	var out []topology.NIC
	for _, r := range slices.SortedFunc(maps.Keys(byDevice), topology.CompareRefs) {
		if *byDevice[r].SpeedMbps == fastest {
			out = append(out, byDevice[r])
		}
	}
	return out
}

func (m machinePart) virtual(r topology.Ref) bool {
	return slices.ContainsFunc(m.Node.PCI, func(f topology.PCIFunction) bool {
		return topology.PCIRef(f.Address) == r && f.PhysFn != nil
	})
}

// between lists the ways between domains: the ports of each, and the uplinks of
// each domain of a declared level of the network.
func between(outs []outlet, trees []topology.DomainTree, d Declared) []Way {
	var ways []Way
	for _, domain := range outletsBy(outs, func(o outlet) string { return o.domain }) {
		ways = append(ways, portsWay("ports of", domain))
		if len(domain) == 1 && domain[0].pcie.Name != "" {
			ways = append(ways, domain[0].pcie)
		}
	}
	if d.Tiers == nil {
		return append(ways, unknown(Network, 1, "the network between the machines is not declared"))
	}
	for _, t := range d.Tiers {
		ways = append(ways, tierWays(t, outs, trees)...)
	}
	return ways
}

func outletsBy(outs []outlet, key func(outlet) string) [][]outlet {
	groups := map[string][]outlet{}
	for _, o := range outs {
		groups[key(o)] = append(groups[key(o)], o)
	}
	var out [][]outlet
	for _, k := range slices.SortedFunc(maps.Keys(groups), topology.CompareNames) {
		out = append(out, groups[k])
	}
	return out
}

// portsWay is the ports of some machines together.
func portsWay(word string, outs []outlet) Way {
	w := Way{Kind: Network}
	var sum int64
	var names []string
	for _, o := range outs {
		names = append(names, o.node)
		w.Ranks += o.ranks
		w.Rails += o.rails
		if o.ports == nil {
			return unknown(Network, w.Ranks, "%s", o.missing)
		}
		sum += *o.ports
	}
	w.Name, w.BytesPerSecond = word+" "+topology.NameRange(names), &sum
	return w
}

// tierWays are the uplinks of the domains of a level, where the gang lies in
// more than one. A gang's share of them is its machines' share of the ports.
func tierWays(t Tier, outs []outlet, trees []topology.DomainTree) []Way {
	tree, level, _ := strings.Cut(t.Tree, "/")
	i := slices.IndexFunc(trees, func(x topology.DomainTree) bool { return x.Name == tree })
	if i < 0 {
		return []Way{unknown(Network, 1, "the fleet has no tree %q, which the network was declared by", tree)}
	}
	parent := map[string]string{}
	for _, d := range trees[i].Domains {
		parent[d.ID] = d.Parent
	}
	leaves := trees[i].Leaves()
	of := func(o outlet) string {
		id := leaves[o.node]
		for range strings.Count(level, "parent") {
			id = parent[id]
		}
		return id
	}
	groups := outletsBy(outs, of)
	if len(groups) < 2 {
		return nil
	}
	var ways []Way
	for _, g := range groups {
		id := of(g[0])
		if id == "" {
			ways = append(ways, unknown(Network, 1, "%s is in no domain of %s", g[0].node, t.Tree))
			continue
		}
		w := portsWay("", g)
		w.Rails = 0 // a ring that the ports of one domain drive passes them once
		w.Name = fmt.Sprintf("uplinks of %s %s (%g:1)", tree, id, t.Oversubscription)
		if w.BytesPerSecond != nil && t.Oversubscription > 0 {
			w.BytesPerSecond = new(int64(float64(*w.BytesPerSecond) / t.Oversubscription))
		}
		ways = append(ways, w)
	}
	return ways
}
