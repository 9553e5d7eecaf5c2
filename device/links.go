// SPDX-License-Identifier: Apache-2.0

package device

import (
	"cmp"
	"math/bits"
	"sync"
)

// ExactDevices is up to how many devices of unequal links every set is
// considered. Beyond, sets grow greedily and the decision says so.
const ExactDevices = 16

// Links answers which sets of k devices to take, for one matrix of link
// scores. The score of a set is the sum over its pairs. What it has computed it
// keeps; the lock makes it safe to share, and the answers do not depend on what
// was asked before.
type Links struct {
	n     int
	score [][]int64
	even  bool // all pairs score the same: any set is as good as another

	mu     sync.Mutex
	sets   map[[2]int][]setEntry // by k and m, then by the mask of free devices
	parts  map[int][]int64       // by k, then by mask; -1 not yet known
	greedy map[setKey]uint64
	tops   map[setKey]int64
}

// setEntry is the best way to take m sets of k devices out of a mask.
type setEntry struct {
	total int64  // score of the sets
	rest  int64  // best partition of what stays free into sets of the same size
	first uint64 // one of the sets, the one with the lowest indices
	known bool
}

type setKey struct {
	mask uint64
	k    int
}

// NewLinks makes the table of a square, symmetric matrix of link scores.
func NewLinks(score [][]int64) *Links {
	t := &Links{
		n: len(score), score: score, even: true,
		sets: map[[2]int][]setEntry{}, parts: map[int][]int64{}, greedy: map[setKey]uint64{}, tops: map[setKey]int64{},
	}
	for a := range score {
		for b := range a {
			t.even = t.even && score[a][b] == score[1][0]
		}
	}
	return t
}

// Exact tells whether the table finds the best sets, not only good ones.
func (t *Links) Exact() bool { return t.even || t.n <= ExactDevices }

// Value is the score of one set.
func (t *Links) Value(mask uint64) int64 {
	var sum int64
	for ; mask != 0; mask &= mask - 1 {
		a := bits.TrailingZeros64(mask)
		for rest := mask & (mask - 1); rest != 0; rest &= rest - 1 {
			sum += t.score[a][bits.TrailingZeros64(rest)]
		}
	}
	return sum
}

// pairs is the score of k devices whose links are all alike.
func (t *Links) pairs(k int) int64 {
	if t.n < 2 {
		return 0
	}
	return int64(k) * int64(k-1) / 2 * t.score[1][0]
}

// Best is the total score of the best m disjoint sets of k devices of mask, and
// how good the rest can be in a partition into sets of as many (pairs, for single
// devices) and a smaller one. Best is first the sum of both, then the total.
// There must be m*k devices.
func (t *Links) Best(mask uint64, k, m int) (total, rest int64) {
	if t.even {
		size := max(k, 2)
		left := Members(mask) - m*k
		return int64(m) * t.pairs(k), int64(left/size)*t.pairs(size) + t.pairs(left%size)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n > ExactDevices {
		for range m {
			set := t.grow(mask, k)
			total, mask = total+t.Value(set), mask&^set
		}
		return total, 0
	}
	e := t.solve(mask, k, m)
	return e.total, e.rest
}

// Whole is the best score of a partition of mask into sets that a shape of k
// devices would like to find whole: of size k, or pairs for single devices, and
// one smaller.
func (t *Links) Whole(mask uint64, k int) int64 {
	_, rest := t.Best(mask, k, 0)
	return rest
}

// Choose returns the sets behind Best, lowest indices first on ties.
func (t *Links) Choose(mask uint64, k, m int) []uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	sets := make([]uint64, 0, m)
	for ; m > 0; m-- {
		var set uint64
		switch {
		case t.even:
			set = lowest(mask, k)
		case t.n > ExactDevices:
			set = t.grow(mask, k)
		default:
			set = t.solve(mask, k, m).first
		}
		sets, mask = append(sets, set), mask&^set
	}
	return sets
}

func lowest(mask uint64, k int) uint64 {
	var set uint64
	for range k {
		bit := mask & -mask
		set, mask = set|bit, mask&^bit
	}
	return set
}

// solve takes every set of k as the first and solves the rest with what is left.
func (t *Links) solve(mask uint64, k, m int) setEntry {
	if m == 0 {
		return setEntry{rest: t.partition(mask, max(k, 2))}
	}
	memo := t.sets[[2]int{k, m}]
	if memo == nil {
		memo = make([]setEntry, 1<<t.n)
		t.sets[[2]int{k, m}] = memo
	}
	if memo[mask].known {
		return memo[mask]
	}
	best := setEntry{total: -1, known: true}
	t.subsets(mask, k, func(set uint64, score int64) {
		left := t.solve(mask&^set, k, m-1)
		total := score + left.total
		if c := cmp.Compare(total+left.rest, best.total+best.rest); best.total < 0 || c > 0 || c == 0 && total > best.total {
			best.total, best.rest, best.first = total, left.rest, set
		}
	})
	memo[mask] = best
	return best
}

// partition is the best total score of a partition of mask into sets of size k
// and one smaller.
func (t *Links) partition(mask uint64, k int) int64 {
	if Members(mask) <= k {
		return t.Value(mask)
	}
	memo := t.parts[k]
	if memo == nil {
		memo = make([]int64, 1<<t.n)
		for i := range memo {
			memo[i] = -1
		}
		t.parts[k] = memo
	}
	if memo[mask] >= 0 {
		return memo[mask]
	}
	// The lowest device is in a whole set or in the smaller one.
	var best int64
	low := mask & -mask
	try := func(size int) {
		t.subsets(mask&^low, size-1, func(set uint64, _ int64) {
			best = max(best, t.Value(set|low)+t.partition(mask&^(set|low), k))
		})
	}
	try(k)
	if rest := Members(mask) % k; rest > 0 {
		try(rest)
	}
	memo[mask] = best
	return best
}

// Top is the score of the best set of k devices of mask, whatever that leaves.
func (t *Links) Top(mask uint64, k int) int64 {
	if t.even {
		return t.pairs(k)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n > ExactDevices {
		return t.Value(t.grow(mask, k))
	}
	key := setKey{mask, k}
	best, known := t.tops[key]
	if !known {
		t.subsets(mask, k, func(_ uint64, score int64) { best = max(best, score) })
		t.tops[key] = best
	}
	return best
}

// subsets visits the sets of k members of mask in the order of their lowest
// indices, with their scores.
func (t *Links) subsets(mask uint64, k int, visit func(set uint64, score int64)) {
	var walk func(left, set uint64, k int, score int64)
	walk = func(left, set uint64, k int, score int64) {
		if k == 0 {
			visit(set, score)
			return
		}
		for ; Members(left) >= k; left &= left - 1 {
			a := bits.TrailingZeros64(left)
			more := score
			for in := set; in != 0; in &= in - 1 {
				more += t.score[a][bits.TrailingZeros64(in)]
			}
			walk(left&(left-1), set|1<<a, k-1, more)
		}
	}
	walk(mask, 0, k, 0)
}

// maxGreedy bounds the memory of remembered greedy sets.
const maxGreedy = 1 << 14

// grow builds a set from each device in turn, always adding the best joined one,
// and keeps the best of these sets.
func (t *Links) grow(mask uint64, k int) uint64 {
	key := setKey{mask, k}
	if set, ok := t.greedy[key]; ok {
		return set
	}
	var best uint64
	bestScore := int64(-1)
	for seeds := mask; seeds != 0; seeds &= seeds - 1 {
		set, score := seeds&-seeds, int64(0)
		for range k - 1 {
			add, gain := 0, int64(-1)
			for left := mask &^ set; left != 0; left &= left - 1 {
				a := bits.TrailingZeros64(left)
				var g int64
				for in := set; in != 0; in &= in - 1 {
					g += t.score[a][bits.TrailingZeros64(in)]
				}
				if g > gain {
					add, gain = a, g
				}
			}
			set, score = set|1<<add, score+gain
		}
		if score > bestScore {
			best, bestScore = set, score
		}
	}
	if len(t.greedy) >= maxGreedy {
		clear(t.greedy)
	}
	t.greedy[key] = best
	return best
}
