// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"crypto/sha256"
	"fmt"
	"slices"
)

// Bar keeps pods off some nodes for a reason from outside the engine, such as a
// rule of a site's policy. Constraint, Wanted and Found are what refusals say.
type Bar struct {
	Constraint string
	Wanted     string
	Found      string
	Nodes      *NodeSet
}

// NodeSet is a set of nodes by name. It does not change and may be shared, by
// gangs too: it is compared by a key that is made once.
type NodeSet struct {
	names map[string]struct{}
	key   [sha256.Size]byte
}

// NewNodeSet makes a set; a name that is there twice counts once, one that no
// fleet has does no harm.
func NewNodeSet(names []string) *NodeSet {
	s := &NodeSet{names: make(map[string]struct{}, len(names))}
	for _, n := range names {
		s.names[n] = struct{}{}
	}
	sorted := slices.Compact(slices.Sorted(slices.Values(names)))
	h := sha256.New()
	for _, n := range sorted {
		fmt.Fprintf(h, "%q", n)
	}
	h.Sum(s.key[:0])
	return s
}

// Has tells whether a node is in the set; a nil set holds none.
func (s *NodeSet) Has(node string) bool {
	if s == nil {
		return false
	}
	_, ok := s.names[node]
	return ok
}

// Len is the number of nodes.
func (s *NodeSet) Len() int {
	if s == nil {
		return 0
	}
	return len(s.names)
}

// barKey is the same for bars that mean the same.
func barKey(bars []Bar) string {
	var b []byte
	for _, x := range bars {
		b = fmt.Appendf(b, "%q%q%q", x.Constraint, x.Wanted, x.Found)
		if x.Nodes != nil {
			b = append(b, x.Nodes.key[:]...)
		}
	}
	return string(b)
}

// barred says which bar keeps the shape off a node.
func (s *shape) barred(n *Node) (lack, bool) {
	for _, b := range s.Bars {
		if b.Nodes.Has(n.Name) {
			return lack{b.Constraint, b.Wanted, b.Found}, true
		}
	}
	return lack{}, false
}
