// SPDX-License-Identifier: Apache-2.0

// Package expect holds what a site expects of its fleet, and compares: a file of
// kind FleetExpectation says which nodes there are and what holds for each group
// of them, and a Verifier is given node after node and tells the differences,
// folded to "17 of 42 differ".
//
// It decides from its arguments alone and keeps no node: a fleet of any size
// takes the memory of its differences. A fact that a node does not tell is
// UNKNOWN, neither as expected nor different; a golden node (Group.Like) expects
// only what it tells itself.
//
// Begin with Parse and New; Proposal writes a file from what is there.
package expect

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"tarsia.dev/tarsia/internal/yamldoc"
	"tarsia.dev/tarsia/topology"
)

// Kind is the kind of an expectation file.
const Kind = "FleetExpectation"

// Bounds of an expectation file.
const (
	maxGroups = 10_000
	maxErrors = 20
)

// Expectation is what a site expects of its fleet.
type Expectation struct {
	Name   string
	File   string // the name that Parse was given, for messages
	Groups []Group
	// Complete: a node that is in no group is a difference. Otherwise it is
	// only told.
	Complete bool
}

// Group is some nodes and what holds for each of them.
type Group struct {
	Name   string
	Line   int
	Nodes  []string // by name, in the order of the file; nil where Select says which
	Select []Term   // all of them hold for a member
	Count  *Wanted  // how many members; nil is as many as there are
	Like   *Golden
	Ignore []string // facts that are not compared with the golden node, as words with *
	Facts  []Term   // by word
}

// Term is one fact and what it ought to be.
type Term struct {
	Word   string
	Wanted Wanted
	Line   int
}

// Golden names a node that the members of a group ought to be like.
type Golden struct {
	Node string
	From string // a snapshot file beside the expectation; "" is the fleet that is looked at
}

// file is the text form.
type file struct {
	APIVersion string      `yaml:"apiVersion"`
	Kind       string      `yaml:"kind"`
	Name       string      `yaml:"name"`
	Complete   bool        `yaml:"complete"`
	Groups     []groupFile `yaml:"groups"`
}

type groupFile struct {
	Name   yamldoc.Text            `yaml:"name"`
	Nodes  yamldoc.Text            `yaml:"nodes"`
	Select map[string]yamldoc.Text `yaml:"select"`
	Count  yamldoc.Text            `yaml:"count"`
	Like   yamldoc.Text            `yaml:"like"`
	From   yamldoc.Text            `yaml:"from"`
	Ignore []yamldoc.Text          `yaml:"ignore"`
	Facts  map[string]yamldoc.Text `yaml:"facts"`
}

// Parse reads an expectation file called name. Errors begin "NAME:LINE: " and
// say what was found and what was wanted; all that were found are joined, at most
// 20.
func Parse(name string, data []byte) (*Expectation, error) {
	var f file
	if err := yamldoc.Decode(name, data, &f); err != nil {
		return nil, err
	}
	p := &parser{name: name}
	switch {
	case f.APIVersion != topology.APIVersion:
		p.failf(1, "apiVersion: found %q, want %q", clip(f.APIVersion), topology.APIVersion)
	case f.Kind != Kind:
		p.failf(1, "kind: found %q, want %q", clip(f.Kind), Kind)
	case len(f.Groups) == 0:
		p.failf(1, "groups: found none, want at least one")
	case len(f.Groups) > maxGroups:
		p.failf(1, "groups: found %d, want at most %d", len(f.Groups), maxGroups)
	}
	if len(p.errs) > 0 {
		return nil, errors.Join(p.errs...)
	}
	e := &Expectation{Name: f.Name, File: name, Complete: f.Complete}
	seen := map[string]bool{}
	for i := range f.Groups {
		g := p.group(&f.Groups[i], i)
		if seen[g.Name] {
			p.failf(g.Line, "group %q: found a second one of this name", clip(g.Name))
		}
		seen[g.Name] = true
		e.Groups = append(e.Groups, g)
	}
	if len(p.errs) > 0 {
		return nil, errors.Join(p.errs...)
	}
	return e, nil
}

type parser struct {
	name string
	errs []error
}

func (p *parser) failf(line int, format string, args ...any) {
	if len(p.errs) < maxErrors {
		p.errs = append(p.errs, fmt.Errorf("%s:%d: %s", p.name, max(line, 1), fmt.Sprintf(format, args...)))
	}
}

func (p *parser) group(f *groupFile, at int) Group {
	g := Group{Name: f.Name.Value, Line: max(f.Name.Line, 1)}
	if g.Name == "" {
		p.failf(firstLine(f), "group %d: found no name, want one", at+1)
		g.Name = fmt.Sprintf("group %d", at+1)
	}
	switch {
	case f.Nodes.IsZero() && len(f.Select) == 0:
		p.failf(g.Line, "group %q: found neither nodes nor select, want one that says who belongs to it", clip(g.Name))
	case !f.Nodes.IsZero() && len(f.Select) > 0:
		p.failf(f.Nodes.Line, "group %q: found nodes and select, want one of them", clip(g.Name))
	case !f.Nodes.IsZero():
		var err error
		if g.Nodes, err = topology.ParseNameRange(f.Nodes.Value); err != nil {
			p.failf(f.Nodes.Line, "nodes: %v", err)
		}
	}
	g.Select = p.terms("select", f.Select)
	g.Facts = p.terms("facts", f.Facts)
	if !f.Count.IsZero() {
		w, err := ParseWanted(f.Count.Value)
		if err != nil {
			p.failf(f.Count.Line, "count: %v", err)
		}
		g.Count = &w
	}
	if !f.Like.IsZero() {
		g.Like = &Golden{Node: f.Like.Value, From: f.From.Value}
	} else if !f.From.IsZero() {
		p.failf(f.From.Line, "from: found a snapshot without a node, want \"like: NODE\" beside it")
	}
	for _, t := range f.Ignore {
		g.Ignore = append(g.Ignore, t.Value)
	}
	if len(f.Ignore) > 0 && g.Like == nil {
		p.failf(f.Ignore[0].Line, "ignore: found it without \"like\", want it where a node is compared with another")
	}
	if len(g.Facts) == 0 && g.Like == nil && g.Count == nil && g.Nodes == nil {
		p.failf(g.Line, "group %q: found nothing that is expected, want facts, count or like", clip(g.Name))
	}
	return g
}

func firstLine(f *groupFile) int {
	line := 0
	for _, t := range []yamldoc.Text{f.Nodes, f.Count, f.Like, f.From} {
		if t.Line > 0 && (line == 0 || t.Line < line) {
			line = t.Line
		}
	}
	return line
}

func (p *parser) terms(what string, texts map[string]yamldoc.Text) []Term {
	var out []Term
	for _, word := range slices.Sorted(maps.Keys(texts)) {
		t := texts[word]
		if err := checkWord(word); err != nil {
			p.failf(t.Line, "%s: %v", what, err)
			continue
		}
		w, err := ParseWanted(t.Value)
		if err != nil {
			p.failf(t.Line, "%s: %s: %v", what, word, err)
			continue
		}
		out = append(out, Term{word, w, t.Line})
	}
	return out
}

// Goldens lists the nodes that groups ought to be like, each once, in the order
// of the file.
func (e *Expectation) Goldens() []Golden {
	var out []Golden
	for _, g := range e.Groups {
		if g.Like != nil && !slices.Contains(out, *g.Like) {
			out = append(out, *g.Like)
		}
	}
	return out
}

func clip(text string) string {
	if runes := []rune(text); len(runes) > 60 {
		return string(runes[:60]) + "..."
	}
	return text
}
