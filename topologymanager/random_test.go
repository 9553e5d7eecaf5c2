// SPDX-License-Identifier: Apache-2.0

package topologymanager

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// byTheLetter merges as KEP-693 words it: every combination of one hint for
// each resource is intersected; it is preferred when all its hints are and are
// the same set; the best of them wins. 0 and true stand for no alignment.
func byTheLetter(s *state, wishes []wish) (mask uint64, preferred bool) {
	lists := make([][]hint, len(wishes))
	most := 0
	for i, w := range wishes {
		least := 0
		for _, h := range w.hints {
			if s.node.Kubelet.Policy != SingleNUMANode || size(h.mask) == 1 && h.preferred {
				lists[i] = append(lists[i], h)
			}
			if least == 0 || size(h.mask) < least {
				least = size(h.mask)
			}
		}
		most = max(most, least)
		if len(w.hints) == 0 && s.node.Kubelet.Policy != SingleNUMANode {
			lists[i] = []hint{{mask: 0}} // "any zones, not preferred"
		}
	}
	found := false
	var walk func(i int, m uint64, first uint64, pref bool)
	walk = func(i int, m uint64, first uint64, pref bool) {
		if i == len(lists) {
			if m == 0 {
				return
			}
			if !found || standsBefore(s, m, pref, mask, preferred, most) {
				mask, preferred, found = m, pref, true
			}
			return
		}
		for _, h := range lists[i] {
			if h.mask == 0 {
				walk(i+1, m, first, false)
				continue
			}
			f := first
			if f == 0 {
				f = h.mask
			}
			walk(i+1, m&h.mask, f, pref && h.preferred && h.mask == f)
		}
	}
	walk(0, s.all, 0, true)
	if !found {
		return s.all, false
	}
	return mask, preferred
}

// standsBefore is the order of two merged hints.
func standsBefore(s *state, a uint64, ap bool, b uint64, bp bool, most int) bool {
	if ap != bp {
		return ap
	}
	if !ap {
		under := func(m uint64) bool { return size(m) <= most }
		switch {
		case under(a) != under(b):
			return under(a)
		case under(a) && size(a) != size(b):
			return size(a) > size(b)
		case size(a) != size(b):
			return size(a) < size(b)
		}
	}
	return s.fitter(a, b)
}

func TestMergeIsKubelets(t *testing.T) {
	const seed = 7
	rnd := rand.New(rand.NewPCG(seed, 0))
	policies := []Policy{BestEffort, Restricted, SingleNUMANode}
	tally := map[bool]int{}
	for round := range 4000 {
		n := randomNode(rnd)
		n.Kubelet.Policy = policies[round%len(policies)]
		n.Kubelet.PreferClosest = rnd.IntN(2) == 0 && n.Kubelet.Policy != SingleNUMANode
		s := newState(n, Pod{QoS: QoSGuaranteed})
		wishes := s.wishes(randomRequest(rnd))
		if len(wishes) == 0 {
			continue
		}
		got := s.merge(wishes)
		mask, preferred := byTheLetter(s, wishes)
		tally[preferred]++
		if got.preferred != preferred {
			t.Fatalf("seed %d, round %d: preferred %v, want %v", seed, round, got.preferred, preferred)
		}
		if single := n.Kubelet.Policy == SingleNUMANode && mask == s.all; (preferred || n.Kubelet.Policy == BestEffort) && !single && got.mask != mask {
			t.Fatalf("seed %d, round %d: %s merges to %b, want %b", seed, round, n.Kubelet.Policy, got.mask, mask)
		}
	}
	if tally[true] < 100 || tally[false] < 100 {
		t.Errorf("the rounds are one-sided: %v", tally)
	}
}

func randomNode(rnd *rand.Rand) Node {
	var n Node
	capacity := Resources{"cpu": 8000, "memory": 6, gpu: 4, "nic": 3}
	for id := range 1 + rnd.IntN(4) {
		free := Resources{}
		for _, name := range []string{"cpu", gpu, "memory", "nic"} {
			free[name] = rnd.Int64N(capacity[name] + 1)
		}
		z := Zone{ID: 2 * id, Available: free, Capacity: capacity, Distances: map[int]int{}}
		n.Zones = append(n.Zones, z)
	}
	for i := range n.Zones {
		for j := range n.Zones[:i+1] {
			d := 10 + rnd.IntN(3)*10
			n.Zones[i].Distances[n.Zones[j].ID], n.Zones[j].Distances[n.Zones[i].ID] = d, d
		}
	}
	return n
}

func randomRequest(rnd *rand.Rand) Resources {
	return Resources{"cpu": 1000 * int64(rnd.IntN(12)), "memory": int64(rnd.IntN(9)), gpu: int64(rnd.IntN(6)), "nic": int64(rnd.IntN(4))}
}

// An admitted pod never takes more than is free, a pod under single-numa-node
// has each container in one zone, and the order of zones does not matter.
func TestPredictInvariants(t *testing.T) {
	const seed = 11
	rnd := rand.New(rand.NewPCG(seed, 0))
	policies := []Policy{None, BestEffort, Restricted, SingleNUMANode}
	for round := range 4000 {
		n := randomNode(rnd)
		n.Kubelet = Kubelet{Policy: policies[round%len(policies)], Scope: []Scope{ContainerScope, PodScope}[rnd.IntN(2)]}
		var p Pod
		p.QoS = []QoS{QoSGuaranteed, QoSBurstable}[rnd.IntN(2)]
		for i := range 1 + rnd.IntN(3) {
			p.Containers = append(p.Containers, Container{Name: string(rune('a' + i)), Requests: randomRequest(rnd), Init: i == 0 && rnd.IntN(3) == 0})
		}
		a, err := Predict(n, p)
		if err != nil {
			t.Fatal(err)
		}
		turned := n
		turned.Zones = slices.Clone(n.Zones)
		slices.Reverse(turned.Zones)
		if b, _ := Predict(turned, p); a.Admitted != b.Admitted || a.Reason != b.Reason {
			t.Fatalf("seed %d, round %d: the order of zones matters: %q, %q", seed, round, a.Reason, b.Reason)
		}
		if !a.Admitted {
			if a.Reason == "" {
				t.Fatalf("seed %d, round %d: refused without a reason", seed, round)
			}
			continue
		}
		for _, z := range n.Zones {
			for name, left := range a.Left[z.ID] {
				if left < 0 || left > z.Available[name] {
					t.Fatalf("seed %d, round %d: zone %d is left with %d of %d %s", seed, round, z.ID, left, z.Available[name], name)
				}
			}
		}
		for _, c := range a.Containers {
			if n.Kubelet.Policy == SingleNUMANode && len(c.Zones) > 1 {
				t.Fatalf("seed %d, round %d: container %s spans zones %v", seed, round, c.Name, c.Zones)
			}
		}
	}
}

func TestFewestIsMinimal(t *testing.T) {
	const seed = 13
	rnd := rand.New(rand.NewPCG(seed, 0))
	for round := range 2000 {
		n := randomNode(rnd)
		for i := range n.Zones {
			if rnd.IntN(4) == 0 {
				delete(n.Zones[i].Available, "memory")
			}
		}
		req := randomRequest(rnd)
		got, err := Fewest(n.Zones, QoSGuaranteed, req)
		if err != nil {
			t.Fatal(err)
		}
		need := alignable(n.Zones, QoSGuaranteed, req)
		set := uint64(0)
		for i, z := range n.Zones {
			if slices.Contains(got, z.ID) {
				set |= 1 << i
			}
		}
		key := func(m uint64) []int {
			return []int{size(m), lacking(n.Zones, m, need), distancesOf(n.Zones).total(m)}
		}
		if got != nil && !holds(n.Zones, set, need) {
			t.Fatalf("seed %d, round %d: zones %v do not hold %v", seed, round, got, need)
		}
		for m := uint64(0); m < 1<<len(n.Zones); m++ {
			if !holds(n.Zones, m, need) {
				continue
			}
			if got == nil || slices.Compare(key(m), key(set)) < 0 {
				t.Fatalf("seed %d, round %d: got %v, zone set %b is better", seed, round, got, m)
			}
		}
	}
}
