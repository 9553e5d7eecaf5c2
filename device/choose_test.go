// SPDX-License-Identifier: Apache-2.0

package device

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// gpus makes n devices, two under a switch and half of them in each NUMA node.
func gpus(n int, edit func(i int, d *Device)) []Device {
	var out []Device
	for i := range n {
		d := Device{ID: fmt.Sprint("g", i), Resource: "gpu", Zone: new(i * 2 / n), PCIe: fmt.Sprint("sw", i/2)}
		if edit != nil {
			edit(i, &d)
		}
		out = append(out, d)
	}
	return out
}

// withNICs adds a NIC under every switch of n devices, each with two functions
// of kind a and one of kind b.
func withNICs(devices []Device, n int) []Device {
	for i := range n / 2 {
		d := Device{ID: fmt.Sprint("n", i), Resource: "nic", Auxiliary: true, Zone: new(i * 4 / n), PCIe: fmt.Sprint("sw", i), Capacity: Amounts{"rate": 4}}
		for f, kind := range []string{"b", "a", "a"} {
			d.Functions = append(d.Functions, Function{fmt.Sprint("n", i, ".", f), map[string]string{"kind": kind}})
		}
		devices = append(devices, d)
	}
	return devices
}

func cutInto(s *Slots) func(int, *Device) { return func(_ int, d *Device) { d.Slots = s } }

func buddies(n int) (out [][]int) {
	for size := n; size > 0; size /= 2 {
		for at := 0; at < n; at += size {
			var p []int
			for m := range size {
				p = append(p, at+m)
			}
			out = append(out, p)
		}
	}
	return out
}

func names(devices []Device, pods []Pod) string {
	var out []string
	for _, p := range pods {
		var parts []string
		for i := range p.Takes {
			parts = append(parts, p.Takes[i].Part(devices).String())
		}
		out = append(out, strings.Join(parts, " "))
	}
	return strings.Join(out, "; ")
}

// TestChoices places pods one after another on one node and reads their devices,
// or why there are none.
func TestChoices(t *testing.T) {
	mig := MIG("NVIDIA H100 80GB HBM3")
	one := func(r Request) []Request { r.Resource = "gpu"; return []Request{r} }
	cut := func(profile string) []Request { return one(Request{Profile: profile}) }
	joint := func(n int, nic Request) []Request {
		nic.Resource, nic.Name, nic.Beside = "nic", "net", "gpu"
		return []Request{{Resource: "gpu", Count: n}, nic}
	}
	for _, c := range []struct {
		name       string
		devices    []Device
		partitions [][]int
		pods       [][]Request
		want       []string
	}{
		{"small instances leave room for large ones", gpus(2, cutInto(mig)), nil,
			[][]Request{cut("1g.10gb"), cut("1g.10gb"), cut("3g.40gb"), cut("7g.80gb"), cut("1g.20gb"), cut("4g.40gb")},
			[]string{"g0#1g.10gb@6", "g0#1g.10gb@4", "g0#3g.40gb@0", "g1#7g.80gb@0", "! 0 of 2 gpu untouched, 2 not given whole", "! 0 of 2 gpu untouched, 2 not given whole"}},
		{"a whole device is not one that is cut", gpus(2, cutInto(mig)), nil,
			[][]Request{cut("1g.10gb"), one(Request{}), cut("2g.20gb"), one(Request{})},
			[]string{"g0#1g.10gb@6", "g1", "g0#2g.20gb@4", "! 0 of 2 gpu untouched"}},
		{"one compute partition mode at a time", gpus(2, cutInto(XCP(8))), nil,
			[][]Request{cut("dpx"), cut("cpx"), cut("dpx"), cut("dpx")},
			[]string{"g0#dpx@0", "g1#cpx@0", "g0#dpx@4", "! 0 of 2 gpu untouched, 2 not given whole"}},
		{"partitions are split only when none of the size is left", gpus(8, func(i int, d *Device) { d.Module = new(7 - i) }), buddies(8),
			[][]Request{one(Request{}), one(Request{Count: 2}), one(Request{}), one(Request{Count: 4}), one(Request{})},
			[]string{"g7", "g4 g5", "g6", "g0 g1 g2 g3", "! 0 of 8 gpu untouched, among them no whole partition of 1"}},
		{"any set where partitions are only preferred", gpus(8, func(i int, d *Device) { d.Module = new(i) }), buddies(8),
			[][]Request{one(Request{Count: 3, AnySet: true}), one(Request{Count: 2, AnySet: true}), one(Request{Count: 2, AnySet: true}), one(Request{Count: 1, AnySet: true})},
			[]string{"g0 g1 g2", "g4 g5", "g6 g7", "g3"}},
		{"a module that is missing", gpus(4, func(i int, d *Device) { d.Module = new(i * 2) }), [][]int{{0, 2}, {4, 5}, {6}},
			[][]Request{one(Request{Count: 2}), one(Request{Count: 2}), one(Request{}), one(Request{})},
			[]string{"g0 g1", "! 2 of 4 gpu untouched, among them no whole partition of 2", "g3", "! 1 of 4 gpu untouched, among them no whole partition of 1"}},
		{"devices of one switch, then of one NUMA node", gpus(8, nil), nil,
			[][]Request{one(Request{}), one(Request{Count: 2}), one(Request{Count: 3}), one(Request{Count: 2, Within: SamePCIe})},
			[]string{"g0", "g2 g3", "g4 g5 g6", "! 2 of 8 gpu untouched"}},
		{"a NIC under the switch of each device", withNICs(gpus(4, nil), 4), nil,
			[][]Request{joint(3, Request{Near: SamePCIe, PerDomain: true, Share: Amounts{"rate": 4}}), joint(1, Request{Near: SamePCIe, Share: Amounts{"rate": 1}}), joint(1, Request{Near: SamePCIe, PreferNear: true, Function: true})},
			[]string{"g0 g1 g2 n0#rate=4 n1#rate=4", "! 0 of 2 nic untouched, at most rate=0 left on one", "g3 n1.0"}},
		{"functions by their labels", withNICs(gpus(4, nil), 4), nil,
			[][]Request{joint(1, Request{Near: SameNUMA, Function: true, Labels: map[string]string{"kind": "b"}}), joint(1, Request{Near: SameNUMA, Function: true, Labels: map[string]string{"kind": "b"}, Share: Amounts{"rate": 3}}), joint(1, Request{Near: SameNUMA, Function: true, Labels: map[string]string{"kind": "b"}})},
			[]string{"g0 n0.0", "g2 n1.0#rate=3", "! 0 of 2 nic untouched, 2 not given whole"}},
		{"shares of several capacities", gpus(2, func(i int, d *Device) { d.Capacity = Amounts{"core": 100, "memory": int64(40 + 40*i)} }), nil,
			[][]Request{one(Request{Share: Amounts{"core": 10, "memory": 60}}), one(Request{Share: Amounts{"core": 50}}), one(Request{Share: Amounts{"core": 50, "memory": 30}}), one(Request{Share: Amounts{"core": 50, "memory": 30}}), one(Request{Count: 2, Share: Amounts{"core": 40}})},
			[]string{"g1#core=10,memory=60", "g1#core=50", "g0#core=50,memory=30", "! 0 of 2 gpu untouched, at most core=50,memory=20 left on one", "g0#core=40 g1#core=40"}},
		{"the lowest, and what must be among them", gpus(4, nil), nil,
			[][]Request{one(Request{Count: 2, Lowest: true, Include: []int{2}}), one(Request{Lowest: true, Include: []int{2}}), one(Request{Count: 2, Lowest: true})},
			[]string{"g0 g2", "! 2 of 4 gpu untouched", "g1 g3"}},
		{"sets of a table, in its order", gpus(4, nil), nil,
			[][]Request{one(Request{Count: 2, Sets: [][]int{{3, 1}, {0, 2}}}), one(Request{Count: 2, Sets: [][]int{{3, 1}, {0, 2}}}), one(Request{Count: 2, Sets: [][]int{{3, 1}, {0, 2}}})},
			[]string{"g1 g3", "g0 g2", "! 0 of 4 gpu untouched"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var ts Tables
			table, err := ts.Of(c.devices, nil, c.partitions)
			if err != nil {
				t.Fatal(err)
			}
			st := NewState(table, c.devices)
			var got []string
			for _, requests := range c.pods {
				if err := CheckRequests(requests); err != nil {
					t.Fatal(err)
				}
				a := NewAsk(table, requests)
				if pods, _ := a.Fit(&st, nil, 1); pods == 0 {
					_, found := a.Lacks(&st, nil)
					got = append(got, "! "+found)
					continue
				}
				pods := a.Choose(&st, nil, 1)
				got = append(got, names(c.devices, pods))
				for i := range pods[0].Takes {
					if err := table.CheckPart(&st, &pods[0].Takes[i]); err != nil {
						t.Errorf("%s: %v", last(got), err)
					}
					table.Hold(&st, &pods[0].Takes[i], 1)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func last[T any](s []T) T { return s[len(s)-1] }

// TestManyInstances: fifty small instances on eight devices are placed exactly,
// though there are more ways than could be tried.
func TestManyInstances(t *testing.T) {
	devices := gpus(8, cutInto(MIG("NVIDIA H100 80GB HBM3")))
	var ts Tables
	table, err := ts.Of(devices, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	st := NewState(table, devices)
	a := NewAsk(table, []Request{{Resource: "gpu", Profile: "1g.10gb"}})
	if pods, exact := a.Fit(&st, nil, 100); pods != 56 || !exact {
		t.Errorf("%d instances fit, exact %t, want 56", pods, exact)
	}
	costs, exact := a.Costs(&st, nil, 50)
	if !exact {
		t.Fatal("the costs are not exact")
	}
	chosen := a.Choose(&st, nil, 50)
	if diff := cmp.Diff(costs[50], a.CostOf(&st, chosen)); diff != "" {
		t.Error(diff)
	}
	if got := costs[15][LineTaken]; got != 3 {
		t.Errorf("fifteen instances open %d devices, want 3", got)
	}
}
