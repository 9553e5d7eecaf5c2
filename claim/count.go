// SPDX-License-Identifier: Apache-2.0

package claim

import (
	"fmt"
	"slices"
	"strings"
)

// Count finds how many pods that demand the same fit beside the demands of
// base, up to most. exact is false where a search ended before it knew whether
// one more fits.
func (u *Use) Count(base, pod []Demand, most int, o Options) (n int, exact bool, err error) {
	o.AnyWay = true
	exact = true
	fits := func(m int) (bool, error) {
		demands := slices.Clone(base)
		for range m {
			demands = append(demands, pod...)
		}
		a, err := u.Solve(demands, o)
		exact = exact && a.Outcome != Undecided
		return a.Outcome == Fits, err
	}
	low, high := 0, most+1 // low fits; high does not, or is not asked for
	for step := 1; low < high-1; {
		m := min(low+step, high-1)
		if high <= most {
			m = low + (high-low)/2
		}
		ok, err := fits(m)
		if err != nil {
			return 0, false, err
		}
		if ok {
			low, step = m, 2*step
		} else {
			high = m
		}
	}
	return low, exact, nil
}

// StateKey is the same for two states in which the same number of pods fits
// that demand this from one node: the signatures and states of what they can
// use, whatever it is called. It is of use where nodes are many and alike.
func (u *Use) StateKey(demands []Demand) (string, error) {
	var all []*demand
	for i := range demands {
		d, err := u.compile(i, &demands[i])
		if err != nil {
			return "", fmt.Errorf("key of claims: %w", err)
		}
		all = append(all, d)
	}
	s := newSymmetry(u, all)
	rows := make([]string, len(s.blocks))
	for i, b := range s.blocks {
		rows[i] = b.text + b.state(u)
	}
	slices.Sort(rows)
	for _, d := range all { // alternatives that were left out for want of devices
		for _, r := range d.requests {
			for _, a := range r.alts {
				rows = append(rows, fmt.Sprint(a.preference, a.count))
			}
			rows = append(rows, ";")
		}
	}
	return strings.Join(rows, "\x00"), nil
}
