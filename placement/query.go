// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"fmt"
	"slices"
)

// Bounds of what a gang may ask.
const (
	maxGangPods = 1 << 20
	maxRules    = 6 // of one gang, group or set
	maxWishes   = 8 // binary logarithm of how many choices of preferred levels are tried
)

// query is a gang against one fleet.
type query struct {
	mix    *Prices // of the usage; nil without a demand mix
	gang   Gang
	sets   []gangSet // those with pods
	scopes []scope   // the gang first, then groups and sets with rules of their own
	groups []groupQuery
	// minPods is how many pods must run at least, minGroups how many of the gang's
	// groups.
	minPods, minGroups int
	allGroups          bool // all but the optional ones must run

	required []int  // levels of the gang's own rules, outermost first
	wishes   []wish // preferred levels that may be given up, outermost first
	levels   []int  // all that a layout must know, outermost first
	// Rules on levels in which no node has a domain.
	strangeRequired, strangePreferred []string
	strangeWeight                     int64
	obj                               *objective
}

// scope is pods that rules speak of together: of the gang, a group or a set.
type scope struct {
	name   string // "" is the gang
	weight int64  // of its wishes: 1 for the gang, one more with each step inwards
	sets   []int  // positions in query.sets, sorted

	required, preferred, counted []int
}

// wish is a preferred level of a scope.
type wish struct {
	scope, level int
	weight       int64
}

// groupQuery is a group as the solver sees it.
type groupQuery struct {
	name      string
	sets      []int // positions in query.sets, of inner groups too
	inner     []int // positions in query.groups
	top       bool  // of the gang itself
	optional  bool
	allGroups bool // all inner ones but the optional must run
	minGroups int
	minPods   int
}

// newQuery checks a gang: it must have pods, no negative counts, no unknown
// operator, mode or family.
func (u *Usage) newQuery(g Gang) (*query, error) {
	q := &query{gang: g, mix: u.mix}
	if err := q.read(u); err != nil {
		return nil, fmt.Errorf("place gang %q: %w", g.Name, err)
	}
	return q, nil
}

func (q *query) read(u *Usage) error {
	if err := q.addSets(u); err != nil {
		return err
	}
	if err := q.addScopes(u); err != nil {
		return err
	}
	q.minPods, q.minGroups, q.allGroups = q.gang.MinPods, q.gang.MinGroups, q.gang.MinGroups == 0
	q.addLeast()
	q.required = q.scopes[0].required
	for i := range q.scopes {
		s := &q.scopes[i]
		s.preferred = slices.DeleteFunc(s.preferred, func(l int) bool { return slices.Contains(s.required, l) })
		for _, l := range s.preferred {
			q.wishes = append(q.wishes, wish{i, l, s.weight})
		}
	}
	slices.SortStableFunc(q.wishes, func(a, b wish) int { return a.level - b.level })
	obj, err := u.objectiveOf(q)
	if err != nil {
		return err
	}
	q.obj = obj
	q.levels = slices.Clone(obj.levels)
	for _, set := range q.sets {
		for _, r := range slices.Concat(set.rules.slices, set.rules.limits) {
			q.levels = append(q.levels, r.level)
		}
		if set.rules.balance >= 0 {
			q.levels = append(q.levels, set.rules.balance)
		}
	}
	if q.mix != nil {
		for _, g := range q.mix.gangs {
			q.levels = append(q.levels, g.level)
		}
	}
	for _, s := range q.scopes {
		q.levels = append(append(q.levels, s.required...), s.preferred...)
	}
	slices.Sort(q.levels)
	q.levels = slices.Compact(q.levels)
	return nil
}

// addSets compiles the pod sets.
func (q *query) addSets(u *Usage) error {
	total, named := 0, 0
	for i, set := range q.gang.PodSets {
		if set.Count < 0 {
			return fmt.Errorf("pod set %q has %d pods, want 0 or more", set.Name, set.Count)
		}
		if slices.ContainsFunc(q.gang.PodSets[:i], func(p PodSet) bool { return p.Name == set.Name }) {
			return fmt.Errorf("two pod sets are named %q", set.Name)
		}
		s, err := compileShape(u.f, set.Shape)
		if err != nil {
			return fmt.Errorf("pod set %q: %w", set.Name, err)
		}
		if set.Count > maxGangPods-total || set.Spares > maxGangPods-total-set.Count {
			return fmt.Errorf("it has more than %d pods", maxGangPods)
		}
		total += set.Count + max(0, set.Spares)
		named += set.Count
		if set.Count == 0 && len(set.Held) == 0 {
			continue
		}
		compiled, err := q.newSet(u, i, s)
		if err != nil {
			return fmt.Errorf("pod set %q: %w", set.Name, err)
		}
		for _, c := range compiled {
			c.rules.set = len(q.sets)
			q.sets = append(q.sets, c)
		}
	}
	if total == 0 {
		return fmt.Errorf("it has no pods")
	}
	if q.gang.MinPods < 0 || q.gang.MinPods > named {
		return fmt.Errorf("it wants at least %d of %d pods", q.gang.MinPods, named)
	}
	return nil
}

// addScopes reads the rules of the gang, its groups and its sets. Scopes of the
// same pods are one.
func (q *query) addScopes(u *Usage) error {
	all := make([]int, len(q.sets))
	for i := range all {
		all[i] = i
	}
	if err := q.addScope(u, "", 1, all, q.gang.Rules); err != nil {
		return err
	}
	depth := map[string]int64{}
	names := map[string]bool{}
	for _, g := range q.gang.Groups {
		at, err := q.addGroup(u, g, 2, depth, names)
		if err != nil {
			return err
		}
		q.groups[at].top = true
	}
	if q.gang.MinGroups < 0 || q.gang.MinGroups > len(q.gang.Groups) {
		return fmt.Errorf("it wants at least %d of %d groups", q.gang.MinGroups, len(q.gang.Groups))
	}
	for _, set := range q.gang.PodSets {
		if err := q.addScope(u, set.Name, max(2, depth[set.Name]), q.setsOf(set.Name), set.Rules); err != nil {
			return fmt.Errorf("pod set %q: %w", set.Name, err)
		}
	}
	return nil
}

// addLeast settles how many pods each set must have: all, unless it says less or
// a sum around it counts instead.
func (q *query) addLeast() {
	for i := range q.sets {
		set := &q.sets[i]
		summed := q.gang.MinPods > 0 || slices.ContainsFunc(q.groups, func(g groupQuery) bool {
			return g.minPods > 0 && slices.Contains(g.sets, i)
		})
		if set.least < 0 {
			set.least = set.count
			if summed && !set.isSpare() {
				set.least = 0
			}
		}
	}
}

// setsOf lists the positions of a pod set in the query: none, itself, or itself
// and its spares.
func (q *query) setsOf(name string) []int {
	var at []int
	for i, s := range q.sets {
		if s.name == name {
			at = append(at, i)
		}
	}
	return at
}

// addGroup reads a group and those within it.
func (q *query) addGroup(u *Usage, g Group, weight int64, depth map[string]int64, names map[string]bool) (int, error) {
	if names[g.Name] {
		return 0, fmt.Errorf("two groups are named %q", g.Name)
	}
	names[g.Name] = true
	at := len(q.groups)
	q.groups = append(q.groups, groupQuery{
		name: g.Name, optional: g.Optional, minGroups: g.MinGroups, allGroups: g.MinGroups == 0, minPods: g.MinPods,
	})
	if g.MinGroups < 0 || g.MinGroups > len(g.Groups) {
		return 0, fmt.Errorf("group %q wants at least %d of %d groups", g.Name, g.MinGroups, len(g.Groups))
	}
	if g.MinPods < 0 {
		return 0, fmt.Errorf("group %q wants at least %d pods, want 0 or more", g.Name, g.MinPods)
	}
	var sets []int
	for _, name := range g.PodSets {
		if !slices.ContainsFunc(q.gang.PodSets, func(p PodSet) bool { return p.Name == name }) {
			return 0, fmt.Errorf("group %q names pod set %q, which the gang does not have", g.Name, name)
		}
		if depth[name] > 0 {
			return 0, fmt.Errorf("pod set %q is in two groups", name)
		}
		depth[name] = weight + 1
		sets = append(sets, q.setsOf(name)...)
	}
	for _, inner := range g.Groups {
		i, err := q.addGroup(u, inner, weight+1, depth, names)
		if err != nil {
			return 0, err
		}
		q.groups[at].inner = append(q.groups[at].inner, i)
		sets = append(sets, q.groups[i].sets...)
	}
	slices.Sort(sets)
	q.groups[at].sets = sets
	if err := q.addScope(u, g.Name, weight, sets, g.Rules); err != nil {
		return 0, fmt.Errorf("group %q: %w", g.Name, err)
	}
	return at, nil
}

// addScope reads rules for some sets.
func (q *query) addScope(u *Usage, name string, weight int64, sets []int, rules []LevelRule) error {
	if len(rules) > maxRules {
		return fmt.Errorf("it has %d level rules, want at most %d", len(rules), maxRules)
	}
	for _, r := range rules {
		if r.Mode != Required && r.Mode != Preferred && r.Mode != Counted {
			return fmt.Errorf("the rule for level %q has mode %q, want required, preferred or counted", r.Level, r.Mode)
		}
	}
	if len(q.scopes) > 0 && (len(rules) == 0 || len(sets) == 0) {
		return nil
	}
	at := slices.IndexFunc(q.scopes, func(s scope) bool { return slices.Equal(s.sets, sets) })
	if at < 0 {
		at = len(q.scopes)
		q.scopes = append(q.scopes, scope{name: name, weight: weight, sets: sets})
	}
	s := &q.scopes[at]
	// The required ones first: a wish for the same strange level says nothing more.
	for _, mode := range []Mode{Required, Preferred, Counted} {
		for _, r := range rules {
			if r.Mode == mode {
				q.addRule(u.f, s, r)
			}
		}
	}
	slices.Sort(s.required)
	slices.Sort(s.preferred)
	slices.Sort(s.counted)
	return nil
}

func (q *query) addRule(f *Fleet, s *scope, r LevelRule) {
	l, known := f.levelOf(r.Level)
	if !known {
		switch {
		case r.Mode == Required && !slices.Contains(q.strangeRequired, r.Level):
			q.strangeRequired = append(q.strangeRequired, r.Level)
		case r.Mode == Preferred && !slices.Contains(q.strangePreferred, r.Level) && !slices.Contains(q.strangeRequired, r.Level):
			q.strangePreferred = append(q.strangePreferred, r.Level)
			q.strangeWeight += s.weight
		}
		return
	}
	to := map[Mode]*[]int{Required: &s.required, Preferred: &s.preferred, Counted: &s.counted}[r.Mode]
	if !slices.Contains(*to, l) {
		*to = append(*to, l)
	}
}

// levelOf finds a level in which some node has a domain.
func (f *Fleet) levelOf(name string) (int, bool) {
	if name == LevelNode {
		return len(f.levels) - 1, len(f.nodes) > 0
	}
	l, known := f.levelIndex[name]
	return l, known && len(f.levels[l].domains) > 0
}

// elastic tells whether fewer pods than all may run.
func (q *query) elastic() bool {
	return q.minPods > 0 || !q.allGroups ||
		slices.ContainsFunc(q.sets, func(s gangSet) bool { return s.least < s.count }) ||
		slices.ContainsFunc(q.groups, func(g groupQuery) bool { return g.optional || !g.allGroups })
}
