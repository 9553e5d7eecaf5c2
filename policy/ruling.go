// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"context"

	"tarsia.dev/tarsia/placement"
)

// Ruling is what a policy did to one decision.
type Ruling struct {
	Gang  string `json:"gang"`
	Class string `json:"class"` // "" where no class takes the job
	Lines []Line `json:"lines"` // those that decided, by their place in the file
	Bill  *Bill  `json:"bill"`  // null where nothing runs or nothing has a price
	// Alternatives are placements that none found is better than; absent unless
	// asked for.
	Alternatives []Alternative `json:"alternatives,omitempty"`
}

// Rule gathers what the policy did to a decision: Explain, Bill and, if asked
// for, Pareto.
func (b *Bound) Rule(ctx context.Context, u *placement.Usage, a Applied, d placement.Decision, alternatives bool) (Ruling, error) {
	r := Ruling{Gang: d.Gang, Class: a.Class, Bill: b.Bill(a.Gang, d)}
	var err error
	if r.Lines, err = b.Explain(ctx, u, a, d); err != nil {
		return Ruling{}, err
	}
	if alternatives {
		r.Alternatives, err = b.Pareto(ctx, u, a, d)
	}
	return r, err
}
