// SPDX-License-Identifier: Apache-2.0

package render

import (
	"errors"
	"fmt"
	"strings"

	"tarsia.dev/tarsia/internal/yamldoc"
)

// maxInput bounds a fact or fleet file; the longest of ours has 5 KiB.
const maxInput = 1 << 20

// ParseFacts reads one fact file. Its errors begin "file:LINE: " and say what
// was found and what was wanted; a file with several faults names each.
func ParseFacts(file string, data []byte) (Facts, error) {
	var f Facts
	doc, err := decode(file, data, &f)
	if err != nil {
		return Facts{}, err
	}
	p := problems{doc: doc}
	p.facts(&f)
	if err := p.err(); err != nil {
		return Facts{}, err
	}
	// A tree that is too large, or two devices at one address, shows only when
	// the machine is laid out.
	if _, err := newHost("check", f); err != nil {
		return Facts{}, fmt.Errorf("%s:%d: %w", file, doc.Line, err)
	}
	return f, nil
}

// decode reads one strict document and keeps it for the line numbers of what is
// checked later.
func decode(file string, data []byte, into any) (yamldoc.Doc, error) {
	if len(data) > maxInput {
		return yamldoc.Doc{}, fmt.Errorf("%s:1: found %d bytes, want at most %d", file, len(data), maxInput)
	}
	if err := yamldoc.Decode(file, data, into); err != nil {
		return yamldoc.Doc{}, err
	}
	docs, err := yamldoc.Split(file, data)
	if err != nil {
		return yamldoc.Doc{}, err
	}
	if len(docs) != 1 {
		return yamldoc.Doc{}, fmt.Errorf("%s:1: found %d documents, want one", file, len(docs))
	}
	return docs[0], nil
}

// problems gathers what is wrong with decoded values, each with its line.
type problems struct {
	doc  yamldoc.Doc
	list []error
}

// maxProblems is as many as anybody reads.
const maxProblems = 10

// add notes a problem of the value at a dotted path: "cpu.caches.0.size".
func (p *problems) add(path, format string, args ...any) {
	if len(p.list) < maxProblems {
		line := p.doc.LineOf(strings.Split(path, ".")...)
		p.list = append(p.list, fmt.Errorf("%s:%d: %s: %s", p.doc.Name, line, path, fmt.Sprintf(format, args...)))
	}
}

func (p *problems) err() error { return errors.Join(p.list...) }

// within wants a number of a range.
func (p *problems) within(path string, v, low, high int) {
	if v < low || v > high {
		p.add(path, "found %d, want %d to %d", v, low, high)
	}
}

// oneOf wants one of a few words.
func (p *problems) oneOf(path, v string, words ...string) {
	for _, w := range words {
		if v == w {
			return
		}
	}
	p.add(path, "found %q, want one of %s", clip(v), strings.Join(words, ", "))
}

// line wants text that stays on its line in a file of the kernel.
func (p *problems) line(path, v string) {
	if len(v) > maxText || strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0xfffd }) {
		p.add(path, "found %q, want one line of at most %d printable bytes", clip(v), maxText)
	}
}

// maxText bounds one value: the flags of a present CPU have 2 KiB.
const maxText = 4096

// name wants a word that can be a file name.
func (p *problems) name(path, v string) {
	if !isName(v) {
		p.add(path, "found %q, want a name of at most 64 letters, digits and . _ - @", clip(v))
	}
}

func isName(v string) bool {
	return v != "" && v != "." && v != ".." && len(v) <= 64 && !strings.ContainsFunc(v, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-@", r)
	})
}
