// SPDX-License-Identifier: Apache-2.0

package collective

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
)

// Expect says how long an operation with a message of that many bytes takes by
// the fastest algorithm. Bytes are counted as nccl-tests does: for all-gather
// and reduce-scatter the whole array, for all-to-all what one rank sends.
func (f Fabric) Expect(op Operation, bytes int64) Estimate {
	var best Estimate
	for _, a := range f.algorithms(op) {
		if e := f.ExpectBy(op, a, bytes); best.Algorithm == "" || faster(e, best) {
			best = e
		}
	}
	return best
}

func faster(a, b Estimate) bool {
	if a.Seconds == nil || b.Seconds == nil {
		return false
	}
	return *a.Seconds < *b.Seconds
}

// algorithms lists what can carry out an operation here, the plainest first.
func (f Fabric) algorithms(op Operation) []Algorithm {
	switch {
	case op == AllToAll:
		return []Algorithm{Direct}
	case op != AllReduce:
		return []Algorithm{Ring}
	}
	out := []Algorithm{Ring}
	if len(f.Domains) > 1 {
		out = append(out, Tree)
	}
	if !slices.ContainsFunc(f.Domains, func(d Domain) bool { return !d.Reduces || d.Ranks < 2 }) {
		out = append(out, InSwitch)
	}
	return out
}

// ExpectBy is Expect by one algorithm, as when a library is told which.
func (f Fabric) ExpectBy(op Operation, by Algorithm, bytes int64) Estimate {
	n := f.Ranks()
	e := Estimate{Operation: op, Bytes: bytes, Ranks: n, Domains: len(f.Domains), Algorithm: by}
	if n < 2 || bytes <= 0 {
		return e
	}
	least := 0.0 // seconds per byte that the busiest way needs
	alike := 0   // others that need as much
	see := func(w Way, load float64) {
		if w.BytesPerSecond == nil {
			if !slices.Contains(e.Unknown, w.Unknown) {
				e.Unknown = append(e.Unknown, w.Unknown)
			}
			return
		}
		switch t := load / rate(w, by); {
		case t > least:
			least, e.Bottleneck, alike = t, w.Name, 0
		case t == least:
			alike++
		}
	}
	for _, d := range f.Domains {
		for _, w := range d.Ways {
			see(w, f.load(op, by, w, d.Ranks))
		}
	}
	for _, w := range f.Between {
		see(w, f.load(op, by, w, 0))
	}
	if least == 0 {
		return e
	}
	if alike > 0 {
		e.Bottleneck += fmt.Sprintf(" and %d alike", alike)
	}
	seconds := math.Inf(1)
	for _, p := range protocols {
		inside, between := f.steps(op, by)
		seconds = min(seconds, inside*p.inside+between*p.between+least*float64(bytes)/p.rate)
	}
	e.Seconds, e.BusBytesPerSecond = new(seconds), new(busFactor(op, n)*float64(bytes)/seconds)
	return e
}

// rate is what data gets of a way.
func rate(w Way, by Algorithm) float64 {
	r := float64(*w.BytesPerSecond) * efficiency[w.Kind]
	if w.Rails > railsMost && by != Direct {
		r *= railsMost / float64(w.Rails)
	}
	return r
}

// load is how many times the message passes a way in one direction. Domain is
// the size of the domain that the way is inside of, 0 for a way between domains.
func (f Fabric) load(op Operation, by Algorithm, w Way, domain int) float64 {
	n := float64(f.Ranks())
	switch {
	case by == Direct:
		// Each rank on one side sends an n-th to each on the other.
		return float64(w.Ranks) * (n - float64(w.Ranks)) / n
	case op == Broadcast:
		return 1
	case by == Ring:
		// A ring passes every way once, whatever is on its sides.
		return busFactor(op, f.Ranks())
	case domain == 0 && len(f.Domains) == 2:
		return 1 // each half of the double tree is sent up by one side and down by the other
	case domain == 0 || by == Tree:
		return 2 // up and down
	}
	// In the switch: a rank gives all that it has and copies its share to the
	// others; its links carry that at inSwitch of the line rate.
	k := float64(domain)
	reduce := (1 + 1/k) * efficiency[w.Kind] / inSwitch
	return max(reduce, busFactor(op, f.Ranks())*efficiency[w.Kind]/inSwitchMost)
}

// steps counts the hops that wait for each other, inside domains and between.
func (f Fabric) steps(op Operation, by Algorithm) (inside, between float64) {
	n, domains := f.Ranks(), len(f.Domains)
	widest := 0
	for _, d := range f.Domains {
		widest = max(widest, d.Ranks)
	}
	levels := bits.Len(uint(domains - 1)) // of a binary tree over the domains
	switch by {
	case Ring:
		rounds := 1
		if op == AllReduce {
			rounds = 2
		}
		return float64(rounds * (n - domains)), float64(rounds * (domains - 1))
	case Tree:
		return float64(2 * (widest - 1)), float64(2 * levels)
	case InSwitch:
		return inSwitchSteps, float64(2 * levels)
	}
	return float64(min(widest-1, 1)), float64(min(domains-1, 1))
}

// busFactor turns algorithm bandwidth into bus bandwidth (nccl-tests
// doc/PERFORMANCE.md).
func busFactor(op Operation, n int) float64 {
	switch op {
	case AllReduce:
		return 2 * float64(n-1) / float64(n)
	case Broadcast:
		return 1
	}
	return float64(n-1) / float64(n)
}
