// SPDX-License-Identifier: Apache-2.0

package placement_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/placement"
)

// until gives a running pod an end.
func until(p placement.Running, end int64) placement.Running {
	p.End = &end
	return p
}

func TestTimeToFit(t *testing.T) {
	nodes := []placement.Node{box("a", "r1", 8), box("b", "r1", 8), box("c", "r2", 8)}
	for _, c := range []struct {
		name    string
		running []placement.Running
		gang    placement.Gang
		want    *int64
		waits   []string
	}{
		{
			"the earliest node", []placement.Running{until(holder("x", "a", 8, 0, ""), 600), until(holder("y", "b", 8, 0, ""), 300), until(holder("z", "c", 8, 0, ""), 900)},
			gang("g", 1, 8), new(int64(300)), []string{"y"},
		},
		{
			"two nodes of one rack", []placement.Running{until(holder("x", "a", 8, 0, ""), 600), until(holder("y", "b", 8, 0, ""), 700), until(holder("z", "c", 8, 0, ""), 100)},
			gang("g", 2, 8, requiredRack), new(int64(700)), []string{"x", "y"},
		},
		{
			"only the pods that are in the way", []placement.Running{
				until(holder("x", "a", 4, 0, ""), 60), until(holder("y", "a", 1, 0, ""), 50), until(holder("z", "a", 3, 0, ""), 40),
				holder("v", "b", 8, 0, ""), holder("w", "c", 8, 0, ""),
			}, gang("g", 1, 7), new(int64(60)), []string{"z", "x"},
		},
		{
			"an unknown end is none", []placement.Running{holder("x", "a", 8, 0, ""), holder("y", "b", 8, 0, ""), until(holder("z", "c", 1, 0, ""), 5), holder("w", "c", 7, 0, "")},
			gang("g", 1, 8), nil, nil,
		},
		{
			"one that is over counts from now", []placement.Running{until(holder("x", "a", 8, 0, ""), -5), holder("y", "b", 8, 0, ""), holder("z", "c", 8, 0, "")},
			gang("g", 1, 8), new(int64(0)), []string{"x"},
		},
		{"it never fits", []placement.Running{until(holder("x", "a", 8, 0, ""), 5)}, gang("g", 1, 9), nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := place(t, usage(t, nodes, nil, c.running...), c.gang)
			if diff := cmp.Diff(c.want, d.FitsAfter); d.Outcome != placement.Refused || diff != "" || !slices.Equal(d.WaitsFor, c.waits) {
				t.Errorf("%s, waits for %v, want %v; time (-want +got):\n%s", d.Outcome, d.WaitsFor, c.waits, diff)
			}
		})
	}
}

// TestTimeToFitBrute compares with trying every end, and shows that nothing is
// waited for in vain.
func TestTimeToFitBrute(t *testing.T) {
	cases := 2000
	if testing.Short() {
		cases = 200
	}
	waited := 0
	for seed := range uint64(cases) {
		r := rand.New(rand.NewPCG(seed, 9))
		w := randomWorld(r, 1, false)
		crowd(r, &w)
		w.gang.Preempt = false
		for i := range w.running {
			if r.IntN(4) > 0 {
				w.running[i].End = new(int64(r.IntN(5)))
			}
		}
		d := place(t, build(t, w), w.gang)
		if d.Outcome != placement.Refused {
			continue
		}
		left := func(gone func(placement.Running) bool) world {
			after := w
			after.running = slices.DeleteFunc(slices.Clone(w.running), gone)
			return after
		}
		var want *int64
		for at := range int64(5) {
			after := left(func(p placement.Running) bool { return p.End != nil && *p.End <= at })
			if newTruth(after).optimum(after) != nil {
				want = &at
				break
			}
		}
		if diff := cmp.Diff(want, d.FitsAfter); diff != "" {
			t.Fatalf("seed %d: time to fit (-brute force +engine):\n%s\n%s", seed, diff, describe(w))
		}
		if want == nil {
			continue
		}
		waited++
		for i := range append([]string{""}, d.WaitsFor...) {
			after := left(func(p placement.Running) bool { at := slices.Index(d.WaitsFor, p.Name); return at >= 0 && at != i-1 })
			if fits := newTruth(after).optimum(after) != nil; fits != (i == 0) {
				t.Fatalf("seed %d: waits for %v, without number %d it fits: %t\n%s", seed, d.WaitsFor, i, fits, describe(w))
			}
		}
	}
	if waited < cases/20 {
		t.Errorf("only %d of %d cases wait", waited, cases)
	}
}
