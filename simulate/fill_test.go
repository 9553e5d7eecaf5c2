// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/placement"
)

// smallTrace is a fleet of a few kinds of nodes, and jobs of which some ask for
// much CPU beside little GPU, some for shares, some for whole nodes.
func smallTrace() *Trace {
	t := &Trace{}
	for i := range 24 {
		n := Node{Name: fmt.Sprint("big-", i), CPUMilli: 96000, MemoryBytes: 384 << 30, GPUs: 8, Model: "G2"}
		if i%3 == 1 {
			n = Node{Name: fmt.Sprint("wide-", i), CPUMilli: 104000, MemoryBytes: 512 << 30, GPUs: 2, Model: "T4"}
		}
		if i%3 == 2 {
			n = Node{Name: fmt.Sprint("thin-", i), CPUMilli: 16000, MemoryBytes: 120 << 30, GPUs: 2, Model: "P100"}
		}
		t.Nodes = append(t.Nodes, n)
	}
	for i := range 120 {
		j := Job{Name: fmt.Sprint("job-", i), Arrival: int64(10 * i), Duration: new(int64(600)), Pods: 1, CPUMilli: 8000, MemoryBytes: 30 << 30, GPUs: 1, GPUMilli: 1000}
		switch i % 8 {
		case 1, 2:
			j.GPUMilli, j.CPUMilli = 460, 6000
		case 3:
			j.GPUs, j.CPUMilli, j.GPUMilli = 0, 24000, 0
		case 4:
			j.GPUMilli, j.CPUMilli = 810, 12000
		case 5:
			j.GPUMilli, j.CPUMilli, j.Models = 160, 4000, []string{"T4", "G2"}
		case 6:
			if i%16 == 6 {
				j.GPUs, j.CPUMilli = 8, 64000
			}
		}
		t.Jobs = append(t.Jobs, j)
	}
	return t
}

func TestFillIsDeterministicAndWithinBounds(t *testing.T) {
	trace := smallTrace()
	for _, p := range Policies() {
		t.Run(p, func(t *testing.T) {
			o := FillOptions{Policy: p, Seed: 3, Percent: 130, At: []int{50, 100, 130}}
			got, err := Fill(t.Context(), trace, o)
			if err != nil {
				t.Fatal(err)
			}
			again, err := Fill(t.Context(), trace, o)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(got, again); d != "" {
				t.Errorf("the same seed, another result:\n%s", d)
			}
			if len(got.Points) != 3 {
				t.Fatalf("%d points, want 3", len(got.Points))
			}
			for i, pt := range got.Points {
				if pt.Allocated > pt.Bound || pt.Bound > got.Capacity || pt.Allocated+pt.Fragmented > got.Capacity || i > 0 && pt.Allocated < got.Points[i-1].Allocated {
					t.Errorf("at %d %%: %+v of %d", pt.Percent, pt, got.Capacity)
				}
			}
		})
	}
}

// The bookkeeping of a policy must agree with what it says it placed.
func TestRunnersNeverExceedNodes(t *testing.T) {
	trace := smallTrace()
	for _, p := range Policies() {
		run, err := newRunner(trace, p, mixOf(trace.Jobs), trace.Jobs, 1)
		if err != nil {
			t.Fatal(err)
		}
		want := newCluster(trace.Nodes)
		for id := range trace.Jobs {
			if _, _, err := run.place(t.Context(), id, &trace.Jobs[id]); err != nil {
				t.Fatal(err)
			}
			for i, m := range run.state().machines {
				for _, g := range m.gpus {
					if m.cpu < 0 || m.memory < 0 || g < 0 {
						t.Fatalf("%s: node %d is over: %+v", p, i, m)
					}
				}
			}
		}
		for id := range trace.Jobs {
			_ = run.end(id) // what was dropped does not run
		}
		for i := range want.machines {
			if d := cmp.Diff(want.machines[i].gpus, run.state().machines[i].gpus); d != "" || want.machines[i].cpu != run.state().machines[i].cpu {
				t.Errorf("%s: node %d is not empty again: %s", p, i, d)
			}
		}
	}
}

// The tarsia policies are the engine: with the same jobs, Place itself chooses
// the same nodes, and their source has no choice of its own.
func TestTarsiaIsPlace(t *testing.T) {
	trace := smallTrace()
	run, err := newEngine(trace, true, mixOf(trace.Jobs), trace.Jobs, 1)
	if err != nil {
		t.Fatal(err)
	}
	for id := range trace.Jobs {
		var want []string
		before := run.usage.Clone()
		d, err := placement.Place(t.Context(), before, gangOf(id, &trace.Jobs[id]))
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range d.Assignments {
			want = append(want, a.Node)
		}
		stale := run.stale*repriceAfter > len(trace.Nodes)
		nodes, _, err := run.place(context.Background(), id, &trace.Jobs[id])
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, n := range nodes {
			got = append(got, trace.Nodes[n].Name)
		}
		if d := cmp.Diff(want, got); d != "" && !stale {
			t.Fatalf("job %d: %s", id, d)
		}
	}
	source, err := os.ReadFile("engine.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{".choose(", ".holds(", ".tightest(", "sort"} {
		if strings.Contains(string(source), word) {
			t.Errorf("engine.go says %q: it must choose nothing by itself", word)
		}
	}
}

// openb reads one list of the Alibaba trace of 2023.
func openb(t testing.TB, list string) *Trace {
	t.Helper()
	shared := os.Getenv("TARSIA_SHARED")
	if shared == "" {
		t.Skip("TARSIA_SHARED is not set: the recorded traces are third-party data and not in this repository")
	}
	dir := filepath.Join(shared, "traces", "openb")
	nodes, err := os.Open(filepath.Join(dir, "openb_node_list_gpu_node.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer nodes.Close()
	jobs, err := os.Open(filepath.Join(dir, "openb_pod_list_"+list+".csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer jobs.Close()
	trace := &Trace{}
	if trace.Nodes, err = ReadOpenBNodes(nodes, nodes.Name()); err != nil {
		t.Fatal(err)
	}
	if trace.Jobs, err = ReadOpenBJobs(jobs, jobs.Name()); err != nil {
		t.Fatal(err)
	}
	return trace
}

// part keeps every nth node of a trace; the mix stays the same.
func part(t *Trace, n int) *Trace {
	out := &Trace{Jobs: t.Jobs}
	for i := 0; i < len(t.Nodes); i += n {
		out.Nodes = append(out.Nodes, t.Nodes[i])
	}
	return out
}

// With a mix, more GPU is allocated than by fragmentation gradient descent.
func TestPricesBeatFGD(t *testing.T) {
	trace := part(openb(t, "gpuspec33"), 12)
	for seed := range uint64(2) {
		allocated := map[string]int64{}
		for _, p := range []string{TarsiaPriced, FGD, FGDGradient} {
			res, err := Fill(t.Context(), trace, FillOptions{Policy: p, Seed: seed, Percent: 130, At: []int{130}})
			if err != nil {
				t.Fatal(err)
			}
			allocated[p] = res.Points[0].Allocated
		}
		if got := allocated[TarsiaPriced]; got <= max(allocated[FGD], allocated[FGDGradient]) {
			t.Errorf("seed %d: %v", seed, allocated)
		}
	}
}
