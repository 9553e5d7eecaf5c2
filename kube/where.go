// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"fmt"
	"strings"
)

// where is a place in an object: what messages point to.
type where struct {
	o    *object
	path []string
}

// in is a place further in.
func (w where) in(path ...string) where {
	return where{w.o, append(w.path[:len(w.path):len(w.path)], path...)}
}

// String is file:line.
func (w where) String() string { return fmt.Sprintf("%s:%d", w.o.file, w.o.lineOf(w.path)) }

// errorf is an error at this place: "job.yaml:7: spec.parallelism: found -3, ...".
func (w where) errorf(format string, args ...any) error {
	what := dotted(w.path)
	if what == "" {
		what = w.o.title()
	}
	return fmt.Errorf("%s: %s: "+format, append([]any{w, what}, args...)...)
}

// dotted writes a path as people do: spec.containers[0].resources.
func dotted(path []string) string {
	var b strings.Builder
	for i, p := range path {
		switch {
		case p != "" && strings.Trim(p, "0123456789") == "":
			b.WriteString("[" + p + "]")
		case strings.ContainsAny(p, "./"):
			b.WriteString("[" + cut(p) + "]")
		default:
			if i > 0 {
				b.WriteString(".")
			}
			b.WriteString(cut(p))
		}
	}
	return b.String()
}

// cut shortens text from outside for a message.
func cut(s string) string {
	const most = 60
	s = strings.ToValidUTF8(s, "\uFFFD")
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return s
}

// quoted is cut text in quotes, so that spaces and control characters show.
func quoted(s string) string { return fmt.Sprintf("%q", cut(s)) }

// notes are lines about what was not used. Notes with one key are one line, at
// the first place, with the number of the others: a thousand pods with the same
// remark are one remark.
type notes struct {
	order []string
	byKey map[string]*note
}

type note struct {
	at    string
	text  string
	count int
}

// add notes text at a place.
func (n *notes) add(key string, w where, format string, args ...any) {
	if have := n.byKey[key]; have != nil {
		have.count++
		return
	}
	if n.byKey == nil {
		n.byKey = map[string]*note{}
	}
	n.byKey[key] = &note{w.String(), fmt.Sprintf(format, args...), 1}
	n.order = append(n.order, key)
}

// lines are the notes in the order in which they were first made.
func (n *notes) lines() []string {
	var out []string
	for _, key := range n.order {
		note := n.byKey[key]
		line := note.at + ": " + note.text
		if note.count > 1 {
			line += fmt.Sprintf(" (and %d more like it)", note.count-1)
		}
		out = append(out, line)
	}
	return out
}
