// SPDX-License-Identifier: Apache-2.0

package placement_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/placement"
)

// manySets draws a gang of two or three sets, with groups nested up to two deep.
func manySets(r *rand.Rand) world {
	w := ground(r, 4)
	g := placement.Gang{Name: "gang", Objective: objectives[r.IntN(len(objectives))]}
	rules := func(p float64) (out []placement.LevelRule) {
		for _, l := range []string{"hall", "rack", placement.LevelNode} {
			if r.Float64() < p {
				out = append(out, placement.LevelRule{Level: l, Mode: []placement.Mode{placement.Required, placement.Preferred, placement.Counted}[r.IntN(3)]})
			}
		}
		return out
	}
	sets := 2 + r.IntN(2)
	for i := range sets {
		p := placement.PodSet{Name: fmt.Sprint("set", i), Count: 1 + r.IntN(6/sets), Shape: placement.Shape{Requests: placement.Resources{placement.CPU: 1000 * int64(1+r.IntN(2))}}}
		p.Rules = rules(0.15)
		if r.IntN(4) == 0 {
			p.Slices = []placement.Slice{{Level: []string{"hall", "rack", placement.LevelNode}[r.IntN(3)], Size: 1 + r.IntN(2)}}
		}
		if r.IntN(4) == 0 {
			p.Limits = []placement.Limit{{Level: []string{"hall", "rack", placement.LevelNode}[r.IntN(3)], Pods: 1 + r.IntN(2)}}
		}
		if r.IntN(5) == 0 {
			p.Min = 1 + r.IntN(p.Count)
		}
		switch r.IntN(8) {
		case 0:
			randomHeld(r, &w, "gang", &p)
		case 1:
			if p.Spares = 1; len(p.Slices) > 0 {
				p.Spares = 0 // which pods the slices speak of cannot be told from counts
			}
		}
		g.PodSets = append(g.PodSets, p)
	}
	g.Rules = rules(0.15)
	if r.IntN(3) > 0 {
		x := placement.Group{Name: "x", Rules: rules(0.25), PodSets: []string{"set0", "set1"}[:1+r.IntN(2)], Optional: r.IntN(6) == 0}
		if r.IntN(5) == 0 {
			x.MinPods = 1 + r.IntN(2)
		}
		y := placement.Group{Name: "y", Rules: rules(0.2), PodSets: []string{fmt.Sprint("set", sets-1)}}
		switch {
		case slices.Contains(x.PodSets, y.PodSets[0]):
			g.Groups = []placement.Group{x}
		case r.IntN(2) == 0:
			x.Groups = []placement.Group{y}
			x.MinGroups = r.IntN(2)
			g.Groups = []placement.Group{x}
		default:
			g.Groups = []placement.Group{x, y}
			g.MinGroups = r.IntN(3)
		}
	}
	if r.IntN(6) == 0 {
		g.MinPods = 1
	}
	w.gang = g
	return w
}

// enough tells whether a spread has the pods that must run.
func (f *referee) enough(s spread) bool {
	g := f.w.gang
	n := func(i int) int {
		sum := 0
		for _, m := range s[i] {
			sum += m
		}
		if sum > 0 {
			sum -= g.PodSets[i].Spares
			if sum == 0 {
				sum = -1 // spares of nothing
			}
		}
		return sum
	}
	index := func(name string) int {
		return slices.IndexFunc(g.PodSets, func(p placement.PodSet) bool { return p.Name == name })
	}
	summed, grouped := map[int]bool{}, map[int]bool{}
	var mark func(x placement.Group, sum bool)
	mark = func(x placement.Group, sum bool) {
		for _, name := range x.PodSets {
			summed[index(name)], grouped[index(name)] = sum || x.MinPods > 0, true
		}
		for _, k := range x.Groups {
			mark(k, sum || x.MinPods > 0)
		}
	}
	for _, x := range g.Groups {
		mark(x, g.MinPods > 0)
	}
	least := func(i int) int {
		p := g.PodSets[i]
		switch {
		case p.Min > 0:
			return p.Min
		case g.MinPods > 0 || summed[i]:
			return 0
		}
		return p.Count
	}
	var pods func(x placement.Group) int
	pods = func(x placement.Group) int {
		sum := 0
		for _, name := range x.PodSets {
			sum += n(index(name))
		}
		for _, k := range x.Groups {
			sum += pods(k)
		}
		return sum
	}
	var runs func(x placement.Group) bool
	several := func(groups []placement.Group, least int) bool {
		ok := 0
		for _, k := range groups {
			switch {
			case runs(k):
				ok++
			case pods(k) > 0 || least == 0 && !k.Optional:
				return false
			}
		}
		return ok >= least
	}
	runs = func(x placement.Group) bool {
		for _, name := range x.PodSets {
			if n(index(name)) < least(index(name)) {
				return false
			}
		}
		return several(x.Groups, x.MinGroups) && pods(x) >= x.MinPods
	}
	total := 0
	for i := range g.PodSets {
		if m := n(i); m < 0 || m > g.PodSets[i].Count {
			return false
		}
		total += n(i)
		if !grouped[i] && n(i) < least(i) {
			return false
		}
	}
	return total >= max(1, g.MinPods) && several(g.Groups, g.MinGroups)
}

// fitsTogether tells whether all sets fit on the nodes side by side.
func (f *referee) fitsTogether(s spread) bool {
	for node := range f.nodes {
		var want int64
		for i, p := range f.w.gang.PodSets {
			want += int64(max(0, s[i][node]-f.held[i][node])) * p.Shape.Requests[placement.CPU]
		}
		if want > 0 && want > f.truth.free(&f.nodes[node], placement.CPU) {
			return false
		}
	}
	return true
}

// TestManySets compares gangs of several sets with every spread.
func TestManySets(t *testing.T) {
	cases := 6000
	if testing.Short() {
		cases = 700
	}
	outcomes := map[string]int{}
	for seed := range uint64(cases) {
		r := rand.New(rand.NewPCG(seed, 21))
		w := manySets(r)
		f := newReferee(w)
		d := place(t, build(t, w), w.gang)
		all := func(yield func(spread)) {
			s := make(spread, len(w.gang.PodSets))
			var walk func(i int)
			walk = func(i int) {
				if i == len(s) {
					if f.enough(s) && f.fitsTogether(s) {
						yield(s)
					}
					return
				}
				p := w.gang.PodSets[i]
				for _, s[i] = range f.splits(i, 0, p.Count+p.Spares) {
					walk(i + 1)
				}
			}
			walk(0)
		}
		want, possible := f.best(names(d), all)
		outcomes[string(d.Outcome)]++
		if d.Outcome == placement.Undecided {
			continue
		}
		if possible != (d.Outcome == placement.Placed) || !possible && !d.Proved {
			t.Fatalf("seed %d: %s, brute force says possible %t\n%s%+v", seed, d.Outcome, possible, describe(w), d)
		}
		if !possible {
			if d.Certificate != nil {
				outcomes["certificate"]++
				f.checkCertificate(t, d)
			}
			continue
		}
		s := f.spreadOf(d)
		if !f.legal(s) || !f.enough(s) || !f.fitsTogether(s) {
			t.Fatalf("seed %d: %v breaks a rule\n%s", seed, s, describe(w))
		}
		if got := f.vector(names(d), s); !slices.Equal(got, values(d)) {
			t.Fatalf("seed %d: objective %v, counted from the pods it is %v\n%s%v", seed, d.Objective, got, describe(w), s)
		}
		if d.Optimal && !slices.Equal(want, values(d)) || lessVector(values(d), want) {
			t.Fatalf("seed %d: objective %v, brute force found %v\n%s%+v", seed, d.Objective, want, describe(w), s)
		}
		if d.Optimal {
			outcomes["optimal"]++
		}
		checkNumbers(t, w, d)
	}
	t.Log(outcomes)
}

// TestHierarchy: what is placed block by block keeps every rule, is counted
// rightly, and leaves nothing booked; where something fits it is mostly found.
func TestHierarchy(t *testing.T) {
	cases := 3000
	if testing.Short() {
		cases = 500
	}
	found, possible := 0, 0
	for seed := range uint64(cases) {
		r := rand.New(rand.NewPCG(seed, 22))
		w := manySets(r)
		f := newReferee(w)
		u := build(t, w)
		exact := place(t, u, w.gang)
		d, err := placement.Hierarchy(u, w.gang)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if exact.Outcome == placement.Placed {
			possible++
		}
		if diff := cmp.Diff(exact, place(t, u, w.gang)); diff != "" {
			t.Fatalf("seed %d: something stayed booked:\n%s", seed, diff)
		}
		if d.Outcome != placement.Placed {
			continue
		}
		found++
		s := f.spreadOf(d)
		if exact.Outcome != placement.Placed || !f.legal(s) || !f.enough(s) || !f.fitsTogether(s) {
			t.Fatalf("seed %d: %v breaks a rule\n%s", seed, s, describe(w))
		}
		checkNumbers(t, w, d)
	}
	t.Logf("found %d of %d", found, possible)
	if found*10 < possible*8 {
		t.Errorf("found %d of %d, want four of five", found, possible)
	}
}
