// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"fmt"
	"slices"

	"tarsia.dev/tarsia/cpuset"
	"tarsia.dev/tarsia/machine"
	"tarsia.dev/tarsia/procfs"
	"tarsia.dev/tarsia/sysfs"
	"tarsia.dev/tarsia/topology"
)

// maxNodes bounds the memory nodes of a machine: CONFIG_NODES_SHIFT is at most
// 10.
const maxNodes = 1024

// readNUMA fills the memory nodes.
func readNUMA(m *machine.Machine, n *topology.Node) {
	ids, err := sysfs.NUMANodes(m)
	if err != nil || ids.IsEmpty() {
		absent(n, topology.NodeRef, "numaNodes", sysfs.NUMADir, noneFound(err))
		if !n.OnlineCPUs.IsEmpty() {
			// A kernel without CONFIG_NUMA has one node, 0, and no directory
			// for it: all memory is equally near.
			n.NUMANodes = []topology.NUMANode{wholeMachine(m, n)}
		}
		return
	}
	if possible := cpuset.Range(0, maxNodes-1); !possible.Contains(ids) {
		absent(n, topology.NodeRef, "numaNodes", sysfs.NUMADir, fmt.Errorf("%d nodes: numbers from %d on are left out", ids.Len(), maxNodes))
		ids = ids.And(possible)
	}
	nodes := make([]topology.NUMANode, 0, ids.Len())
	for id := range ids.All() {
		node := topology.NUMANode{ID: id}
		ref := topology.NUMARef(id)
		cpus, source, err := sysfs.NUMACPUs(m, id)
		absent(n, ref, "cpus", source, err)
		node.CPUs = cpus
		if !n.OnlineCPUs.IsEmpty() {
			node.CPUs = cpus.And(n.OnlineCPUs)
		}
		source = sysfs.NUMAPath(id) + "/meminfo"
		memory, err := procfs.ReadMemTotal(m, source)
		absent(n, ref, "memoryBytes", source, err)
		if err == nil {
			node.MemoryBytes = &memory
		}
		node.Distances = distances(m, n, id, ids)
		nodes = append(nodes, node)
	}
	n.NUMANodes = mergeOverlapping(n, nodes)
}

func noneFound(err error) error {
	if err == nil {
		return fmt.Errorf("no node in it")
	}
	return err
}

func wholeMachine(m *machine.Machine, n *topology.Node) topology.NUMANode {
	node := topology.NUMANode{ID: 0, CPUs: n.OnlineCPUs, Distances: map[int]int{}}
	memory, err := procfs.ReadMemTotal(m, "proc/meminfo")
	absent(n, topology.NUMARef(0), "memoryBytes", "proc/meminfo", err)
	if err == nil {
		node.MemoryBytes = &memory
	}
	return node
}

// distances maps the row of one node to node ids. A row of another length than
// there are nodes cannot be mapped: which node a number belongs to is not said.
func distances(m *machine.Machine, n *topology.Node, id int, ids cpuset.Set) map[int]int {
	source := sysfs.NUMAPath(id) + "/distance"
	row, err := sysfs.NUMADistances(m, id)
	if err == nil && len(row) != ids.Len() {
		err = fmt.Errorf("%d distances for %d nodes", len(row), ids.Len())
	}
	absent(n, topology.NUMARef(id), "distances", source, err)
	to := make(map[int]int, len(row))
	if err != nil {
		return to
	}
	i := 0
	for other := range ids.All() {
		to[other] = row[i]
		i++
	}
	return to
}

// mergeOverlapping joins nodes that claim the same CPU. A CPU is in one node
// (kernel include/linux/topology.h, cpu_to_node), save where the kernel emulates
// nodes: then every emulated part of a real node lists all its CPUs
// (arch/x86/mm/numa_emulation.c, numa_add_cpu; an Altix XE320 with
// numa=fake=8 has eight such nodes and one memory). The real node is what can
// be told: it gets the lowest id and the memory of all.
func mergeOverlapping(n *topology.Node, nodes []topology.NUMANode) []topology.NUMANode {
	merged := make([]topology.NUMANode, 0, len(nodes))
	gone := map[int]bool{}
	for _, node := range nodes {
		i := slices.IndexFunc(merged, func(o topology.NUMANode) bool { return o.CPUs.Overlaps(node.CPUs) })
		if i < 0 {
			merged = append(merged, node)
			continue
		}
		into := &merged[i]
		n.Absences = append(n.Absences, topology.Absence{
			Object: topology.NUMARef(node.ID), Fact: "cpus", Kind: topology.Unreadable, Source: sysfs.NUMAPath(node.ID) + "/cpumap",
			Detail: fmt.Sprintf("claims CPUs %s of node %d; both are counted as node %d", node.CPUs.And(into.CPUs), into.ID, into.ID)})
		gone[node.ID] = true
		into.CPUs = into.CPUs.Or(node.CPUs)
		if into.MemoryBytes == nil || node.MemoryBytes == nil {
			into.MemoryBytes = nil
		} else {
			into.MemoryBytes = new(*into.MemoryBytes + *node.MemoryBytes)
		}
	}
	if len(gone) == 0 {
		return merged
	}
	for i := range merged {
		for id := range gone {
			delete(merged[i].Distances, id)
		}
	}
	// A node that bridged two others has made them overlap in turn.
	return mergeOverlapping(n, merged)
}
