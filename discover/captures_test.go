// SPDX-License-Identifier: Apache-2.0

package discover_test

import (
	"cmp"
	"path/filepath"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/cpuset"
	"tarsia.dev/tarsia/discover"
	"tarsia.dev/tarsia/topology"
)

// fact is what is known of a captured machine from elsewhere than its files:
// what lstopo and lscpu printed on it, and what its owner wrote down. Fields
// that nobody wrote down are -1.
type fact struct {
	Arch                       string
	Packages, Cores, Threads   int
	NUMANodes, PCI             int
	Offline, Kinds             int
	AllowedCPUs, AllowedMemory int
}

// The captures, by folder and file. hwloc: lstopo's output beside each archive;
// where it shows what a cpuset allows, the counts of the whole machine are those
// of the -disallowed output or of the board.
var facts = map[string]fact{
	"hwloc/128arm-2pa2n8cluster4co.tar.bz2":        {"arm64", 2, 128, 128, 4, 0, 0, 1, 128, 4},
	"hwloc/16amd64-8n2c-cpusets.tar.bz2":           {"amd64", 8, 15, 15, 8, 0, 1, 1, 10, 4},
	"hwloc/16em64t-4s2c2t-offlines.tar.bz2":        {"amd64", 4, 7, 12, 1, 0, 4, 1, 12, 1},
	"hwloc/20em64t-hybrid-1p6c2t+2ca4co1t.tar.bz2": {"amd64", 1, 14, 20, 1, 0, 0, 2, 20, 1},
	"hwloc/256ppc-8n8s4t.tar.bz2":                  {"ppc64", 64, 64, 256, 8, 0, 0, 1, 256, 8},
	"hwloc/2arm-2c.tar.bz2":                        {"arm", 1, 2, 2, 1, 0, 0, 1, 2, 1},
	"hwloc/2pa-pcidomain32bits.tar.bz2":            {"amd64", 2, 2, 2, 1, 9, 0, 1, 2, 1},
	"hwloc/32amd64-4s2n4c-cgroup2.tar.bz2":         {"amd64", 4, 32, 32, 8, 0, 0, 1, 6, 6},
	"hwloc/32intel64-2p8co2t+8ve.tar.bz2":          {"amd64", 2, 16, 32, 2, 28, 0, 1, 32, 2},
	"hwloc/40intel64-2g2n4c+pcilocality.tar.bz2":   {"amd64", 4, 40, 40, 4, 37, 0, 1, 40, 4},
	"hwloc/40intel64-4n10c+pci-conflicts.tar.bz2":  {"amd64", 3, 40, 40, 4, 3, 0, 1, 40, 4},
	"hwloc/48amd64-4pa2n6c-sparse.tar.bz2":         {"amd64", 4, 48, 48, 8, 0, 0, 1, 48, 8},
	"hwloc/4fake-4gr1nu1pu.tar.bz2":                {"unknown", 1, -1, 4, 4, 0, 0, 0, 2, 2},
	"hwloc/64amd64-4s2n4ca2co.tar.bz2":             {"amd64", 4, 64, 64, 8, 0, 0, 1, 64, 8},
	"hwloc/8em64t-2s2ca2c-buggynuma.tar.bz2":       {"amd64", 2, 8, 8, 1, 0, 0, 1, 8, 1},
	"hwloc/96em64t-4no4pa3ca2co.tar.bz2":           {"amd64", 16, 96, 96, 4, 0, 0, 1, 96, 4},
	"hwloc/allowed-test1.fsroot.tar.bz2":           {"unknown", 0, 0, 0, 0, 0, 0, 0, 10, 2},
	"hwloc/fakeheteromemtiers.tar.bz2":             {"amd64", 1, 6, 6, 7, 0, 0, 1, 6, 7},
	"hwloc/nvidia-dgx-gb10.tar.bz2":                {"arm64", 1, 20, 20, 1, 0, 0, 2, 20, 1},
	"hwloc/offline-cpu0-node0.tar.bz2":             {"amd64", 2, 17, 17, 1, 0, 7, 1, 17, 1},
	"ghw/i7-1270p.tar.gz":                          {"amd64", 1, 12, 16, 1, 23, 0, 2, 16, 1},
	"ghw/vm-accel-class12.tar.gz":                  {"amd64", -1, -1, 2, 1, 26, 0, 1, 2, 1},
	"ghw/vm-offline-cpus.tar.gz":                   {"amd64", -1, -1, 2, 1, 0, 2, 1, 2, 1},
	"ghw/vm-tesla-p100.tar.gz":                     {"amd64", -1, -1, 8, 1, 29, 0, 1, 8, 1},
	"ghw/xeon-l5640-2numa-sriov.tar.gz":            {"amd64", 2, 12, 24, 2, 82, 0, 1, 24, 2},
	"lscpu/arm-A510-A710-A715-X3.tar.gz":           {"arm64", -1, 8, 8, 1, -1, 0, 4, 8, 1},
	"lscpu/ppc64-POWER7-64cpu.tar.gz":              {"ppc64", 16, 16, 64, 2, -1, 0, 1, 64, 2},
	"lscpu/s390-nested-virt.tar.gz":                {"s390x", 2, 2, 2, 1, -1, 0, 1, 2, 1},
	"lscpu/x86_64-64cpu-linux6.2.tar.gz":           {"amd64", 1, 4, 8, 1, -1, 0, 1, 8, 1},
	"lscpu/x86_64-epyc_7451.tar.gz":                {"amd64", 2, 48, 96, 8, -1, 0, 1, 96, 8},
	"riscv/rv64-linux.tar.gz":                      {"riscv64", 1, 1, 2, 1, 0, 0, 1, 2, 1},
	"riscv/rv64-milkvpioneer.tar.gz":               {"riscv64", 1, 64, 64, 4, 19, 0, 1, 64, 4},
}

// archives returns every root archive of the captures, by folder and file.
func archives(t testing.TB) []string {
	t.Helper()
	dir := shared(t)
	var names []string
	for _, glob := range []string{"hwloc/*.tar.*", "ghw/*.tar.*", "lscpu/*.tar.*", "riscv/*.tar.*", "fixtures/*.ttar"} {
		found, err := filepath.Glob(filepath.Join(dir, glob))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			name, err := filepath.Rel(dir, f)
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, filepath.ToSlash(name))
		}
	}
	if len(names) == 0 {
		t.Fatal("TARSIA_SHARED holds no capture")
	}
	return names
}

func TestCaptures(t *testing.T) {
	dir := shared(t)
	names := archives(t)
	read := 0
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			m := unpack(t, filepath.Join(dir, name)).Machine()
			n, err := discover.Node("", m)
			if err != nil {
				t.Fatal(err)
			}
			read++
			invariants(t, n)
			want, ok := facts[name]
			if !ok {
				t.Logf("%s: no expectation recorded: %+v", name, n.Summary)
				return
			}
			got := fact{n.Architecture, n.Summary.Packages, n.Summary.Cores, n.Summary.Threads, n.Summary.NUMANodes,
				n.Summary.PCIFunctions, n.Summary.OfflineCPUs, len(n.CPUKinds), n.Allowed.CPUs.Len(), n.Allowed.NUMANodes.Len()}
			for _, f := range []struct{ got, want *int }{
				{&got.Packages, &want.Packages}, {&got.Cores, &want.Cores}, {&got.PCI, &want.PCI},
			} {
				if *f.want == -1 {
					*f.got = -1
				}
			}
			if d := gocmp.Diff(want, got); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
	t.Logf("captures read %d/total %d", read, len(names))
	for name := range facts {
		if !slices.Contains(names, name) {
			t.Errorf("%s: is expected and not there", name)
		}
	}
}

// invariants hold for every node, whatever it was read from.
func invariants(t *testing.T, n *topology.Node) {
	t.Helper()
	s := n.Summary
	if s.Threads < s.Cores || s.Cores < s.Packages {
		t.Errorf("threads %d, cores %d, packages %d", s.Threads, s.Cores, s.Packages)
	}
	if s.AbsentFacts != len(n.Absences) {
		t.Errorf("summary says %d absences of %d", s.AbsentFacts, len(n.Absences))
	}
	var inCores, inPackages, inNodes cpuset.Set
	for _, c := range n.Cores {
		if c.CPUs.IsEmpty() || inCores.Overlaps(c.CPUs) {
			t.Errorf("core %s is empty or shares a CPU", c.CPUs)
		}
		inCores = inCores.Or(c.CPUs)
		if c.Package != nil && !slices.ContainsFunc(n.Packages, func(p topology.Package) bool {
			return p.ID == *c.Package && p.CPUs.Has(c.CPUs.First())
		}) {
			t.Errorf("core %s names package %d, which does not hold it", c.CPUs, *c.Package)
		}
	}
	if !inCores.Equal(n.OnlineCPUs) {
		t.Errorf("cores hold %s of the online CPUs %s", inCores, n.OnlineCPUs)
	}
	for _, p := range n.Packages {
		if p.CPUs.IsEmpty() || inPackages.Overlaps(p.CPUs) {
			t.Errorf("package %d (%s) is empty or shares a CPU", p.ID, p.CPUs)
		}
		inPackages = inPackages.Or(p.CPUs)
	}
	for _, node := range n.NUMANodes {
		if inNodes.Overlaps(node.CPUs) || !n.OnlineCPUs.IsEmpty() && !n.OnlineCPUs.Contains(node.CPUs) {
			t.Errorf("node %d (%s) shares a CPU or has one that is offline", node.ID, node.CPUs)
		}
		inNodes = inNodes.Or(node.CPUs)
	}
	for _, c := range n.Caches {
		if c.CPUs.IsEmpty() || !n.OnlineCPUs.Contains(c.CPUs) {
			t.Errorf("cache L%d %s", c.Level, c.CPUs)
		}
	}
	if !slices.IsSortedFunc(n.Absences, topology.Absence.Compare) {
		t.Error("absences are not in order")
	}
	if n.OfflineCPUs.Overlaps(n.OnlineCPUs) {
		t.Errorf("online %s and offline %s overlap", n.OnlineCPUs, n.OfflineCPUs)
	}
	if !slices.IsSortedFunc(n.Packages, func(a, b topology.Package) int { return cmp.Compare(a.ID, b.ID) }) {
		t.Error("packages are not in order")
	}
	if !slices.IsSortedFunc(n.NUMANodes, func(a, b topology.NUMANode) int { return cmp.Compare(a.ID, b.ID) }) {
		t.Error("NUMA nodes are not in order")
	}
}
