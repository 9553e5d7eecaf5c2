// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// columns of the table, in its order.
var tableColumns = []Outcome{Placed, Rejected, Undecided, Unsupported}

// Outcome is the outcome of the whole case: the gravest of its results, where
// what was not answered is graver than what was refused.
func (a *Answer) Outcome() Outcome {
	worst := 0
	for r := range a.results {
		worst = max(worst, slices.Index(tableColumns, r.Outcome))
	}
	return tableColumns[worst]
}

// results walks through the results of all steps.
func (a *Answer) results(yield func(Result) bool) {
	for _, r := range a.Results {
		if !yield(r) {
			return
		}
	}
	for _, s := range a.Steps {
		for _, r := range s.Results {
			if !yield(r) {
				return
			}
		}
	}
}

// reason is the first reason that a result of the given outcome has.
func (a *Answer) reason(o Outcome) string {
	for r := range a.results {
		if r.Outcome == o {
			return r.Reason
		}
	}
	return ""
}

// WriteTable counts outcomes by source, which is what stands before the first
// slash of an id, and lists the cases that have no answer, with the reason.
func WriteTable(w io.Writer, answers []Answer) error {
	counts := map[string]map[Outcome]int{"total": {}}
	var sources []string
	width := len("source")
	for i := range answers {
		source, _, _ := strings.Cut(answers[i].ID, "/")
		if counts[source] == nil {
			counts[source] = map[Outcome]int{}
			sources = append(sources, source)
			width = max(width, len(source))
		}
		counts[source][answers[i].Outcome()]++
		counts["total"][answers[i].Outcome()]++
	}
	slices.Sort(sources)
	var b strings.Builder
	fmt.Fprintf(&b, "%-*s", width, "source")
	for _, c := range tableColumns {
		fmt.Fprintf(&b, "  %11s", c)
	}
	b.WriteString("  total\n")
	for _, s := range append(sources, "total") {
		fmt.Fprintf(&b, "%-*s", width, s)
		total := 0
		for _, c := range tableColumns {
			fmt.Fprintf(&b, "  %11d", counts[s][c])
			total += counts[s][c]
		}
		fmt.Fprintf(&b, "  %5d\n", total)
	}
	open := slices.DeleteFunc(slices.Clone(answers), func(a Answer) bool {
		return a.Outcome() == Placed || a.Outcome() == Rejected
	})
	slices.SortStableFunc(open, func(a, b Answer) int { return cmp.Compare(a.Outcome(), b.Outcome()) })
	for i := range open {
		o := open[i].Outcome()
		fmt.Fprintf(&b, "\n%s  %s\n    %s\n", o, open[i].ID, open[i].reason(o))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
