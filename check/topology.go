// SPDX-License-Identifier: Apache-2.0

package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tarsia.dev/tarsia/finding"
	"tarsia.dev/tarsia/pci"
	"tarsia.dev/tarsia/topology"
)

func topologyChecks() []Check {
	return []Check{{
		ID: "TAR-TOPO-001", Area: AreaTopology, Title: "The NUMA node of every device is known", Run: unknownNUMA,
		Explain: `
Looks at accelerators and network devices of machines with more than one NUMA
node that has CPUs, and at what the kernel says in numa_node.

PASS: every such device has a NUMA node.
UNKNOWN: numa_node says -1 or cannot be read, and the vendor's library does not
know better. Machines of one product with the same devices share one
finding, since the firmware is then what is silent.

Machines with CPUs in one NUMA node only are not looked at: there is nothing to
choose. A lost device is not counted again.`,
		Cost: "Placement cannot keep cores, memory and device together; a job may pay the other socket's latency on every transfer.",
		Fix:  "Update the system firmware (its ACPI tables lack the proximity domain of the slot); until then write the node to the device's numa_node file at boot.",
	}, {
		ID: "TAR-TOPO-002", Area: AreaTopology, Title: "The NUMA tables agree with themselves", Run: numaTables,
		Explain: `
Looks at the kernel's NUMA nodes: each online CPU is in one node and no more,
the distance of a node to itself is 10, and no other node is nearer than that
(ACPI, System Locality Information Table).

PASS: the tables are consistent on every machine that has them.
FAIL: a CPU is in two nodes.
WARN: a CPU is in no online node, or a distance makes no sense.
UNKNOWN: the tables are there and cannot be read or understood.

Nodes without CPUs are normal (memory expanders, GPU memory).`,
		Cost: "Pinning and memory policy go to the wrong node, and placement reasons on wrong distances.",
		Fix:  "Update the system firmware; compare /sys/devices/system/node/*/{cpulist,distance} with the board's manual.",
	}, {
		ID: "TAR-TOPO-003", Area: AreaTopology, Title: "The accelerators of a node share one domain", Run: domains,
		Explain: `
Looks at the NVLink, XGMI and Xe Link domains: which nodes they join, by the
cluster id and clique that GPUs report, or within one node.

PASS: every node's accelerators lie in one domain; the summary counts them.
WARN: accelerators of one node report different NVLink domains.

A fleet without such links gets no finding.`,
		Cost: "A job placed by node takes GPUs that NVLink does not join.",
		Fix:  "Compare the cluster UUID and clique id of the GPUs in tarsia topo; restart the fabric manager of the one that differs.",
	}}
}

// devicesOf are the accelerators and network devices of a node, without
// virtual functions, which go with their physical one.
func devicesOf(n *topology.Node) map[topology.Ref]bool {
	devices := map[topology.Ref]bool{}
	for _, a := range n.Accelerators {
		devices[a.ID] = true
	}
	virtual := map[topology.Ref]bool{}
	for _, f := range n.PCI {
		if f.PhysFn != nil {
			virtual[topology.PCIRef(f.Address)] = true
		} else if f.Class.Base() == pci.BaseNetwork {
			devices[topology.PCIRef(f.Address)] = true
		}
	}
	for _, c := range n.NICs {
		if c.Device != "" && !virtual[c.Device] {
			devices[c.Device] = true
		}
	}
	return devices
}

func unknownNUMA(f *topology.Fleet) []finding.Finding {
	var troubles []trouble
	known, machines := 0, 0
	for _, n := range f.Nodes {
		devices := devicesOf(n)
		if nodesWithCPUs(n) < 2 || len(devices) == 0 {
			continue
		}
		machines++
		has := map[topology.Ref]bool{}
		for _, f := range n.PCI {
			has[topology.PCIRef(f.Address)] = f.NUMANode != nil
		}
		for _, c := range n.NICs {
			has[c.Device] = has[c.Device] || c.NUMANode != nil
		}
		for _, a := range n.Accelerators {
			has[a.ID] = has[a.ID] || a.NUMANode != nil || a.State == topology.DeviceLost
		}
		t := trouble{node: n, state: finding.Unknown}
		for _, r := range sortedRefs(devices) {
			if has[r] {
				known++
				continue
			}
			t.subjects = append(t.subjects, r)
			t.evidence = append(t.evidence, absence(n, r, "numaNode", "sys/bus/pci/devices/"+r.ID()+"/numa_node", "a NUMA node"))
		}
		if len(t.subjects) > 0 {
			t.text = fmt.Sprintf("NUMA node of %s not known: %s (%s says %s)", count(len(t.subjects), "device"), list(t.subjects),
				t.evidence[0].Source[strings.LastIndex(t.evidence[0].Source, "/")+1:], t.evidence[0].Found)
			t.key = fmt.Sprint(t.subjects)
			troubles = append(troubles, t)
		}
	}
	if len(troubles) == 0 && known > 0 {
		return pass("sys/bus/pci/devices/*/numa_node", count(known, "device"),
			fmt.Sprintf("%s on %s with several NUMA nodes, each of known node", count(known, "device"), count(machines, "machine")))
	}
	return findings(troubles)
}

func nodesWithCPUs(n *topology.Node) int {
	with := 0
	for _, m := range n.NUMANodes {
		if !m.CPUs.IsEmpty() {
			with++
		}
	}
	return with
}

func sortedRefs(set map[topology.Ref]bool) []topology.Ref {
	refs := make([]topology.Ref, 0, len(set))
	for r := range set {
		refs = append(refs, r)
	}
	slices.SortFunc(refs, topology.CompareRefs)
	return refs
}

func domains(f *topology.Fleet) []finding.Finding {
	var troubles []trouble
	for _, n := range f.Nodes {
		ids := n.Domains(topology.LinkNVLink)
		if len(ids) < 2 {
			continue
		}
		t := trouble{node: n, key: n.Name, state: finding.Warn, text: fmt.Sprintf("accelerators lie in %d NVLink domains", len(ids))}
		for _, a := range n.Accelerators {
			if id := a.Fabric.Domain(); id != "" {
				t.subjects = append(t.subjects, a.ID)
				t.evidence = append(t.evidence, finding.Evidence{Node: n.Name, Source: cmp.Or(a.Source, "nvmlDeviceGetGpuFabricInfo"),
					Found: string(a.ID) + ": " + id, Wanted: "one domain"})
			}
		}
		t.evidence = capEvidence(t.evidence)
		troubles = append(troubles, t)
	}
	if len(troubles) > 0 {
		return findings(troubles)
	}
	var parts []string
	for _, kind := range []topology.LinkKind{topology.LinkNVLink, topology.LinkXGMI, topology.LinkXe} {
		if t, ok := f.Tree(string(kind)); ok {
			parts = append(parts, kindDomains(t, kind)...)
		}
	}
	if len(parts) == 0 {
		return nil
	}
	return pass("links and fabric membership", strings.Join(parts, ", "), strings.Join(parts, "; "))
}

// kindDomains says "4 NVLink domains within one node each", "1 NVLink domain
// of 8 nodes".
func kindDomains(t topology.DomainTree, kind topology.LinkKind) []string {
	word := strings.TrimSuffix(kindName(kind), " link")
	within := 0
	bySize := map[int]int{}
	var sizes []int
	for _, d := range t.Domains {
		if len(d.Nodes) == 1 && d.ID == topology.NodeDomain(d.Nodes[0]) {
			within++
			continue
		}
		if bySize[len(d.Nodes)]++; bySize[len(d.Nodes)] == 1 {
			sizes = append(sizes, len(d.Nodes))
		}
	}
	var parts []string
	slices.Sort(sizes)
	slices.Reverse(sizes)
	for _, s := range sizes {
		parts = append(parts, fmt.Sprintf("%s of %s", count(bySize[s], word+" domain"), count(s, "node")))
	}
	if within == 1 {
		parts = append(parts, "1 "+word+" domain within its node")
	} else if within > 1 {
		parts = append(parts, fmt.Sprintf("%d %s domains within one node each", within, word))
	}
	return parts
}
