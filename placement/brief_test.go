// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBrief(t *testing.T) {
	tests := []struct {
		name string
		d    Decision
		want string
	}{
		{"placed", Decision{Outcome: Placed, Assignments: []Assignment{{Node: "n-01"}, {Node: "n-02"}, {Node: "n-01"}}}, "3 pods on n-[01-02]"},
		{"with a spare", Decision{Outcome: Placed, Assignments: []Assignment{{Node: "n-01"}, {Node: "n-02", Spare: true}}}, "1 pod and 1 spare on n-[01-02]"},
		{"undecided", Decision{Outcome: Undecided}, "the search ended at its bound: neither a place nor a proof that there is none"},
		{
			"proved, nearest domain",
			Decision{Outcome: Refused, Certificate: &Certificate{Level: "nvlink", Domains: []DomainBound{
				{Domain: "a", Wanted: 16, AtMost: 1, Constraint: "nvidia.com/gpu"}, {Domain: "b", Wanted: 16, AtMost: 4, Constraint: "architecture"},
			}}},
			"at most 4 of 16 pods fit in any of 2 nvlink domains, b at best (architecture)",
		},
		{
			"proved for the fleet",
			Decision{Outcome: Refused, Certificate: &Certificate{Level: "fleet", Domains: []DomainBound{{Domain: "fleet", Wanted: 8, AtMost: 0, Constraint: "architecture"}}}},
			"at most 0 of 8 pods fit in the whole fleet (architecture)",
		},
		{
			"refused without proof",
			Decision{Outcome: Refused, Refusals: []Refusal{{Level: "node", Domain: "n-01", Constraint: "cpu", Wanted: "8 a pod", Found: "2 free of 4"}}},
			"node n-01: a pod wants 8 cpu, 2 free of 4",
		},
		{"refused without a word", Decision{Outcome: Refused}, ""},
	}
	for _, test := range tests {
		if got := test.d.Brief(); got != test.want {
			t.Errorf("%s: found %q, want %q", test.name, got, test.want)
		}
	}
}

func TestSpotsAndRefusalsAreGathered(t *testing.T) {
	d := Decision{
		Assignments: []Assignment{
			{PodSet: "w", Pod: 0, Node: "n-01", Zone: new(0), Devices: []string{"a"}},
			{PodSet: "w", Pod: 1, Node: "n-01", Zone: new(0), Devices: []string{"b"}},
			{PodSet: "w", Pod: 3, Node: "n-01", Zone: new(0)},
			{PodSet: "w", Pod: 2, Node: "n-01", Zone: new(1)},
			{PodSet: "w", Pod: 4, Node: "n-02"},
		},
		Refusals: []Refusal{
			{Level: "node", Domain: "n-03", Constraint: "cpu", Wanted: "8 a pod", Found: "2 free of 4"},
			{Level: "node", Domain: "n-05", Constraint: "cpu", Wanted: "8 a pod", Found: "4 free of 4"},
			{Level: "node", Domain: "n-04", Constraint: "cpu", Wanted: "8 a pod", Found: "2 free of 4"},
		},
	}
	want := []Spot{
		{PodSet: "w", Node: "n-01", Zone: new(0), Pods: "0-1,3", Devices: []string{"a", "b"}},
		{PodSet: "w", Node: "n-01", Zone: new(1), Pods: "2"},
		{PodSet: "w", Node: "n-02", Pods: "4"},
	}
	if diff := cmp.Diff(want, d.Spots()); diff != "" {
		t.Errorf("spots (-want +got):\n%s", diff)
	}
	var got []string
	for _, g := range d.GroupedRefusals() {
		got = append(got, g.String())
	}
	if diff := cmp.Diff([]string{"node n-[03-04]: a pod wants 8 cpu, 2 free of 4", "node n-05: a pod wants 8 cpu, 4 free of 4"}, got); diff != "" {
		t.Errorf("refusals (-want +got):\n%s", diff)
	}
}
