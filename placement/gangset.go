// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"fmt"
	"slices"
)

// gangSet is a pod set with its compiled shape and rules.
type gangSet struct {
	name  string
	count int // spares of a set without slices and balance among them
	least int // how many must run at least; 0 where the gang alone says so
	s     *shape
	rules *setRules
	// spares is how many of count are kept free; all of them where the set stands
	// for the spares of another.
	spares int
}

// setRules are the rules of one set on how many of its pods lie in a domain.
type setRules struct {
	set            int // position in query.sets
	slices, limits []levelCount
	balance        int // level; -1 is none
	// lo and hi bound the pods of a domain of the balanced level that is used; 0
	// is no bound.
	lo, hi int
	held   []nodeUse // by node: pods that already run there
	total  int       // of held
	shrink bool      // fewer than total are wanted: none comes, some go
	names  [][]Assignment
	key    string
}

// levelCount is a number of pods for the domains of a level.
type levelCount struct {
	level, pods int
}

// plain tells whether nothing restricts how the pods are split.
func (r *setRules) plain() bool {
	return len(r.slices) == 0 && len(r.limits) == 0 && r.hi == 0 && len(r.held) == 0
}

// heldOn is how many pods of the set already run on a node.
func (r *setRules) heldOn(node int) int {
	at, ok := slices.BinarySearchFunc(r.held, node, func(h nodeUse, node int) int { return h.node - node })
	if !ok {
		return 0
	}
	return r.held[at].pods
}

// allows tells whether n pods may lie in one domain of a level, or, outside of
// all domains of it, on one node.
func (r *setRules) allows(level int, outside bool, n int) bool {
	if n == 0 {
		return true
	}
	for _, s := range r.slices {
		if s.level == level && (outside || n%s.pods != 0) {
			return false
		}
	}
	for _, l := range r.limits {
		if l.level == level && !outside && n > l.pods {
			return false
		}
	}
	if r.hi > 0 && r.balance == level {
		return r.lo <= n && n <= r.hi
	}
	return true
}

// unit is the number of pods that counts as one share of the balanced level: a
// slice, where slices lie within its domains.
func (u *Usage) unit(r *setRules) int {
	for _, s := range r.slices {
		if s.level == r.balance || u.nests(r.balance, s.level) {
			return s.pods
		}
	}
	return 1
}

// balanced is the same rules with bounds for the balanced level.
func (r *setRules) balanced(lo, hi int) *setRules {
	b := *r
	b.lo, b.hi = lo, hi
	b.key = fmt.Sprint(r.key, "b", lo, hi)
	return &b
}

// newSet compiles one pod set; a second set stands for its spares where slices
// or a balance speak of the pods alone.
func (q *query) newSet(u *Usage, at int, s *shape) ([]gangSet, error) {
	p := q.gang.PodSets[at]
	if p.Min < 0 || p.Min > p.Count {
		return nil, fmt.Errorf("it wants at least %d of %d pods", p.Min, p.Count)
	}
	if p.Spares < 0 {
		return nil, fmt.Errorf("it has %d spares, want 0 or more", p.Spares)
	}
	rules, err := q.newRules(u, p)
	if err != nil {
		return nil, err
	}
	set := gangSet{name: p.Name, count: p.Count, least: p.Min, s: s, rules: rules}
	if p.Min == 0 {
		set.least = -1 // settled when the groups are known
	}
	if p.Spares == 0 {
		return []gangSet{set}, nil
	}
	if len(rules.slices) == 0 && rules.balance < 0 && p.Min == 0 && !q.partial() && !rules.shrink {
		set.count, set.spares = p.Count+p.Spares, p.Spares
		return []gangSet{set}, nil
	}
	limits := &setRules{limits: rules.limits, balance: -1, key: rules.key}
	kept := gangSet{name: p.Name, count: p.Spares, least: p.Spares, s: s, rules: limits, spares: p.Spares}
	return []gangSet{set, kept}, nil
}

// partial tells whether the gang may run with fewer pods than its sets say.
func (q *query) partial() bool {
	g := q.gang
	return g.MinPods > 0 || g.MinGroups > 0 || slices.ContainsFunc(g.Groups, Group.partial)
}

// newRules reads slices, limits, balance and held pods of a set.
func (q *query) newRules(u *Usage, p PodSet) (*setRules, error) {
	r := &setRules{balance: -1}
	for _, s := range p.Slices {
		if s.Size < 1 {
			return nil, fmt.Errorf("its slices of level %q have %d pods, want 1 or more", s.Level, s.Size)
		}
		if l, known := q.mustKnow(u, s.Level); known {
			r.slices = append(r.slices, levelCount{l, s.Size})
		}
	}
	for _, s := range p.Limits {
		if s.Pods < 0 {
			return nil, fmt.Errorf("its limit for level %q is %d pods, want 0 or more", s.Level, s.Pods)
		}
		// Where no node has a domain there is nothing to limit.
		if l, known := u.f.levelOf(s.Level); known {
			r.limits = append(r.limits, levelCount{l, s.Pods})
		}
	}
	if p.Balance != "" {
		if l, known := q.mustKnow(u, p.Balance); known {
			r.balance = l
		}
	}
	if len(r.slices)+len(r.limits) > 0 {
		r.key = fmt.Sprint(r.slices, r.limits)
	}
	return r, r.hold(u, p)
}

// mustKnow finds a level that the gang cannot do without.
func (q *query) mustKnow(u *Usage, level string) (int, bool) {
	l, known := u.f.levelOf(level)
	if !known && !slices.Contains(q.strangeRequired, level) {
		q.strangeRequired = append(q.strangeRequired, level)
	}
	return l, known
}

// hold notes the pods that already run.
func (r *setRules) hold(u *Usage, p PodSet) error {
	if len(p.Held) == 0 {
		return nil
	}
	held := slices.SortedStableFunc(slices.Values(p.Held), func(a, b Assignment) int { return a.Pod - b.Pod })
	by := map[int][]Assignment{}
	for i, h := range held {
		node, ok := u.f.index[h.Node]
		if !ok {
			return fmt.Errorf("its pod %d is held on node %q, which the fleet does not have", h.Pod, h.Node)
		}
		if h.Pod < 0 || i > 0 && held[i-1].Pod == h.Pod {
			return fmt.Errorf("pod %d is held twice or has no number", h.Pod)
		}
		by[int(node)] = append(by[int(node)], h)
	}
	for node := range by {
		r.held = append(r.held, nodeUse{node, len(by[node])})
	}
	slices.SortFunc(r.held, func(a, b nodeUse) int { return a.node - b.node })
	for _, h := range r.held {
		r.names = append(r.names, by[h.node])
	}
	r.total, r.shrink = len(held), len(held) > p.Count
	r.key += fmt.Sprint(r.held, r.shrink)
	return nil
}
