// SPDX-License-Identifier: Apache-2.0

package placement_test

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/placement"
)

// bytesSource draws random numbers from bytes, then from a generator that they
// seed: what the fuzzer changes changes one choice of the case.
type bytesSource struct {
	data []byte
	rest rand.Source
}

func newBytesSource(data []byte) *bytesSource {
	seed := uint64(len(data))
	for _, b := range data {
		seed = seed*31 + uint64(b)
	}
	return &bytesSource{data, rand.NewPCG(seed, 13)}
}

func (s *bytesSource) Uint64() uint64 {
	if len(s.data) == 0 {
		return s.rest.Uint64()
	}
	var word [8]byte
	// The high bytes decide what IntN of a small number gives.
	n := copy(word[6:], s.data)
	s.data = s.data[n:]
	return binary.LittleEndian.Uint64(word[:])
}

// FuzzPlace: whatever the fleet, what runs and the gang, there is an answer; a
// placement keeps every rule, victims are of lower priority and not in vain, and a
// proof holds when it is counted again.
func FuzzPlace(f *testing.F) {
	for seed := range uint64(24) {
		r := rand.New(rand.NewPCG(seed, 14))
		data := make([]byte, 16+8*seed)
		for i := range data {
			data[i] = byte(r.Uint32())
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<12 {
			return
		}
		r := rand.New(newBytesSource(data))
		w := randomWorld(r, 1, r.IntN(4) == 0)
		if r.IntN(2) == 0 {
			crowd(r, &w)
		}
		d := place(t, build(t, w), w.gang)
		after := w
		after.running = slices.DeleteFunc(slices.Clone(w.running), func(p placement.Running) bool { return slices.Contains(d.Victims, p.Name) })
		if len(after.running) != len(w.running)-len(d.Victims) {
			t.Fatalf("victims %v do not all run\n%s", d.Victims, describe(w))
		}
		switch d.Outcome {
		case placement.Placed:
			verify(t, after, d)
		case placement.Refused:
			if newTruth(w).optimum(w) != nil {
				t.Fatalf("refused, and brute force places it\n%s", describe(w))
			}
			checkCertificate(t, w, d)
		default:
			t.Fatalf("%s\n%s", d.Outcome, describe(w))
		}
		for _, v := range d.Victims {
			p := w.running[slices.IndexFunc(w.running, func(p placement.Running) bool { return p.Name == v })]
			if p.Priority >= w.gang.Priority {
				t.Fatalf("evicts %s of priority %d\n%s", v, p.Priority, describe(w))
			}
			back := after
			back.running = slices.Clone(after.running)
			for _, x := range w.running {
				if x.Name == v || x.Gang != "" && x.Gang == p.Gang {
					back.running = append(back.running, x)
				}
			}
			if newTruth(back).optimum(back) != nil {
				t.Fatalf("%s is evicted in vain\n%s", v, describe(w))
			}
		}
		if diff := cmp.Diff(d, place(t, build(t, w), w.gang)); diff != "" {
			t.Fatalf("asked twice:\n%s", diff)
		}
	})
}
