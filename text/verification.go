// SPDX-License-Identifier: Apache-2.0

package text

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"tarsia.dev/tarsia/expect"
	"tarsia.dev/tarsia/finding"
	"tarsia.dev/tarsia/topology"
)

// Verification writes how a fleet differs from what is expected: differences and
// what is not known, by group and batch. Facts that are as wanted are counted, and
// listed with opt.All.
func Verification(w io.Writer, v *expect.Verification, opt Options) error {
	p := newPrinter(opt)
	p.stateLine(fmt.Sprintf("%s: %s, %s: %d differ, %d not known, %d as wanted: ", cmp.Or(v.Name, v.Expectation), plural(v.Nodes, "node"),
		plural(len(v.Groups), "group"), v.Count(finding.Fail), v.Count(finding.Unknown), v.Count(finding.Pass)), v.State, 0, "")
	for _, g := range v.Groups {
		named := false
		for _, r := range g.Results {
			if r.State == finding.Pass && !opt.All {
				continue
			}
			if !named {
				p.blank()
				p.line("%s: %s", g.Name, plural(g.Nodes, "node"))
				named = true
			}
			p.result(r)
		}
	}
	if len(v.Outside) > 0 {
		p.blank()
		state := "Not looked at"
		if v.OutsideFails {
			state = finding.Fail.String()
		}
		p.wrap("", 2, fmt.Sprintf("%s: %s in no group: %s", state, plural(len(v.Outside), "node"), topology.NameRange(v.Outside)))
	}
	if len(v.Partial) > 0 {
		p.blank()
		p.line("The fleet was not read whole:")
		for _, line := range v.Partial {
			p.wrap("  ", 4, line)
		}
	}
	return p.flush(w)
}

func (p *printer) result(r expect.Result) {
	wanted := ", wanted " + r.Wanted
	if r.Like != "" && r.State != finding.Pass {
		wanted += " like " + r.Like
	}
	if r.Fact == expect.FactPresent || r.State == finding.Pass && r.Like != "" {
		wanted = ""
	}
	p.stateLine("  ", r.State, 8, r.Fact+": "+r.Summary()+wanted)
	for _, b := range r.Batches {
		if len(b.Nodes) == 0 {
			continue
		}
		line := b.Text() + " on " + topology.NameRange(b.Nodes)
		if r.Fact == expect.FactPresent {
			line = topology.NameRange(b.Nodes)
		} else if strings.Contains(b.Example, "/") {
			line += fmt.Sprintf(" (%s, as %s)", plural(b.Objects, "object"), b.Example)
		}
		p.wrap("          ", 12, line)
	}
}
