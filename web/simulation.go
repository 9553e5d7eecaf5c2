// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strconv"
	"strings"

	"tarsia.dev/tarsia/internal/unit"
	"tarsia.dev/tarsia/simulate"
)

var (
	//go:embed simulation.tmpl
	simulationTemplate string
	//go:embed simulation.css
	simulationStyle string
)

// simView is what the template of a simulation shows.
type simView struct {
	Style              template.CSS
	Policy             string
	Summary, Generator string
	Tables             []simTable
	Plots              []simPlot
}

type simTable struct {
	Title string
	Head  []string
	Rows  [][]string
}

type simPlot struct {
	Title string
	Grid  []simTick
	Times []simTick
	Lines []simLine
}

type simTick struct {
	X, Y, TextY int
	Label       string
}

type simLine struct {
	Name  string
	Style int
	Path  string
}

// Simulation writes what policies made of a trace as one HTML file without
// scripts that needs no network. Generator is the name and version of the program.
func Simulation(w io.Writer, fills []simulate.FillSummary, replays []simulate.Result, generator string) error {
	style := pageStyle + simulationStyle
	v := simView{
		Style: template.CSS(style), Generator: generator,
		Policy: fmt.Sprintf("default-src 'none'; style-src '%s'; base-uri 'none'; form-action 'none'", hash(style)),
	}
	v.addFills(fills)
	v.addReplays(replays)
	t, err := template.New("simulation").Parse(simulationTemplate)
	if err != nil {
		return fmt.Errorf("parse simulation template: %w", err)
	}
	var buf bytes.Buffer
	if err := t.Execute(&buf, v); err != nil {
		return fmt.Errorf("write simulation page: %w", err)
	}
	if _, err := buf.WriteTo(w); err != nil {
		return fmt.Errorf("write simulation page: %w", err)
	}
	return nil
}

func (v *simView) addFills(fills []simulate.FillSummary) {
	if len(fills) == 0 {
		return
	}
	t := simTable{Title: "GPU allocated", Head: []string{"Policy", "Arrived", "Mean", "Least", "Most", "Fragmented", "Upper bound"}}
	for _, f := range fills {
		t.Rows = append(t.Rows, []string{
			f.Policy, strconv.Itoa(f.Percent) + " %", percentText(f.Allocated.Mean), percentText(f.Allocated.Least),
			percentText(f.Allocated.Most), percentText(f.Fragmented.Mean), percentText(f.Bound.Mean),
		})
	}
	v.Tables = append(v.Tables, t)
	v.Summary = fmt.Sprintf("Jobs arrive one by one, are placed or dropped, and never end; %d seeds.", fills[0].Seeds)
}

func (v *simView) addReplays(replays []simulate.Result) {
	if len(replays) == 0 {
		return
	}
	first := replays[0]
	v.Summary = fmt.Sprintf("%d nodes, %d GPUs, seed %d.", first.Nodes, first.Capacity/1000, first.Seed)
	t := simTable{Title: "Policies", Head: []string{"Policy", "GPU used", "Fragmented", "Mean wait", "Median", "99 of 100", "Done", "Never started", "Restarts", "Node hours", "Cost", "Decisions a second"}}
	near := simTable{Title: "Gangs with all pods in one domain", Head: []string{"Policy"}}
	for _, l := range first.Locality {
		near.Head = append(near.Head, l.Level)
	}
	for _, r := range replays {
		cost, rate := "unknown", "not measured"
		if r.Cost != nil {
			cost = fmt.Sprintf("%.2f", float64(*r.Cost)/1000)
		}
		if r.Nanoseconds > 0 {
			rate = fmt.Sprintf("%.0f", float64(r.Decisions)*1e9/float64(r.Nanoseconds))
		}
		t.Rows = append(t.Rows, []string{
			r.Policy, percentText(r.Utilisation), percentText(r.Fragmentation), unit.Seconds(r.Waits.Mean), unit.Seconds(r.Waits.Median), unit.Seconds(r.Waits.P99),
			strconv.Itoa(r.Done), strconv.Itoa(r.Never), strconv.Itoa(r.Killed), fmt.Sprintf("%.0f", float64(r.NodeSeconds)/3600), cost, rate,
		})
		row := []string{r.Policy}
		for _, l := range r.Locality {
			row = append(row, fmt.Sprintf("%d of %d", l.Within, l.Gangs))
		}
		near.Rows = append(near.Rows, row)
	}
	v.Tables = append(v.Tables, t)
	if first.Locality[0].Gangs > 0 {
		v.Tables = append(v.Tables, near)
	}
	share := func(f func(simulate.Sample) int64) func(simulate.Sample) float64 {
		return func(s simulate.Sample) float64 { return float64(f(s)) * 100 / float64(max(1, first.Capacity)) }
	}
	v.Plots = []simPlot{
		plot("GPU used over time, percent of the fleet", replays, share(func(s simulate.Sample) int64 { return s.Allocated })),
		plot("GPU free but of no use to the jobs of the trace, percent of the fleet", replays, share(func(s simulate.Sample) int64 { return s.Fragmented })),
		plot("Jobs that wait", replays, func(s simulate.Sample) float64 { return float64(s.Waiting) }),
	}
}

func percentText(milli int64) string { return fmt.Sprintf("%.2f %%", float64(milli)/1000) }

// plot draws one figure of all policies over time.
func plot(title string, replays []simulate.Result, value func(simulate.Sample) float64) simPlot {
	const left, right, top, bottom = 60.0, 780.0, 16.0, 268.0
	p := simPlot{Title: title}
	most, end := 1.0, int64(1)
	for _, r := range replays {
		for _, s := range r.Samples {
			most, end = max(most, value(s)), max(end, s.Seconds)
		}
	}
	for i := range 5 {
		y := int(bottom - (bottom-top)*float64(i)/4)
		p.Grid = append(p.Grid, simTick{Y: y, TextY: y + 4, Label: strconv.FormatFloat(most*float64(i)/4, 'f', 1, 64)})
		p.Times = append(p.Times, simTick{X: int(left + (right-left)*float64(i)/4), Label: fmt.Sprintf("%.1f h", float64(end)*float64(i)/4/3600)})
	}
	for n, r := range replays {
		var b strings.Builder
		for i, s := range r.Samples {
			command := byte('L')
			if i == 0 {
				command = 'M'
			}
			x, y := left+(right-left)*float64(s.Seconds)/float64(end), bottom-(bottom-top)*value(s)/most
			fmt.Fprintf(&b, "%c%.1f %.1f", command, x, y)
		}
		p.Lines = append(p.Lines, simLine{r.Policy, n % 9, b.String()})
	}
	return p
}
