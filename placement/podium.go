// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"cmp"
	"slices"
)

// candidate is a number of pods in a cell, and what it costs.
type candidate struct {
	cell, pods int
	cost       []uint64
}

// podium keeps the best few cells, each with its best number of pods, so that
// looking at a cell costs no memory.
type podium struct {
	best []candidate // the least cost first, then the earlier cell
	fits int         // cells that hold the gang
	cost []uint64    // room for the cost that is being looked at
}

// enter takes a candidate over when it is among the best. Of candidates of one
// cell, which come one after another, only the best stays.
func (p *podium) enter(c candidate) {
	at := slices.IndexFunc(p.best, func(b candidate) bool { return b.cell == c.cell })
	switch {
	case at >= 0 && slices.Compare(c.cost, p.best[at].cost) >= 0:
		return
	case at >= 0:
	case len(p.best) <= maxOthers:
		at = len(p.best)
		p.best = append(p.best, candidate{cost: make([]uint64, len(c.cost))})
	default:
		at = len(p.best) - 1
		if slices.Compare(c.cost, p.best[at].cost) >= 0 {
			return
		}
	}
	p.best[at].cell, p.best[at].pods = c.cell, c.pods
	copy(p.best[at].cost, c.cost)
	for ; at > 0 && before(p.best[at], p.best[at-1]); at-- {
		p.best[at], p.best[at-1] = p.best[at-1], p.best[at]
	}
}

func before(a, b candidate) bool {
	return cmp.Or(slices.Compare(a.cost, b.cost), cmp.Compare(a.cell, b.cell)) < 0
}
