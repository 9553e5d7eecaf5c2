// SPDX-License-Identifier: Apache-2.0

package device

import (
	"fmt"
	"slices"
)

// ground is the devices of a node and what is held of them, in the plainest
// form: the truth that the engine is compared with.
type ground struct {
	devices    []Device
	score      [][]int
	partitions [][]int
	held       []holding
}

// holding is one device, or a part of it, that a pod holds.
type holding struct {
	request, device int
	whole           bool
	share           Amounts
	profile         string
	slots           []int
	function        int // -1 for none
}

func (g *ground) with(h ...holding) *ground {
	n := *g
	n.held = append(slices.Clone(g.held), h...)
	return &n
}

func (g *ground) on(device int) []holding {
	var out []holding
	for _, h := range g.held {
		if h.device == device {
			out = append(out, h)
		}
	}
	return out
}

func (g *ground) untouched(device int) bool {
	return g.devices[device].Unusable == "" && len(g.on(device)) == 0
}

func (g *ground) open(device int) bool {
	return g.devices[device].Unusable == "" && !slices.ContainsFunc(g.on(device), func(h holding) bool { return h.whole })
}

// ways lists how one device can meet a request once.
func (g *ground) ways(at int, r *Request, dev int) []holding {
	d := &g.devices[dev]
	h := holding{request: at, device: dev, function: -1}
	if !g.open(dev) {
		return nil
	}
	if r.Whole() {
		if !g.untouched(dev) {
			return nil
		}
		h.whole = true
		return []holding{h}
	}
	for name, v := range r.Share {
		left := d.Capacity[name]
		for _, o := range g.on(dev) {
			left -= o.share[name]
		}
		if left < v {
			return nil
		}
	}
	h.share = r.Share
	switch {
	case r.Profile != "":
		return g.slotWays(h, r.Profile)
	case r.Function:
		var out []holding
		for i, f := range d.Functions {
			ok := !slices.ContainsFunc(g.on(dev), func(o holding) bool { return o.function == i })
			for name, v := range r.Labels {
				ok = ok && f.Labels[name] == v
			}
			if ok {
				h.function = i
				out = append(out, h)
			}
		}
		return out
	}
	return []holding{h}
}

func (g *ground) slotWays(h holding, profile string) []holding {
	d := &g.devices[h.device]
	if d.Slots == nil {
		return nil
	}
	var out []holding
	for _, p := range d.Slots.Profiles {
		if p.Name != profile {
			continue
		}
		for _, start := range p.Starts {
			h := h
			h.profile, h.slots = profile, nil
			for i := range p.Size {
				h.slots = append(h.slots, start+i)
			}
			if !slices.ContainsFunc(g.on(h.device), func(o holding) bool {
				return d.Slots.Uniform && o.profile != profile || slices.ContainsFunc(o.slots, func(s int) bool { return slices.Contains(h.slots, s) })
			}) {
				out = append(out, h)
			}
		}
	}
	return out
}

// domain names the domain of a device, "" where it is unknown.
func (g *ground) domain(dev int, s Scope) string {
	d := &g.devices[dev]
	zone := "?"
	if d.Zone != nil {
		zone = fmt.Sprint(*d.Zone)
	}
	switch {
	case s == SamePCIe && d.PCIe != "":
		return zone + "/" + d.PCIe
	case s == SameNUMA && d.Zone != nil:
		return zone
	case s == SameSocket && d.Socket != nil:
		return fmt.Sprint(*d.Socket)
	}
	return ""
}

func (g *ground) domains(set []int, s Scope) []string {
	var out []string
	for _, dev := range set {
		if d := g.domain(dev, s); !slices.Contains(out, d) {
			out = append(out, d)
		}
	}
	return out
}

// byModule is the partitions that the node can make, as devices.
func (g *ground) byModule() [][]int {
	var out [][]int
	for _, p := range g.partitions {
		var set []int
		for dev, d := range g.devices {
			if d.Module != nil && slices.Contains(p, *d.Module) {
				set = append(set, dev)
			}
		}
		if len(set) == len(p) && len(p) > 0 && !slices.ContainsFunc(out, func(o []int) bool { return slices.Equal(o, set) }) {
			out = append(out, set)
		}
	}
	return out
}

// modular tells whether a kind is given as partitions.
func (g *ground) modular(resource string) bool {
	return len(g.partitions) > 0 && slices.ContainsFunc(g.devices, func(d Device) bool { return d.Resource == resource && d.Module != nil })
}

func (g *ground) ofKind(resource string) []int {
	var out []int
	for dev, d := range g.devices {
		if d.Resource == resource {
			out = append(out, dev)
		}
	}
	return out
}

// allowed tells whether a set may be taken for a request of a pod that has
// taken others, and how many preferences that gives up.
func (g *ground) allowed(r *Request, set []int, taken map[string][]int) (givenUp int64, ok bool) {
	kind := g.ofKind(r.Resource)
	for _, pos := range r.Include {
		if pos >= len(kind) || !slices.Contains(set, kind[pos]) {
			return 0, false
		}
	}
	together := func(s Scope) bool {
		d := g.domains(set, s)
		return len(set) == 1 || len(d) == 1 && d[0] != ""
	}
	if r.Within != "" && !together(r.Within) {
		return 0, false
	}
	if r.Prefer != "" && !together(r.Prefer) {
		givenUp++
	}
	if r.Whole() && g.modular(r.Resource) && !slices.ContainsFunc(g.byModule(), func(p []int) bool { return slices.Equal(p, set) }) {
		if !r.AnySet {
			return 0, false
		}
		givenUp++
	}
	if r.Beside == "" {
		return givenUp, len(set) == max(1, r.Count)
	}
	near := g.domains(taken[r.Beside], r.Near)
	inside := func(dev int) bool {
		d := g.domain(dev, r.Near)
		return d != "" && slices.Contains(near, d)
	}
	if !r.PerDomain {
		if len(set) != max(1, r.Count) {
			return 0, false
		}
		for _, dev := range set {
			if !inside(dev) {
				givenUp++
				if !r.PreferNear {
					return 0, false
				}
			}
		}
		return givenUp, true
	}
	if len(set) != max(1, r.Count)*len(near) {
		return 0, false
	}
	for _, d := range near {
		here := 0
		for _, dev := range set {
			if d != "" && g.domain(dev, r.Near) == d {
				here++
			}
		}
		if missing := max(1, r.Count) - here; missing > 0 {
			givenUp += int64(missing)
			if !r.PreferNear {
				return 0, false
			}
		}
	}
	return givenUp, true
}

// pod visits every way to place one pod.
func (g *ground) pod(requests []Request, at, zone int, taken map[string][]int, lines Cost, visit func(*ground, Cost)) {
	if at == len(requests) {
		visit(g, lines)
		return
	}
	r := &requests[at]
	var pool []int
	for _, dev := range g.ofKind(r.Resource) {
		if zone < 0 || g.devices[dev].Zone != nil && *g.devices[dev].Zone == zone {
			pool = append(pool, dev)
		}
	}
	for _, set := range powerSet(pool) {
		if len(set) == 0 {
			continue
		}
		givenUp, ok := g.allowed(r, set, taken)
		if !ok {
			continue
		}
		next := lines
		next[LineGivenUp] += givenUp
		if r.Whole() && g.uneven(r.Resource) {
			next[LineScore] -= g.scoreOf(set)
		}
		if at == 0 {
			next[LineNUMA] += g.beyondOne(set, SameNUMA)
			next[LinePCIe] += g.beyondOne(set, SamePCIe)
		}
		name := r.Name
		if name == "" {
			name = r.Resource
		}
		var each func(h *ground, rest []int)
		each = func(h *ground, rest []int) {
			if len(rest) == 0 {
				with := map[string][]int{name: set}
				for k, v := range taken {
					with[k] = v
				}
				h.pod(requests, at+1, zone, with, next, visit)
				return
			}
			for _, w := range h.ways(at, r, rest[0]) {
				each(h.with(w), rest[1:])
			}
		}
		each(g, set)
	}
}

func (g *ground) beyondOne(set []int, s Scope) int64 {
	n := int64(-1)
	for _, d := range g.domains(set, s) {
		if d != "" {
			n++
		}
	}
	return max(0, n)
}

func powerSet(of []int) [][]int {
	var out [][]int
	for mask := range 1 << len(of) {
		var set []int
		for i, v := range of {
			if mask>>i&1 == 1 {
				set = append(set, v)
			}
		}
		out = append(out, set)
	}
	return out
}

func (g *ground) scoreOf(set []int) int64 {
	var sum int64
	if g.score != nil {
		for i, a := range set {
			for _, b := range set[:i] {
				sum += int64(g.score[a][b])
			}
		}
	}
	return sum
}

// uneven tells whether the links of a kind differ.
func (g *ground) uneven(resource string) bool {
	kind := g.ofKind(resource)
	for _, a := range kind {
		for _, b := range kind {
			if a != b && g.score != nil && g.score[a][b] != g.score[kind[0]][kind[1]] {
				return true
			}
		}
	}
	return false
}

// parted is the best total of a partition into sets of k and one smaller.
func (g *ground) parted(from []int, k int) int64 {
	if len(from) <= k {
		return g.scoreOf(from)
	}
	var best int64
	for _, set := range powerSet(from) {
		if len(set) == k {
			rest := slices.DeleteFunc(slices.Clone(from), func(d int) bool { return slices.Contains(set, d) })
			best = max(best, g.scoreOf(set)+g.parted(rest, k))
		}
	}
	return best
}

// kept is what the state is worth.
func (g *ground) kept(requests []Request, t *Table) Cost {
	var c Cost
	free := func(from []int) []int {
		return slices.DeleteFunc(slices.Clone(from), func(d int) bool { return !g.untouched(d) })
	}
	for _, p := range g.byModule() {
		if len(free(p)) == len(p) && len(p) > 1 && sameKind(g, p) {
			c[LinePartitions+slices.Index(t.PartitionSizes, len(p))]++
		}
	}
	for dev, d := range g.devices {
		if d.Slots == nil || !g.open(dev) {
			continue
		}
		for _, p := range d.Slots.Profiles {
			c[LineSlots+slices.Index(t.SlotSizes, p.Size)] += g.mostSlots(dev, p.Name)
		}
	}
	for _, r := range requests {
		if r.Whole() && g.uneven(r.Resource) {
			c[LineBroken] += g.parted(free(g.ofKind(r.Resource)), max(2, r.Count))
		}
	}
	kind := g.ofKind(requests[0].Resource)
	c[LineTaken] = int64(len(free(kind)))
	for line, s := range map[int]Scope{LineNUMAOpened: SameNUMA, LinePCIeOpened: SamePCIe} {
		for _, d := range g.domains(kind, s) {
			mine := slices.DeleteFunc(slices.Clone(kind), func(dev int) bool { return g.domain(dev, s) != d })
			if d != "" && len(free(mine)) == len(mine) {
				c[line]++
			}
		}
	}
	return c
}

func sameKind(g *ground, set []int) bool {
	return !slices.ContainsFunc(set, func(d int) bool { return g.devices[d].Resource != g.devices[set[0]].Resource })
}

// mostSlots is how many instances of a profile a device still takes.
func (g *ground) mostSlots(dev int, profile string) int64 {
	var best int64
	for _, w := range g.slotWays(holding{device: dev, function: -1}, profile) {
		best = max(best, 1+g.with(w).mostSlots(dev, profile))
	}
	return best
}

// key is equal for grounds on which the same is held.
func (g *ground) key() string {
	held := make([]string, len(g.held))
	for i, h := range g.held {
		held[i] = fmt.Sprint(h)
	}
	slices.Sort(held)
	return fmt.Sprint(held)
}

// best is the least cost of m pods, by trying everything.
func (g *ground) best(requests []Request, rooms []Room, m int, t *Table) (Cost, bool) {
	var best Cost
	found := false
	before := g.kept(requests, t)
	seen := map[string]bool{}
	var walk func(now *ground, left int, lines Cost, rooms []Room)
	walk = func(now *ground, left int, lines Cost, rooms []Room) {
		if key := fmt.Sprint(left, lines, rooms, now.key()); seen[key] {
			return
		} else {
			seen[key] = true
		}
		if left == 0 {
			after, c := now.kept(requests, t), lines
			for i := range c {
				c[i] += before[i] - after[i]
			}
			c[LineBroken] += lines[LineScore]
			if !found || slices.Compare(c[:], best[:]) < 0 {
				best, found = c, true
			}
			return
		}
		if rooms == nil {
			now.pod(requests, 0, -1, nil, lines, func(n *ground, c Cost) { walk(n, left-1, c, nil) })
			return
		}
		for i, r := range rooms {
			if r.Pods > 0 {
				less := slices.Clone(rooms)
				less[i].Pods--
				now.pod(requests, 0, r.Zone, nil, lines, func(n *ground, c Cost) { walk(n, left-1, c, less) })
			}
		}
	}
	walk(g, m, Cost{}, rooms)
	return best, found
}
