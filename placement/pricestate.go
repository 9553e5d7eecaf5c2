// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"
)

// priceState is what is free on one node, in the numbers of Prices.
type priceState struct {
	class   int32
	plain   []int64
	devices []priceDevice // of the kinds that are shared, where the node lists them
	listed  []bool        // by kind: it does
	fits    []bool        // scratch of worth: what fits on the node, and in a future
	now     []bool
}

// priceDevice is what is left of one device.
type priceDevice struct {
	kind int
	free bool // nothing of it is taken
	left [maxShareCaps]int64
}

func (d priceDevice) compare(b priceDevice) int {
	free := func(d priceDevice) int {
		if d.free {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(d.kind, b.kind), cmp.Compare(free(d), free(b)), slices.Compare(d.left[:], b.left[:]))
}

// priceState reads what is free on a node into st.
func (u *Usage) priceState(p *Prices, node int, st *priceState) {
	st.class = p.class[node]
	st.plain, st.devices = st.plain[:0], st.devices[:0]
	for _, res := range p.plain {
		st.plain = append(st.plain, max(0, u.freeOf(node, res)))
	}
	st.listed = append(st.listed[:0], make([]bool, len(p.kinds))...)
	if len(p.kinds) == 0 || u.f.table[node] < 0 {
		return
	}
	t := u.f.tables[u.f.table[node]]
	state := u.state(node)
	for k := range p.kinds {
		grp := u.f.groupOf(node, p.kinds[k].res)
		if grp < 0 {
			continue
		}
		st.listed[k] = true
		st.plain[p.kinds[k].plain] = 0 // they are counted one by one
		unnamed := u.unnamedDevices(node, grp)
		for pos, dev := range u.f.groups[node][grp].device {
			if state.Open[grp]>>pos&1 == 0 {
				continue
			}
			d := priceDevice{kind: k, free: state.Free[grp]>>pos&1 == 1}
			if d.free && unnamed > 0 { // some pod holds one, and does not say which
				unnamed--
				continue
			}
			for c, name := range p.kinds[k].caps {
				if at := slices.Index(t.Caps, name); at >= 0 {
					d.left[c] = state.Left[dev*len(t.Caps)+at]
				}
			}
			st.devices = append(st.devices, d)
		}
	}
	slices.SortFunc(st.devices, priceDevice.compare)
}

// copyFrom makes st equal to other in its own memory.
func (st *priceState) copyFrom(other *priceState) {
	st.class, st.listed = other.class, other.listed
	st.plain = append(st.plain[:0], other.plain...)
	st.devices = append(st.devices[:0], other.devices...)
}

// take books one pod, and returns false, with nothing taken, where it does not
// fit. Whole devices are those that are free; a share goes to the device with
// the least left of those that hold it.
func (st *priceState) take(p *Prices, a *priceAsk) bool {
	if !st.room(p, a) {
		return false
	}
	if len(a.takes) > 1 {
		return st.takeAll(p, a)
	}
	for r, qty := range a.plain {
		st.plain[r] -= qty
	}
	for i := range a.takes {
		st.takeDevices(p, &a.takes[i])
	}
	return true
}

// room tells whether what one pod takes is there, each of it taken alone.
func (st *priceState) room(p *Prices, a *priceAsk) bool {
	for r, qty := range a.plain {
		if st.plain[r] < qty {
			return false
		}
	}
	for i := range a.takes {
		if !st.has(p, &a.takes[i]) {
			return false
		}
	}
	return true
}

// takeAll is take where devices are taken several times, so that each must see
// what the one before left.
func (st *priceState) takeAll(p *Prices, a *priceAsk) bool {
	var saved priceState
	saved.copyFrom(st)
	for i := range a.takes {
		if !st.has(p, &a.takes[i]) {
			st.copyFrom(&saved)
			return false
		}
		st.takeDevices(p, &a.takes[i])
	}
	for r, qty := range a.plain {
		st.plain[r] -= qty
	}
	return true
}

func (st *priceState) has(p *Prices, t *priceTake) bool {
	if !st.listed[t.kind] {
		return t.whole && st.plain[p.kinds[t.kind].plain] >= int64(t.count)
	}
	left := t.count
	for i := range st.devices {
		if st.devices[i].holds(t) {
			if left--; left == 0 {
				return true
			}
		}
	}
	return left <= 0
}

func (d *priceDevice) holds(t *priceTake) bool {
	if d.kind != t.kind {
		return false
	}
	if t.whole {
		return d.free
	}
	for c, qty := range t.share {
		if d.left[c] < qty {
			return false
		}
	}
	return true
}

func (st *priceState) takeDevices(p *Prices, t *priceTake) {
	if !st.listed[t.kind] {
		st.plain[p.kinds[t.kind].plain] -= int64(t.count)
		return
	}
	var done uint64 // devices that this pod holds a share of
	for n := range t.count {
		best := -1
		for i := range st.devices {
			d := &st.devices[i]
			if done>>(i&63)&1 == 1 || !d.holds(t) {
				continue
			}
			if best < 0 || !t.whole && d.tighter(&st.devices[best]) {
				best = i
			}
			if t.whole {
				break
			}
		}
		if best < 0 {
			return
		}
		d := &st.devices[best]
		done |= 1 << (best & 63)
		d.free = false
		for c := range d.left {
			if t.whole {
				d.left[c] = 0
			} else {
				d.left[c] -= t.share[c]
			}
		}
		if n+1 == t.count {
			return
		}
	}
}

// tighter tells whether d has less left than another; one in use comes before
// one that is free.
func (d *priceDevice) tighter(o *priceDevice) bool {
	if d.free != o.free {
		return o.free
	}
	return slices.Compare(d.left[:], o.left[:]) < 0
}

// key is the same for states of which the worth is the same.
func (st *priceState) key(key []byte) []byte {
	key = binary.AppendUvarint(key, uint64(st.class))
	for _, v := range st.plain {
		key = binary.AppendVarint(key, v)
	}
	for i := range st.devices {
		d := &st.devices[i]
		free := uint64(0)
		if d.free {
			free = 1
		}
		key = binary.AppendUvarint(key, uint64(d.kind)<<1|free)
		for _, v := range d.left {
			key = binary.AppendVarint(key, v)
		}
	}
	return key
}

// worth adds up what a node in this state would hold of the mix in all futures.
func (p *Prices) worth(st, scratch *priceState) int64 {
	// What does not fit now fits never: what is free only shrinks.
	fits := append(scratch.fits[:0], make([]bool, len(p.demands))...)
	scratch.fits = fits
	any := false
	for _, d := range p.drawn[st.class] {
		demand := &p.demands[d]
		fits[d] = st.room(p, &demand.ask)
		any = any || fits[d] && demand.worth > 0
	}
	if !any {
		return 0
	}
	var sum int64
	for _, future := range p.draws {
		scratch.copyFrom(st)
		now := append(scratch.now[:0], fits...)
		scratch.now = now
		for _, d := range future {
			if !now[d] {
				continue
			}
			demand := &p.demands[d]
			if !scratch.take(p, &demand.ask) {
				now[d] = false
				continue
			}
			if sum += demand.worth; demand.worth > 0 && p.spent(scratch) {
				break
			}
		}
	}
	return sum
}

// spent tells whether nothing of worth can come any more.
func (p *Prices) spent(st *priceState) bool {
	for r, least := range p.least {
		if st.plain[r] < least {
			return true
		}
	}
	if !p.shared {
		return false
	}
	for k, listed := range st.listed {
		if !listed && st.plain[p.kinds[k].plain] > 0 {
			return false
		}
	}
	return !slices.ContainsFunc(st.devices, func(d priceDevice) bool { return d.left[0] > 0 || d.free })
}

// places counts how many pods of each demand the fleet could still take, each
// taken alone. Nodes in equal states are counted once.
func (p *Prices) places(u *Usage) []int64 {
	type group struct {
		st    priceState
		nodes int64
	}
	groups := map[string]*group{}
	var order []*group
	var st priceState
	var key []byte
	for node := range u.f.nodes {
		u.priceState(p, node, &st)
		key = st.key(key[:0])
		g := groups[string(key)]
		if g == nil {
			g = &group{}
			g.st.copyFrom(&st)
			g.st.listed = slices.Clone(st.listed)
			groups[string(key)] = g
			order = append(order, g)
		}
		g.nodes++
	}
	places := make([]int64, len(p.demands))
	for d := range p.demands {
		for _, g := range order {
			if p.may[g.st.class][d] {
				places[d] += g.nodes * g.st.count(p, &p.demands[d].ask)
			}
		}
	}
	return places
}

// count is how many pods fit, by each resource and each device taken alone.
func (st *priceState) count(p *Prices, a *priceAsk) int64 {
	n := int64(math.MaxInt64)
	for r, qty := range a.plain {
		if qty > 0 {
			n = min(n, st.plain[r]/qty)
		}
	}
	for i := range a.takes {
		n = min(n, st.countDevices(p, &a.takes[i]))
	}
	return min(n, maxPods)
}

func (st *priceState) countDevices(p *Prices, t *priceTake) int64 {
	if !st.listed[t.kind] {
		if !t.whole {
			return 0
		}
		return st.plain[p.kinds[t.kind].plain] / int64(max(1, t.count))
	}
	var n int64
	for i := range st.devices {
		d := &st.devices[i]
		if !d.holds(t) {
			continue
		}
		units := int64(1)
		if !t.whole {
			units = maxPods
			for c, qty := range t.share {
				if qty > 0 {
					units = min(units, d.left[c]/qty)
				}
			}
		}
		n += units
	}
	return n / int64(max(1, t.count))
}
