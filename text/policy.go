// SPDX-License-Identifier: Apache-2.0

package text

import (
	"io"

	"tarsia.dev/tarsia/policy"
)

// Policy writes what each class of a policy decides, a line for each line of the
// file.
func Policy(w io.Writer, p *policy.Policy, opt Options) error {
	out := newPrinter(opt)
	out.line("%s", join("  ", "Policy", p.Name, plural(len(p.Classes), "class")))
	for i := range p.Classes {
		c := &p.Classes[i]
		out.blank()
		out.line("%s", c.Name)
		out.policyLines("  ", c.Lines)
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
