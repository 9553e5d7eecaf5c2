// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
)

// Bounds of what a gang may ask.
const (
	maxGangPods = 1 << 20
	maxRules    = 6
)

// query is a gang against one fleet.
type query struct {
	gang      Gang
	sets      []gangSet // those with pods
	required  []int     // levels, outermost first
	preferred []int     // the same, without the required ones
	// Rules on levels in which no node has a domain.
	strangeRequired, strangePreferred []string
	obj                               *objective
}

// gangSet is a pod set with its compiled shape.
type gangSet struct {
	name  string
	count int
	s     *shape
}

// newQuery checks a gang: it must have pods, no negative counts, no unknown
// operator or mode.
func (u *Usage) newQuery(g Gang) (*query, error) {
	q := &query{gang: g}
	total := 0
	for i, set := range g.PodSets {
		if set.Count < 0 {
			return nil, fmt.Errorf("place gang %q: pod set %q has %d pods, want 0 or more", g.Name, set.Name, set.Count)
		}
		if slices.ContainsFunc(g.PodSets[:i], func(p PodSet) bool { return p.Name == set.Name }) {
			return nil, fmt.Errorf("place gang %q: two pod sets are named %q", g.Name, set.Name)
		}
		s, err := compileShape(u.f, set.Shape)
		if err != nil {
			return nil, fmt.Errorf("place gang %q: pod set %q: %w", g.Name, set.Name, err)
		}
		if set.Count > maxGangPods-total {
			return nil, fmt.Errorf("place gang %q: it has more than %d pods", g.Name, maxGangPods)
		}
		total += set.Count
		if set.Count > 0 {
			q.sets = append(q.sets, gangSet{set.Name, set.Count, s})
		}
	}
	if total == 0 {
		return nil, fmt.Errorf("place gang %q: it has no pods", g.Name)
	}
	if err := q.addRules(u, g.Rules); err != nil {
		return nil, fmt.Errorf("place gang %q: %w", g.Name, err)
	}
	return q, nil
}

func (q *query) addRules(u *Usage, rules []LevelRule) error {
	if len(rules) > maxRules {
		return fmt.Errorf("it has %d level rules, want at most %d", len(rules), maxRules)
	}
	for _, mode := range []Mode{Required, Preferred} {
		for _, r := range rules {
			if r.Mode != Required && r.Mode != Preferred {
				return fmt.Errorf("the rule for level %q has mode %q, want required or preferred", r.Level, r.Mode)
			}
			if r.Mode == mode {
				q.addRule(u.f, r)
			}
		}
	}
	slices.Sort(q.required)
	slices.Sort(q.preferred)
	q.obj = u.objectiveOf(q)
	return nil
}

func (q *query) addRule(f *Fleet, r LevelRule) {
	l, known := f.levelIndex[r.Level]
	known = known && len(f.levels[l].domains) > 0
	switch {
	case r.Mode == Required && !known && !slices.Contains(q.strangeRequired, r.Level):
		q.strangeRequired = append(q.strangeRequired, r.Level)
	case r.Mode == Preferred && !known && !slices.Contains(q.strangePreferred, r.Level) && !slices.Contains(q.strangeRequired, r.Level):
		q.strangePreferred = append(q.strangePreferred, r.Level)
	case known && slices.Contains(q.required, l), known && slices.Contains(q.preferred, l), !known:
	case r.Mode == Required:
		q.required = append(q.required, l)
	default:
		q.preferred = append(q.preferred, l)
	}
}

// objectiveOf lists the levels of the rules and, for every preferred one, the
// ordered levels around it: what cannot keep to one rack should keep to the
// fewest blocks before it keeps to the fewest racks.
func (u *Usage) objectiveOf(q *query) *objective {
	rules := slices.Concat(q.required, q.preferred)
	levels := slices.Clone(rules)
	for _, p := range q.preferred {
		for l := range min(p, u.f.ordered) {
			if !slices.Contains(levels, l) && len(u.f.levels[l].domains) > 0 && u.nests(l, p) {
				levels = append(levels, l)
			}
		}
	}
	slices.Sort(levels)
	named := make([]bool, len(levels))
	for i, l := range levels {
		named[i] = slices.Contains(rules, l)
	}
	return newObjective(u.f, levels, named)
}

// attempt is one choice of preferred levels to keep.
type attempt struct {
	kept    []int // levels of which the gang shares a domain, required ones among them
	dropped []int // preferred levels given up
	lay     *layout
}

// attempts lists the choices, best first: the fewest levels given up, of these
// the innermost.
func (u *Usage) attempts(q *query) []attempt {
	r := len(q.preferred)
	masks := make([]uint, 1<<r)
	for i := range masks {
		masks[i] = uint(i)
	}
	// Bit i of a mask gives up the i-th preferred level; the outermost is the
	// lowest bit and, all else equal, the last wish to go.
	slices.SortFunc(masks, func(a, b uint) int {
		return cmp.Or(cmp.Compare(bits.OnesCount(a), bits.OnesCount(b)), cmp.Compare(b, a))
	})
	out := make([]attempt, len(masks))
	for i, mask := range masks {
		a := attempt{kept: slices.Clone(q.required)}
		for b, l := range q.preferred {
			if mask>>b&1 == 1 {
				a.dropped = append(a.dropped, l)
			} else {
				a.kept = append(a.kept, l)
			}
		}
		slices.Sort(a.kept)
		out[i] = a
	}
	return out
}

// arrange finds the layout of an attempt. A level around another kept one is
// no hard level of its own: whoever shares the rack shares the hall.
func (u *Usage) arrange(q *query, a *attempt) {
	hard := slices.Clone(a.kept)
	for i := 0; i < len(hard); {
		if slices.ContainsFunc(hard, func(h int) bool { return h != hard[i] && u.nests(hard[i], h) }) {
			hard = slices.Delete(hard, i, i+1)
		} else {
			i++
		}
	}
	var soft []int
	for _, l := range q.obj.levels {
		if slices.Contains(a.kept, l) {
			continue
		}
		if slices.ContainsFunc(hard, func(h int) bool { return u.nests(l, h) }) {
			a.kept = append(a.kept, l)
		} else {
			soft = append(soft, l)
		}
	}
	a.lay = u.layout(hard, soft)
}

// nests remembers Fleet.nests.
func (u *Usage) nests(outer, inner int) bool {
	key := [2]int{outer, inner}
	v, ok := u.nesting[key]
	if !ok {
		v = u.f.nests(outer, inner)
		u.nesting[key] = v
	}
	return v
}
