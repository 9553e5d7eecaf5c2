// SPDX-License-Identifier: Apache-2.0

package text

import (
	"io"
	"slices"
	"strconv"

	"tarsia.dev/tarsia/policy"
	"tarsia.dev/tarsia/topology"
)

// Policy writes what each class of a policy decides, a line for each line of the
// file, and what it asks of the jobs on which it was tried.
func Policy(w io.Writer, p *policy.Policy, samples []policy.Ruling, opt Options) error {
	out := newPrinter(opt)
	out.line("%s", join("  ", "Policy", p.Name, plural(len(p.Classes), "class")))
	for i := range p.Classes {
		c := &p.Classes[i]
		out.blank()
		out.line("%s", c.Name)
		out.policyLines("  ", c.Lines)
	}
	for _, r := range samples {
		out.blank()
		if r.Class == "" {
			out.line("%s  no class takes it", r.Gang)
			continue
		}
		out.line("%s  is %s", r.Gang, r.Class)
		out.policyLines("  ", r.Lines[1:]) // the first names the class
	}
	return out.flush(w)
}

// policyLines writes lines with the place of each in the file before it.
func (p *printer) policyLines(indent string, lines []policy.Line) {
	width := 0
	for _, l := range lines {
		width = max(width, columns(l.At.String()))
	}
	for _, l := range lines {
		p.wrap(indent+pad(l.At.String(), width)+"  ", columns(indent)+width+2, l.Text)
	}
}

// ruling writes what a policy did to a gang: its class and bill, the lines that
// decided, and the alternatives.
func (p *printer) ruling(indent, gang string) {
	r, ok := p.opt.Rulings[gang]
	if !ok {
		return
	}
	hang := len(indent) + 2
	if r.Class == "" {
		p.line("%sno class of the policy takes this job", indent)
		return
	}
	p.bill(indent, r.Bill)
	p.policyLines(indent, r.Lines)
	if len(r.Alternatives) == 0 {
		return
	}
	p.wrap(indent+"alternatives, each the best by some order; others in between may exist:", hang, "")
	for _, a := range r.Alternatives {
		word := "  - "
		if a.Chosen {
			word = "  * "
		}
		var values []string
		for _, v := range a.Values {
			values = append(values, v.Text)
		}
		text := join(": ", topology.NameRange(a.Nodes), join("; ", values...))
		if !a.Optimal {
			text += " (the best found, not proved)"
		}
		p.wrap(indent+word, len(indent)+4, text)
	}
}

// bill writes what a placement costs an hour, and why that is not known.
func (p *printer) bill(indent string, b *policy.Bill) {
	if b == nil {
		return
	}
	text := "bill  "
	if b.Currency != "" {
		text += b.MoneyText(b.Money) + ", "
	}
	p.line("%s%s%s", indent, text, policy.PowerText(b.Power))
	for _, g := range groups(b.Pods) {
		l := g.line
		what := plural(g.pods, "pod") + " of " + l.PodSet
		if l.Spare {
			what = plural(g.pods, "spare place") + " of " + l.PodSet
		}
		price := policy.PowerText(l.Power)
		if b.Currency != "" {
			price = b.MoneyText(l.Money) + ", " + price
		}
		if g.pods > 1 {
			price += " each"
		}
		text := what + " on " + topology.NameRange(g.nodes) + ": " + price
		if len(l.By) > 0 {
			text += " by " + positions(l.By)
		}
		p.wrap(indent+"  ", len(indent)+4, text)
	}
	for _, why := range b.Unknown {
		p.wrap(indent+"  ", len(indent)+4, "unknown: "+why)
	}
}

// group is lines of a bill that differ in the node only.
type group struct {
	line  policy.BillLine
	nodes []string
	pods  int
}

func groups(lines []policy.BillLine) []group {
	var out []group
	for _, l := range lines {
		at := slices.IndexFunc(out, func(g group) bool {
			return g.line.PodSet == l.PodSet && g.line.Spare == l.Spare && same(g.line.Money, l.Money) && same(g.line.Power, l.Power) && slices.Equal(g.line.By, l.By)
		})
		if at < 0 {
			at = len(out)
			out = append(out, group{line: l})
		}
		out[at].nodes = append(out[at].nodes, l.Node)
		out[at].pods += l.Pods
	}
	return out
}

// same compares two values of which either may not be known.
func same(a, b *int64) bool {
	return (a == nil) == (b == nil) && (a == nil || *a == *b)
}

// positions writes places of one file: "policy.yaml:7, 9".
func positions(all []policy.Position) string {
	text := all[0].String()
	for _, at := range all[1:] {
		text += ", " + strconv.Itoa(at.Line)
	}
	return text
}
