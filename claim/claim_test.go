// SPDX-License-Identifier: Apache-2.0

package claim

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestConstraints(t *testing.T) {
	p := Pool{Driver: "d.example.com", Name: "n", Nodes: []string{"n"}}
	add := func(name string, root Value, extra map[string]Value) {
		attrs := map[string]Value{"resource.kubernetes.io/pcieRoot": root, "kind": String(name[:3])}
		for k, v := range extra {
			attrs[k] = v
		}
		p.Devices = append(p.Devices, Device{Name: name, Attributes: attrs})
	}
	add("gpu-0", String("pci0000:00"), nil)
	add("gpu-1", String("pci0000:80"), nil)
	add("nic-0", String("pci0000:80"), nil)
	add("nic-1", Strings("pci0000:80", "pci0000:c0"), nil)
	add("nic-2", Int(0), nil)
	kind := func(name, k string) Request {
		s, err := Where("kind", "=", k)
		if err != nil {
			t.Fatal(err)
		}
		return Request{Name: name, Alternatives: []Exact{{Selectors: []Selector{s}}}}
	}
	pair := Claim{Name: "pair", Requests: []Request{kind("gpu", "gpu"), kind("nic", "nic")}, Constraints: []Constraint{{MatchAttribute: "resource.kubernetes.io/pcieRoot"}}}
	a := solve(t, newUse(t, p), "n", pair)
	want := []Result{{Request: "gpu", Device: "d.example.com/n/gpu-1"}, {Request: "nic", Device: "d.example.com/n/nic-0"}}
	if diff := cmp.Diff(want, a.Allocations[0].Results); diff != "" {
		t.Errorf("under one root (-want +got):\n%s", diff)
	}
	if a := solve(t, newUse(t, p), "n", pair, pair); a.Outcome != Refused || !strings.Contains(a.Reason, "each of 2 claims fits alone; a search through all ways") {
		t.Errorf("two pairs: got %s, %q", a.Outcome, a.Reason)
	}
	apart := Claim{Name: "apart", Requests: []Request{kind("a", "nic"), kind("b", "nic")}, Constraints: []Constraint{{DistinctAttribute: "resource.kubernetes.io/pcieRoot"}}}
	a = solve(t, newUse(t, p), "n", apart)
	want = []Result{{Request: "a", Device: "d.example.com/n/nic-0"}, {Request: "b", Device: "d.example.com/n/nic-2"}}
	if diff := cmp.Diff(want, a.Allocations[0].Results); diff != "" {
		t.Errorf("of different roots (-want +got):\n%s", diff)
	}
	lacking := pair
	lacking.Constraints = []Constraint{{MatchAttribute: "d.example.com/clique"}}
	if a := solve(t, newUse(t, p), "n", lacking); a.Outcome != Refused ||
		a.Reason != `claim "pair" on node "n": gpu: 1 device wanted, 5 there, 2 match, 2 free; nic: 1 device wanted, 5 there, 3 match, 3 free; one value of d.example.com/clique` {
		t.Errorf("without the attribute: got %s, %q", a.Outcome, a.Reason)
	}
}

func TestAllDevices(t *testing.T) {
	p := halves("n", 0)
	for i := range 3 {
		p.Devices = append(p.Devices, Device{Name: fmt.Sprint("d", i)})
	}
	all := Claim{Name: "all", Requests: []Request{{Name: "r", Alternatives: []Exact{{All: true}}}}}
	if a := solve(t, newUse(t, p), "n", all); len(a.Allocations[0].Results) != 3 {
		t.Errorf("got %+v, want all three devices", a)
	}
	u := newUse(t, p)
	if err := u.Hold([]Result{{Device: "widget.example.com/n/d1"}}); err != nil {
		t.Fatal(err)
	}
	if a := solve(t, u, "n", all); a.Outcome != Refused {
		t.Errorf("one is in use: got %s", a.Outcome)
	}
	if a := solve(t, newUse(t, p), "elsewhere", all); a.Outcome != Refused || !strings.Contains(a.Reason, "0 there") {
		t.Errorf("where there are none: got %s, %q", a.Outcome, a.Reason)
	}
	p.Incomplete = true
	if a := solve(t, newUse(t, p), "n", all); a.Outcome != Refused || !strings.Contains(a.Reason, "pools [n] are incomplete") {
		t.Errorf("incomplete pool: got %s, %q", a.Outcome, a.Reason)
	}
	p.Incomplete = false
	for i := range 30 {
		p.Devices = append(p.Devices, Device{Name: fmt.Sprint("e", i)})
	}
	if a := solve(t, newUse(t, p), "n", all); a.Outcome != Refused {
		t.Errorf("33 devices for one claim: got %s", a.Outcome)
	}
}

func TestTaints(t *testing.T) {
	p := Pool{Driver: "d.example.com", Name: "n", Devices: []Device{{Name: "sick", Taints: []Taint{{Key: "health", Value: "bad", Effect: "NoExecute"}}}}}
	c := Claim{Name: "c", Requests: []Request{{Name: "r", Alternatives: []Exact{{}}}}}
	if a := solve(t, newUse(t, p), "n", c); a.Outcome != Refused || !strings.Contains(a.Reason, "0 match, 0 free, 1 more are tainted") {
		t.Errorf("got %s, %q", a.Outcome, a.Reason)
	}
	for _, ok := range []Toleration{{Operator: "Exists"}, {Key: "health", Value: "bad"}, {Key: "health", Operator: "Exists", Effect: "NoExecute"}} {
		c.Requests[0].Alternatives[0].Tolerations = []Toleration{ok}
		if a := solve(t, newUse(t, p), "n", c); a.Outcome != Fits {
			t.Errorf("tolerated by %+v: got %s", ok, a.Outcome)
		}
	}
	p.Devices[0].Taints[0].Effect = "None"
	c.Requests[0].Alternatives[0].Tolerations = nil
	if a := solve(t, newUse(t, p), "n", c); a.Outcome != Fits {
		t.Errorf("a taint without effect: got %s", a.Outcome)
	}
}

func TestNetworkDevices(t *testing.T) {
	p := Pool{Driver: "fabric.example.com", Name: "rack", Nodes: []string{"a", "b"}}
	p.Devices = []Device{{Name: "d0"}, {Name: "d1", Nodes: []string{"b"}}}
	u := newUse(t, p)
	c := Claim{Name: "c", Requests: []Request{{Name: "r", Alternatives: []Exact{{}}}}}
	a, err := u.Solve([]Demand{{Node: "b", Claim: c}, {Node: "a", Claim: c}}, Options{})
	if err != nil || a.Outcome != Fits || a.Allocations[0].Results[0].Device != "fabric.example.com/rack/d1" {
		t.Errorf("got %+v, %v: the pod on b must leave d0 to the one on a", a, err)
	}
	if !u.inv.Networked("a") || u.inv.Networked("c") {
		t.Errorf("networked: a %v, c %v, want true and false", u.inv.Networked("a"), u.inv.Networked("c"))
	}
}

func TestBudget(t *testing.T) {
	// Eleven different pairs out of 21 devices: a counter-free pigeonhole that no
	// bound sees through once every device is of a kind of its own.
	p := Pool{Driver: "d.example.com", Name: "n"}
	for i := range 24 {
		p.Devices = append(p.Devices, Device{Name: fmt.Sprint("d", i), Attributes: map[string]Value{
			"a": Ints(int64(i), int64((i*7+3)%24)), "b": Int(int64(i % 5)),
		}})
	}
	var claims []Claim
	for range 11 {
		claims = append(claims, Claim{Name: "c", Requests: []Request{{Name: "r", Alternatives: []Exact{{Count: 2}}}},
			Constraints: []Constraint{{MatchAttribute: "d.example.com/b"}, {DistinctAttribute: "d.example.com/a"}}})
	}
	var demands []Demand
	for _, c := range claims {
		demands = append(demands, Demand{Node: "n", Claim: c})
	}
	a, err := newUse(t, p).Solve(demands, Options{Budget: 100})
	if err != nil || a.Outcome != Undecided || !strings.Contains(a.Reason, "the search ended after 101 looks") {
		t.Errorf("got %+v, %v", a, err)
	}
}

func TestCount(t *testing.T) {
	for want, c := range map[int]struct {
		p    Pool
		c    Claim
		most int
	}{
		14: {mig("n", 2), profile(t, "1g.5gb"), 100},
		6:  {mig("n", 3), profile(t, "3g.20gb"), 100},
		5:  {mig("n", 3), profile(t, "3g.20gb"), 5},
		0:  {mig("n", 3), profile(t, "3g.40gb"), 100},
		10: {halves("n", 5), wholeOrHalf(t), 100},
	} {
		got, exact, err := newUse(t, c.p).Count(nil, []Demand{{Node: "n", Claim: c.c}}, c.most, Options{})
		if err != nil || got != want || !exact {
			t.Errorf("got %d, exact %v, %v, want %d", got, exact, err, want)
		}
	}
}

func TestRefusesNonsense(t *testing.T) {
	d := Device{Name: "d"}
	for want, p := range map[string]Pool{
		`device "d": is listed twice`:                                     {Devices: []Device{d, d}},
		`draws from counter "m" of set "s", which its pool does not list`: {Devices: []Device{{Name: "d", Consumes: []Consumption{{CounterSet: "s", Counters: map[string]int64{"m": 1}}}}}},
		`lists counter set "s" twice`:                                     {Counters: []CounterSet{{Name: "s"}, {Name: "s"}}},
		`has -1 of capacity "c"`:                                          {Devices: []Device{{Name: "d", Capacity: map[string]Capacity{"c": {Value: -1}}}}},
	} {
		if _, err := NewInventory([]Pool{p}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	one := []Exact{{}}
	for want, c := range map[string]Claim{
		"wants admin access, which takes no device": {Requests: []Request{{Name: "r", Alternatives: []Exact{{AdminAccess: true}}}}},
		"wants 33 devices, want 1 to 32":            {Requests: []Request{{Name: "r", Alternatives: []Exact{{Count: 33}}}}},
		`names request "q", which it does not have`: {Requests: []Request{{Name: "r", Alternatives: one}}, Constraints: []Constraint{{MatchAttribute: "a/b", Requests: []string{"q"}}}},
		`names attributes "" and ""`:                {Requests: []Request{{Name: "r", Alternatives: one}}, Constraints: []Constraint{{}}},
		`request "r" has no name of its own`:        {Requests: []Request{{Name: "r", Alternatives: one}, {Name: "r", Alternatives: one}}},
		`request "r" asks for nothing`:              {Requests: []Request{{Name: "r"}}},
	} {
		if _, err := newUse(t, halves("n", 1)).Solve([]Demand{{Node: "n", Claim: c}}, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	bad := errors.New("no such key")
	c := Claim{Name: "c", Requests: []Request{{Name: "r", Alternatives: []Exact{{Selectors: []Selector{{Text: "x", Match: func(*Device) (bool, error) { return false, bad }}}}}}}}
	if _, err := newUse(t, halves("n", 1)).Solve([]Demand{{Node: "n", Claim: c}}, Options{}); !errors.Is(err, bad) {
		t.Errorf("got %v, want the selector's error", err)
	}
}

// Blocks that look alike stop being alike once the claim has something of one:
// the half that is left of each of two widgets, both of one widget for one claim.
func TestTouchedBlocksStandForThemselves(t *testing.T) {
	u := newUse(t, halves("n", 3))
	if err := u.Hold([]Result{{Device: "widget.example.com/n/w0-half-0"}}); err != nil {
		t.Fatal(err)
	}
	c := Claim{Name: "c", Constraints: []Constraint{{MatchAttribute: "widget.example.com/widget"}}, Requests: []Request{
		{Name: "a", Alternatives: []Exact{{Selectors: sized(t, "1")}}}, {Name: "b", Alternatives: []Exact{{Selectors: sized(t, "1")}}},
	}}
	if a := solve(t, u, "n", c, c); a.Outcome != Fits {
		t.Errorf("got %s, %q, want both on one widget each", a.Outcome, a.Reason)
	}
}
