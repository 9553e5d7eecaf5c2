// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"cmp"
	"fmt"
	"slices"

	"tarsia.dev/tarsia/cpuset"
	"tarsia.dev/tarsia/topology"
)

// readCores groups CPUs by what they say of their core's members, else by
// package and core id; what remains is taken as a core of its own, and noted.
func readCores(n *topology.Node, cpus []cpu, packageOf map[int]int) {
	groups, contradicted, silent := partition(n.OnlineCPUs, cpus, func(c cpu) *cpuset.Set { return c.Core })
	if !contradicted.IsEmpty() {
		absent(n, topology.NodeRef, "cores", topologyFiles+"thread_siblings",
			fmt.Errorf("CPUs %s disagree about who is in their core", contradicted))
	}
	byNumber := make(map[int]cpu, len(cpus))
	for _, c := range cpus {
		byNumber[c.number] = c
	}
	groups = splitByCoreID(groups, byNumber)
	type key struct{ pkg, core int }
	byID := map[key]int{} // index in groups
	var alone []int
	for number := range silent.Or(contradicted).All() {
		pkg, known := packageOf[number]
		id := byNumber[number].CoreID
		if !known || id == nil {
			// core_id is -1 for every CPU of some boards; four cores must not
			// become one (TH1520, vendor kernel 5.10).
			groups = append(groups, cpuset.Of(number))
			alone = append(alone, number)
			continue
		}
		k := key{pkg, *id}
		i, ok := byID[k]
		if !ok {
			byID[k] = len(groups)
			groups = append(groups, cpuset.Of(number))
			continue
		}
		groups[i] = groups[i].Or(cpuset.Of(number))
	}
	if len(alone) > 0 {
		n.Absences = append(n.Absences, topology.Absence{Object: topology.NodeRef, Fact: "cores", Kind: topology.Missing,
			Source: topologyFiles + "thread_siblings", Detail: "CPUs " + cpuset.Of(alone...).String() + " taken as one core each"})
	}
	n.Cores = make([]topology.Core, len(groups))
	for i, g := range groups {
		first := byNumber[g.First()]
		core := topology.Core{ID: first.CoreID, Die: first.DieID, Cluster: first.ClusterID, CPUs: g}
		if pkg, ok := packageOf[first.number]; ok {
			core.Package = &pkg
		}
		n.Cores[i] = core
	}
	slices.SortFunc(n.Cores, func(a, b topology.Core) int { return cmp.Compare(a.CPUs.First(), b.CPUs.First()) })
}

// splitByCoreID splits siblings that have different core ids: the two cores of
// an AMD family 15h compute unit share fetch and floating point, and the kernel
// calls them thread siblings although each is a core with an id of its own
// (Opteron 6276). Siblings without ids stay together.
func splitByCoreID(groups []cpuset.Set, byNumber map[int]cpu) []cpuset.Set {
	out := make([]cpuset.Set, 0, len(groups))
	for _, g := range groups {
		parts := map[int]cpuset.Set{}
		var order []int
		for number := range g.All() {
			id := byNumber[number].CoreID
			if id == nil {
				order = nil
				break
			}
			if _, ok := parts[*id]; !ok {
				order = append(order, *id)
			}
			parts[*id] = parts[*id].Or(cpuset.Of(number))
		}
		if len(order) < 2 {
			out = append(out, g)
			continue
		}
		for _, id := range order {
			out = append(out, parts[id])
		}
	}
	return out
}
