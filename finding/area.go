// SPDX-License-Identifier: Apache-2.0

package finding

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Area is one row of a status screen: the worst answer of all checks of one
// area, and the findings that gave it.
type Area struct {
	Name     string
	Worst    State
	Findings []Finding // of the worst state, in the order of the report; never empty
}

// Areas gathers the findings by area, in the given order; areas that are not
// in it come last, by name.
func (r Report) Areas(order []string) []Area {
	found := map[string][]Finding{}
	for _, f := range r.Findings {
		found[f.Area] = append(found[f.Area], f)
	}
	rank := func(name string) int {
		if i := slices.Index(order, name); i >= 0 {
			return i
		}
		return len(order)
	}
	names := slices.SortedFunc(maps.Keys(found), func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
	})
	var out []Area
	for _, name := range names {
		a := Area{Name: name, Worst: Pass}
		for _, f := range found[name] {
			a.Worst = Worst(a.Worst, f.State)
		}
		for _, f := range found[name] {
			if f.State == a.Worst {
				a.Findings = append(a.Findings, f)
			}
		}
		out = append(out, a)
	}
	return out
}

// Summary is one line: the worst finding and how many more there are, or what
// passed.
func (a Area) Summary() string {
	first := a.Findings[0].Summary
	more := len(a.Findings) - 1
	switch {
	case more == 0:
		return first
	case a.Worst != Pass:
		return fmt.Sprintf("%s (+%d more)", first, more)
	}
	parts := make([]string, 0, len(a.Findings))
	for _, f := range a.Findings {
		parts = append(parts, f.Summary)
	}
	return strings.Join(parts, "; ")
}

// Next is the command that tells most about a finding: on the one node that it
// is about, or else on the check.
func (f Finding) Next() string {
	if nodes := f.Nodes(); len(nodes) == 1 {
		return "tarsia why node/" + nodes[0]
	}
	return "tarsia explain " + f.ID
}

// Nodes returns the names of the nodes among the subjects, sorted.
func (f Finding) Nodes() []string {
	var names []string
	for _, s := range f.Subjects {
		if rest, ok := strings.CutPrefix(s, "node/"); ok {
			name, _, _ := strings.Cut(rest, "/")
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// CountedEvidence is evidence that was found Times times alike: eight devices of
// a node that one file answers for.
type CountedEvidence struct {
	Evidence
	Times int
}

// CountedEvidence gathers equal evidence, in the order of the first of each.
func (f Finding) CountedEvidence() []CountedEvidence {
	var out []CountedEvidence
	index := map[Evidence]int{}
	for _, e := range f.Evidence {
		i, ok := index[e]
		if !ok {
			i = len(out)
			index[e] = i
			out = append(out, CountedEvidence{Evidence: e})
		}
		out[i].Times++
	}
	return out
}

// String is "found X, wanted Y", with how often where that is more than once.
func (e CountedEvidence) String() string {
	text := "found " + e.Found
	if e.Wanted != "" {
		text += ", wanted " + e.Wanted
	}
	if e.Times > 1 {
		text += fmt.Sprintf(" (%d times)", e.Times)
	}
	return text
}

// Tally tells the counts in words, worst first: "2 failed, 1 warning, 9
// passed".
func (r Report) Tally() string {
	var parts []string
	for _, c := range []struct {
		state     State
		one, many string
	}{{Fail, "failed", "failed"}, {Warn, "warning", "warnings"}, {Unknown, "unknown", "unknown"}, {Pass, "passed", "passed"}} {
		switch n := r.Count(c.state); n {
		case 0:
		case 1:
			parts = append(parts, "1 "+c.one)
		default:
			parts = append(parts, fmt.Sprintf("%d %s", n, c.many))
		}
	}
	if len(parts) == 0 {
		return "nothing checked"
	}
	return strings.Join(parts, ", ")
}
