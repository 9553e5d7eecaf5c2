// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"fmt"
	"testing"

	"tarsia.dev/tarsia/placement"
)

// wholeTrace is 1,213 nodes of a few kinds and jobs of whole GPUs.
func wholeTrace() *Trace {
	t := &Trace{}
	for i := range 1213 {
		n := Node{Name: fmt.Sprint("n", i), CPUMilli: 96000, MemoryBytes: 384 << 30, GPUs: 8, Model: "G2"}
		if i%3 == 1 {
			n.CPUMilli, n.GPUs, n.Model = 104000, 2, "T4"
		}
		t.Nodes = append(t.Nodes, n)
	}
	for i := range 2400 {
		gpus := []int{1, 1, 1, 2, 4, 8}[i%6]
		t.Jobs = append(t.Jobs, Job{Name: fmt.Sprint("j", i), Pods: 1, CPUMilli: int64(gpus) * 10000, MemoryBytes: int64(gpus) * 40 << 30, GPUs: gpus, GPUMilli: wholeGPU})
	}
	return t
}

// BenchmarkDecisions places and books jobs of whole GPUs until the fleet is full,
// then begins anew: one decision an iteration.
func BenchmarkDecisions(b *testing.B) {
	trace := wholeTrace()
	for _, p := range Policies() {
		b.Run(p, func(b *testing.B) {
			b.ReportAllocs()
			var run runner
			id := 0
			for b.Loop() {
				if id%len(trace.Jobs) == 0 {
					b.StopTimer()
					var err error
					if run, err = newRunner(trace, p, mixOf(trace.Jobs), trace.Jobs, 1); err != nil {
						b.Fatal(err)
					}
					b.StartTimer()
				}
				if _, _, err := run.place(b.Context(), id, &trace.Jobs[id%len(trace.Jobs)]); err != nil {
					b.Fatal(err)
				}
				id++
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "decisions/s")
		})
	}
}

// BenchmarkPrices computes the prices of a mix for a half-full fleet.
func BenchmarkPrices(b *testing.B) {
	trace := wholeTrace()
	run, err := newEngine(trace, true, mixOf(trace.Jobs), trace.Jobs, 1)
	if err != nil {
		b.Fatal(err)
	}
	for id := range 1500 {
		if _, _, err := run.place(b.Context(), id, &trace.Jobs[id]); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := placement.NewPrices(run.usage, run.mix, 1); err != nil {
			b.Fatal(err)
		}
	}
}
