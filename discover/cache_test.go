// SPDX-License-Identifier: Apache-2.0

package discover_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/discover"
	"tarsia.dev/tarsia/topology"
)

// cacheFiles makes one cache of each of n CPUs; sharing is its mask by CPU.
func cacheFiles(index, n int, level, kind, size string, sharing func(cpu int) string) map[string]string {
	out := map[string]string{}
	for cpu := range n {
		dir := fmt.Sprintf("sys/devices/system/cpu/cpu%d/cache/index%d/", cpu, index)
		out[dir+"level"], out[dir+"type"], out[dir+"size"], out[dir+"shared_cpu_map"] = level, kind, size, sharing(cpu)
	}
	return out
}

// TestInstructionCacheOfTwoCores has the caches of an AMD family 15h unit: two
// cores share the instruction cache and are nevertheless of one kind.
func TestInstructionCacheOfTwoCores(t *testing.T) {
	pair := func(cpu int) string { return []string{"3", "c"}[cpu/2] }
	info := "processor : 0\ncpu family : 21\nflags : lm\nmodel name : Unit\n\nprocessor : 1\nmodel name : Unit\n\n" +
		"processor : 2\nmodel name : Unit\n\nprocessor : 3\nmodel name : Unit\n"
	n := node(t, rootOf(t, cpus(4, "core_siblings", always("f")), map[string]string{"proc/cpuinfo": info},
		cacheFiles(0, 4, "1", "Data", "16K", mask), cacheFiles(1, 4, "1", "Instruction", "64K", pair)))
	if len(n.Caches) != 6 || len(n.CPUKinds) != 1 || n.CPUKinds[0].Name != "Unit" {
		t.Errorf("caches %+v, kinds %+v", n.Caches, n.CPUKinds)
	}
}

func TestContradictoryCaches(t *testing.T) {
	n := node(t, rootOf(t, cpus(4, "core_siblings", always("f")), cacheFiles(0, 4, "1", "Data", "32K", mask),
		cacheFiles(3, 4, "3", "Unified", "8M", func(cpu int) string { return []string{"3", "f", "c", "c"}[cpu] })))
	for _, c := range n.Caches {
		if c.Level == 3 && c.CPUs.String() != "2-3" {
			t.Errorf("cache %+v", c)
		}
	}
	a, ok := n.AbsenceOf(topology.NodeRef, "caches")
	if !ok || a.Kind != topology.Unreadable || !strings.Contains(a.Detail, "0-1") || !strings.Contains(a.Source, "L3 Unified") {
		t.Errorf("absence %+v", a)
	}
}

// TestCapturedCaches counts the caches as lstopo and lscpu do.
func TestCapturedCaches(t *testing.T) {
	dir := shared(t)
	for name, want := range map[string]map[string]int{
		"hwloc/64amd64-4s2n4ca2co.tar.bz2":            {"L1 Data": 64, "L1 Instruction": 32, "L2 Unified": 32, "L3 Unified": 8},
		"hwloc/40intel64-4n10c+pci-conflicts.tar.bz2": {"L1 Data": 40, "L1 Instruction": 40, "L2 Unified": 40, "L3 Unified": 3},
		"hwloc/16amd64-8n2c-cpusets.tar.bz2":          {"L1 Data": 15, "L1 Instruction": 15, "L2 Unified": 15},
		"hwloc/nvidia-dgx-gb10.tar.bz2":               {"L1 Data": 20, "L1 Instruction": 20, "L2 Unified": 20, "L3 Unified": 2},
		"lscpu/x86_64-epyc_7451.tar.gz":               {"L1 Data": 48, "L1 Instruction": 48, "L2 Unified": 48, "L3 Unified": 16},
		"riscv/rv64-linux.tar.gz":                     {"L1 Data": 2, "L1 Instruction": 2, "L2 Unified": 1},
	} {
		n, err := discover.Node("", unpack(t, filepath.Join(dir, name)).Machine())
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]int{}
		for _, c := range n.Caches {
			got[fmt.Sprintf("L%d %s", c.Level, c.Type)]++
		}
		if d := gocmp.Diff(want, got); d != "" {
			t.Errorf("%s: -want +got:\n%s", name, d)
		}
	}
}
