// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"maps"
	"slices"
	"strings"

	"tarsia.dev/tarsia/topology"
)

// kubeletPods is how many pods a kubelet takes unless told otherwise
// (KubeletConfiguration, maxPods).
const kubeletPods = 110

// Labels and levels that FromTopology gives a node beside the fleet's trees.
const (
	labelArch   = "kubernetes.io/arch"
	labelHost   = "kubernetes.io/hostname"
	labelClique = "nvidia.com/gpu.clique"
	levelHost   = "host"
	// taintDegraded is on a node of which a device is lost, or a link of one is
	// narrower than it should be: a job goes there when no whole node will do.
	taintDegraded = "tarsia.dev/degraded"
)

// modelLabels are the labels in which the vendors' feature discovery names the
// model of a node's accelerators, by our word for the vendor.
var modelLabels = map[string]string{"nvidia": "nvidia.com/gpu.product", "amd": "amd.com/gpu.product-name", "intel": "gpu.intel.com/product"}

// labelModels adds the labels of modelLabels where all accelerators of a vendor
// are of one known model, with dashes for spaces, as a label's value must be.
func labelModels(node *Node, n *topology.Node) {
	models := map[string]string{}
	for _, a := range n.Accelerators {
		model := strings.Join(strings.Fields(a.Model), "-")
		if seen, ok := models[a.Vendor]; ok && seen != model {
			model = ""
		}
		models[a.Vendor] = model
	}
	for vendor, model := range models {
		if label := modelLabels[vendor]; label != "" && model != "" {
			node.Labels[label] = model
		}
	}
}

// FromTopology turns the machines of a fleet into nodes of the engine, whole and
// empty: nothing is set aside for the system, nothing runs. Levels are the
// fleet's trees; a tree's inner domains are levels of their own, "rack/parent"
// for what is around "rack". A node whose devices lie in several domains of a
// tree has no domain there: nobody could promise that its pods share one.
//
// Zones are the NUMA nodes with CPUs; memory that belongs to an accelerator is
// left out. Devices are the accelerators of known vendors, with the ranks of
// their paths as link scores, and the NICs that speak RDMA, as "rdma/nic" with
// their virtual functions. Of a GPU that is cut into MIG instances, these are the
// devices, as "nvidia.com/mig-1g.10gb". A lost device is listed and unusable, as
// is a NIC whose port is not active; one of unknown NUMA node has no zone. Which
// partitions a fabric manager can make is not in the model. A node with a lost device, or with a degraded
// link of one, carries the taint tarsia.dev/degraded with effect
// PreferNoSchedule.
func FromTopology(f *topology.Fleet) []Node {
	domains := treeDomains(f)
	out := make([]Node, 0, len(f.Nodes))
	for _, n := range f.Nodes {
		node := Node{
			Name: n.Name, Labels: map[string]string{labelHost: n.Name},
			Allocatable: Resources{CPU: 1000 * int64(n.OnlineCPUs.Len()), Pods: kubeletPods},
			Domains:     append(domains[n.Name], Domain{levelHost, n.Name}, Domain{labelHost, n.Name}),
		}
		if n.Architecture != "unknown" && n.Architecture != "" {
			node.Architecture, node.Labels[labelArch] = n.Architecture, n.Architecture
		}
		node.ISA = isaOf(n)
		addZones(&node, n)
		addDevices(&node, n)
		labelModels(&node, n)
		if what := degraded(n); what != "" {
			node.Taints = append(node.Taints, Taint{Key: taintDegraded, Value: what, Effect: "PreferNoSchedule"})
		}
		// As NVIDIA's feature discovery has it: only where there is a domain beyond
		// the node.
		if ids := n.Domains(topology.LinkNVLink); len(ids) == 1 && ids[0] != topology.NodeDomain(n.Name) {
			node.Labels[labelClique] = ids[0]
			node.Domains = append(node.Domains, Domain{labelClique, ids[0]})
		}
		out = append(out, node)
	}
	return out
}

// degraded says what of a node's accelerators is not whole: "device-lost",
// "link-degraded", or nothing.
func degraded(n *topology.Node) string {
	of := make(map[topology.Ref]bool, len(n.Accelerators))
	for _, a := range n.Accelerators {
		if a.State == topology.DeviceLost {
			return "device-lost"
		}
		of[a.ID] = true
	}
	for _, l := range n.Links {
		if (of[l.A] || of[l.B]) && (l.State == topology.LinkDegraded || l.State == topology.LinkDown) {
			return "link-degraded"
		}
	}
	return ""
}

// treeDomains lists each node's domains in every tree, innermost first.
func treeDomains(f *topology.Fleet) map[string][]Domain {
	out := map[string][]Domain{}
	for _, t := range f.Trees {
		parent := map[string]string{}
		inner := map[string]bool{}
		for _, d := range t.Domains {
			parent[d.ID] = d.Parent
			inner[d.Parent] = true
		}
		leaves := map[string][]string{}
		for _, d := range t.Domains {
			for _, n := range d.Nodes {
				if !inner[d.ID] || !inChild(t, d.ID, n) {
					leaves[n] = append(leaves[n], d.ID)
				}
			}
		}
		for _, n := range slices.Sorted(maps.Keys(leaves)) {
			if len(leaves[n]) > 1 {
				continue
			}
			level := t.Name
			for id := leaves[n][0]; id != ""; id = parent[id] {
				out[n] = append(out[n], Domain{level, id})
				level += "/parent"
			}
		}
	}
	return out
}

// inChild tells whether a node lies in a domain below the one of the given id.
func inChild(t topology.DomainTree, id, node string) bool {
	return slices.ContainsFunc(t.Domains, func(d topology.Domain) bool { return d.Parent == id && slices.Contains(d.Nodes, node) })
}

// addZones adds the NUMA nodes that have CPUs. The node's memory is the sum of
// all that belongs to no accelerator, absent unless every part is known.
func addZones(node *Node, n *topology.Node) {
	var memory int64
	known := len(n.NUMANodes) > 0
	for _, m := range n.NUMANodes {
		if m.Accelerator != "" {
			continue
		}
		if m.MemoryBytes == nil {
			known = false
		} else {
			memory += *m.MemoryBytes
		}
		if m.CPUs.IsEmpty() {
			continue
		}
		z := Zone{ID: m.ID, Allocatable: Resources{CPU: 1000 * int64(m.CPUs.Len())}}
		if m.MemoryBytes != nil {
			z.Allocatable[Memory] = *m.MemoryBytes
		}
		node.Zones = append(node.Zones, z)
	}
	switch {
	case known:
		node.Allocatable[Memory] = memory
	case len(n.NUMANodes) == 0 && n.Summary.MemoryBytes != nil:
		node.Allocatable[Memory] = *n.Summary.MemoryBytes
	}
}
