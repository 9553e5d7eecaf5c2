// SPDX-License-Identifier: Apache-2.0

package text

import (
	"fmt"
	"io"
	"strings"

	"tarsia.dev/tarsia/check"
	"tarsia.dev/tarsia/finding"
)

// shownSubjects bounds the subjects of a finding that are listed without All.
const shownSubjects = 4

// Findings writes what the checks found, worst first: the state word, the
// subject, the evidence, what it costs to ignore, and one fix. Passed checks
// get one line each.
func Findings(w io.Writer, r finding.Report, opt Options) error {
	p := newPrinter(opt)
	if len(r.Findings) == 0 {
		p.line("No findings on %s.", r.Subject)
	}
	passed := false
	for i, f := range r.Findings {
		if f.State == finding.Pass {
			if !passed && i > 0 {
				p.blank()
			}
			passed = true
			p.headline(f)
			continue
		}
		if i > 0 {
			p.blank()
		}
		p.headline(f)
		p.details(f)
	}
	return p.flush(w)
}

const stateWidth = len("UNKNOWN") + 2

func (p *printer) headline(f finding.Finding) {
	lines := p.fold(f.Summary, stateWidth)
	if last := len(lines) - 1; columns(lines[last])+2+len(f.ID) <= p.width-stateWidth {
		lines[last] += "  " + f.ID
	} else {
		lines = append(lines, f.ID)
	}
	p.stateLine("", f.State, stateWidth, lines[0])
	for _, l := range lines[1:] {
		p.line("%s%s", strings.Repeat(" ", stateWidth), l)
	}
}

func (p *printer) details(f finding.Finding) {
	const hang = stateWidth + 8
	label := func(word string) string { return fmt.Sprintf("%*s%-8s", stateWidth, "", word) }
	subjects := f.Subjects
	if rest := len(subjects) - shownSubjects; rest > 0 && !p.opt.All {
		subjects = append(subjects[:shownSubjects:shownSubjects], fmt.Sprintf("and %d more", rest))
	}
	if len(subjects) > 0 {
		p.wrap(label("at"), hang, strings.Join(subjects, ", "))
	}
	evidence := f.CountedEvidence()
	rest := len(evidence) - shownSubjects
	if rest > 0 && !p.opt.All {
		evidence = evidence[:shownSubjects]
	}
	for i, e := range evidence {
		word := ""
		if i == 0 {
			word = "read"
		}
		where := clean(join(" ", e.Node, e.Source)) + ":"
		if whole := label(word) + where + " " + clean(e.String()); columns(whole) <= p.width {
			p.line("%s", whole)
			continue
		}
		// A path stays whole on its line, to be copied.
		p.line("%s%s", label(word), where)
		p.wrap(strings.Repeat(" ", hang+2), hang+2, e.String())
	}
	if rest > 0 && !p.opt.All {
		p.line("%sand %d more", label(""), rest)
	}
	if f.Cost != "" {
		p.wrap(label("cost"), hang, f.Cost)
	}
	if f.Fix != "" {
		p.wrap(label("fix"), hang, f.Fix)
	}
}

// Explain writes what one check looks at and what each of its answers means.
func Explain(w io.Writer, c check.Check, opt Options) error {
	p := newPrinter(opt)
	p.wrap(c.ID+"  ", len(c.ID)+2, c.Title)
	p.line("area: %s", c.Area)
	p.blank()
	for i, paragraph := range strings.Split(strings.TrimSpace(c.Explain), "\n\n") {
		if i > 0 {
			p.blank()
		}
		for _, item := range items(paragraph) {
			p.wrap("", 0, item)
		}
	}
	return p.flush(w)
}

// items joins the lines of a paragraph, except where a line begins a new
// sentence of the form "WORD: ..." such as the states and the cost.
func items(paragraph string) []string {
	var out []string
	for line := range strings.SplitSeq(paragraph, "\n") {
		head, _, labelled := strings.Cut(line, ": ")
		if len(out) == 0 || labelled && len(strings.Fields(head)) <= 4 {
			out = append(out, line)
			continue
		}
		out[len(out)-1] += " " + line
	}
	return out
}
