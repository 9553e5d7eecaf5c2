// SPDX-License-Identifier: Apache-2.0

package text

import (
	"fmt"
	"io"
	"strconv"

	"tarsia.dev/tarsia/internal/unit"
	"tarsia.dev/tarsia/simulate"
)

// Simulation writes what policies made of a trace, side by side.
func Simulation(w io.Writer, fills []simulate.FillSummary, replays []simulate.Result, opt Options) error {
	out := newPrinter(opt)
	if len(fills) > 0 {
		rows := [][]string{{"policy", "arrived", "allocated", "least", "most", "fragmented", "bound"}}
		for _, f := range fills {
			rows = append(rows, []string{
				f.Policy, strconv.Itoa(f.Percent) + " %", milliPercent(f.Allocated.Mean), milliPercent(f.Allocated.Least),
				milliPercent(f.Allocated.Most), milliPercent(f.Fragmented.Mean), milliPercent(f.Bound.Mean),
			})
		}
		out.line("GPU of the fleet, mean of %s", plural(fills[0].Seeds, "seed"))
		out.columns(rows)
	}
	if len(replays) > 0 {
		rows := [][]string{{"policy", "used", "fragmented", "waited", "half", "99 of 100", "done", "never", "restarts"}}
		for _, r := range replays {
			rows = append(rows, []string{
				r.Policy, milliPercent(r.Utilisation), milliPercent(r.Fragmentation), unit.Seconds(r.Waits.Mean), unit.Seconds(r.Waits.Median),
				unit.Seconds(r.Waits.P99), strconv.Itoa(r.Done), strconv.Itoa(r.Never), strconv.Itoa(r.Killed),
			})
		}
		out.line("GPU of the fleet until the last arrival, and how long jobs waited")
		out.columns(rows)
		if replays[0].Locality[0].Gangs > 0 {
			out.blank()
			out.line("Gangs of several pods, all pods in one domain")
			head := []string{"policy"}
			for _, l := range replays[0].Locality {
				head = append(head, l.Level)
			}
			rows = [][]string{head}
			for _, r := range replays {
				row := []string{r.Policy}
				for _, l := range r.Locality {
					row = append(row, fmt.Sprintf("%d of %d", l.Within, l.Gangs))
				}
				rows = append(rows, row)
			}
			out.columns(rows)
		}
	}
	return out.flush(w)
}

// columns writes rows in columns as wide as their widest cell.
func (p *printer) columns(rows [][]string) {
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			width[i] = max(width[i], columns(cell))
		}
	}
	for _, row := range rows {
		line := " "
		for i, cell := range row {
			if i+1 < len(row) {
				cell = pad(cell, width[i])
			}
			line += " " + cell
			if i+1 < len(row) {
				line += " "
			}
		}
		p.line("%s", line)
	}
}

func milliPercent(v int64) string { return fmt.Sprintf("%d.%02d %%", v/1000, v%1000/10) }
