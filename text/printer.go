// SPDX-License-Identifier: Apache-2.0

// Package text writes nodes, fleets, findings and decisions for a terminal. It
// computes nothing that the model does not hold: text, JSON and page show the
// same values. Meaning is never carried by colour alone, and what a machine
// calls itself cannot move the cursor: control characters are written as
// escapes. Begin with Status and Node.
package text

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"tarsia.dev/tarsia/finding"
	"tarsia.dev/tarsia/policy"
)

// Options say how to write. The zero value is plain text of 100 columns.
type Options struct {
	Width int  // columns; below 40 is taken as 40, 0 as 100
	All   bool // everything: functions that are no devices, every passed check, every refusal
	ASCII bool // no character outside ASCII in what this package adds
	Color bool // ANSI colours on state words; the caller knows terminal and NO_COLOR
	// Expected is what is expected of placed gangs, by their names: a sentence.
	Expected map[string]string
	// Rulings are what a policy did to gangs, by their names.
	Rulings map[string]policy.Ruling
}

// printer gathers text and hands it on whole.
type printer struct {
	buf   bytes.Buffer
	opt   Options
	width int
}

func newPrinter(opt Options) *printer {
	width := max(opt.Width, 40)
	if opt.Width == 0 {
		width = 100
	}
	return &printer{opt: opt, width: width}
}

// flush writes everything to w at once.
func (p *printer) flush(w io.Writer) error {
	out := p.buf.String()
	if p.opt.ASCII {
		out = toASCII.Replace(out)
	}
	if _, err := io.WriteString(w, out); err != nil {
		return fmt.Errorf("write text: %w", err)
	}
	return nil
}

var toASCII = strings.NewReplacer("├─", "|-", "└─", "`-", "│", "|", "·", "-", "→", "->", "×", "x")

// line writes one line as it is, whatever its length.
func (p *printer) line(format string, args ...any) {
	p.buf.WriteString(strings.TrimRight(clean(fmt.Sprintf(format, args...)), " "))
	p.buf.WriteByte('\n')
}

func (p *printer) blank() { p.buf.WriteByte('\n') }

// stateLine writes a line in which one word, padded, may be coloured.
func (p *printer) stateLine(before string, s finding.State, pad int, after string) {
	word := s.String()
	space := strings.Repeat(" ", max(pad-len(word), 0))
	if p.opt.Color {
		word = map[finding.State]string{finding.Pass: "\x1b[32m", finding.Warn: "\x1b[33m", finding.Fail: "\x1b[1;31m", finding.Unknown: "\x1b[35m"}[s] +
			word + "\x1b[0m"
	}
	p.buf.WriteString(clean(before) + word + strings.TrimRight(space+clean(after), " ") + "\n")
}

// wrap writes text broken at spaces, its first line after first and the others
// after as many spaces as hang says.
func (p *printer) wrap(first string, hang int, text string) {
	for i, l := range p.fold(text, max(columns(first), hang)) {
		if i == 0 {
			p.line("%s%s", first, l)
		} else {
			p.line("%s%s", strings.Repeat(" ", hang), l)
		}
	}
}

// withNext adds the command to type next: it stays on one line, to be copied.
func (p *printer) withNext(lines []string, indent int, command string) []string {
	next := "-> " + command
	if last := len(lines) - 1; last >= 0 && columns(lines[last])+2+columns(next) <= p.width-indent {
		lines[last] += "  " + next
		return lines
	}
	return append(lines, next)
}

// fold breaks text at spaces into lines that leave indent columns. A word that
// is too long for a line stands alone, whole: it may be a path to copy.
func (p *printer) fold(text string, indent int) []string {
	room := max(p.width-indent, 20)
	var lines []string
	for paragraph := range strings.SplitSeq(text, "\n") {
		current := ""
		for word := range strings.FieldsSeq(clean(paragraph)) {
			if current != "" && columns(current)+1+columns(word) > room {
				lines = append(lines, current)
				current = ""
			}
			if current != "" {
				current += " "
			}
			current += word
		}
		lines = append(lines, current)
	}
	return lines
}

// table writes rows in columns two spaces apart. right says which columns are
// numbers.
func (p *printer) table(indent string, rows [][]string, right ...int) {
	var widths []int
	for _, r := range rows {
		for i, c := range r {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], columns(c))
		}
	}
	isRight := map[int]bool{}
	for _, i := range right {
		isRight[i] = true
	}
	for _, r := range rows {
		var b strings.Builder
		for i, c := range r {
			space := strings.Repeat(" ", widths[i]-columns(c))
			if i > 0 {
				b.WriteString("  ")
			}
			if isRight[i] {
				b.WriteString(space + c)
			} else {
				b.WriteString(c + space)
			}
		}
		p.line("%s%s", indent, b.String())
	}
}

func columns(text string) int { return utf8.RuneCountInString(clean(text)) }

// clean writes control and other invisible characters as escapes: names come
// from firmware, files and clusters.
func clean(text string) string {
	if strings.IndexFunc(text, hidden) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if hidden(r) {
			quoted := fmt.Sprintf("%+q", r)
			b.WriteString(quoted[1 : len(quoted)-1])
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func hidden(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }

// join leaves out empty parts.
func join(sep string, parts ...string) string {
	var out []string
	for _, s := range parts {
		if s != "" {
			out = append(out, s)
		}
	}
	return strings.Join(out, sep)
}

// plural is "1 node", "2 nodes".
func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	if strings.HasSuffix(word, "h") || strings.HasSuffix(word, "ss") {
		return fmt.Sprintf("%d %ses", n, word)
	}
	return fmt.Sprintf("%d %ss", n, word)
}
