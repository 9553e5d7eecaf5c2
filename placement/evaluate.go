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
			q.obj.devices.each(u.f, node, c.asked, func(line int, v int64) { sum.put(line, v) })
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
// of them booked. It counts from the pods on each node and needs no table. What
// stays free of a set in a domain is counted as if the other sets were not there.
func (u *Usage) evaluate(q *query, a *attempt, c int, uses [][]nodeUse, st nodeCost) []int64 {
	o := q.obj
	values := make([]int64, len(o.names))
	put := func(line int, v int64) {
		if line >= 0 {
			values[line] += v
		}
	}
	put(o.lost, st.lost)
	put(o.broken, st.broken)
	for line, v := range st.lines {
		put(line, v)
	}
	put(o.zones, st.zones)
	put(o.placed, int64(q.wanted()))
	nodes := map[int]bool{}
	for i, set := range q.sets {
		for _, use := range uses[i] {
			n, node := int64(use.pods), use.node
			put(o.placed, -n)
			put(o.taints, set.s.softTaints(&u.f.nodes[node])*n)
			put(o.affinity, set.s.gap(&u.f.nodes[node])*n)
			for _, p := range o.priced {
				put(p.line, p.at(i, node, n))
			}
			nodes[node] = true
		}
	}
	u.evaluateOpportunity(q, uses, put)
	put(o.nodes, int64(len(nodes)))
	for node := range nodes {
		put(o.accel, u.accelBeside(q, node, uses))
		put(o.freeNodes, u.leftBeside(q, node, onNode(uses, node)))
	}
	for pos, l := range o.levels {
		put(o.domains[pos], u.domainsUsed(q, l, uses))
		if o.free[pos] >= 0 {
			put(o.free[pos], u.freeIn(q, a, c, l, uses))
		}
	}
	if o.balance >= 0 {
		put(o.balance, u.unevenness(q, uses))
	}
	return values
}

// wanted is how many pods the gang has in all.
func (q *query) wanted() int {
	sum := 0
	for _, set := range q.sets {
		sum += set.count
	}
	return sum
}

// accelBeside is how many accelerators of a node stay free beside the pods of
// all sets.
func (u *Usage) accelBeside(q *query, node int, uses [][]nodeUse) int64 {
	var sum int64
	for r, is := range u.f.accel {
		if !is {
			continue
		}
		free := u.freeOf(node, int32(r))
		for i, set := range q.sets {
			at, used := slices.BinarySearchFunc(byNode(uses[i]), node, func(x nodeUse, node int) int { return x.node - node })
			if !used {
				continue
			}
			for _, n := range set.s.needs {
				if n.res == int32(r) {
					free -= int64(byNode(uses[i])[at].pods-set.rules.heldOn(node)) * n.qty
				}
			}
		}
		sum += max(0, free)
	}
	return sum
}

// byNode sorts uses by their node.
func byNode(uses []nodeUse) []nodeUse {
	if slices.IsSortedFunc(uses, func(a, b nodeUse) int { return a.node - b.node }) {
		return uses
	}
	return slices.SortedFunc(slices.Values(uses), func(a, b nodeUse) int { return a.node - b.node })
}

// domainsUsed counts the domains of a level that each scope uses that counts
// them.
func (u *Usage) domainsUsed(q *query, l int, uses [][]nodeUse) int64 {
	var sum int64
	for _, c := range q.obj.counts {
		if c.level != l {
			continue
		}
		used := map[int32]bool{}
		for _, set := range q.scopes[c.scope].sets {
			for _, use := range uses[set] {
				used[u.f.levels[l].soft[use.node]] = true
			}
		}
		sum += int64(len(used))
	}
	return sum
}

// onNode is how many pods of each set a node has.
func onNode(uses [][]nodeUse, node int) []int {
	n := make([]int, len(uses))
	for s := range uses {
		on := byNode(uses[s])
		if at, used := slices.BinarySearchFunc(on, node, func(x nodeUse, node int) int { return x.node - node }); used {
			n[s] = on[at].pods
		}
	}
	return n
}

// freeIn is what stays free for each set in the domains of a level that it uses:
// in the whole domain where the gang keeps to one, else within its cell.
func (u *Usage) freeIn(q *query, a *attempt, c, l int, uses [][]nodeUse) int64 {
	var sum int64
	lv := &u.f.levels[l]
	per := map[int32][]int{}
	for s := range uses {
		for _, use := range uses[s] {
			d := lv.soft[use.node]
			if per[d] == nil {
				per[d] = make([]int, len(uses))
			}
			per[d][s] += use.pods
		}
	}
	for d, n := range per {
		q.eachFree(n, func(s int, pods int64) { sum += u.roomIn(&q.sets[s], a, c, l, d) - pods })
	}
	return sum
}

// roomIn is how many pods of a set a domain holds, held ones among them.
func (u *Usage) roomIn(set *gangSet, a *attempt, c, l int, d int32) int64 {
	lv, counts := &u.f.levels[l], u.counts(set.s)
	var room int64
	whole := slices.Contains(a.kept, l)
	for _, h := range set.rules.held {
		if lv.soft[h.node] == d && (whole || a.lay.cellOf[h.node] == int32(c)) {
			room += int64(h.pods)
		}
	}
	if whole {
		return room + counts.level[l][d]
	}
	for _, node := range a.lay.cells[c].nodes {
		if lv.soft[node] == d {
			room += counts.pods[node]
		}
	}
	return room
}

// unevenness is the largest less the smallest share of the balanced sets.
func (u *Usage) unevenness(q *query, uses [][]nodeUse) int64 {
	var sum int64
	for i, set := range q.sets {
		if set.rules.balance < 0 {
			continue
		}
		per := map[int32]int{}
		for _, use := range uses[i] {
			per[u.f.levels[set.rules.balance].soft[use.node]] += use.pods
		}
		least, most := 0, 0
		for _, n := range per {
			if least == 0 || n < least {
				least = n
			}
			most = max(most, n)
		}
		sum += int64((most - least) / u.unit(set.rules))
	}
	return sum
}
