// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/finding"
	"tarsia.dev/tarsia/placement"
	"tarsia.dev/tarsia/render"
)

// planted is what the checks must find in the demo fleet, and nothing else: for
// each fault its check and the object that it is about.
var planted = []string{
	"TAR-GPU-001 node/hgx-02/pci/0000:3c:00.0",
	"TAR-LINK-001 node/mi300x-02/pci/0000:a3:00.0",
	"TAR-LINK-002 node/gb200-r1-06/pci/0009:01:00.0",
	"TAR-TOPO-001 node/hgx-03/pci/0000:1b:00.0",
	"TAR-FW-001 node/gb200-r1-07/pci/0008:01:00.0",
	"TAR-IMG-001 image/registry.example/infer:1.4",
}

// bad lists what is not PASS, as check and first subject.
func bad(r finding.Report) []string {
	var list []string
	for _, f := range r.Findings {
		if f.State != finding.Pass {
			list = append(list, f.ID+" "+f.Subjects[0])
		}
	}
	return list
}

func demoFleet(t *testing.T) *render.Fleet {
	t.Helper()
	fleet, err := render.Demo()
	if err != nil {
		t.Fatal(err)
	}
	return fleet
}

func show(t *testing.T, fleet *render.Fleet) *demo {
	t.Helper()
	d, err := showFleet(t.Context(), fleet, render.DemoJobs())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDemoFindsWhatIsPlanted(t *testing.T) {
	d := show(t, demoFleet(t))
	want, got := slices.Sorted(slices.Values(planted)), slices.Sorted(slices.Values(bad(d.Report)))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings of the demo (-planted +found):\n%s", diff)
	}
	if code := codeOf(d.Report, false); code != exitFailed {
		t.Errorf("exit code %d, want %d", code, exitFailed)
	}
	if n := len(d.fleet.Nodes); n < 38 || n > 42 {
		t.Errorf("%d machines, want about forty", n)
	}
}

// TestRemovingAFault takes each fault out of its file in turn: exactly its
// finding goes.
func TestRemovingAFault(t *testing.T) {
	all := bad(show(t, demoFleet(t)).Report)
	without := func(name, id string, edit func(f *render.Fleet)) {
		t.Run(name, func(t *testing.T) {
			fleet := demoFleet(t)
			edit(fleet)
			want := slices.DeleteFunc(slices.Clone(all), func(s string) bool { return strings.HasPrefix(s, id+" ") })
			if len(want) != len(all)-1 {
				t.Fatalf("%d findings of %s, want 1", len(all)-len(want), id)
			}
			if diff := cmp.Diff(want, bad(show(t, fleet).Report)); diff != "" {
				t.Errorf("without the fault (-want +got):\n%s", diff)
			}
		})
	}
	ids := map[string]string{
		render.GPULost: "TAR-GPU-001", render.LinkWidth: "TAR-LINK-001", render.NVLinkDown: "TAR-LINK-002",
		render.VBIOS: "TAR-FW-001", render.NUMAUnknown: "TAR-TOPO-001",
	}
	for kind, id := range ids {
		without(kind, id, func(f *render.Fleet) {
			f.Faults = slices.DeleteFunc(f.Faults, func(fault render.Fault) bool { return fault.Kind == kind })
		})
	}
	without("image", "TAR-IMG-001", func(f *render.Fleet) {
		for i := range f.Images {
			f.Images[i].Platforms = []string{"linux/amd64", "linux/arm64", "linux/riscv64"}
		}
	})
}

func TestDemoWithoutFaultsPasses(t *testing.T) {
	fleet := demoFleet(t)
	fleet.Faults = nil
	for i := range fleet.Images {
		fleet.Images[i].Platforms = []string{"linux/amd64", "linux/arm64", "linux/riscv64"}
	}
	d := show(t, fleet)
	if got := bad(d.Report); len(got) > 0 {
		t.Errorf("a healthy fleet has findings: %v", got)
	}
	if code := codeOf(d.Report, true); code != exitGood {
		t.Errorf("exit code %d, want 0", code)
	}
}

// TestDemoJobs holds the placements to what the jobs ask for.
func TestDemoJobs(t *testing.T) {
	d := show(t, demoFleet(t))
	got := map[string]placement.Decision{}
	for _, decision := range d.Decisions {
		got[decision.Gang] = decision
	}
	nvl := got["podgroup/train-nvl"]
	if nvl.Outcome != placement.Placed || len(nvl.Assignments) != 4 {
		t.Fatalf("the NVLink gang: %s, %d pods", nvl.Outcome, len(nvl.Assignments))
	}
	domains := map[string]bool{}
	for _, a := range nvl.Assignments {
		if len(a.Devices) != 4 {
			t.Errorf("pod %d has %d GPUs, want 4", a.Pod, len(a.Devices))
		}
		for _, tree := range d.fleet.Trees {
			for _, domain := range tree.Domains {
				if tree.Name == "nvlink" && slices.Contains(domain.Nodes, a.Node) {
					domains[domain.ID] = true
				}
			}
		}
	}
	if len(domains) != 1 {
		t.Errorf("the gang lies in %d NVLink domains, want 1", len(domains))
	}
	latency := got["pod/infer-latency"]
	if latency.Outcome != placement.Placed || latency.Assignments[0].Zone == nil {
		t.Errorf("the latency-sensitive pod: %s, %+v; want one NUMA zone", latency.Outcome, latency.Assignments)
	}
	for _, a := range got["job/compile-riscv64"].Assignments {
		n, err := findNode(d.fleet, a.Node)
		if err != nil || n.Architecture != "riscv64" {
			t.Errorf("the riscv64 job runs on %s: %v", a.Node, err)
		}
	}
	big := got["jobset/train-too-big"]
	if big.Outcome != placement.Refused || big.Certificate == nil {
		t.Errorf("the job that cannot fit: %s, certificate %v", big.Outcome, big.Certificate)
	}
	for _, bound := range big.Certificate.Domains {
		if bound.AtMost >= bound.Wanted {
			t.Errorf("domain %s could hold %d of %d: that proves nothing", bound.Domain, bound.AtMost, bound.Wanted)
		}
	}
	if diff := cmp.Diff(d.Decisions, show(t, demoFleet(t)).Decisions); diff != "" {
		t.Errorf("two runs decide differently:\n%s", diff)
	}
}
