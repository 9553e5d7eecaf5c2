// SPDX-License-Identifier: Apache-2.0

package placement

import "slices"

// stage computes what the chosen devices and zones cost, from the choice
// itself, in the order of the pods: each run of pods of one set on one node sees
// the pods before it.
func (u *Usage) stage(q *query, pods []podPlace) nodeCost {
	var sum nodeCost
	var held []booking
	for len(pods) > 0 {
		end := 1
		for end < len(pods) && pods[end].set == pods[0].set && pods[end].node == pods[0].node {
			end++
		}
		s, node := q.sets[pods[0].set].s, pods[0].node
		if a := u.ask(s, node); a != nil {
			c := u.costOfAsked(s, pods[:end], a)
			sum.lost, sum.broken = sum.lost+c.lost, sum.broken+c.broken
			for _, p := range pods[:end] {
				held = append(held, u.bookingOf(s, p))
				u.hold(last(held))
			}
			pods = pods[end:]
			continue
		}
		needs := u.deviceNeeds(s, node)
		broken, best := u.wholeSets(s, node, needs), u.f.bestSets(s, node)
		for i, p := range pods[:end] {
			if p.zone >= 0 && (i == 0 || pods[i-1].zone != p.zone) && u.untouched(node, p.zone) {
				sum.zones++
			}
			score := u.setScore(p)
			if len(needs) > 0 {
				sum.lost += max(0, best-score)
			}
			broken -= score
			held = append(held, u.bookingOf(s, p))
			u.hold(last(held))
		}
		if u.f.exactSets(s, node) {
			sum.broken += broken - u.wholeSets(s, node, needs)
		}
		pods = pods[end:]
	}
	for _, b := range held {
		u.release(b)
	}
	return sum
}

// setScore is the score of the device sets of one pod.
func (u *Usage) setScore(p podPlace) int64 {
	var sum int64
	for grp, mask := range p.masks {
		sum += u.f.groups[p.node][grp].sets.Value(mask)
	}
	return sum
}

// evaluate computes the lines of the objective for pods in a cell, with nothing
// of them booked. It counts from the pods themselves and needs no table.
func (u *Usage) evaluate(q *query, a *attempt, c int, pods []podPlace, st nodeCost) []int64 {
	o := q.obj
	values := make([]int64, len(o.names))
	values[o.lost], values[o.broken], values[o.zones] = st.lost, st.broken, st.zones
	var held []booking
	nodes := make([]bool, len(u.f.nodes))
	by := make([]map[int]bool, len(q.sets)) // the nodes of each set
	for _, p := range pods {
		s := q.sets[p.set].s
		values[o.taints] += s.softTaints(&u.f.nodes[p.node])
		nodes[p.node] = true
		if by[p.set] == nil {
			by[p.set] = map[int]bool{}
		}
		by[p.set][p.node] = true
		held = append(held, u.bookingOf(s, p))
		u.hold(last(held))
	}
	for node, used := range nodes {
		if used {
			values[o.nodes]++
			values[o.accel] += u.accelLeft(node, q.sets[0].s, 0)
		}
	}
	for i, set := range q.sets {
		left := u.counts(set.s)
		for node := range by[i] {
			values[o.freeNodes] += left.pods[node]
		}
	}
	for pos, l := range o.levels {
		u.evaluateLevel(q, a, c, pos, l, nodes, by, values)
	}
	for _, b := range held {
		u.release(b)
	}
	return values
}

// evaluateLevel counts the domains of one level that the gang uses, and what
// stays free in those that a set uses.
func (u *Usage) evaluateLevel(q *query, a *attempt, c, pos, l int, nodes []bool, by []map[int]bool, values []int64) {
	o, lv := q.obj, &u.f.levels[l]
	used := map[int32]bool{}
	for node, is := range nodes {
		if is {
			used[lv.soft[node]] = true
		}
	}
	values[o.domains[pos]] = int64(len(used))
	if o.free[pos] < 0 {
		return
	}
	for i, set := range q.sets {
		left := u.counts(set.s)
		if slices.Contains(a.kept, l) {
			values[o.free[pos]] += left.level[l][lv.of[a.lay.cells[c].nodes[0]]]
			continue
		}
		mine := map[int32]bool{}
		for node := range by[i] {
			mine[lv.soft[node]] = true
		}
		for _, node := range a.lay.cells[c].nodes {
			if mine[lv.soft[node]] {
				values[o.free[pos]] += left.pods[node]
			}
		}
	}
}
