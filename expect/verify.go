// SPDX-License-Identifier: Apache-2.0

package expect

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tarsia.dev/tarsia/finding"
	"tarsia.dev/tarsia/topology"
)

// Verifier compares nodes with an expectation, one after the other. It is not
// safe for concurrent use; Add keeps nothing of the node but differences.
type Verifier struct {
	e      *Expectation
	groups []groupState
	listed map[string][]int // node name -> groups that name it
	seen   map[string]bool
	alone  []string // in no group
}

type groupState struct {
	*Group
	golden  *topology.Node
	members []string
	unsure  map[string]string // nodes of which a select term is not known, and why
	rows    map[rowKey]*row
}

// rowKey is one fact and what it ought to be. Facts of a golden node have a row
// for each value that it has of them.
type rowKey struct {
	fact, wanted string
	like         bool
}

type row struct {
	found map[foundKey]*Batch
}

type foundKey struct {
	known bool
	text  string
}

// New prepares the comparison. golden holds a node for each of e.Goldens; the
// error names the first that is missing.
func New(e *Expectation, golden map[Golden]*topology.Node) (*Verifier, error) {
	v := &Verifier{e: e, listed: map[string][]int{}, seen: map[string]bool{}}
	for i := range e.Groups {
		g := &e.Groups[i]
		s := groupState{Group: g, unsure: map[string]string{}, rows: map[rowKey]*row{}}
		if g.Like != nil {
			if s.golden = golden[*g.Like]; s.golden == nil {
				return nil, fmt.Errorf("%s:%d: group %q: found no node %q to be like, want one of %s", e.File, g.Line, clip(g.Name),
					clip(g.Like.Node), cmp.Or(g.Like.From, "the fleet that is verified"))
			}
		}
		for _, n := range g.Nodes {
			v.listed[n] = append(v.listed[n], i)
		}
		v.groups = append(v.groups, s)
	}
	return v, nil
}

// Add compares one node. about is what others say of it, or nil. A node that was
// added before is an error.
func (v *Verifier) Add(n *topology.Node, about *About) error {
	if v.seen[n.Name] {
		return fmt.Errorf("verify fleet: found node %q twice", n.Name)
	}
	v.seen[n.Name] = true
	s := subject{n, about}
	in := false
	for i := range v.groups {
		g := &v.groups[i]
		member := slices.Contains(v.listed[n.Name], i)
		if g.Nodes == nil {
			var why string
			if member, why = selected(s, g.Select); why != "" {
				g.unsure[n.Name] = why
				in = true
			}
		}
		if !member {
			continue
		}
		in = true
		g.members = append(g.members, n.Name)
		g.compare(s)
	}
	if !in {
		v.alone = append(v.alone, n.Name)
	}
	return nil
}

// selected tells whether all terms hold; why is set where one is not known and
// none of the others refuses.
func selected(s subject, terms []Term) (member bool, why string) {
	for _, t := range terms {
		l, _ := lookup(t.Word)
		for _, v := range l(s) {
			switch {
			case v.why != "":
				why = t.Word + ": " + v.why
			case !t.Wanted.Matches(v.text):
				return false, ""
			}
		}
	}
	return why == "", why
}

// lostKey is the row of devices that no longer answer. That is one difference,
// whatever else such a device does not tell.
var lostKey = rowKey{fact: "state", wanted: string(topology.DeviceOK)}

func (g *groupState) compare(s subject) {
	lost := map[topology.Ref]bool{}
	if slices.ContainsFunc(g.Facts, func(t Term) bool { return t.Word == lostKey.fact }) {
		for _, a := range s.Accelerators {
			lost[a.ID] = true // the group states it itself
		}
	}
	for _, t := range g.Facts {
		l, _ := lookup(t.Word)
		key := rowKey{fact: t.Word, wanted: t.Wanted.String()}
		for _, v := range l(s) {
			switch {
			case v.text == string(topology.DeviceLost) && t.Word != lostKey.fact:
				if !lost[v.object] {
					lost[v.object] = true
					g.note(lostKey, foundKey{true, v.text}, s.Name, v.object)
				}
			case v.why != "":
				g.note(key, foundKey{false, v.why}, s.Name, v.object)
			case !t.Wanted.Matches(v.text):
				g.note(key, foundKey{true, v.text}, s.Name, v.object)
			}
		}
	}
	if g.golden != nil {
		g.compareGolden(s)
	}
}

// note counts one object whose fact is not as wanted.
func (g *groupState) note(key rowKey, found foundKey, node string, object topology.Ref) {
	r := g.rows[key]
	if r == nil {
		r = &row{map[foundKey]*Batch{}}
		g.rows[key] = r
	}
	b := r.found[found]
	if b == nil {
		b = &Batch{}
		if found.known {
			b.Found = found.text
		} else {
			b.Why = found.text
		}
		r.found[found] = b
	}
	b.Objects++
	if last := len(b.Nodes) - 1; last < 0 || b.Nodes[last] != node {
		b.Nodes = append(b.Nodes, node)
	}
	// The example does not depend on the order in which nodes are added.
	example := node
	if object != topology.NodeRef {
		example += "/" + string(object)
	}
	if b.Example == "" || topology.CompareNames(example, b.Example) < 0 {
		b.Example = example
	}
}

// Result tells what was found. The Verifier may be given more nodes afterwards.
func (v *Verifier) Result() *Verification {
	out := &Verification{APIVersion: topology.APIVersion, Kind: KindVerification, Name: v.e.Name, Expectation: v.e.File,
		Nodes: len(v.seen), Groups: []GroupResult{}, Outside: sorted(v.alone), OutsideFails: v.e.Complete}
	for i := range v.groups {
		out.Groups = append(out.Groups, v.groups[i].result(v.seen))
	}
	out.judge()
	return out
}

func (g *groupState) result(seen map[string]bool) GroupResult {
	out := GroupResult{Name: g.Name, Nodes: len(g.members), Results: []Result{}}
	if r, ok := g.presence(seen); ok {
		out.Results = append(out.Results, r)
	}
	if g.Count != nil {
		out.Results = append(out.Results, g.count())
	}
	if len(g.unsure) > 0 {
		out.Results = append(out.Results, g.membership())
	}
	stated := slices.ContainsFunc(g.Facts, func(t Term) bool { return t.Word == lostKey.fact })
	if r := g.rows[lostKey]; r != nil && !stated {
		out.Results = append(out.Results, r.result(lostKey, "", len(g.members)))
	}
	for _, t := range g.Facts {
		key := rowKey{fact: t.Word, wanted: t.Wanted.String()}
		out.Results = append(out.Results, g.rows[key].result(key, "", len(g.members)))
	}
	if g.golden != nil {
		out.Results = append(out.Results, g.goldenResults()...)
	}
	return out
}

// presence tells which of the named nodes are not there.
func (g *groupState) presence(seen map[string]bool) (Result, bool) {
	if g.Nodes == nil {
		return Result{}, false
	}
	r := Result{Fact: FactPresent, Wanted: "there", State: finding.Pass, Of: len(g.Nodes), Batches: []Batch{}}
	var gone []string
	for _, n := range g.Nodes {
		if !seen[n] {
			gone = append(gone, n)
		}
	}
	if len(gone) > 0 {
		gone = sorted(gone)
		r.State = finding.Fail
		r.Batches = append(r.Batches, Batch{Found: topology.NotThere, Nodes: gone, Objects: len(gone), Example: gone[0]})
	}
	return r, true
}

func (g *groupState) count() Result {
	low, high := len(g.members), len(g.members)+len(g.unsure)
	r := Result{Fact: FactCount, Wanted: g.Count.String(), State: finding.Pass, Of: low, Batches: []Batch{}}
	fits := 0
	for n := low; n <= high; n++ {
		if g.Count.Matches(strconv.Itoa(n)) {
			fits++
		}
	}
	switch {
	case fits == high-low+1:
	case fits > 0:
		r.State = finding.Unknown
		r.Batches = append(r.Batches, Batch{Why: fmt.Sprintf("%d nodes, and %d of which it is not known", low, high-low), Nodes: []string{}})
	default:
		r.State = finding.Fail
		r.Batches = append(r.Batches, Batch{Found: strconv.Itoa(low), Nodes: []string{}})
	}
	return r
}

// membership tells of nodes that may or may not belong to the group.
func (g *groupState) membership() Result {
	r := Result{Fact: FactMember, Wanted: terms(g.Select), State: finding.Unknown, Of: len(g.members) + len(g.unsure), Batches: []Batch{}}
	by := map[string][]string{}
	for n, why := range g.unsure {
		by[why] = append(by[why], n)
	}
	for why, names := range by {
		names = sorted(names)
		r.Batches = append(r.Batches, Batch{Why: why, Nodes: names, Objects: len(names), Example: names[0]})
	}
	slices.SortFunc(r.Batches, compareBatches)
	return r
}

func terms(all []Term) string {
	var parts []string
	for _, t := range all {
		parts = append(parts, t.Word+" "+t.Wanted.String())
	}
	return strings.Join(parts, ", ")
}

// result of a row; nil is a fact in which no node differs.
func (r *row) result(key rowKey, like string, of int) Result {
	out := Result{Fact: key.fact, Wanted: key.wanted, Like: like, State: finding.Pass, Of: of, Batches: []Batch{}}
	if r == nil {
		return out
	}
	for _, b := range r.found {
		c := *b
		c.Nodes = sorted(b.Nodes)
		out.Batches = append(out.Batches, c)
		if b.Why == "" {
			out.State = finding.Fail
		} else if out.State == finding.Pass {
			out.State = finding.Unknown
		}
	}
	slices.SortFunc(out.Batches, compareBatches)
	return out
}

// sorted returns the names as people count, never nil.
func sorted(names []string) []string {
	out := slices.Clone(names)
	slices.SortFunc(out, topology.CompareNames)
	out = slices.Compact(out)
	if out == nil {
		out = []string{}
	}
	return out
}
