// SPDX-License-Identifier: Apache-2.0

package collective

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"testing"
	"time"
)

// TestNarrowest compares the walk with trying every set, on random meshes.
func TestNarrowest(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 1))
	for range 200 {
		n := 2 + r.IntN(7)
		rate := make([][]int64, n)
		for i := range rate {
			rate[i] = make([]int64, n)
		}
		for i := range n {
			for j := range i {
				rate[i][j] = r.Int64N(4)
				rate[j][i] = rate[i][j]
			}
		}
		want := make([]int64, n/2+1)
		for set := uint32(1); set < 1<<n-1; set++ {
			size := bits.OnesCount32(set)
			if size > n/2 {
				continue
			}
			var c int64
			for i := range n {
				for j := range n {
					if set>>i&1 == 1 && set>>j&1 == 0 {
						c += rate[i][j]
					}
				}
			}
			if want[size] == 0 || c+1 < want[size] {
				want[size] = c + 1
			}
		}
		for i, c := range narrowest(rate) {
			if got := c.capacity; got != want[i+1]-1 || bits.OnesCount32(c.members) != i+1 {
				t.Fatalf("seed %d: %v: cut of %d: %b of %d, want %d", seed, rate, i+1, c.members, got, want[i+1]-1)
			}
		}
	}
}

// TestOperations: what each operation asks of one machine and of several,
// against the formulas of whoever sends everything at full rate.
func TestOperations(t *testing.T) {
	const big = 1 << 40 // latency does not show
	port := 0.96 * 50e9
	link := efficiency[NVLink] * 18 * nvlink4
	inside := one(switched(8, 18*nvlink4, false))
	two, eight := many(2, switched(8, 18*nvlink4, false), 8, 400*gbit), many(8, switched(8, 18*nvlink4, false), 8, 400*gbit)
	for _, c := range []struct {
		name string
		f    Fabric
		op   Operation
		want float64 // bytes per second of bus bandwidth
	}{
		{"all-gather", inside, AllGather, link},
		{"reduce-scatter", inside, ReduceScatter, link},
		{"all-to-all", inside, AllToAll, link},
		{"broadcast", inside, Broadcast, link},
		{"all-reduce", inside, AllReduce, link},
		{"all-gather of two", two, AllGather, min(link, 8*port)},
		// Of what a rank sends, half stays: N/(N-1) times the port (NVIDIA/nccl-tests#130).
		{"all-to-all of two", two, AllToAll, port * 15 / 8},
		{"all-to-all of eight", eight, AllToAll, port * 63 / 56},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := *c.f.Expect(c.op, big).BusBytesPerSecond
			if math.Abs(got/c.want-1) > 0.01 {
				t.Errorf("%.1f GB/s, want %.1f", got/1e9, c.want/1e9)
			}
		})
	}
}

// TestMore: more bytes take longer, and a faster way never makes it slower.
func TestMore(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 2))
	for range 300 {
		f := many(1+r.IntN(5), switched(1+r.IntN(8), 1+r.Int64N(1e12), r.IntN(2) == 0), 1+r.IntN(10), 1+r.Int64N(1e11))
		if f.Ranks() < 2 {
			continue
		}
		if len(f.Domains) == 1 {
			f.Between = nil
		}
		for _, op := range Operations {
			n := 1 + r.Int64N(1<<34)
			e := f.Expect(op, n)
			if more := f.Expect(op, n+n); *more.Seconds < *e.Seconds {
				t.Fatalf("seed %d: %s of %d: %v s, of twice that %v s", seed, op, n, *e.Seconds, *more.Seconds)
			}
			for i := range f.Between {
				f.Between[i].BytesPerSecond = new(*f.Between[i].BytesPerSecond * 2)
			}
			if faster := f.Expect(op, n); *faster.Seconds > *e.Seconds {
				t.Fatalf("seed %d: %s: %v s, with faster ports %v s", seed, op, *e.Seconds, *faster.Seconds)
			}
		}
	}
}
