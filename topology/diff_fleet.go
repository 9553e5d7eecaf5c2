// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"cmp"
	"slices"
	"strings"
)

// DiffFleets compares two fleets, or one at two times, node by node of the same
// name, and folds what differs alike into one Difference: "17 of 42 nodes". The
// change that most nodes share comes first. A node or an image that only one
// side has is a difference of its fact "present" or "platforms". The list is
// empty, not nil, for alike fleets.
func DiffFleets(a, b *Fleet) []Difference {
	type key struct{ fact, a, b string }
	found := map[key]*Difference{}
	note := func(k key, node string) {
		d := found[k]
		if d == nil {
			d = &Difference{Fact: k.fact, A: k.a, B: k.b}
			found[k] = d
		}
		d.Objects++
		// Nodes come by name, so a node's own repeats stand at the end.
		if n := len(d.Nodes); n == 0 || d.Nodes[n-1] != node {
			d.Nodes = append(d.Nodes, node)
		}
	}
	common := 0
	out := []Difference{}
	var gone, come []string
	for _, n := range a.Nodes {
		other, ok := b.Node(n.Name)
		if !ok {
			gone = append(gone, n.Name)
			continue
		}
		common++
		for _, d := range Diff(n, other) {
			note(key{fleetFact(d), d.A, d.B}, n.Name)
		}
	}
	for _, n := range b.Nodes {
		if _, ok := a.Node(n.Name); !ok {
			come = append(come, n.Name)
		}
	}
	for _, d := range found {
		d.Object, d.Of = nodesRef(d.Nodes), common
		out = append(out, *d)
	}
	if len(gone) > 0 {
		out = append(out, Difference{Object: nodesRef(gone), Fact: "present", A: "there", B: NotThere, Nodes: gone, Objects: len(gone)})
	}
	if len(come) > 0 {
		out = append(out, Difference{Object: nodesRef(come), Fact: "present", A: NotThere, B: "there", Nodes: come, Objects: len(come)})
	}
	out = append(out, diffImages(a.Images, b.Images)...)
	slices.SortFunc(out, func(a, b Difference) int {
		return cmp.Or(cmp.Compare(len(b.Nodes), len(a.Nodes)), cmp.Compare(a.Fact, b.Fact),
			cmp.Compare(a.A, b.A), cmp.Compare(a.B, b.B), cmp.Compare(a.Object, b.Object))
	})
	return out
}

func nodesRef(names []string) Ref { return Ref("nodes/" + NameRange(names)) }

// fleetFact is the fact, with the object where its name means the same thing on
// every node; PCI addresses do not.
func fleetFact(d Difference) string {
	if d.Object.Kind() == "module" {
		return string(d.Object) + " " + d.Fact
	}
	return d.Fact
}

func diffImages(a, b []Image) []Difference {
	x, y := platforms(a), platforms(b)
	var out []Difference
	for ref, p := range x {
		if q, ok := y[ref]; !ok || p != q {
			out = append(out, Difference{Object: Ref("image/" + ref), Fact: "platforms", A: p, B: cmp.Or(q, NotThere)})
		}
	}
	for ref, q := range y {
		if _, ok := x[ref]; !ok {
			out = append(out, Difference{Object: Ref("image/" + ref), Fact: "platforms", A: NotThere, B: q})
		}
	}
	return out
}

func platforms(images []Image) map[string]string {
	m := map[string]string{}
	for _, i := range images {
		m[i.Reference] = cmp.Or(strings.Join(i.Platforms, " "), NotKnown)
	}
	return m
}
