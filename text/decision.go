// SPDX-License-Identifier: Apache-2.0

package text

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"tarsia.dev/tarsia/placement"
)

// shownRefusals bounds the refusals that are listed without All.
const shownRefusals = 8

// Decisions writes one line per gang, and the notes of whoever read the
// manifests. With All each decision follows in full.
func Decisions(w io.Writer, decisions []placement.Decision, notes []string, opt Options) error {
	p := newPrinter(opt)
	var rows [][]string
	for _, d := range decisions {
		rows = append(rows, []string{outcomeWord(d), d.Gang, d.Brief()})
	}
	if len(rows) == 0 {
		p.line("No job to place.")
	}
	gang, word := 0, 0
	for _, r := range rows {
		word, gang = max(word, columns(r[0])), max(gang, columns(r[1]))
	}
	for i, r := range rows {
		indent := word + 2 + gang + 2
		lines := p.fold(r[2], indent)
		if decisions[i].Outcome != placement.Placed {
			lines = p.withNext(lines, indent, "tarsia why "+decisions[i].Gang)
		}
		p.line("%s  %s  %s", pad(r[0], word), pad(r[1], gang), lines[0])
		if sentence := opt.Expected[r[1]]; sentence != "" {
			lines = append(lines, p.fold(sentence, indent)...)
		}
		for _, l := range lines[1:] {
			p.line("%s%s", strings.Repeat(" ", indent), l)
		}
		p.ruling(strings.Repeat(" ", word+2), r[1])
	}
	for _, n := range notes {
		p.wrap("note  ", 6, n)
	}
	if opt.All {
		p.opt.Rulings = nil // they stand above
		for _, d := range decisions {
			p.blank()
			p.decision(d)
		}
	}
	return p.flush(w)
}

// Decision writes why a gang is placed where it is, or why nowhere.
func Decision(w io.Writer, d placement.Decision, opt Options) error {
	p := newPrinter(opt)
	p.decision(d)
	return p.flush(w)
}

func outcomeWord(d placement.Decision) string { return strings.ToUpper(string(d.Outcome)) }

func (p *printer) decision(d placement.Decision) {
	p.line("%s  %s", outcomeWord(d), d.Gang)
	if text := d.Brief(); text != "" {
		p.wrap("  ", 2, text)
	}
	p.victims(d)
	p.assignments(d)
	if sentence := p.opt.Expected[d.Gang]; sentence != "" {
		p.wrap("  ", 4, sentence)
	}
	p.ruling("  ", d.Gang)
	if len(d.Reasons) > 0 {
		word := "why here"
		if d.Outcome != placement.Placed {
			word = "why"
		}
		p.line("  %s", word)
		for _, r := range d.Reasons {
			p.wrap("    - ", 6, r)
		}
	}
	if d.Outcome == placement.Placed && len(d.Objective) > 0 {
		var parts []string
		for _, s := range d.Objective {
			parts = append(parts, fmt.Sprintf("%s %d", s.Name, s.Value))
		}
		word := "the best by"
		if !d.Optimal {
			word = "the best found, not proved, by"
		}
		p.wrap("  ", 4, word+" "+strings.Join(parts, ", then ")+" (smaller is better)")
	}
	p.refusals(d)
	p.certificate(d)
	p.remedies(d)
}

// victims lists who must go first.
func (p *printer) victims(d placement.Decision) {
	if len(d.Victims) > 0 {
		p.wrap("  must go first: ", 17, strings.Join(d.Victims, ", "))
	}
	if len(d.Released) > 0 {
		p.wrap("  gives up: ", 12, strings.Join(d.Released, ", "))
	}
}

// remedies says what would help a refused gang, and when it fits anyway.
func (p *printer) remedies(d placement.Decision) {
	for _, s := range d.Remedies() {
		p.wrap("  ", 4, s)
	}
	if d.Relax != nil {
		p.wrap("    ", 6, "what to change: "+d.Relax.Change)
		p.wrap("    ", 6, "found to fit then: "+d.Relax.Proof)
	}
}

// assignments writes where each pod runs; pods of one set that share a node
// share a line.
func (p *printer) assignments(d placement.Decision) {
	places := d.Spots()
	if len(places) == 0 {
		return
	}
	p.line("  where")
	set, node := 0, 0
	names := make([]string, len(places))
	for i, q := range places {
		names[i] = join(" ", q.PodSet, q.Pods)
		set, node = max(set, columns(names[i])), max(node, columns(q.Node))
	}
	for i, q := range places {
		zone, devices, spare := "", "", ""
		if q.Spare {
			spare = "spare, kept free"
		}
		if q.Zone != nil {
			zone = "NUMA node " + strconv.Itoa(*q.Zone)
		}
		if len(q.Devices) > 0 {
			devices = plural(len(q.Devices), "device") + ": " + strings.Join(q.Devices, " ")
		}
		first := "    " + pad(names[i], set) + "  " + pad(q.Node, node) + "  "
		p.wrap(first, columns(first), join(", ", spare, zone, devices))
	}
}

// pad fills text with spaces up to width columns.
func pad(text string, width int) string {
	return clean(text) + strings.Repeat(" ", max(width-columns(text), 0))
}

func (p *printer) refusals(d placement.Decision) {
	all := d.GroupedRefusals()
	if len(all) == 0 {
		return
	}
	p.line("  why not there")
	shown := all
	if !p.opt.All && len(shown) > shownRefusals {
		shown = shown[:shownRefusals]
	}
	for _, r := range shown {
		p.wrap("    - ", 6, r.String())
	}
	if rest := len(all) - len(shown); rest > 0 {
		p.line("    and %d more", rest)
	}
}

func (p *printer) certificate(d placement.Decision) {
	c := d.Certificate
	if c == nil {
		return
	}
	where := "every " + c.Level + " domain has too little, each node taken alone:"
	if c.Level == "fleet" {
		where = "the fleet has too little, each node taken alone:"
	}
	p.line("  proof that nothing fits: %s", where)
	rows := [][]string{{"domain", "of", "wanted", "at most", "what binds most"}}
	for _, b := range c.Domains {
		rows = append(rows, []string{b.Domain, join(" ", b.PodSet, b.Resource), strconv.FormatInt(b.Wanted, 10), strconv.FormatInt(b.AtMost, 10), b.Constraint})
	}
	p.table("    ", rows, 2, 3)
}
