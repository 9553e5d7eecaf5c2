// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// openbLists are the lists of the comparison with the published figures.
var openbLists = []string{"default", "gpuspec33", "multigpu50", "cpu250", "gpushare100"}

// TestOpenB prints the table of docs/measurements/placement.md: ten seeds of every
// policy on every list, at 100 and 130 percent. It takes about an hour;
// "make bench-openb" runs it, and TARSIA_OPENB narrows it to lists.
func TestOpenB(t *testing.T) {
	lists := os.Getenv("TARSIA_OPENB")
	if lists == "" {
		t.Skip("TARSIA_OPENB is not set: ten seeds of all policies take about an hour")
	}
	const seeds = 10
	chosen := openbLists
	if lists != "all" {
		chosen = strings.Split(lists, ",")
	}
	for _, list := range chosen {
		trace := openb(t, list)
		for _, p := range Policies() {
			var results []FillResult
			for seed := range uint64(seeds) {
				res, err := Fill(t.Context(), trace, FillOptions{Policy: p, Seed: seed + 1, Percent: 130, At: []int{100, 130}})
				if err != nil {
					t.Fatal(err)
				}
				results = append(results, res)
			}
			line := fmt.Sprintf("| %s | %s |", list, p)
			for _, s := range Summarize(results) {
				line += fmt.Sprintf(" %.2f (%.2f-%.2f) | %.2f | %.2f |", s.Allocated.percent(s.Allocated.Mean), s.Allocated.percent(s.Allocated.Least), s.Allocated.percent(s.Allocated.Most), s.Fragmented.percent(s.Fragmented.Mean), s.Bound.percent(s.Bound.Mean))
			}
			fmt.Println(line)
		}
	}
}

func (s Spread) percent(milliPercent int64) float64 { return float64(milliPercent) / 1000 }
