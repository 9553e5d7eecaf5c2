// SPDX-License-Identifier: Apache-2.0

package placement_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/placement"
)

// build makes the engine's own view of a world.
func build(t testing.TB, w world) *placement.Usage {
	t.Helper()
	f, err := placement.NewFleet(w.nodes, w.levels)
	if err != nil {
		t.Fatalf("%v\n%s", err, describe(w))
	}
	u := placement.NewUsage(f)
	for _, p := range w.running {
		if err := u.Add(p); err != nil {
			t.Fatalf("%v\n%s", err, describe(w))
		}
	}
	return u
}

func place(t testing.TB, u *placement.Usage, g placement.Gang) placement.Decision {
	t.Helper()
	d, err := placement.Place(context.Background(), u, g)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// verify checks a decision against plain arithmetic: the gang is whole, no node,
// zone or device holds more than it has, rules are kept.
func verify(t testing.TB, w world, d placement.Decision) {
	t.Helper()
	now := newTruth(w)
	var used []*placement.Node
	for _, set := range w.gang.PodSets {
		pods := slices.DeleteFunc(slices.Clone(d.Assignments), func(a placement.Assignment) bool { return a.PodSet != set.Name })
		if len(pods) != set.Count {
			t.Fatalf("set %s has %d of %d pods\n%s", set.Name, len(pods), set.Count, describe(w))
		}
		for i, a := range pods {
			n := now.node(a.Node)
			used = append(used, n)
			p := placement.Running{Name: placement.PodName("gang", set.Name, i), Node: a.Node, Requests: set.Shape.Requests, Devices: slices.Clip(append([]string(nil), a.Devices...)), Zone: a.Zone}
			ok := slices.ContainsFunc(now.options(n, set.Shape), func(o option) bool { return cmp.Equal(o.running(n, set.Shape, p.Name), p) })
			if !ok || a.Pod != i {
				t.Fatalf("pod %d of %s cannot lie as %+v\n%s", i, set.Name, a, describe(w))
			}
			now = now.with(p)
		}
	}
	for _, r := range w.gang.Rules {
		if r.Mode == placement.Required && shared(used, r.Level) == "" {
			t.Fatalf("the gang spans two domains of %s\n%s", r.Level, describe(w))
		}
	}
}

func values(d placement.Decision) []int64 {
	var v []int64
	for _, s := range d.Objective {
		v = append(v, s.Value)
	}
	return v
}

// TestOptimum compares with brute force: homogeneous gangs are placed exactly
// when they fit, with the least objective; what is refused carries a proof.
func TestOptimum(t *testing.T) {
	cases := 10000
	if testing.Short() {
		cases = 400
	}
	for seed := range uint64(cases) {
		r := rand.New(rand.NewPCG(seed, 1))
		w := randomWorld(r, 1, seed%8 == 7)
		d := place(t, build(t, w), w.gang)
		want := newTruth(w).optimum(w)
		switch {
		case want == nil && (d.Outcome != placement.Refused || d.Certificate == nil):
			t.Fatalf("seed %d: %s with certificate %v, want refused with one\n%s", seed, d.Outcome, d.Certificate, describe(w))
		case want == nil:
			checkCertificate(t, w, d)
			continue
		case d.Outcome != placement.Placed:
			t.Fatalf("seed %d: %s, want objective %v\n%s%+v", seed, d.Outcome, want, describe(w), d.Refusals)
		}
		verify(t, w, d)
		if d.Optimal {
			if diff := cmp.Diff(want, values(d)); diff != "" {
				t.Fatalf("seed %d: objective differs (-brute force +engine):\n%s\n%v\n%+v\n%s", seed, diff, d.Objective, d.Assignments, describe(w))
			}
			tables, counted, err := placement.Recount(build(t, w), w.gang)
			if diff := cmp.Diff(counted[1:], tables[1:]); diff != "" || err != nil {
				t.Fatalf("seed %d: tables and counting differ: %v\n%s\n%s", seed, err, diff, describe(w))
			}
		} else if slices.Compare(values(d), want) < 0 || values(d)[0] != want[0] || !crosses(newTruth(w), w) {
			t.Fatalf("seed %d: not optimal: %v, brute force found %v\n%s", seed, values(d), want, describe(w))
		}
	}
}

// crosses tells whether a domain of an inner level lies in two of an outer one:
// there the engine does not claim the optimum.
func crosses(tr *truth, w world) bool {
	levels, _, _ := tr.ruleLevels(w)
	for i := range tr.nodes {
		for j := range tr.nodes {
			a, b := &tr.nodes[i], &tr.nodes[j]
			if len(levels) == 2 && soft(a, levels[1]) == soft(b, levels[1]) && soft(a, levels[0]) != soft(b, levels[0]) {
				return true
			}
		}
	}
	return false
}

// TestOrderOfInput: nodes in any order give the same decision.
func TestOrderOfInput(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 2))
		w := randomWorld(r, 1+int(seed%2), false)
		want := place(t, build(t, w), w.gang)
		r.Shuffle(len(w.nodes), func(i, j int) { w.nodes[i], w.nodes[j] = w.nodes[j], w.nodes[i] })
		r.Shuffle(len(w.running), func(i, j int) { w.running[i], w.running[j] = w.running[j], w.running[i] })
		if diff := cmp.Diff(want, place(t, build(t, w), w.gang)); diff != "" {
			t.Fatalf("seed %d: the order of the input changed the decision:\n%s\n%s", seed, diff, describe(w))
		}
	}
}

// TestSeveralSets: gangs of two and three sets are placed exactly when some
// placement exists, however their sets crowd each other.
func TestSeveralSets(t *testing.T) {
	cases := 3000
	if testing.Short() {
		cases = 300
	}
	outcomes := map[placement.Outcome]int{}
	searched := 0 // refused by search, not by counting
	for seed := range uint64(cases) {
		r := rand.New(rand.NewPCG(seed, 3))
		w := randomWorld(r, 2+int(seed%2), seed%8 == 7)
		d := place(t, build(t, w), w.gang)
		outcomes[d.Outcome]++
		switch possible := newTruth(w).possible(w); {
		case possible != (d.Outcome == placement.Placed):
			t.Fatalf("seed %d: %s, brute force says possible %t\n%s%+v", seed, d.Outcome, possible, describe(w), d)
		case possible:
			verify(t, w, d)
			strict := w
			strict.gang.Rules = slices.Clone(w.gang.Rules)
			for i := range strict.gang.Rules {
				strict.gang.Rules[i].Mode = placement.Required
			}
			if kept := newTruth(w).possible(strict); kept != (d.Objective[0].Value == 0) {
				t.Fatalf("seed %d: %d levels given up, brute force says none needed: %t\n%s", seed, d.Objective[0].Value, kept, describe(w))
			}
		case d.Certificate != nil:
			checkCertificate(t, w, d)
		default:
			searched++
		}
	}
	t.Logf("%v, %d refused by search", outcomes, searched)
	if !testing.Short() && (outcomes[placement.Placed] < cases/10 || outcomes[placement.Refused] < cases/10 || searched == 0) {
		t.Errorf("the cases are one-sided: %v, %d refused by search", outcomes, searched)
	}
}

// TestSearch: the exhaustive search agrees with brute force where nothing was
// tried before it, and leaves nothing booked.
func TestSearch(t *testing.T) {
	for seed := range uint64(1000) {
		r := rand.New(rand.NewPCG(seed, 6))
		w := randomWorld(r, 2+int(seed%2), false)
		w.gang.Rules = nil
		u := build(t, w)
		found, stopped, err := placement.Search(u, w.gang)
		if err != nil || stopped {
			t.Fatal(stopped, err)
		}
		if possible := newTruth(w).possible(w); possible != found {
			t.Fatalf("seed %d: found %t, brute force says possible %t\n%s", seed, found, possible, describe(w))
		}
		if diff := cmp.Diff(place(t, build(t, w), w.gang), place(t, u, w.gang)); diff != "" {
			t.Fatalf("seed %d: the search left something behind:\n%s", seed, diff)
		}
	}
}

// TestIncremental: after any history of pods that come and go, a usage answers
// as one that was built from what runs now.
func TestIncremental(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 4))
		w := randomWorld(r, 1, false)
		for i := range 12 {
			n := randomNode(r, 4+i, false, 1)
			w.nodes = append(w.nodes, n)
		}
		u := build(t, w)
		for step := range 40 {
			if r.IntN(2) == 0 && len(w.running) > 0 {
				i := r.IntN(len(w.running))
				if err := u.Remove(w.running[i].Name); err != nil {
					t.Fatal(err)
				}
				w.running = slices.Delete(w.running, i, i+1)
			} else if p, ok := randomRunning(r, w, 100+step); ok {
				if err := u.Add(p); err != nil {
					t.Fatal(err)
				}
				w.running = append(w.running, p)
			}
			if diff := cmp.Diff(place(t, build(t, w), w.gang), place(t, u, w.gang)); diff != "" {
				t.Fatalf("seed %d step %d: (-from scratch +incremental):\n%s\n%s", seed, step, diff, describe(w))
			}
		}
	}
}

// TestCommit: a placed gang is booked whole; where a pod no longer fits, nothing
// is.
func TestCommit(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 5))
		w := randomWorld(r, 1+int(seed%2), false)
		u := build(t, w)
		before := u.Clone()
		d := place(t, u, w.gang)
		if d.Outcome != placement.Placed {
			if u.Commit(w.gang, d) == nil {
				t.Fatalf("seed %d: a gang that was %s could be committed", seed, d.Outcome)
			}
			continue
		}
		if err := u.Commit(w.gang, d); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, describe(w))
		}
		again := d
		again.Assignments = slices.Concat(d.Assignments[1:], d.Assignments[:1])
		again.Assignments[len(again.Assignments)-1].Node = "elsewhere"
		stale := before.Clone()
		if err := stale.Commit(w.gang, again); err == nil {
			t.Fatalf("seed %d: a pod on an unknown node was committed", seed)
		}
		for _, set := range w.gang.PodSets {
			for i := range set.Count {
				if err := u.Remove(placement.PodName("gang", set.Name, i)); err != nil {
					t.Fatal(err)
				}
			}
		}
		for name, now := range map[string]*placement.Usage{"committed and removed": u, "refused commit": stale} {
			if diff := cmp.Diff(place(t, before, w.gang), place(t, now, w.gang)); diff != "" {
				t.Fatalf("seed %d: %s: the usage is not what it was:\n%s", seed, name, diff)
			}
		}
	}
}
