// SPDX-License-Identifier: Apache-2.0

package device

import (
	"strings"
	"testing"
)

func TestTableErrors(t *testing.T) {
	two := []Device{{ID: "a", Resource: "gpu"}, {ID: "b", Resource: "gpu"}}
	cut := func(s Slots) []Device { return []Device{{ID: "a", Resource: "gpu", Slots: &s}} }
	many := make([]Device, MaxKind+1)
	for i := range many {
		many[i] = Device{ID: strings.Repeat("x", i+1), Resource: "gpu"}
	}
	for _, c := range []struct {
		devices    []Device
		score      [][]int
		partitions [][]int
		want       string
	}{
		{[]Device{{ID: "a"}, {ID: "a"}}, nil, nil, `lists device "a" twice`},
		{[]Device{{ID: "a"}, {ID: "b", Functions: []Function{{ID: "a"}}}}, nil, nil, `lists device "a" twice`},
		{[]Device{{ID: "a#1"}}, nil, nil, "without '#'"},
		{[]Device{{ID: "a", Module: new(1)}, {ID: "b", Module: new(1)}}, nil, nil, `gives devices "a" and "b" the same module 1`},
		{[]Device{{ID: "a", Capacity: Amounts{"x": -1}}}, nil, nil, `the capacity "x" -1`},
		{[]Device{{ID: "a", Capacity: Amounts{"x=y": 1}}}, nil, nil, "without '='"},
		{[]Device{{ID: "a", Functions: make([]Function, MaxSlots+1)}}, nil, nil, "at most 256"},
		{cut(Slots{}), nil, nil, "it has 0 slots, want 1 to 64"},
		{cut(Slots{Count: 2, Profiles: []Profile{{"p", 3, nil}}}), nil, nil, `profile "p" has 3 slots, want 1 to 2`},
		{cut(Slots{Count: 2, Profiles: []Profile{{"p", 2, []int{1}}}}), nil, nil, `profile "p" begins at slot 1`},
		{cut(Slots{Count: 2, Profiles: []Profile{{"p", 1, nil}, {"p", 1, nil}}}), nil, nil, `profile 1 is named "p"`},
		{two, [][]int{{0}}, nil, "link scores of 1 devices, want 2"},
		{two, [][]int{{0, 1}, {2, 0}}, nil, "2 one way and 1 the other"},
		{two, [][]int{{0, -1}, {-1, 0}}, nil, "want 0 to"},
		{two, [][]int{{0, 1}, {1}}, nil, `has 1 link scores for device "b", want 2`},
		{[]Device{{ID: "a", Module: new(1)}}, nil, [][]int{{1, 1}}, "names module 1 twice"},
		{many, nil, nil, `lists more than 64 devices of "gpu"`},
	} {
		var ts Tables
		if _, err := ts.Of(c.devices, c.score, c.partitions); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}

func TestRequestErrors(t *testing.T) {
	for _, c := range []struct {
		r    Request
		want string
	}{
		{Request{Resource: "gpu", Count: -1}, `device request "gpu": it is for -1 devices, want 1 to 64`},
		{Request{Name: "x", Share: Amounts{"m": 0}}, `device request "x": its share of "m" is 0`},
		{Request{Profile: "1g", Function: true}, "want one of them"},
		{Request{Labels: map[string]string{"a": "b"}}, "with Function only"},
		{Request{Within: "rack"}, `its scope is "rack", want pcie, numa or socket`},
		{Request{Near: SamePCIe}, "want both or none"},
		{Request{Beside: "other", Near: SamePCIe}, "want the name of an earlier request"},
		{Request{PerDomain: true}, "beside no other request"},
		{Request{Include: []int{1, 1}}, "each once"},
		{Request{Sets: [][]int{{64}}}, "positions 0 to 63"},
	} {
		if err := CheckRequests([]Request{c.r}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
	if err := CheckRequests(make([]Request, MaxRequests+1)); err == nil {
		t.Error("too many requests are accepted")
	}
}

// TestEqualNodesShareTables: names and what is unusable do not make a table.
func TestEqualNodesShareTables(t *testing.T) {
	var ts Tables
	of := func(devices []Device) *Table {
		table, err := ts.Of(devices, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		return table
	}
	a, b := gpus(4, nil), gpus(4, func(i int, d *Device) { d.ID += "'" })
	b[1].Unusable = "lost"
	if of(a) != of(b) {
		t.Error("nodes that are alike have tables of their own")
	}
	if of(a) == of(gpus(4, func(i int, d *Device) { d.PCIe = "one" })) {
		t.Error("nodes that differ share a table")
	}
}
