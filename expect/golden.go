// SPDX-License-Identifier: Apache-2.0

package expect

import (
	"cmp"
	"slices"
	"strings"

	"tarsia.dev/tarsia/topology"
)

// sameFacts are the words that a fact of topology.Diff goes by among Facts: what
// a group states itself is not taken from its golden node as well.
var sameFacts = map[string]string{
	"driverVersion": "driver",
	"fabric":        "fabric",
}

// compareGolden notes where a node is not like the group's golden node. What the
// golden node does not tell is not expected, and names in the fabric are a node's
// own.
func (g *groupState) compareGolden(s subject) {
	if s.Name == g.golden.Name && s.Node == g.golden {
		return
	}
	for _, d := range topology.Diff(g.golden, anonymous(s.Node, g.golden.Name)) {
		if d.Fact == "fabric" {
			d.A, _, _ = strings.Cut(d.A, " ")
			d.B, _, _ = strings.Cut(d.B, " ")
		}
		fact := goldenFact(d)
		if d.A == topology.NotKnown || d.A == d.B || g.ignores(fact) {
			continue
		}
		key := rowKey{fact, d.A, true}
		if d.B == topology.NotKnown {
			g.note(key, foundKey{false, because(s.Node, d.Object, d.Fact)}, s.Name, d.Object)
			continue
		}
		g.note(key, foundKey{true, d.B}, s.Name, d.Object)
	}
}

// anonymous is the node under a name other than the golden one's, so that UUIDs
// are not compared: a node of the golden one's name, recorded later, may have had
// a device replaced.
func anonymous(n *topology.Node, golden string) *topology.Node {
	if n.Name != golden {
		return n
	}
	other := *n
	other.Name = ""
	return &other
}

// goldenFact is the fact with its object where that means the same on every
// node; which module differs is part of the fact, which GPU is not.
func goldenFact(d topology.Difference) string {
	if d.Object.Kind() == "module" {
		return string(d.Object) + " " + d.Fact
	}
	return d.Fact
}

// ignores tells facts that the group leaves out or states itself.
func (g *groupState) ignores(fact string) bool {
	own := cmp.Or(sameFacts[fact], fact)
	if rest, ok := strings.CutPrefix(fact, "parameter "); ok {
		own = "parameter/" + rest
	}
	return slices.ContainsFunc(g.Facts, func(t Term) bool { return t.Word == own || t.Word == fact }) ||
		slices.ContainsFunc(g.Ignore, func(p string) bool { return glob(p, fact) || glob(p, own) })
}

// goldenResults are the rows of the golden node; one that says that all are alike
// where there is none.
func (g *groupState) goldenResults() []Result {
	var out []Result
	for key, r := range g.rows {
		if key.like {
			out = append(out, r.result(key, g.Like.Node, len(g.members)))
		}
	}
	if len(out) == 0 {
		return []Result{(*row)(nil).result(rowKey{fact: FactLike, wanted: "like " + g.Like.Node}, g.Like.Node, len(g.members))}
	}
	slices.SortFunc(out, func(a, b Result) int {
		return cmp.Or(cmp.Compare(b.Differ(), a.Differ()), cmp.Compare(a.Fact, b.Fact), cmp.Compare(a.Wanted, b.Wanted))
	})
	return out
}
