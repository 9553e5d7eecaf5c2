// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"tarsia.dev/tarsia/cpuset"
	"tarsia.dev/tarsia/machine"
	"tarsia.dev/tarsia/sysfs"
	"tarsia.dev/tarsia/topology"
)

const cacheFiles = sysfs.CPUDir + "/cpu*/cache"

// cacheKind is what a CPU has at most one of.
type cacheKind struct {
	level int
	typ   string
}

// readCaches lists each cache once, whichever CPU tells of it. CPUs that
// disagree about who shares a cache have none in the list.
func readCaches(m *machine.Machine, n *topology.Node) {
	told := map[cacheKind]map[int]sysfs.Cache{} // by CPU
	cpus := make([]cpu, 0, n.OnlineCPUs.Len())
	var failed error
	for number := range n.OnlineCPUs.All() {
		cpus = append(cpus, cpu{number: number})
		caches, err := sysfs.ReadCaches(m, number)
		if err != nil && !errors.Is(err, fs.ErrNotExist) && failed == nil {
			failed = errorText(err.Error())
		}
		for _, c := range caches {
			kind := cacheKind{c.Level, c.Type}
			if told[kind] == nil {
				told[kind] = map[int]sysfs.Cache{}
			}
			told[kind][number] = c
		}
	}
	for kind, byCPU := range told {
		groups, contradicted, _ := partition(n.OnlineCPUs, cpus, func(c cpu) *cpuset.Set {
			if cache, ok := byCPU[c.number]; ok {
				return &cache.CPUs
			}
			return nil
		})
		if !contradicted.IsEmpty() {
			absent(n, topology.NodeRef, "caches", fmt.Sprintf("%s (L%d %s)", cacheFiles+"/index*/shared_cpu_map", kind.level, kind.typ),
				fmt.Errorf("CPUs %s disagree about who shares it", contradicted))
		}
		for _, g := range groups {
			n.Caches = append(n.Caches, topology.Cache{Level: kind.level, Type: kind.typ, SizeBytes: cacheSize(g, byCPU), CPUs: g})
		}
	}
	slices.SortFunc(n.Caches, func(a, b topology.Cache) int {
		return cmp.Or(cmp.Compare(a.Level, b.Level), cmp.Compare(a.CPUs.First(), b.CPUs.First()), cmp.Compare(a.Type, b.Type))
	})
	sizeless := slices.ContainsFunc(n.Caches, func(c topology.Cache) bool { return c.SizeBytes == nil })
	switch {
	case failed != nil:
		absent(n, topology.NodeRef, "caches", cacheFiles, failed)
	case len(told) == 0 && !n.OnlineCPUs.IsEmpty():
		absent(n, topology.NodeRef, "caches", cacheFiles, fs.ErrNotExist)
	case sizeless:
		absent(n, topology.NodeRef, "caches.sizeBytes", cacheFiles+"/index*/size", fs.ErrNotExist)
	}
}

// cacheSize is what the first of the sharing CPUs that knows it tells.
func cacheSize(group cpuset.Set, byCPU map[int]sysfs.Cache) *int64 {
	for number := range group.All() {
		if size := byCPU[number].SizeBytes; size != nil {
			return size
		}
	}
	return nil
}
