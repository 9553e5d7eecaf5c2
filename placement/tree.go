// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
	"strings"
)

// layout arranges the nodes for one choice of levels. Cells are the places in
// which a whole gang must lie: a domain of each hard level. Within a cell the
// nodes hang in a tree, first by the domains of the soft levels, outermost
// first, then in halves, so that a change of one node touches a path of
// logarithmic length. A layout depends on the fleet only and is shared.
type layout struct {
	hard, soft []int
	cells      []cell
	cellOf     []int32 // by node; -1 in no cell
	leafOf     []int32 // by node: its vertex; -1 in no cell
	verts      []vertex
	// nested: no domain of a soft level appears under two domains of an outer
	// one, so that counting domains in the tree counts each once.
	nested bool
}

// cell is one place for a whole gang.
type cell struct {
	domains []int32 // of the hard levels
	nodes   []int32 // in the order of the tree
	root    int32
}

// vertex is a leaf (a node), a merge of two vertices, or a wrap: a domain of a
// soft level around one vertex. Children come before parents.
type vertex struct {
	node        int32 // leaf: the node; otherwise -1
	left, right int32 // merge: both; wrap: left only, right is -1
	soft        int32 // wrap: position in layout.soft
	domain      int32 // wrap: its domain (level.soft)
	parent      int32 // -1 at the root
}

// maxLayouts bounds how many layouts a Usage remembers.
const maxLayouts = 256

// layout returns the layout for hard and soft levels.
func (u *Usage) layout(hard, soft []int) *layout {
	key := fmt.Sprint(hard, soft)
	l := u.layouts[key]
	if l == nil {
		if len(u.layouts) >= maxLayouts {
			clear(u.layouts)
		}
		l = newLayout(u.f, hard, soft)
		u.layouts[key] = l
	}
	return l
}

func newLayout(f *Fleet, hard, soft []int) *layout {
	l := &layout{
		hard: hard, soft: soft, nested: true,
		cellOf: make([]int32, len(f.nodes)), leafOf: make([]int32, len(f.nodes)),
	}
	var inside []int32
	for i := range f.nodes {
		l.cellOf[i], l.leafOf[i] = -1, -1
		if !slices.ContainsFunc(hard, func(h int) bool { return f.levels[h].of[i] < 0 }) {
			inside = append(inside, int32(i))
		}
	}
	byCell := func(a, b int32) int {
		for _, h := range hard {
			if c := cmp.Compare(f.levels[h].of[a], f.levels[h].of[b]); c != 0 {
				return c
			}
		}
		return 0
	}
	slices.SortFunc(inside, func(a, b int32) int {
		if c := byCell(a, b); c != 0 {
			return c
		}
		for _, s := range soft {
			if c := cmp.Compare(f.levels[s].soft[a], f.levels[s].soft[b]); c != 0 {
				return c
			}
		}
		return cmp.Compare(a, b)
	})
	for len(inside) > 0 {
		end := 1
		for end < len(inside) && byCell(inside[0], inside[end]) == 0 {
			end++
		}
		c := cell{nodes: inside[:end:end]}
		for _, h := range hard {
			c.domains = append(c.domains, f.levels[h].of[inside[0]])
		}
		for _, n := range c.nodes {
			l.cellOf[n] = int32(len(l.cells))
		}
		c.root = l.grow(f, c.nodes, 0, make([]map[int32]bool, len(soft)))
		l.cells, inside = append(l.cells, c), inside[end:]
	}
	return l
}

// grow builds the tree of a run of sorted nodes from a soft level on. seen
// holds the domains of each level met so far in the cell.
func (l *layout) grow(f *Fleet, nodes []int32, depth int, seen []map[int32]bool) int32 {
	var children []int32
	if depth == len(l.soft) {
		for _, n := range nodes {
			l.leafOf[n] = l.add(vertex{node: n, left: -1, right: -1})
			children = append(children, l.leafOf[n])
		}
		return l.halves(children)
	}
	domains := f.levels[l.soft[depth]].soft
	if seen[depth] == nil {
		seen[depth] = map[int32]bool{}
	}
	for len(nodes) > 0 {
		d, end := domains[nodes[0]], 1
		for end < len(nodes) && domains[nodes[end]] == d {
			end++
		}
		l.nested = l.nested && !seen[depth][d]
		seen[depth][d] = true
		inner := l.grow(f, nodes[:end], depth+1, seen)
		children = append(children, l.add(vertex{node: -1, left: inner, right: -1, soft: int32(depth), domain: d}))
		nodes = nodes[end:]
	}
	return l.halves(children)
}

// halves joins vertices in a balanced tree. It splits at a power of two, so
// that equal runs of nodes make equal subtrees, which tables computes once.
func (l *layout) halves(children []int32) int32 {
	if len(children) == 1 {
		return children[0]
	}
	at := 1 << (bits.Len(uint(len(children)-1)) - 1)
	left := l.halves(children[:at])
	right := l.halves(children[at:])
	return l.add(vertex{node: -1, left: left, right: right})
}

func (l *layout) add(v vertex) int32 {
	at := int32(len(l.verts))
	v.parent = -1
	l.verts = append(l.verts, v)
	if v.left >= 0 {
		l.verts[v.left].parent = at
	}
	if v.right >= 0 {
		l.verts[v.right].parent = at
	}
	return at
}

// level names the level of the cells: "rack", "rack+nvlink", "fleet".
func (l *layout) level(f *Fleet) string {
	switch len(l.hard) {
	case 0:
		return levelFleet
	case 1:
		return f.levels[l.hard[0]].name
	}
	names := make([]string, len(l.hard))
	for i, h := range l.hard {
		names[i] = f.levels[h].name
	}
	return strings.Join(names, "+")
}

// domain names a cell.
func (l *layout) domain(f *Fleet, c int) string {
	switch len(l.hard) {
	case 0:
		return levelFleet
	case 1:
		return f.levels[l.hard[0]].domains[l.cells[c].domains[0]]
	}
	names := make([]string, len(l.hard))
	for i, h := range l.hard {
		names[i] = f.levels[h].domains[l.cells[c].domains[i]]
	}
	return strings.Join(names, "+")
}

// Words for Refusal.Level and Certificate.Level beside the names of levels.
const (
	levelFleet = "fleet"
	levelNode  = "node"
)
