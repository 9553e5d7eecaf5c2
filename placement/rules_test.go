// SPDX-License-Identifier: Apache-2.0

package placement_test

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tarsia.dev/tarsia/placement"
)

var objectives = [][]placement.Family{
	nil, nil, nil,
	{placement.FamilyAffinity, placement.FamilyDomains},
	{placement.FamilyAffinity, placement.FamilyFree},
	{placement.FamilyCost, placement.FamilyDomains},
	{placement.FamilyBalance, placement.FamilyDomains},
}

// oneSet draws a gang of one set with rules of every kind.
func oneSet(r *rand.Rand) world {
	w := ground(r, 5)
	p := placement.PodSet{Name: "set0", Count: 1 + r.IntN(6), Shape: placement.Shape{Requests: placement.Resources{placement.CPU: 1000}}}
	randomRules(r, &p)
	if r.IntN(3) == 0 {
		p.Min = 1 + r.IntN(p.Count)
	}
	switch r.IntN(5) {
	case 0:
		p.Balance = []string{"hall", "rack", placement.LevelNode}[r.IntN(3)]
	case 1, 2:
		randomHeld(r, &w, "gang", &p)
	}
	w.gang = placement.Gang{Name: "gang", Objective: objectives[r.IntN(len(objectives))]}
	if r.IntN(4) == 0 {
		w.gang.Rules = append(w.gang.Rules, placement.LevelRule{Level: []string{"hall", "rack"}[r.IntN(2)], Mode: []placement.Mode{placement.Required, placement.Preferred}[r.IntN(2)]})
	}
	if r.IntN(4) == 0 {
		w.gang.Costs = []placement.Cost{{Name: "money", PerPod: map[string]int64{"n8": int64(r.IntN(3)), "n9": int64(r.IntN(3))}, Other: 1}}
	}
	if len(p.Held) == 0 && p.Balance == "" && p.Min == 0 && len(p.Slices) == 0 && r.IntN(3) == 0 {
		p.Spares = 1 + r.IntN(2)
	}
	w.gang.PodSets = []placement.PodSet{p}
	return w
}

// best is the least objective of all legal spreads; nil when there is none.
func (f *referee) best(names []string, spreads func(yield func(spread))) (best []int64, any bool) {
	spreads(func(s spread) {
		if !f.legal(s) {
			return
		}
		any = true
		if v := f.vector(names, s); names != nil && (best == nil || lessVector(v, best)) {
			best = v
		}
	})
	return best, any
}

// spreadOf reads a decision.
func (f *referee) spreadOf(d placement.Decision) spread {
	out := make(spread, len(f.w.gang.PodSets))
	for i, p := range f.w.gang.PodSets {
		out[i] = make([]int, len(f.nodes))
		for _, a := range d.Assignments {
			if a.PodSet == p.Name {
				out[i][slices.IndexFunc(f.nodes, func(n placement.Node) bool { return n.Name == a.Node })]++
			}
		}
	}
	return out
}

func names(d placement.Decision) []string {
	var out []string
	for _, s := range d.Objective {
		out = append(out, s.Name)
	}
	return out
}

// TestOneSet compares gangs of one set with every split: placed exactly when
// some split keeps the rules, with the least objective.
func TestOneSet(t *testing.T) {
	cases := 12000
	if testing.Short() {
		cases = 1500
	}
	outcomes := map[string]int{}
	for seed := range uint64(cases) {
		r := rand.New(rand.NewPCG(seed, 20))
		w := oneSet(r)
		f := newReferee(w)
		p := w.gang.PodSets[0]
		d := place(t, build(t, w), w.gang)
		least, most := p.Count+p.Spares, p.Count+p.Spares
		if p.Min > 0 {
			least = p.Min + p.Spares
		}
		all := func(yield func(spread)) {
			for _, s := range f.splits(0, least, most) {
				yield(spread{s})
			}
		}
		want, possible := f.best(names(d), all)
		if possible != (d.Outcome == placement.Placed) || !possible && !d.Proved {
			t.Fatalf("seed %d: %s, brute force says possible %t\n%s%+v", seed, d.Outcome, possible, describe(w), d)
		}
		outcomes[string(d.Outcome)]++
		if !possible {
			if d.Certificate != nil {
				outcomes["certificate"]++
				f.checkCertificate(t, d)
			}
			continue
		}
		s := f.spreadOf(d)
		if !f.legal(s) || !slices.ContainsFunc(f.splits(0, least, most), func(x []int) bool { return slices.Equal(x, s[0]) }) {
			t.Fatalf("seed %d: %v breaks a rule\n%s", seed, s, describe(w))
		}
		if got := f.vector(names(d), s); !slices.Equal(got, values(d)) {
			t.Fatalf("seed %d: objective %v, counted from the pods it is %v\n%s", seed, d.Objective, got, describe(w))
		}
		if d.Optimal && !slices.Equal(want, values(d)) || lessVector(values(d), want) {
			t.Fatalf("seed %d: objective %v, brute force found %v\n%s%+v", seed, d.Objective, want, describe(w), d.Assignments)
		}
		if d.Optimal {
			outcomes["optimal"]++
		}
		checkNumbers(t, w, d)
	}
	t.Log(outcomes)
}

// checkNumbers verifies the numbers of pods: each once, held ones where they
// were or released, spares behind the last pod.
func checkNumbers(t *testing.T, w world, d placement.Decision) {
	t.Helper()
	seen := map[string]string{}
	for _, a := range d.Assignments {
		name := placement.PodName("gang", a.PodSet, a.Pod)
		p := w.gang.PodSets[slices.IndexFunc(w.gang.PodSets, func(p placement.PodSet) bool { return p.Name == a.PodSet })]
		held := slices.ContainsFunc(p.Held, func(h placement.Assignment) bool { return h.Pod == a.Pod })
		if seen[name] != "" || a.Spare != (a.Pod >= p.Count) && !held {
			t.Fatalf("pod %s appears twice or has a wrong number: %+v\n%s", name, d.Assignments, describe(w))
		}
		seen[name] = a.Node
	}
	for _, p := range w.gang.PodSets {
		for _, h := range p.Held {
			name := placement.PodName("gang", p.Name, h.Pod)
			if seen[name] != h.Node && !slices.Contains(d.Released, name) || seen[name] != "" && slices.Contains(d.Released, name) {
				t.Fatalf("held pod %s moved, or was given up and kept: %+v, released %v\n%s", name, d.Assignments, d.Released, describe(w))
			}
		}
	}
	u := build(t, w)
	if err := u.Commit(w.gang, d); err != nil {
		t.Fatalf("%v\n%s%+v", err, describe(w), d.Assignments)
	}
}

// checkCertificate verifies a proof from the plain nodes with the referee's own
// arithmetic: the domains are all there are of the required levels, each bound
// is what counting gives, and each is below the demand.
func (f *referee) checkCertificate(t *testing.T, d placement.Decision) {
	t.Helper()
	cert := d.Certificate
	var levels []string
	if cert.Level != "fleet" {
		levels = strings.Split(cert.Level, "+")
	}
	scope := f.bundles()[0]
	if cert.Scope != "" {
		scope = f.bundleOf(cert.Scope)
	}
	for _, l := range levels {
		sliced := slices.ContainsFunc(f.w.gang.PodSets, func(p placement.PodSet) bool {
			return p.Balance == l || slices.ContainsFunc(p.Slices, func(s placement.Slice) bool { return s.Level == l })
		})
		required := slices.ContainsFunc(f.bundles(), func(b bundle) bool { return b.asks(l, placement.Required) })
		if !f.known(l) && (sliced || required) {
			return // nothing can be in a level that does not exist
		}
		if !scope.asks(l, placement.Required) && !f.bundles()[0].asks(l, placement.Required) {
			t.Fatalf("the certificate speaks of level %q, which no rule requires\n%s", l, describe(f.w))
		}
	}
	cells := map[string][]int{}
	for i := range f.nodes {
		var key []string
		for _, l := range levels {
			key = append(key, f.level(i, l))
		}
		if !slices.Contains(key, "") {
			name := cmp.Or(strings.Join(key, "+"), "fleet")
			cells[name] = append(cells[name], i)
		}
	}
	if len(cells) != len(cert.Domains) {
		t.Fatalf("the certificate lists %d domains of %d\n%s%+v", len(cert.Domains), len(cells), describe(f.w), cert)
	}
	seen := map[string]bool{}
	for _, b := range cert.Domains {
		nodes, ok := cells[b.Domain]
		if !ok || seen[b.Domain] {
			t.Fatalf("domain %q is listed twice or does not exist\n%s", b.Domain, describe(f.w))
		}
		seen[b.Domain] = true
		wanted, atMost := f.bound(scope, b, nodes)
		if wanted != b.Wanted || atMost != b.AtMost || atMost >= wanted {
			t.Fatalf("bound %+v, counting gives wanted %d, at most %d\n%s", b, wanted, atMost, describe(f.w))
		}
	}
}

// bundleOf finds the bundle of a group or set by name.
func (f *referee) bundleOf(name string) bundle {
	g := f.w.gang
	if at := slices.IndexFunc(g.PodSets, func(p placement.PodSet) bool { return p.Name == name }); at >= 0 {
		return f.bundles()[slices.IndexFunc(f.bundles(), func(b bundle) bool { return slices.Equal(b.sets, []int{at}) })]
	}
	sets := f.groupSets(g.Groups, name)
	return f.bundles()[slices.IndexFunc(f.bundles(), func(b bundle) bool { return slices.Equal(b.sets, sets) })]
}

// groupSets lists the sets of a group by name.
func (f *referee) groupSets(groups []placement.Group, name string) []int {
	var all func(g placement.Group) []int
	all = func(g placement.Group) []int {
		var sets []int
		for _, n := range g.PodSets {
			sets = append(sets, slices.IndexFunc(f.w.gang.PodSets, func(p placement.PodSet) bool { return p.Name == n }))
		}
		for _, x := range g.Groups {
			sets = append(sets, all(x)...)
		}
		return sets
	}
	for _, g := range groups {
		sets := all(g)
		if g.Name != name {
			sets = f.groupSets(g.Groups, name)
		}
		if sets != nil {
			return slices.Sorted(slices.Values(sets))
		}
	}
	return nil
}

// bound recomputes one bound.
func (f *referee) bound(scope bundle, b placement.DomainBound, nodes []int) (wanted, atMost int64) {
	g := f.w.gang
	if b.Resource != "" {
		for _, i := range scope.sets {
			p := g.PodSets[i]
			wanted += int64(f.must(i)) * max(p.Shape.Requests[b.Resource], boolean(b.Resource == placement.Pods))
		}
		for _, node := range nodes {
			if slices.ContainsFunc(scope.sets, func(i int) bool {
				return f.room[i][node] > 0 && (b.Resource == placement.Pods || g.PodSets[i].Shape.Requests[b.Resource] > 0)
			}) {
				atMost += f.truth.free(&f.nodes[node], b.Resource)
			}
		}
		return wanted, atMost
	}
	names := b.Together
	if b.PodSet == "" {
		for i, p := range g.PodSets {
			room, held := 0, 0
			for _, node := range nodes {
				room, held = room+f.room[i][node], held+f.held[i][node]
			}
			if len(p.Held) > p.Count {
				room = held
			}
			atMost += int64(min(room, p.Count))
		}
		return int64(g.MinPods), atMost
	}
	if names == nil {
		names = []string{b.PodSet}
	}
	at := slices.IndexFunc(g.PodSets, func(p placement.PodSet) bool { return p.Name == names[0] })
	p := g.PodSets[at]
	room := map[int]int64{}
	for _, node := range nodes {
		room[node] = int64(f.room[at][node])
		if b.Held || len(p.Held) > p.Count {
			room[node] = int64(f.held[at][node])
		}
	}
	sum := func() (s int64) {
		for _, v := range room {
			s += v
		}
		return s
	}
	if b.Held {
		return int64(len(p.Held)), sum()
	}
	for _, n := range names {
		wanted += int64(f.must(slices.IndexFunc(g.PodSets, func(p placement.PodSet) bool { return p.Name == n })))
	}
	switch {
	case b.Spares:
		p.Slices, p.Count, p.Spares, wanted = nil, p.Spares, 0, int64(p.Spares)
	case p.Spares > 0 && b.Wanted != wanted: // counted apart
		p.Spares, wanted = 0, wanted-int64(p.Spares)
	}
	if sum() < wanted {
		return wanted, sum()
	}
	f.cut(p, room, len(names)*(p.Count+p.Spares))
	return wanted, sum()
}

// cut lowers what nodes hold to what limits and slices leave: domain by domain,
// the innermost level first, in the first node that has it.
func (f *referee) cut(p placement.PodSet, room map[int]int64, most int) {
	for _, level := range []string{placement.LevelNode, "rack", "hall"} {
		per := map[string]int64{}
		for node, n := range room {
			per[cmp.Or(f.level(node, level), "outside "+f.nodes[node].Name)] += n
		}
		for d, n := range per {
			outside := strings.HasPrefix(d, "outside")
			keep := n
			for _, l := range p.Limits {
				if l.Level == level && !outside {
					keep = min(keep, int64(l.Pods))
				}
			}
			for _, s := range p.Slices {
				if s.Level == level {
					keep -= keep % int64(s.Size)
					if outside {
						keep = 0
					}
				}
			}
			for node := range room {
				if cmp.Or(f.level(node, level), "outside "+f.nodes[node].Name) == d {
					cut := min(room[node], n-keep)
					room[node] -= cut
					n -= cut
				}
			}
		}
	}
	total := int64(0)
	for _, n := range room {
		total += n
	}
	for _, s := range p.Slices {
		if rest := int64(most) % int64(s.Size); total >= int64(most) && rest > 0 {
			for node := range room {
				cut := min(room[node], total-int64(most)+rest)
				room[node] -= cut
				total -= cut
			}
		}
	}
}

// must is how many pods of a set there must be whatever else runs, spares among
// them.
func (f *referee) must(i int) int {
	p, g := f.w.gang.PodSets[i], f.w.gang
	summed, free := g.MinPods > 0, false
	var walk func(groups []placement.Group, least int, sum, loose bool)
	walk = func(groups []placement.Group, least int, sum, loose bool) {
		for _, x := range groups {
			s, l := sum || x.MinPods > 0, loose || least > 0 || x.Optional
			if slices.Contains(x.PodSets, p.Name) {
				summed, free = s, l
			}
			walk(x.Groups, x.MinGroups, s, l)
		}
	}
	walk(g.Groups, g.MinGroups, summed, false)
	if free {
		return 0
	}
	least := p.Min
	if least == 0 && !summed {
		least = p.Count
	}
	if len(g.PodSets) == 1 {
		least = max(least, g.MinPods)
	}
	if least == 0 {
		return 0
	}
	return least + p.Spares
}

func boolean(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
