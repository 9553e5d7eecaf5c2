// SPDX-License-Identifier: Apache-2.0

package text

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"tarsia.dev/tarsia/check"
	"tarsia.dev/tarsia/finding"
	"tarsia.dev/tarsia/topology"
)

// Status writes the first screen: what the fleet is, one line for each area
// with its worst answer and what to type next, and the exit code that the
// caller ends with.
func Status(w io.Writer, f *topology.Fleet, r finding.Report, exitCode int, opt Options) error {
	p := newPrinter(opt)
	p.heading(f, "Fleet")
	p.blank()
	areas := r.Areas(check.Areas())
	name := 0
	for _, a := range areas {
		name = max(name, columns(a.Name))
	}
	for _, a := range areas {
		p.area(a, name)
	}
	if len(areas) == 0 {
		p.line("No check had anything to look at.")
	}
	p.blank()
	p.wrap("", 0, fmt.Sprintf("0 changes made. Exit %d (%s).", exitCode, r.Tally()))
	return p.flush(w)
}

// heading counts nodes and accelerators, on two lines where one is too short.
func (p *printer) heading(f *topology.Fleet, word string) {
	first := join("   ", word, plural(len(f.Nodes), "node"), architectures(f))
	if second := accelerators(f); columns(first)+3+columns(second) <= p.width {
		p.line("%s   %s", first, second)
	} else {
		p.line("%s", first)
		p.line("%s", strings.Repeat(" ", columns(word)+3)+second)
	}
	p.emulated(f)
}

func architectures(f *topology.Fleet) string {
	count := map[string]int{}
	for _, n := range f.Nodes {
		count[n.Architecture]++
	}
	var parts []string
	for _, a := range byCount(count) {
		parts = append(parts, fmt.Sprintf("%s %d", a, count[a]))
	}
	return strings.Join(parts, " · ")
}

func accelerators(f *topology.Fleet) string {
	const shown = 4
	count, all := map[string]int{}, 0
	for _, n := range f.Nodes {
		for _, a := range n.Accelerators {
			count[a.ShortModel()]++
			all++
		}
	}
	if all == 0 {
		return "no GPU"
	}
	var parts []string
	others := 0
	for i, m := range byCount(count) {
		if i < shown || len(count) == shown+1 {
			parts = append(parts, fmt.Sprintf("%s %d", m, count[m]))
		} else {
			others += count[m]
		}
	}
	if others > 0 {
		parts = append(parts, fmt.Sprintf("other %d", others))
	}
	return fmt.Sprintf("GPUs %d (%s)", all, strings.Join(parts, " · "))
}

// byCount orders keys by count, larger first, then by name.
func byCount(count map[string]int) []string {
	keys := sortedKeys(count)
	slices.SortStableFunc(keys, func(a, b string) int { return cmp.Compare(count[b], count[a]) })
	return keys
}

// area writes "Devices  FAIL  hgx-02: GPU3 lost  -> tarsia why node/hgx-02".
func (p *printer) area(a finding.Area, name int) {
	const state = len("UNKNOWN") + 2
	indent := name + 2 + state
	lines := p.fold(a.Summary(), indent)
	// A passed area gets one line: who wants more asks for the findings.
	if a.Worst == finding.Pass && len(lines) > 1 {
		lines = p.fold(a.Summary(), indent+len(" ..."))[:1]
		lines[0] += " ..."
	}
	if a.Worst != finding.Pass {
		lines = p.withNext(lines, indent, a.Findings[0].Next())
	}
	before := a.Name + strings.Repeat(" ", name+2-columns(a.Name))
	p.stateLine(before, a.Worst, state, lines[0])
	for _, l := range lines[1:] {
		p.line("%s%s", strings.Repeat(" ", indent), l)
	}
}
