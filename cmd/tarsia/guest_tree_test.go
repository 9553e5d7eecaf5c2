// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/discover"
	"tarsia.dev/tarsia/guest"
	"tarsia.dev/tarsia/topology"
)

// checkTree holds the model of a live guest to what QEMU was told to build.
func checkTree(t *testing.T, arch string) {
	t.Helper()
	m, err := openRoot("/")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	n, err := discover.Node("", m)
	if err != nil {
		t.Fatal(err)
	}
	if n.Architecture != arch || n.Summary.Threads != 4 || n.Summary.NUMANodes != 2 {
		t.Errorf("%s with %d threads on %d NUMA nodes, want %s with 4 on 2", n.Architecture, n.Summary.Threads, n.Summary.NUMANodes, arch)
	}
	for _, numa := range n.NUMANodes {
		if d := numa.Distances[1-numa.ID]; d != 21 {
			t.Errorf("NUMA node %d is %d from the other, want 21", numa.ID, d)
		}
	}
	if d := cmp.Diff(map[string]int{"unknown": 3}, n.Summary.Accelerators); d != "" {
		t.Errorf("accelerators (-want +got):\n%s", d)
	}
	if kind := n.EmulationKind(); kind != "tcg" {
		t.Errorf("emulation %q, want tcg; absences: %v", kind, n.Absences)
	}
	checkLocality(t, arch, n)
	checkVFs(t, n)
	checkGroups(t, n)
}

// checkLocality wants the stand-ins for GPUs on NUMA node 1 where the machine
// can say so, and nowhere where it cannot: QEMU's riscv64 board does not tell.
func checkLocality(t *testing.T, arch string, n *topology.Node) {
	t.Helper()
	for _, a := range n.Accelerators {
		switch {
		case arch == "riscv64" && a.NUMANode != nil:
			t.Errorf("%s is on NUMA node %d, want it unknown", a.ID, *a.NUMANode)
		case arch == "riscv64":
			if _, ok := n.AbsenceOf(a.ID, "numaNode"); !ok {
				t.Errorf("%s: nothing says why its NUMA node is not known", a.ID)
			}
		case a.NUMANode == nil || *a.NUMANode != 1:
			t.Errorf("%s: NUMA node %v, want 1", a.ID, a.NUMANode)
		}
	}
	// Two of them share a switch, so they are nearer to each other than to the
	// third.
	paths := n.Paths()
	var codes []string
	for i, a := range n.Accelerators {
		for _, b := range n.Accelerators[i+1:] {
			codes = append(codes, paths.Between(a.ID, b.ID).Code)
		}
	}
	slices.Sort(codes)
	if codes[0] == codes[2] || codes[1] != codes[2] && codes[0] != codes[1] {
		t.Errorf("paths between the accelerators are %v, want one pair nearer than the two others", codes)
	}
}

func checkVFs(t *testing.T, n *topology.Node) {
	t.Helper()
	var physical *topology.PCIFunction
	var virtual []string
	for i, f := range n.PCI {
		if f.SRIOV != nil && f.Driver == "igb" {
			physical = &n.PCI[i]
		}
		if f.PhysFn != nil {
			virtual = append(virtual, f.Address.String())
		}
	}
	if physical == nil {
		t.Fatal("no igb card with SR-IOV in the model")
	}
	var listed []string
	for _, vf := range physical.SRIOV.VFs {
		listed = append(listed, vf.String())
	}
	if physical.SRIOV.NumVFs != 2 || len(listed) != 2 || cmp.Diff(listed, virtual) != "" {
		t.Errorf("%s has %d virtual functions %v, and %v say that they are virtual; want 2 in both", physical.Address, physical.SRIOV.NumVFs, listed, virtual)
	}
}

// checkGroups compares the IOMMU groups with the kernel's own list, and ACS with
// what the groups imply: a function below a port without ACS shares the port's
// group.
func checkGroups(t *testing.T, n *topology.Node) {
	t.Helper()
	want := map[string]string{}
	links, err := filepath.Glob("/sys/kernel/iommu_groups/*/devices/*")
	if err != nil || len(links) == 0 {
		t.Fatalf("the kernel lists no IOMMU groups: %v", err)
	}
	for _, l := range links {
		want["pci/"+filepath.Base(l)] = filepath.Base(filepath.Dir(filepath.Dir(l)))
	}
	got := map[string]string{}
	for _, f := range n.PCI {
		if f.IOMMUGroup != nil {
			got["pci/"+f.Address.String()] = strconv.Itoa(*f.IOMMUGroup)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("IOMMU groups (-kernel +model):\n%s", d)
	}
	ports, apart, together := 0, 0, 0
	for _, f := range n.PCI {
		if f.Port != topology.RootPort && f.Port != topology.DownstreamPort {
			continue
		}
		ports++
		if f.ACS == nil {
			t.Errorf("%s: ACS is not known, though the test reads config space as root", f.Address)
			continue
		}
		for _, below := range n.PCI {
			if below.Parent == nil || *below.Parent != f.Address || below.IOMMUGroup == nil || f.IOMMUGroup == nil {
				continue
			}
			switch shared, isolated := *below.IOMMUGroup == *f.IOMMUGroup, f.ACS.Isolates(); {
			case shared && !isolated:
				together++
			case !shared && isolated:
				apart++
			case shared:
				t.Errorf("%s shares group %d with the port %s, whose ACS isolates (%v)", below.Address, *f.IOMMUGroup, f.Address, f.ACS.Enabled)
			}
		}
	}
	if ports < 7 || apart == 0 || together == 0 {
		t.Errorf("found %d downstream-facing ports, %d functions apart from a port that isolates and %d together with one that does not; want at least 7, 1 and 1", ports, apart, together)
	}
}

// keepFixture keeps the recording of a guest as one of the repository's own;
// testdata/guests/README.md says what they are.
func keepFixture(t *testing.T, arch string, result guest.Result) {
	t.Helper()
	name := filepath.Join("testdata", "guests", arch+".snapshot")
	if err := os.WriteFile(name, result.Exports["guest.snapshot"], 0o644); err != nil {
		t.Fatal(err)
	}
	t.Logf("kept %s: QEMU %s board, %s", name, arch, strings.TrimSpace(result.Kernel))
}
