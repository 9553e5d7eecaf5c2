// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"tarsia.dev/tarsia/cpuset"
	"tarsia.dev/tarsia/machine"
	"tarsia.dev/tarsia/procfs"
	"tarsia.dev/tarsia/sysfs"
	"tarsia.dev/tarsia/topology"
)

const topologyFiles = sysfs.CPUDir + "/cpu*/topology/"

// readCPUs fills CPUs, packages, cores, caches and kinds.
func readCPUs(m *machine.Machine, n *topology.Node, info *procfs.CPUInfo) {
	n.OnlineCPUs, n.OfflineCPUs = onlineCPUs(m, n, info)
	cpus := make([]cpu, 0, n.OnlineCPUs.Len())
	for number := range n.OnlineCPUs.All() {
		cpus = append(cpus, cpu{number, sysfs.ReadCPUTopology(m, number)})
	}
	fromCPUInfo(cpus, info)
	noteUnreadable(n, cpus)
	packageOf := readPackages(n, cpus)
	readCores(n, cpus, packageOf)
	readCaches(m, n)
	readKinds(m, n, info)
}

// cpu is one online CPU and what the kernel says of its place.
type cpu struct {
	number int
	sysfs.CPUTopology
}

// fromCPUInfo adds ids that /proc/cpuinfo has (x86 "physical id" and "core id")
// to CPUs of which sysfs tells neither sets nor ids.
func fromCPUInfo(cpus []cpu, info *procfs.CPUInfo) {
	blocks := make(map[int]procfs.Processor, len(info.CPUs))
	for _, p := range info.CPUs {
		blocks[p.Number] = p
	}
	id := func(p procfs.Processor, key string) *int {
		text, _ := p.Get(key)
		v, err := strconv.Atoi(text)
		if err != nil || v < 0 {
			return nil
		}
		return &v
	}
	for i := range cpus {
		c := &cpus[i]
		p, ok := blocks[c.number]
		if !ok || c.Package != nil || c.PackageID != nil || c.Core != nil || c.CoreID != nil {
			continue
		}
		c.PackageID, c.CoreID = id(p, "physical id"), id(p, "core id")
	}
}

func noteUnreadable(n *topology.Node, cpus []cpu) {
	var first error
	count := 0
	for _, c := range cpus {
		count += len(c.Errors)
		if first == nil && len(c.Errors) > 0 {
			first = c.Errors[0]
		}
	}
	if first != nil {
		absent(n, topology.NodeRef, "cpuTopology", topologyFiles+"*", fmt.Errorf("%d files, the first: %w", count, errorText(first.Error())))
	}
}

// errorText keeps the path in an absence that stands for many files.
type errorText string

func (e errorText) Error() string { return string(e) }

// readPackages groups CPUs by what they say of their package's members, else
// by its id, and returns the package id of each CPU whose package is known.
func readPackages(n *topology.Node, cpus []cpu) map[int]int {
	groups, contradicted, silent := partition(n.OnlineCPUs, cpus, func(c cpu) *cpuset.Set { return c.Package })
	if !contradicted.IsEmpty() {
		// Whom to believe is not for us to say: such CPUs are in no package.
		absent(n, topology.NodeRef, "packages", topologyFiles+"core_siblings",
			fmt.Errorf("CPUs %s disagree about who is in their package", contradicted))
	}
	ids := make(map[int]*int, len(cpus))
	for _, c := range cpus {
		ids[c.number] = c.PackageID
	}
	// Known ids first, so that a number of our own never takes one of them.
	packages := make([]topology.Package, 0, len(groups))
	taken := map[int]bool{}
	var nameless []cpuset.Set
	for _, g := range groups {
		id := commonID(g, ids)
		if id == nil || taken[*id] {
			nameless = append(nameless, g)
			continue
		}
		taken[*id] = true
		packages = append(packages, topology.Package{ID: *id, CPUs: g})
	}
	lost := joinByID(&packages, silent, ids)
	for _, p := range packages {
		taken[p.ID] = true
	}
	if len(nameless) > 0 {
		unknown(n, topology.NodeRef, "packages.id", topologyFiles+"physical_package_id",
			fmt.Sprintf("%d packages without an id of their own; numbered in the order of their CPUs", len(nameless)))
	}
	next := 0
	for _, g := range nameless {
		for taken[next] {
			next++
		}
		taken[next] = true
		packages = append(packages, topology.Package{ID: next, CPUs: g})
	}
	if len(lost) > 0 {
		n.Absences = append(n.Absences, topology.Absence{Object: topology.NodeRef, Fact: "packages", Kind: topology.Missing,
			Source: topologyFiles + "physical_package_id", Detail: "of CPUs " + cpuset.Of(lost...).String()})
	}
	slices.SortFunc(packages, func(a, b topology.Package) int { return cmp.Compare(a.ID, b.ID) })
	n.Packages = packages
	packageOf := make(map[int]int, len(cpus))
	for _, p := range packages {
		for number := range p.CPUs.All() {
			packageOf[number] = p.ID
		}
	}
	return packageOf
}

// joinByID puts CPUs that name no siblings into the package of their id, and
// returns those without an id.
func joinByID(packages *[]topology.Package, silent cpuset.Set, ids map[int]*int) (lost []int) {
	index := make(map[int]int, len(*packages))
	for i, p := range *packages {
		index[p.ID] = i
	}
	for number := range silent.All() {
		id := ids[number]
		if id == nil {
			lost = append(lost, number)
			continue
		}
		i, ok := index[*id]
		if !ok {
			index[*id] = len(*packages)
			*packages = append(*packages, topology.Package{ID: *id, CPUs: cpuset.Of(number)})
			continue
		}
		(*packages)[i].CPUs = (*packages)[i].CPUs.Or(cpuset.Of(number))
	}
	return lost
}

// commonID is the id that every member has; nil when one has none or another.
func commonID(group cpuset.Set, ids map[int]*int) *int {
	var id *int
	for number := range group.All() {
		switch own := ids[number]; {
		case own == nil, id != nil && *id != *own:
			return nil
		default:
			id = own
		}
	}
	return id
}

// partition groups the online CPUs by the set that each names. A group holds
// when every member that names a set names this one; members that name none are
// taken in. Contradicted are CPUs whose group does not hold or does not have
// them, silent those that name no set and are in no group.
func partition(online cpuset.Set, cpus []cpu, named func(cpu) *cpuset.Set) (groups []cpuset.Set, contradicted, silent cpuset.Set) {
	sets := make(map[string]cpuset.Set)
	names := make(map[string][]int)
	var order []string
	var speaking, wrong []int
	for _, c := range cpus {
		set := named(c)
		if set == nil {
			continue
		}
		speaking = append(speaking, c.number)
		own := set.And(online)
		if !own.Has(c.number) {
			wrong = append(wrong, c.number)
			continue
		}
		k := own.String()
		if _, ok := sets[k]; !ok {
			sets[k] = own
			order = append(order, k)
		}
		names[k] = append(names[k], c.number)
	}
	spoke := cpuset.Of(speaking...)
	var grouped cpuset.Set
	for _, k := range order {
		members := cpuset.Of(names[k]...)
		if !sets[k].And(spoke).Equal(members) || sets[k].Overlaps(grouped) {
			wrong = append(wrong, names[k]...)
			continue
		}
		groups = append(groups, sets[k])
		grouped = grouped.Or(sets[k])
	}
	contradicted = cpuset.Of(wrong...)
	return groups, contradicted, online.Minus(grouped).Minus(contradicted)
}
