// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"context"
	"maps"
	"slices"
)

// Recount returns the objective of a gang of one set as the tables found it and
// as it is counted from the chosen pods.
func Recount(u *Usage, g Gang) (tables, counted []int64, err error) {
	q, err := u.newQuery(g)
	if err != nil {
		return nil, nil, err
	}
	attempts, _ := u.attempts(q)
	for i := range attempts {
		a := &attempts[i]
		u.arrange(q, a)
		c, _, err := u.try(context.Background(), q, a)
		if err != nil {
			return nil, nil, err
		}
		if c != nil {
			return c.values, u.evaluate(q, a, c.cell, c.uses, u.stage(q, c.pods)), nil
		}
	}
	return nil, nil, nil
}

// Search looks for a placement by exhaustive search alone, on all nodes.
func Search(u *Usage, g Gang) (found, stopped bool, err error) {
	q, err := u.newQuery(g)
	if err != nil {
		return false, false, err
	}
	pods, stopped, err := u.search(context.Background(), q, u.layout(nil, nil).cells[0].nodes)
	return pods != nil, stopped, err
}

// Same tells whether the same is booked on a fleet, to the last number.
func Same(a, b *Usage) bool {
	same := func(x, y map[uint64]int) bool { return maps.Equal(x, y) }
	memory := func(u *Usage) map[int]map[uint64]int {
		m := cloneMemory(u.memory)
		maps.DeleteFunc(m, func(_ int, sets map[uint64]int) bool { return len(sets) == 0 })
		return m
	}
	if a.claim.use != nil && !a.claim.use.Equal(b.claim.use) || len(a.claim.waiting) > 0 || len(b.claim.waiting) > 0 {
		return false
	}
	return slices.Equal(a.free, b.free) && slices.Equal(a.zone, b.zone) && slices.Equal(a.held, b.held) &&
		slices.Equal(a.unnamed, b.unnamed) && len(a.running) == len(b.running) && maps.EqualFunc(memory(a), memory(b), same)
}

// Hierarchy places a gang of several sets block by block, whatever its size.
func Hierarchy(u *Usage, g Gang) (Decision, error) {
	q, err := u.newQuery(g)
	if err != nil || len(q.strangeRequired) > 0 {
		return Decision{}, err
	}
	attempts, _ := u.attempts(q)
	for i := range attempts {
		a := &attempts[i]
		u.arrange(q, a)
		c, err := u.tryHierarchy(context.Background(), q, a)
		if err != nil || c == nil {
			if err != nil {
				return Decision{}, err
			}
			continue
		}
		return Decision{Outcome: Placed, Objective: q.obj.scores(c.values), Assignments: u.assignments(q, c), Released: q.released(c)}, nil
	}
	return Decision{}, nil
}
