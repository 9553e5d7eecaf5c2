// SPDX-License-Identifier: Apache-2.0

package expect

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tarsia.dev/tarsia/finding"
	"tarsia.dev/tarsia/topology"
)

// KindVerification is the kind of the document that says how a fleet differs from
// what is expected.
const KindVerification = "Verification"

// Facts of a Result that are none of a node.
const (
	FactPresent = "present" // the named nodes are there
	FactCount   = "count"   // as many nodes as expected
	FactMember  = "member"  // who belongs to the group is known
	FactLike    = "like"    // all are like the golden node
)

// Verification is how far a fleet is as expected.
type Verification struct {
	APIVersion   string        `json:"apiVersion"`
	Kind         string        `json:"kind"`
	Name         string        `json:"name"`
	Expectation  string        `json:"expectation"` // the file
	State        finding.State `json:"state"`       // the worst of all
	Nodes        int           `json:"nodes"`       // that were looked at
	Groups       []GroupResult `json:"groups"`      // in the order of the file
	Outside      []string      `json:"outside"`     // nodes in no group, by name
	OutsideFails bool          `json:"outsideFails"`
	Partial      []string      `json:"partial,omitempty"` // what could not be looked at, one line each: then nothing is proven
}

// GroupResult is one group of nodes.
type GroupResult struct {
	Name    string   `json:"name"`
	Nodes   int      `json:"nodes"` // members that were looked at
	Results []Result `json:"results"`
}

// Result is one fact of one group. PASS has no batch.
type Result struct {
	Fact    string        `json:"fact"`
	Wanted  string        `json:"wanted"`
	Like    string        `json:"like,omitempty"` // the golden node that tells Wanted
	State   finding.State `json:"state"`
	Of      int           `json:"of"` // nodes that ought to be so
	Batches []Batch       `json:"batches"`
}

// Batch is nodes that differ alike, or that do not tell for one reason.
type Batch struct {
	Found   string   `json:"found,omitempty"`
	Why     string   `json:"why,omitempty"` // why it is not known; then Found is empty
	Nodes   []string `json:"nodes"`
	Objects int      `json:"objects"` // of these nodes
	Example string   `json:"example"` // one of them: NODE/OBJECT
}

func compareBatches(a, b Batch) int {
	known := func(b Batch) int { return min(len(b.Why), 1) }
	return cmp.Or(cmp.Compare(known(a), known(b)), cmp.Compare(len(b.Nodes), len(a.Nodes)),
		cmp.Compare(a.Found, b.Found), cmp.Compare(a.Why, b.Why))
}

// SetPartial notes what could not be looked at: nothing of it is proven, and a
// fleet that is otherwise as expected is not known to be.
func (v *Verification) SetPartial(lines []string) {
	v.Partial = lines
	v.judge()
}

// judge sets the state of the whole: what differs counts before what is not
// known.
func (v *Verification) judge() {
	switch {
	case v.Count(finding.Fail) > 0:
		v.State = finding.Fail
	case v.Count(finding.Unknown) > 0:
		v.State = finding.Unknown
	default:
		v.State = finding.Pass
	}
}

// Differ is how many nodes are known to differ.
func (r Result) Differ() int { return len(r.nodes(func(b Batch) bool { return b.Why == "" })) }

// nodes are those of some batches, each once: devices of one node may differ in
// two ways.
func (r Result) nodes(of func(Batch) bool) []string {
	var names []string
	for _, b := range r.Batches {
		if of(b) {
			names = append(names, b.Nodes...)
		}
	}
	return sorted(names)
}

// Summary says in one line how far the nodes are as wanted: "17 of 42 differ",
// "1 of 42 not known", "42 as wanted".
func (r Result) Summary() string {
	differ := r.nodes(func(b Batch) bool { return b.Why == "" })
	silent := r.nodes(func(b Batch) bool { return b.Why != "" })
	var parts []string
	if len(differ) > 0 {
		word := "differ"
		if r.Fact == FactPresent {
			word = topology.NotThere
		}
		parts = append(parts, fmt.Sprintf("%d of %d %s", len(differ), r.Of, word))
	}
	if len(silent) > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d not known", len(silent), r.Of))
	}
	if len(parts) == 0 && len(r.Batches) > 0 {
		return cmp.Or(r.Batches[0].Found, r.Batches[0].Why)
	}
	if len(parts) == 0 {
		return fmt.Sprintf("%d as wanted", r.Of)
	}
	return strings.Join(parts, ", ")
}

// Count returns how many results have the state; nodes outside all groups, where
// that is a difference, count as one more.
func (v *Verification) Count(s finding.State) int {
	n := 0
	for _, g := range v.Groups {
		for _, r := range g.Results {
			if r.State == s {
				n++
			}
		}
	}
	if v.OutsideFails && len(v.Outside) > 0 && s == finding.Fail {
		n++
	}
	if len(v.Partial) > 0 && s == finding.Unknown {
		n++
	}
	return n
}

// area is the Area of the findings of a Verification.
const area = "Expectation"

// Findings tells the same as findings, for those who read reports: one per fact
// of a group.
func (v *Verification) Findings() []finding.Finding {
	out := []finding.Finding{}
	for _, g := range v.Groups {
		for _, r := range g.Results {
			f := finding.Finding{ID: "expect/" + r.Fact, Area: area, State: r.State, Subjects: []string{"group/" + g.Name},
				Summary: fmt.Sprintf("%s of %s: %s, wanted %s", r.Fact, g.Name, r.Summary(), r.Wanted), Evidence: []finding.Evidence{}}
			if r.Like != "" {
				// Two values of the golden node are two cases.
				f.Subjects[0] += "/like " + r.Like + "/" + r.Wanted
			}
			for _, b := range r.Batches {
				f.Evidence = append(f.Evidence, finding.Evidence{Node: topology.NameRange(b.Nodes), Source: cmp.Or(b.Example, g.Name), Found: b.Text(), Wanted: r.Wanted})
			}
			out = append(out, f)
		}
	}
	if len(v.Outside) > 0 && v.OutsideFails {
		out = append(out, finding.Finding{ID: "expect/outside", Area: area, State: finding.Fail, Subjects: []string{"fleet/" + v.Name},
			Summary: "in no group: " + topology.NameRange(v.Outside), Evidence: []finding.Evidence{}})
	}
	for _, p := range v.Partial {
		out = append(out, finding.Finding{ID: "expect/partial", Area: area, State: finding.Unknown, Subjects: []string{"fleet/" + v.Name},
			Summary: p, Evidence: []finding.Evidence{}})
	}
	slices.SortStableFunc(out, finding.Compare)
	return out
}

// Text is what was found, or why it is not known.
func (b Batch) Text() string {
	if b.Why != "" {
		return "not known, " + b.Why
	}
	return b.Found
}
