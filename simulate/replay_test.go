// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/placement"
)

// One node with one GPU, and three jobs that must follow each other: the one of
// higher priority passes the one that came first.
func TestReplayQueue(t *testing.T) {
	trace := &Trace{
		Nodes: []Node{{Name: "n", CPUMilli: 4000, GPUs: 1}},
		Jobs: []Job{
			{Name: "a", Arrival: 0, Duration: new(int64(100)), Pods: 1, CPUMilli: 1000, GPUs: 1, GPUMilli: 1000},
			{Name: "b", Arrival: 10, Duration: new(int64(50)), Pods: 1, CPUMilli: 1000, GPUs: 1, GPUMilli: 1000},
			{Name: "c", Arrival: 20, Duration: new(int64(50)), Pods: 1, CPUMilli: 1000, GPUs: 1, GPUMilli: 1000, Priority: 1},
			{Name: "d", Arrival: 200, Pods: 1, CPUMilli: 1000},
			{Name: "e", Arrival: 200, Pods: 2, CPUMilli: 4000},
		},
	}
	for _, p := range Policies() {
		res, err := Replay(t.Context(), trace, ReplayOptions{Policy: p, Samples: 5})
		if err != nil {
			t.Fatal(err)
		}
		// a 0-100, c 100-150, b 150-200; d never ends, e never fits.
		want := Waits{Jobs: 4, Mean: (0 + 140 + 80 + 0) / 4, Median: 0, P90: 140, P99: 140, Most: 140}
		if d := cmp.Diff(want, res.Waits); d != "" {
			t.Errorf("%s: %s", p, d)
		}
		if res.Done != 3 || res.Running != 1 || res.Never != 1 || res.Utilisation != 100000 || res.Cost != nil {
			t.Errorf("%s: %+v", p, res)
		}
		if len(res.Samples) != 5 || res.Samples[1].Allocated != 1000 || res.Samples[1].Waiting != 2 {
			t.Errorf("%s: samples %+v", p, res.Samples)
		}
	}
}

func TestReplayFailuresAndLocality(t *testing.T) {
	trace := &Trace{Levels: []string{"rack"}}
	for i := range 8 {
		rack := "r1"
		if i >= 4 {
			rack = "r2"
		}
		trace.Nodes = append(trace.Nodes, Node{Name: string(rune('a' + i)), CPUMilli: 8000, GPUs: 4, Domains: []placement.Domain{{Level: "rack", ID: rack}}, PerHour: new(int64(3600))})
	}
	for i := range 40 {
		trace.Jobs = append(trace.Jobs, Job{Name: string(rune('A' + i)), Arrival: int64(i * 100), Duration: new(int64(300)), Pods: 2, CPUMilli: 1000, GPUs: 2, GPUMilli: 1000, Level: "rack", Required: true})
	}
	o := ReplayOptions{Policy: Tarsia, Seed: 5, MeanBetweenFailures: 3000, Repair: 500}
	res, err := Replay(t.Context(), trace, o)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Replay(t.Context(), trace, o)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(res, again); d != "" {
		t.Errorf("the same seed, another result: %s", d)
	}
	if res.Killed == 0 || res.Done != 40 {
		t.Errorf("%d killed, %d of 40 done", res.Killed, res.Done)
	}
	if l := res.Locality[0]; l.Level != "rack" || l.Gangs != 40+res.Killed || l.Within != l.Gangs || l.Domains != l.Gangs {
		t.Errorf("locality %+v: a required rack was not kept", res.Locality)
	}
	if res.Cost == nil || *res.Cost != res.NodeSeconds {
		t.Errorf("cost %v of %d node-seconds at 1 a second", res.Cost, res.NodeSeconds)
	}
}

func TestCheckPolicy(t *testing.T) {
	if err := CheckPolicy("best"); err == nil || err.Error() != `policy "best": did you mean "best-fit"? want one of tarsia, tarsia-priced, fgd, fgd-plain, best-fit, gpu-packing, gpu-clustering, dot-product, random` {
		t.Error(err)
	}
}
