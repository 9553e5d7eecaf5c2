// SPDX-License-Identifier: Apache-2.0

package collective

import (
	"fmt"
	"slices"
	"strings"

	"tarsia.dev/tarsia/pci"
	"tarsia.dev/tarsia/topology"
)

// acrossHost lists the ways between islands of ranks: their PCIe links and
// uplinks, and the processors where no bridge is common to all.
func (m machinePart) acrossHost(islands [][]topology.Ref, d Declared) []Way {
	var ways []Way
	for _, island := range islands {
		ways = append(ways, m.ownPCIe(island))
	}
	ways = append(ways, m.uplinks(islands)...)
	return append(ways, m.host(islands, d)...)
}

// ownPCIe is the PCIe links of the ranks of an island together.
func (m machinePart) ownPCIe(island []topology.Ref) Way {
	var sum int64
	names := make([]string, len(island))
	for i, r := range island {
		names[i] = m.labels[r]
		l, ok := m.pcie[r]
		if !ok || l.BytesPerSecond == nil {
			return unknown(PCIe, len(island), "the PCIe rate of %s is not told", m.label(r))
		}
		sum += *l.BytesPerSecond
	}
	word := "PCIe link"
	if len(island) > 1 {
		word = "PCIe links"
	}
	return Way{Name: fmt.Sprintf("%s of %s of %s", word, strings.Join(names, ", "), m.Node.Name), Kind: PCIe, Ranks: len(island), BytesPerSecond: &sum}
}

// bridges are the functions above a device, the nearest first.
func (m machinePart) bridges(r topology.Ref) []topology.Ref {
	parents := make(map[topology.Ref]*pci.Address, len(m.Node.PCI))
	for _, f := range m.Node.PCI {
		parents[topology.PCIRef(f.Address)] = f.Parent
	}
	var out []topology.Ref
	for p := parents[r]; p != nil; {
		up := topology.PCIRef(*p)
		if slices.Contains(out, up) {
			return out
		}
		out = append(out, up)
		p = parents[up]
	}
	return out
}

// uplinks are the links above bridges that some islands lie wholly below and
// others not at all.
func (m machinePart) uplinks(islands [][]topology.Ref) []Way {
	below := map[topology.Ref][]topology.Ref{} // ranks below a bridge
	var order []topology.Ref
	total := 0
	for _, island := range islands {
		for _, r := range island {
			total++
			for _, b := range m.bridges(r) {
				if below[b] == nil {
					order = append(order, b)
				}
				below[b] = append(below[b], r)
			}
		}
	}
	var ways []Way
	for _, b := range order {
		ranks := below[b]
		l, ok := m.pcie[b]
		if !ok || len(ranks) == total || len(ranks) < 2 || slices.ContainsFunc(islands, func(island []topology.Ref) bool { return parted(island, ranks) }) {
			continue
		}
		name := fmt.Sprintf("PCIe uplink at %s of %s, which %d share", b.ID(), m.Node.Name, len(ranks))
		if l.BytesPerSecond == nil {
			ways = append(ways, unknown(PCIe, len(ranks), "the rate of the %s is not told", name))
			continue
		}
		ways = append(ways, Way{Name: name, Kind: PCIe, Ranks: len(ranks), BytesPerSecond: new(*l.BytesPerSecond)})
	}
	return ways
}

// parted tells whether some members are among ranks and some are not.
func parted(island, ranks []topology.Ref) bool {
	in := 0
	for _, r := range island {
		if slices.Contains(ranks, r) {
			in++
		}
	}
	return in > 0 && in < len(island)
}

// host is what lies between root ports: nothing where one bridge is above all,
// else the processors, whose rate no machine tells.
func (m machinePart) host(islands [][]topology.Ref, d Declared) []Way {
	var all []topology.Ref
	for _, island := range islands {
		all = append(all, island...)
	}
	if slices.ContainsFunc(m.bridges(all[0]), func(b topology.Ref) bool {
		return !slices.ContainsFunc(all, func(r topology.Ref) bool { return !slices.Contains(m.bridges(r), b) })
	}) {
		return nil
	}
	zones := map[int]int{}
	for _, r := range all {
		n := m.accelerator(r).NUMANode
		if n == nil && len(m.Node.NUMANodes) != 1 {
			return []Way{unknown(Host, 1, "the NUMA node of %s is not known", m.label(r))}
		}
		if n == nil {
			n = &m.Node.NUMANodes[0].ID
		}
		zones[*n]++
	}
	if len(zones) == 1 {
		return []Way{declaredWay(d.HostBytesPerSecond, max(1, len(all)/2), "between the PCIe root ports of "+m.Node.Name)}
	}
	least := len(all)
	for _, n := range zones {
		least = min(least, n)
	}
	return []Way{declaredWay(d.SocketBytesPerSecond, least, "between the NUMA nodes of "+m.Node.Name)}
}

func declaredWay(rate int64, ranks int, name string) Way {
	if rate == 0 {
		return unknown(Host, ranks, "the rate %s is not told by the machine and not declared", name)
	}
	return Way{Name: "way " + name, Kind: Host, Ranks: ranks, BytesPerSecond: &rate}
}
