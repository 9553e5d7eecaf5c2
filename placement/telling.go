// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// maxTermValues bounds the values of a proposed label term.
const maxTermValues = 8

// telling finds the label term that holds on every good node and on the fewest
// bad ones; off are the bad nodes on which it does not hold. Keys that name single
// nodes tell nothing about nodes to come and are left out. Of terms that keep off
// as many, one value goes before several, well-known keys before others.
func (u *Usage) telling(good, bad []int) (best Term, off []string, ok bool) {
	if len(good) == 0 || len(bad) == 0 {
		return Term{}, nil, false
	}
	for _, key := range slices.SortedFunc(maps.Keys(u.f.nodes[good[0]].Labels), func(a, b string) int {
		return cmp.Or(cmp.Compare(keyRank(a), keyRank(b)), cmp.Compare(a, b))
	}) {
		values := map[string]bool{}
		everywhere := true
		for _, node := range good {
			v, has := u.f.nodes[node].Labels[key]
			everywhere = everywhere && has
			values[v] = true
		}
		if !everywhere || len(values) > maxTermValues || len(values) > 1 && len(values) == len(good) || key == labelHost {
			continue
		}
		t := Term{Key: key, Operator: "In", Values: slices.Sorted(maps.Keys(values))}
		var kept []string
		for _, node := range bad {
			if !t.Matches(u.f.nodes[node].Labels) {
				kept = append(kept, u.f.nodes[node].Name)
			}
		}
		if len(kept) > len(off) || len(kept) == len(off) && ok && len(t.Values) == 1 && len(best.Values) > 1 {
			best, off, ok = t, kept, true
		}
	}
	return best, off, ok
}

// keyRank puts the keys first that Kubernetes gives every node and that say what
// a node is.
func keyRank(key string) int {
	switch {
	case key == labelArch:
		return 0
	case strings.HasPrefix(key, "node.kubernetes.io/"):
		return 1
	case strings.Contains(key, "product"):
		return 2
	}
	return 3
}
