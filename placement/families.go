// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"fmt"
	"slices"
	"strconv"
)

// DefaultObjective is the order of the families for a gang that names none.
func DefaultObjective() []Family {
	return []Family{
		FamilyPlaced, FamilyVictims, FamilyGivenUp, FamilyAffinity, FamilyDomains, FamilyBalance,
		FamilyTaints, FamilyOpportunity, FamilyCost, FamilyDevices, FamilyFree,
	}
}

// families completes the order that a gang asks for.
func families(asked []Family) ([]Family, error) {
	known := DefaultObjective()
	for i, f := range asked {
		if !slices.Contains(known, f) {
			return nil, fmt.Errorf("its objective names %q, want one of %v", f, known)
		}
		if slices.Contains(asked[:i], f) {
			return nil, fmt.Errorf("its objective names %q twice", f)
		}
	}
	out := slices.Clone(asked)
	for _, f := range known {
		if !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	return out, nil
}

// objectiveOf lists the levels of all rules and, for every preferred one, the
// ordered levels around it: what cannot keep to one rack should keep to the
// fewest blocks before it keeps to the fewest racks.
func (u *Usage) objectiveOf(q *query) (*objective, error) {
	order, err := families(q.gang.Objective)
	if err != nil {
		return nil, err
	}
	o := &objective{f: u.f, balance: -1}
	named := map[int]bool{}
	for i, s := range q.scopes {
		levels := slices.Concat(s.required, s.preferred, s.counted)
		for _, l := range levels {
			named[l] = true
		}
		for _, p := range s.preferred {
			for l := range min(p, u.f.ordered) {
				if len(u.f.levels[l].domains) > 0 && u.nests(l, p) {
					levels = append(levels, l)
				}
			}
		}
		slices.Sort(levels)
		for _, l := range slices.Compact(levels) {
			o.counts = append(o.counts, scopeLevel{i, l})
			o.levels = append(o.levels, l)
		}
	}
	for _, set := range q.sets {
		if b := set.rules.balance; b >= 0 {
			o.balanceLevel, o.balance, named[b] = b, 0, true
			if !slices.ContainsFunc(o.counts, func(c scopeLevel) bool {
				return c.level == b && slices.Contains(q.scopes[c.scope].sets, set.rules.set)
			}) {
				o.levels = append(o.levels, b)
				o.counts = append(o.counts, scopeLevel{0, b})
			}
		}
	}
	slices.Sort(o.levels)
	o.levels = slices.Compact(o.levels)
	for _, l := range o.levels {
		o.rule = append(o.rule, named[l])
	}
	if err := u.prices(q, o); err != nil {
		return nil, err
	}
	o.build(q, order)
	o.key = o.keyOf()
	return o, nil
}

// keyOf writes what tells objectives apart.
func (o *objective) keyOf() string {
	b := make([]byte, 0, 256)
	for i, l := range o.levels {
		b = strconv.AppendBool(strconv.AppendInt(b, int64(l), 10), o.rule[i])
	}
	for _, c := range o.counts {
		b = strconv.AppendInt(append(b, ' '), int64(c.scope), 10)
		b = strconv.AppendInt(append(b, ':'), int64(c.level), 10)
	}
	for _, n := range o.names {
		b = append(append(b, '|'), n...)
	}
	for _, p := range o.priced {
		b = append(append(b, '|'), p.key...)
	}
	return string(b)
}

// price is a line that adds up over nodes: what m pods of a set cost there.
type price struct {
	name string
	key  string // equal for prices that are equal
	line int
	most int64 // the largest value for one pod
	// at is by position in query.sets.
	at func(set, node int, pods int64) int64
}

// prices compiles the lines of FamilyCost.
func (u *Usage) prices(q *query, o *objective) error {
	for i, c := range q.gang.Costs {
		if slices.ContainsFunc(q.gang.Costs[:i], func(d Cost) bool { return d.Name == c.Name }) {
			return fmt.Errorf("two costs are named %q", c.Name)
		}
		p := price{name: nameCost + c.Name}
		all, err := u.pricesOf(c.Name, SetCost{c.PerPod, c.Other})
		if err != nil {
			return err
		}
		bySet := make([][]int64, len(q.sets))
		for j, set := range q.sets {
			bySet[j] = all
			if own, ok := c.Sets[set.name]; ok {
				if bySet[j], err = u.pricesOf(c.Name, own); err != nil {
					return err
				}
			}
			p.key += u.priceKey(bySet[j])
			for _, v := range bySet[j] {
				p.most = max(p.most, v)
			}
		}
		p.at = func(set, node int, pods int64) int64 { return pods * bySet[set][node] }
		o.priced = append(o.priced, p)
	}
	return nil
}

// pricesOf lists what a pod costs by node.
func (u *Usage) pricesOf(name string, c SetCost) ([]int64, error) {
	dense := make([]int64, len(u.f.nodes))
	for node := range dense {
		v, said := c.PerPod[u.f.nodes[node].Name]
		if !said {
			v = c.Other
		}
		if v < 0 || v > maxPrice {
			return nil, fmt.Errorf("cost %q is %d a pod on node %q, want 0 to %d", name, v, u.f.nodes[node].Name, int64(maxPrice))
		}
		dense[node] = v
	}
	return dense, nil
}

// maxPrice keeps the sum over the pods of a gang within a line.
const maxPrice = 1 << 40

// maxPriceLists is how many lists of prices a Usage remembers.
const maxPriceLists = 64

// priceKey numbers lists of prices: equal lists share tables.
func (u *Usage) priceKey(dense []int64) string {
	for i, known := range u.priceLists {
		if slices.Equal(known, dense) {
			return fmt.Sprint("p", u.priceBase+i)
		}
	}
	if len(u.priceLists) >= maxPriceLists {
		u.priceBase += len(u.priceLists)
		u.priceLists = u.priceLists[:0]
	}
	u.priceLists = append(u.priceLists, dense)
	return fmt.Sprint("p", u.priceBase+len(u.priceLists)-1)
}
