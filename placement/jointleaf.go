// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// leaf is the grid of one node. Nodes that are alike share one.
func (j *joint) leaf(ctx context.Context, node int, room []int64) (int32, error) {
	most := j.most(node, room)
	key := j.kind(node, room, most)
	if id, ok := j.kinds[key]; ok {
		return id, nil
	}
	out := grid{ext: most, data: make([]uint64, size(most)*j.g.words)}
	n := make([]int, len(room))
	for i := 0; ; i++ {
		if err := j.node(ctx, j.g.at(&out, i), node, n); err != nil {
			return 0, err
		}
		if !next(n, out.ext) {
			break
		}
	}
	id := j.g.keep(out)
	j.kinds[key] = id
	return id, nil
}

// kind is equal for nodes whose grids are equal.
func (j *joint) kind(node int, room []int64, most []int) string {
	u := j.u
	b := fmt.Append(nil, room, most, u.kindKey(j.q, node))
	for grp, g := range u.f.groups[node] {
		b = fmt.Appendf(b, "|%p %x", g.sets, u.freeDevices(node, grp))
	}
	for s, c := range j.c {
		n := &u.f.nodes[node]
		b = fmt.Append(b, " ", c.s.softTaints(n), c.s.gap(n), j.rules[s].heldOn(node), c.best[node])
		for _, p := range j.q.obj.priced {
			for m := range int64(most[s]) {
				b = fmt.Append(b, ",", p.at(s, node, m+1))
			}
		}
	}
	return string(b)
}

// node computes the cost of n pods of each set on a node.
func (j *joint) node(ctx context.Context, cost []uint64, node int, n []int) error {
	u, o := j.u, j.q.obj
	fresh := make([]int, len(n))
	some := 0
	for s, m := range n {
		held := j.rules[s].heldOn(node)
		if m < held && !j.rules[s].shrink { // also where none may lie
			forbid(cost)
			return nil
		}
		if fresh[s] = max(0, m-held); fresh[s] > 0 {
			some++
		}
	}
	if maskOf(n) == 0 {
		return nil
	}
	st, ok, err := j.devices(ctx, node, fresh, some)
	if err != nil {
		return err
	}
	if !ok {
		forbid(cost)
		return nil
	}
	j.pack.add(cost, o.nodes, 1)
	uses := make([][]nodeUse, len(n))
	for s, m := range n {
		if m == 0 {
			continue
		}
		shape := j.c[s].s
		uses[s] = []nodeUse{{node, m}}
		j.pack.add(cost, o.taints, shape.softTaints(&u.f.nodes[node])*int64(m))
		j.pack.add(cost, o.affinity, shape.gap(&u.f.nodes[node])*int64(m))
		for i := range o.priced {
			j.pack.add(cost, o.priced[i].line, o.priced[i].at(s, node, int64(m)))
		}
	}
	j.pack.add(cost, o.freeNodes, u.leftBeside(j.q, node, n))
	j.pack.add(cost, o.lost, st.lost)
	j.pack.add(cost, o.broken, st.broken)
	j.pack.add(cost, o.zones, st.zones)
	o.devices.each(u.f, node, st.asked, func(line int, x int64) { j.pack.add(cost, line, x) })
	for line, x := range st.lines {
		j.pack.add(cost, line, max(0, x))
	}
	j.pack.add(cost, o.accel, u.accelBeside(j.q, node, uses))
	return nil
}

// devices tells whether new pods of several sets fit on a node together, and
// what their devices and zones cost.
func (j *joint) devices(ctx context.Context, node int, fresh []int, some int) (nodeCost, bool, error) {
	u := j.u
	switch some {
	case 0:
		return nodeCost{}, true, nil
	case 1:
		s := slices.IndexFunc(fresh, func(m int) bool { return m > 0 })
		return last(u.costs(j.c[s].s, node, fresh[s], j.c[s].best[node])), true, nil
	}
	if !u.enough(j.q, node, fresh) {
		return nodeCost{}, false, nil
	}
	if !slices.ContainsFunc(j.c, func(c *counts) bool { return u.choosing(c.s, node) }) {
		return nodeCost{}, true, nil
	}
	pods, stopped, err := u.placeTogether(ctx, j.q, node, fresh)
	if stopped {
		return nodeCost{}, false, errTooLarge
	}
	if pods == nil || err != nil {
		return nodeCost{}, false, err
	}
	j.rough = true
	st := u.stage(j.q, pods)
	// Sets that are taken apart in another order may seem to mend what was broken.
	st.broken = max(0, st.broken)
	return st, true, nil
}

// leftBeside is how many pods of each set that has some on a node still fit
// there: of a lone set as it was counted, of several by the resources that all
// of them leave.
func (u *Usage) leftBeside(q *query, node int, n []int) int64 {
	var mine []int
	var sum int64
	q.eachFree(n, func(s int, pods int64) {
		mine = append(mine, s)
		sum += u.counts(q.sets[s].s).pods[node] + int64(q.sets[s].rules.heldOn(node)) - pods
	})
	if len(mine) < 2 {
		return sum
	}
	sum = 0
	for _, s := range mine {
		if u.counts(q.sets[s].s).fixed[node] {
			continue
		}
		left := int64(maxPods)
		for _, need := range q.sets[s].s.needs {
			have := u.freeOf(node, need.res)
			for t, m := range n {
				for _, other := range q.sets[t].s.needs {
					if other.res == need.res {
						have -= int64(m-q.sets[t].rules.heldOn(node)) * other.qty
					}
				}
			}
			left = min(left, max(0, have)/need.qty)
		}
		sum += left
	}
	return sum
}

// choosing tells whether more than counts decides how pods of a shape lie on a
// node: zones, devices or claims.
func (u *Usage) choosing(s *shape, node int) bool {
	return s.AlignNUMA || len(u.deviceNeeds(s, node)) > 0 || u.ask(s, node) != nil || u.predicts(s, node) || len(s.Claims) > 0
}

// enough tells whether a node has the resources of new pods of all sets.
func (u *Usage) enough(q *query, node int, fresh []int) bool {
	want := map[int32]int64{}
	for s, m := range fresh {
		for _, n := range q.sets[s].s.needs {
			want[n.res] += int64(m) * n.qty
		}
	}
	for res, n := range want {
		if n > 0 && u.freeOf(node, res) < n {
			return false
		}
	}
	return true
}

// placeTogether chooses zones and devices for new pods of several sets on one
// node: set after set, the aligned and the large first; where that fails, by
// search. It returns nil when they do not fit, and true when that is not known.
func (u *Usage) placeTogether(ctx context.Context, q *query, node int, fresh []int) ([]podPlace, bool, error) {
	var order []int
	for s, m := range fresh {
		if m > 0 {
			order = append(order, s)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(-boolCompare(q.sets[a].s.AlignNUMA, q.sets[b].s.AlignNUMA), -cmp.Compare(u.f.weight(q.sets[a].s), u.f.weight(q.sets[b].s)))
	})
	var pods []podPlace
	var held []booking
	whole := true
	for _, s := range order {
		if room, _ := u.fit(q.sets[s].s, node); room < int64(fresh[s]) {
			whole = false
			break
		}
		for _, p := range u.place(q.sets[s].s, s, node, fresh[s]) {
			pods, held = append(pods, p), append(held, u.bookingOf(q.sets[s].s, p))
			u.hold(last(held))
		}
	}
	for _, b := range held {
		u.release(b)
	}
	if whole {
		return pods, false, nil
	}
	if !slices.ContainsFunc(order, func(s int) bool { return u.choosing(q.sets[s].s, node) }) {
		return nil, false, nil
	}
	one := &query{gang: q.gang, obj: q.obj}
	for s := range q.sets {
		set := q.sets[s]
		set.count = fresh[s]
		one.sets = append(one.sets, set)
	}
	pods, stopped, err := u.search(ctx, one, []int32{int32(node)})
	if pods != nil {
		slices.SortStableFunc(pods, func(a, b podPlace) int { return cmp.Compare(a.set, b.set) })
	}
	return pods, stopped, err
}
