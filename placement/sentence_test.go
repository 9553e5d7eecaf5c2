// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRefusalIsASentence(t *testing.T) {
	for _, c := range []struct {
		refusal Refusal
		want    string
	}{
		{Refusal{Level: "node", Domain: "a", Constraint: "not ready", Wanted: "a ready node", Found: "kubelet stopped posting"}, "node a: not ready: kubelet stopped posting"},
		{Refusal{Level: "node", Domain: "a", Constraint: "unschedulable", Wanted: "a schedulable node", Found: "cordoned", More: 3}, "node a: cordoned (and 3 more like it)"},
		{Refusal{Level: "node", Domain: "a", Constraint: "architecture", Wanted: "amd64 or arm64", Found: "riscv64"}, "node a: riscv64, wanted amd64 or arm64"},
		{Refusal{Level: "node", Domain: "a", Constraint: "architecture", Wanted: "amd64", Found: "unknown"}, "node a: its architecture is not known, wanted amd64"},
		{Refusal{Level: "node", Domain: "a", Constraint: "taint gpu:NoSchedule", Wanted: "no such taint, or a toleration", Found: "taint gpu:NoSchedule"}, "node a: taint gpu:NoSchedule is not tolerated"},
		{Refusal{Level: "node", Domain: "a", Constraint: "label disk", Wanted: "disk In [ssd]", Found: "disk=hdd"}, "node a: disk=hdd, wanted disk In [ssd]"},
		{Refusal{Level: "node", Domain: "a", Constraint: "node affinity", Wanted: "disk Exists, or y Exists", Found: "none of them"}, "node a: no alternative of the node affinity holds: disk Exists, or y Exists"},
		{Refusal{Level: "node", Domain: "a", Constraint: "has no rack", Wanted: "a domain of level rack", Found: "none"}, "node a: in no domain of level rack"},
		{Refusal{Level: "node", Domain: "a", Constraint: "nvidia.com/gpu", Wanted: "4 a pod", Found: "3 free of 4; gpu1 unusable: lost"}, "node a: a pod wants 4 nvidia.com/gpu, 3 free of 4; gpu1 unusable: lost"},
		{Refusal{Level: "node", Domain: "a", Constraint: "pods", Wanted: "1 a pod", Found: "0 free of 110"}, "node a: no more pods: 0 free of 110"},
		{Refusal{Level: "node", Domain: "a", Constraint: "numa", Wanted: "4 nvidia.com/gpu in one NUMA zone", Found: "4 nvidia.com/gpu free, 2 per zone"}, "node a: a pod wants 4 nvidia.com/gpu in one NUMA zone; 4 nvidia.com/gpu free, 2 per zone"},
		{Refusal{Level: "rack", Domain: "r1", Constraint: "nvidia.com/gpu", Wanted: "8 pods", Found: "3 fit on 2 nodes; held back by nvidia.com/gpu on 2 of them"}, "rack r1: 8 pods wanted, 3 fit on 2 nodes; held back by nvidia.com/gpu on 2 of them"},
		{Refusal{Level: "rack", Domain: "r1", Constraint: "cpu", Wanted: "16 in all", Found: "12 free"}, "rack r1: all pods together want 16 cpu, 12 free"},
		{Refusal{Level: "fleet", Domain: "fleet", Constraint: "has no block", Wanted: "one domain of level block", Found: "none among 1 node"}, "the fleet: has no block: wanted one domain of level block, found none among 1 node"},
	} {
		if got := c.refusal.String(); got != c.want {
			t.Errorf("found %q, want %q", got, c.want)
		}
	}
}

func TestSentences(t *testing.T) {
	full := Decision{
		Outcome:     Refused,
		Certificate: &Certificate{Level: "fleet", Domains: []DomainBound{{Domain: "fleet", PodSet: "w", Wanted: 64, AtMost: 56, Constraint: "nvidia.com/gpu"}}},
		Refusals: []Refusal{
			{Level: "node", Domain: "a", Constraint: "unschedulable", Found: "cordoned"},
			{Level: "node", Domain: "b", Constraint: "unschedulable", Found: "cordoned", More: 4},
		},
		Relax:     &Relaxation{Change: "pods 64 -> 56", Text: "with 56 pods instead of 64"},
		FitsAfter: new(int64(5400)),
		WaitsFor:  []string{"x/0", "x/1"},
	}
	want := []string{
		"at most 56 of 64 pods fit in the whole fleet (nvidia.com/gpu)",
		"node a,b: cordoned (and 4 more like it)",
		"it would fit with 56 pods instead of 64",
		"it fits in 1h30m if nothing new arrives, when 2 pods have ended: x/0, x/1",
	}
	got := full.Sentences()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sentences (-want +got):\n%s", diff)
	}
	if got := full.Event(1024); got != want[0]+"; "+want[1]+"; "+want[2]+"; "+want[3] {
		t.Errorf("event %q", got)
	}
	if got := full.Event(len(want[0]) + 2); got != want[0] {
		t.Errorf("a short event is %q, want %q", got, want[0])
	}
	if got := full.Event(10); got != "at most 56" {
		t.Errorf("a very short event is %q", got)
	}
	evicting := Decision{Outcome: Placed, Assignments: []Assignment{{Node: "n"}}, Victims: []string{"a/1", "a/2"}}
	if diff := cmp.Diff([]string{"1 pod on n", "2 running pods must go first: a/1, a/2"}, evicting.Sentences()); diff != "" {
		t.Errorf("sentences (-want +got):\n%s", diff)
	}
}

func TestSpan(t *testing.T) {
	for seconds, want := range map[int64]string{0: "0s", 40: "40s", 60: "1m", 90: "1m30s", 3600: "1h", 5400: "1h30m", 86400: "1d", 3*86400 + 4*3600 + 59: "3d4h"} {
		if got := span(seconds); got != want {
			t.Errorf("%d seconds are %q, want %q", seconds, got, want)
		}
	}
}
