// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Book chooses and books what Place and Commit do, with prices and without.
func TestBookIsPlaceAndCommit(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 2))
	f := rackFleet(t, 4, 4, Resources{CPU: 32000, "nvidia.com/gpu": 4})
	plain, fast := NewUsage(f), NewUsage(f)
	gangs := make([]Gang, 6)
	prepared := make([]*Prepared, len(gangs))
	for i := range gangs {
		gangs[i] = Gang{PodSets: []PodSet{{Name: "w", Count: 1 + i, Shape: Shape{Requests: Resources{CPU: 2000 * int64(1+i%3), "nvidia.com/gpu": int64(i % 3)}}}}}
		if i%2 == 1 {
			gangs[i].Rules = []LevelRule{{"rack", Preferred}}
		}
		if i == 4 {
			gangs[i].PodSets[0].Min = 2 // elastic: not the short way
		}
		var err error
		if prepared[i], err = fast.Prepare(gangs[i]); err != nil {
			t.Fatal(err)
		}
	}
	var running []string
	for id := range 400 {
		if id == 200 {
			mix := []Demand{{Shape: gangs[5].PodSets[0].Shape, Weight: 2, Pods: 4, Level: "rack"}, {Shape: gangs[1].PodSets[0].Shape, Weight: 5}}
			setMix(t, plain, mix...)
			setMix(t, fast, mix...)
		}
		i := r.IntN(len(gangs))
		g := gangs[i]
		g.Name = fmt.Sprint("g", id)
		d, err := Place(t.Context(), plain, g)
		if err != nil {
			t.Fatal(err)
		}
		var want []Assignment
		if d.Outcome == Placed {
			want = d.Assignments
			if err := plain.Commit(g, d); err != nil {
				t.Fatal(err)
			}
			for _, a := range want {
				running = append(running, PodName(g.Name, a.PodSet, a.Pod))
			}
		}
		got, err := prepared[i].Book(t.Context(), g.Name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("gang %d of kind %d: %s", id, i, diff)
		}
		for len(running) > 40 {
			at := r.IntN(len(running))
			if err := plain.Remove(running[at]); err != nil {
				t.Fatal(err)
			}
			if err := fast.Remove(running[at]); err != nil {
				t.Fatal(err)
			}
			running = append(running[:at], running[at+1:]...)
		}
	}
}
