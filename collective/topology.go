// SPDX-License-Identifier: Apache-2.0

package collective

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"tarsia.dev/tarsia/topology"
)

// Part is what a gang has of one machine.
type Part struct {
	Node         *topology.Node
	Accelerators []topology.Ref // each one rank
}

// Declared is what no machine tells and a site may say. Zero values are not
// declared: what depends on them is unknown.
type Declared struct {
	// HostBytesPerSecond is what data gets, in one direction, between PCIe root
	// ports of one NUMA node; SocketBytesPerSecond between NUMA nodes.
	HostBytesPerSecond   int64
	SocketBytesPerSecond int64
	// Tiers are the levels of the network. Nil is not declared; a network without
	// levels, or without oversubscription, is an empty list.
	Tiers []Tier
}

// Tier is one level of the network: the domains of a tree of the fleet, whose
// uplinks together carry 1/Oversubscription of what their ports could send.
type Tier struct {
	Tree             string
	Oversubscription float64 // 1 is none
}

// FromTopology finds where the ranks of a gang are and what joins them: links
// among accelerators, the PCIe tree below a common bridge, RDMA ports next to
// the accelerators, declared levels of the network. What nobody told is a Way
// without a rate. Parts of one machine are merged; the order of parts does not
// matter. Trees are those of the fleet.
func FromTopology(parts []Part, trees []topology.DomainTree, d Declared) Fabric {
	parts = merge(parts)
	groups := map[string][]machinePart{}
	for _, p := range parts {
		m := newMachinePart(p)
		key := cmp.Or(m.domain(), topology.NodeDomain(p.Node.Name))
		groups[key] = append(groups[key], m)
	}
	var f Fabric
	var outs []outlet
	keys := slices.SortedFunc(maps.Keys(groups), topology.CompareNames)
	for _, key := range keys {
		domain, out := joinDomain(key, groups[key], d)
		f.Domains = append(f.Domains, domain)
		outs = append(outs, out...)
	}
	if len(f.Domains) > 1 {
		f.Between = between(outs, trees, d)
	}
	return f
}

// merge joins parts of one machine and drops accelerators that are named twice
// or that the machine does not have.
func merge(parts []Part) []Part {
	byName := map[string]Part{}
	for _, p := range parts {
		q := byName[p.Node.Name]
		q.Node = p.Node
		q.Accelerators = append(slices.Clone(q.Accelerators), p.Accelerators...)
		byName[p.Node.Name] = q
	}
	var out []Part
	for _, name := range slices.SortedFunc(maps.Keys(byName), topology.CompareNames) {
		p := byName[name]
		var has []topology.Ref
		for _, a := range p.Node.Accelerators {
			if slices.Contains(p.Accelerators, a.ID) {
				has = append(has, a.ID)
			}
		}
		if p.Accelerators = has; len(has) > 0 {
			out = append(out, p)
		}
	}
	return out
}

// machinePart is a Part with what is asked of it again and again.
type machinePart struct {
	Part
	paths  *topology.Paths
	pcie   map[topology.Ref]topology.Link
	labels map[topology.Ref]string
}

func newMachinePart(p Part) machinePart {
	return machinePart{p, p.Node.Paths(), p.Node.PCIeLinks(), p.Node.Labels()}
}

// label is "GPU3 of hgx-01".
func (m machinePart) label(r topology.Ref) string {
	return cmp.Or(m.labels[r], string(r)) + " of " + m.Node.Name
}

// domain is the NVLink domain beyond the machine that all of its ranks share,
// or "".
func (m machinePart) domain() string {
	id := ""
	for i, r := range m.Accelerators {
		a := m.accelerator(r)
		if a.Fabric == nil || a.Fabric.State != topology.FabricCompleted {
			return ""
		}
		if own := a.Fabric.Domain(); own == "" || i > 0 && own != id {
			return ""
		} else {
			id = own
		}
	}
	return id
}

func (m machinePart) accelerator(r topology.Ref) topology.Accelerator {
	i := slices.IndexFunc(m.Node.Accelerators, func(a topology.Accelerator) bool { return a.ID == r })
	return m.Node.Accelerators[i]
}

// joinDomain builds one domain of one or several machines. A domain of several
// is joined by switches: each rank's links to them are a way.
func joinDomain(key string, machines []machinePart, d Declared) (Domain, []outlet) {
	out := Domain{Name: key, Reduces: true}
	var outs []outlet
	for _, m := range machines {
		var ways []Way
		reduces := false
		if len(machines) == 1 {
			ways, reduces = m.inside(d)
			out.Name = m.Node.Name
		} else {
			ways, reduces = m.atSwitches()
		}
		out.Ways = append(out.Ways, ways...)
		out.Ranks += len(m.Accelerators)
		out.Reduces = out.Reduces && reduces
		outs = append(outs, m.outlet(key))
	}
	return out, outs
}

// unknown is a way without a rate.
func unknown(kind Kind, ranks int, format string, args ...any) Way {
	text := fmt.Sprintf(format, args...)
	return Way{Name: text, Kind: kind, Ranks: ranks, Unknown: text}
}
