// SPDX-License-Identifier: Apache-2.0

package placement_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"tarsia.dev/tarsia/placement"
)

// crowd adds running pods of several priorities and gangs, so that the gang
// seldom fits.
func crowd(r *rand.Rand, w *world) {
	w.running = nil
	for i := range 3 + r.IntN(4) {
		p, ok := randomRunning(r, *w, i)
		if !ok {
			continue
		}
		p.Requests[placement.CPU] += 1000
		p.Priority = int32(r.IntN(4))
		if r.IntN(3) == 0 {
			p.Gang = fmt.Sprint("g", r.IntN(2))
		}
		w.running = append(w.running, p)
	}
	w.gang.Priority, w.gang.Preempt = 3, true
}

// victims is the best set of pods to evict, by trying every set: the least
// highest priority, then gangs, then pods, then the objective. It is nil where
// none makes room.
func (w world) victims() []int64 {
	by := map[string][]placement.Running{}
	var names []string
	for _, p := range w.running {
		key := cmp.Or(p.Gang, p.Name)
		if by[key] == nil {
			names = append(names, key)
		}
		by[key] = append(by[key], p)
	}
	names = slices.DeleteFunc(names, func(n string) bool {
		return slices.ContainsFunc(by[n], func(p placement.Running) bool { return p.Priority >= w.gang.Priority })
	})
	var best []int64
	for mask := 1; mask < 1<<len(names); mask++ {
		after := w
		after.running = slices.Clone(w.running)
		cost := []int64{-1 << 40, 0, 0}
		for i, n := range names {
			if mask>>i&1 == 0 {
				continue
			}
			cost[1]++
			for _, p := range by[n] {
				cost[0] = max(cost[0], int64(p.Priority))
				cost[2]++
				after.running = slices.DeleteFunc(after.running, func(x placement.Running) bool { return x.Name == p.Name })
			}
		}
		if best != nil && slices.Compare(cost, best[:3]) > 0 {
			continue
		}
		if o := newTruth(after).optimum(after); o != nil {
			if cost = append(cost, o...); best == nil || slices.Compare(cost, best) < 0 {
				best = cost
			}
		}
	}
	return best
}

// TestVictims compares with brute force.
func TestVictims(t *testing.T) {
	cases := 1500
	if testing.Short() {
		cases = 150
	}
	evicted := 0
	for seed := range uint64(cases) {
		r := rand.New(rand.NewPCG(seed, 7))
		w := randomWorld(r, 1, false)
		crowd(r, &w)
		if newTruth(w).optimum(w) != nil {
			continue
		}
		d, want := place(t, build(t, w), w.gang), w.victims()
		if (d.Outcome == placement.Placed) != (want != nil) {
			t.Fatalf("seed %d: %s, brute force says %v\n%s", seed, d.Outcome, want, describe(w))
		}
		if want == nil {
			continue
		}
		evicted++
		if got := values(d); d.Optimal && !slices.Equal(got, want) || slices.Compare(got[:3], want[:3]) != 0 {
			t.Fatalf("seed %d: victims %v cost %v, brute force says %v\n%s", seed, d.Victims, got, want, describe(w))
		}
		after := w
		after.running = slices.DeleteFunc(slices.Clone(w.running), func(p placement.Running) bool { return slices.Contains(d.Victims, p.Name) })
		verify(t, after, d)
	}
	if evicted < cases/20 {
		t.Errorf("only %d of %d cases evict anything", evicted, cases)
	}
	t.Logf("%d of %d cases evict", evicted, cases)
}
