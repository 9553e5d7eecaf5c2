// SPDX-License-Identifier: Apache-2.0

package claim

import (
	"fmt"
	"strings"
	"testing"
)

// halves is a pool of n devices, each of which can be had whole or as two
// halves: the fleet of kubernetes/kubernetes#138765.
func halves(node string, n int) Pool {
	p := Pool{Driver: "widget.example.com", Name: node, Nodes: []string{node}}
	for i := range n {
		set := fmt.Sprintf("w%d", i)
		p.Counters = append(p.Counters, CounterSet{Name: set, Counters: map[string]int64{"halves": 2}})
		p.Devices = append(p.Devices, widget(set, "whole", 2), widget(set, "half-0", 1), widget(set, "half-1", 1))
	}
	return p
}

func widget(set, part string, size int64) Device {
	return Device{
		Name: set + "-" + part, Attributes: map[string]Value{"size": Int(size), "widget": String(set)},
		Consumes: []Consumption{{CounterSet: set, Counters: map[string]int64{"halves": size}}},
	}
}

func sized(t testing.TB, v string) []Selector {
	t.Helper()
	s, err := Where("size", "=", v)
	if err != nil {
		t.Fatal(err)
	}
	return []Selector{s}
}

func wholeOrHalf(t testing.TB) Claim {
	return Claim{Name: "c", Requests: []Request{{Name: "widget", Alternatives: []Exact{
		{Name: "whole", Selectors: sized(t, "2")}, {Name: "half", Selectors: sized(t, "1")},
	}}}}
}

func newUse(t testing.TB, pools ...Pool) *Use {
	t.Helper()
	inv, err := NewInventory(pools)
	if err != nil {
		t.Fatal(err)
	}
	return NewUse(inv)
}

func solve(t testing.TB, u *Use, node string, claims ...Claim) Answer {
	t.Helper()
	var demands []Demand
	for _, c := range claims {
		demands = append(demands, Demand{Node: node, Claim: c})
	}
	a, err := u.Solve(demands, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func times(c Claim, n int) []Claim {
	var out []Claim
	for range n {
		out = append(out, c)
	}
	return out
}

func TestWholeOrHalf(t *testing.T) {
	for _, c := range []struct {
		widgets, pods int
		outcome       Outcome
		preference    int
		reason        string
	}{
		{1, 1, Fits, 0, ""},
		{1, 2, Fits, 2, ""}, // the first pod must not take the whole
		{1, 3, Refused, 0, "3 claims draw at least 3 of counter halves, 2 left"},
		{2, 2, Fits, 0, ""},
		{2, 3, Fits, 2, ""}, // one whole, two halves
		{2, 4, Fits, 4, ""},
		{24, 40, Fits, 32, ""}, // eight wholes
		{24, 48, Fits, 48, ""},
		{24, 49, Refused, 0, "49 claims draw at least 49 of counter halves, 48 left"},
	} {
		t.Run(fmt.Sprintf("%d pods on %d widgets", c.pods, c.widgets), func(t *testing.T) {
			a := solve(t, newUse(t, halves("n", c.widgets)), "n", times(wholeOrHalf(t), c.pods)...)
			if a.Outcome != c.outcome || a.Preference != c.preference || a.Reason != c.reason || a.Outcome == Fits && !a.Optimal {
				t.Errorf("got %s, preference %d, optimal %v, %q after %d looks; want %s, %d, %q",
					a.Outcome, a.Preference, a.Optimal, a.Reason, a.Looks, c.outcome, c.preference, c.reason)
			}
		})
	}
}

// mig is GPUs with the partitions of an A100 40GB: profiles with the memory
// slices where they can lie and the compute slices that they use (NVIDIA MIG
// user guide; KEP-4815 models them so).
func mig(node string, gpus int) Pool {
	p := Pool{Driver: "gpu.example.com", Name: node, Nodes: []string{node}}
	profiles := []struct {
		name            string
		compute, memory int64
		starts          []int
	}{
		{"7g.40gb", 7, 8, []int{0}},
		{"4g.20gb", 4, 4, []int{0}},
		{"3g.20gb", 3, 4, []int{0, 4}},
		{"2g.10gb", 2, 2, []int{0, 2, 4}},
		{"1g.5gb", 1, 1, []int{0, 1, 2, 3, 4, 5, 6}},
	}
	for g := range gpus {
		set := CounterSet{Name: fmt.Sprintf("gpu-%d", g), Counters: map[string]int64{"compute": 7}}
		for i := range 8 {
			set.Counters[fmt.Sprintf("slice-%d", i)] = 1
		}
		p.Counters = append(p.Counters, set)
		for _, prof := range profiles {
			for _, start := range prof.starts {
				c := Consumption{CounterSet: set.Name, Counters: map[string]int64{"compute": prof.compute}}
				for i := range prof.memory {
					c.Counters[fmt.Sprintf("slice-%d", start+int(i))] = 1
				}
				p.Devices = append(p.Devices, Device{
					Name:       fmt.Sprintf("gpu-%d-%s-%d", g, strings.ReplaceAll(prof.name, ".", "-"), start),
					Attributes: map[string]Value{"profile": String(prof.name), "parent": String(set.Name)},
					Consumes:   []Consumption{c},
				})
			}
		}
	}
	return p
}

func profile(t testing.TB, names ...string) Claim {
	c := Claim{Name: "mig"}
	for i, name := range names {
		s, err := Where("profile", "=", name)
		if err != nil {
			t.Fatal(err)
		}
		c.Requests = append(c.Requests, Request{Name: fmt.Sprintf("r%d", i), Alternatives: []Exact{{Class: "mig", Selectors: []Selector{s}}}})
	}
	return c
}

func TestMIGCounters(t *testing.T) {
	one := profile(t, "1g.5gb")
	half, quarter := profile(t, "3g.20gb"), profile(t, "2g.10gb")
	both := profile(t, "3g.20gb", "3g.20gb")
	both.Constraints = []Constraint{{MatchAttribute: "gpu.example.com/parent"}}
	for _, c := range []struct {
		name   string
		gpus   int
		claims []Claim
		want   Outcome
	}{
		{"seven small ones fill a GPU", 1, times(one, 7), Fits},
		{"eight do not fit", 1, times(one, 8), Refused},
		{"two halves", 1, times(half, 2), Fits},
		{"two halves leave a compute slice, but no memory for it", 1, append(times(half, 2), one), Refused},
		{"a 4g and a 3g", 1, []Claim{profile(t, "4g.20gb"), half}, Fits},
		{"three 2g and a 1g", 1, append(times(quarter, 3), one), Fits},
		{"small ones make room for the half", 1, append(times(one, 3), half), Fits},
		{"two halves of one GPU, small ones on the other", 2, append([]Claim{both}, times(one, 7)...), Fits},
		{"two halves of one GPU, small ones beyond the other", 2, append([]Claim{both}, times(one, 8)...), Refused},
		{"sixteen pods, eight GPUs", 8, times(half, 16), Fits},
		{"seventeen pods, eight GPUs", 8, times(half, 17), Refused},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := solve(t, newUse(t, mig("n", c.gpus)), "n", c.claims...)
			if a.Outcome != c.want {
				t.Errorf("got %s after %d looks (%s), want %s", a.Outcome, a.Looks, a.Reason, c.want)
			}
			t.Logf("%d looks", a.Looks)
		})
	}
}
