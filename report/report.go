// SPDX-License-Identifier: Apache-2.0

// Package report writes what other tools read: findings as JUnit XML for
// continuous integration, a fleet as CSV for spreadsheets, and the JSON Schema
// of the documents that -o json prints. It decides nothing; the JSON itself is
// the model's own. Begin with JUnit, FleetCSV or Schema.
package report

import (
	"cmp"
	"fmt"
	"strings"

	"tarsia.dev/tarsia/finding"
)

// evidenceText is the body of a finding for readers of plain text.
func evidenceText(f finding.Finding) string {
	var b strings.Builder
	for _, e := range f.CountedEvidence() {
		where := e.Source
		if e.Node != "" {
			where = e.Node + ": " + where
		}
		fmt.Fprintf(&b, "%s: found %s", where, cmp.Or(e.Found, "nothing"))
		if e.Wanted != "" {
			fmt.Fprintf(&b, ", wanted %s", e.Wanted)
		}
		if e.Times > 1 {
			fmt.Fprintf(&b, " (%d times)", e.Times)
		}
		b.WriteByte('\n')
	}
	if f.Cost != "" {
		fmt.Fprintf(&b, "cost: %s\n", f.Cost)
	}
	if f.Fix != "" {
		fmt.Fprintf(&b, "fix: %s\n", f.Fix)
	}
	return b.String()
}
