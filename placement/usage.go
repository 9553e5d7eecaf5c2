// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"tarsia.dev/tarsia/claim"
)

// Usage is what runs on a fleet: rows of numbers, and counts per shape that are
// computed when first asked for and then kept up to date along changed paths
// only. It has one owner; Clone it for another. What is cached never changes an
// answer.
type Usage struct {
	f       *Fleet
	free    []int64  // node*resources+resource; below 0 where more runs than the node has
	zone    []int64  // the same by NUMA zone, of what is bound to one
	held    []uint64 // by group: devices that pods hold
	unnamed []int64  // by group: devices that pods hold without saying which
	part    partUse
	masks   []uint64 // scratch of state
	rough   bool     // devices were last chosen by a search that stopped early
	running map[string]booking
	claim   claimUse
	memory  map[int]map[uint64]int // by node, then set of its zones: pods whose memory a kubelet holds there

	// log lists every node that changed, base of them forgotten.
	log  []int32
	base int

	// mix is the prices of the demand mix, nil without one; worths are by state of
	// a node.
	mix      *Prices
	worths   map[string]int64
	mixState [2]priceState // scratch of opportunities
	mixKey   []byte

	shapes  map[string]*counts
	layouts map[string]*layout
	nesting map[[2]int]bool // of levels
	clock   int             // for forgetting the shapes that were asked for longest ago

	// priceLists are the costs by node that were asked with; the first is number
	// priceBase.
	priceLists [][]int64
	priceBase  int
}

// booking is what one pod holds.
type booking struct {
	node    int
	zone    int // index of its NUMA zone, -1 when bound to none
	needs   []need
	masks   []uint64 // by group of the node
	unnamed []int64  // by group of the node
	parts   []devicePart
	bound   *bound         // zones, where they are foretold
	waits   *shape         // whose claims it waits for, while its gang is looked for
	claims  []claim.Result // devices by resource claims

	// Who the pod is, for eviction and for the time to fit.
	priority int32
	gang     string
	end      *int64
}

// NewUsage is the fleet with nothing running.
func NewUsage(f *Fleet) *Usage {
	groups := int(f.groupAt[len(f.nodes)])
	return &Usage{
		f: f, free: slices.Clone(f.alloc), zone: slices.Clone(f.zoneAlloc),
		held: make([]uint64, groups), unnamed: make([]int64, groups), part: newPartUse(f),
		running: map[string]booking{}, claim: newClaimUse(f), memory: map[int]map[uint64]int{}, shapes: map[string]*counts{}, layouts: map[string]*layout{}, nesting: map[[2]int]bool{},
	}
}

// Clone is an independent copy with empty caches.
func (u *Usage) Clone() *Usage {
	return &Usage{
		f: u.f, free: slices.Clone(u.free), zone: slices.Clone(u.zone),
		held: slices.Clone(u.held), unnamed: slices.Clone(u.unnamed), part: u.part.clone(),
		running: maps.Clone(u.running), mix: u.mix, claim: u.claim.clone(), memory: cloneMemory(u.memory), shapes: map[string]*counts{}, layouts: maps.Clone(u.layouts), nesting: maps.Clone(u.nesting),
	}
}

// Add records a pod that runs. It is taken as a fact even when the node then
// holds more than it has; a pod that uses devices without naming them makes the
// choice of devices on that node impossible, not their count. It refuses a name
// that already runs, an unknown node, device or zone, a negative request, and a
// device that another pod holds.
func (u *Usage) Add(r Running) error {
	b, err := u.book(r)
	if err != nil {
		return fmt.Errorf("add pod %q: %w", r.Name, err)
	}
	u.running[r.Name] = b
	u.hold(b)
	return nil
}

// Remove forgets a pod.
func (u *Usage) Remove(name string) error {
	b, ok := u.running[name]
	if !ok {
		return fmt.Errorf("remove pod %q: it does not run", name)
	}
	delete(u.running, name)
	u.release(b)
	return nil
}

// book turns a running pod into numbers.
func (u *Usage) book(r Running) (booking, error) {
	if _, dup := u.running[r.Name]; dup {
		return booking{}, fmt.Errorf("it runs already")
	}
	i, ok := u.f.index[r.Node]
	if !ok {
		return booking{}, fmt.Errorf("it runs on node %q, which the fleet does not have", r.Node)
	}
	node := int(i)
	if err := checkQuantities(r.Requests); err != nil {
		return booking{}, err
	}
	b := booking{node: node, zone: -1, priority: r.Priority, gang: r.Gang, end: r.End}
	if r.Zone != nil {
		if b.zone, ok = u.f.zoneIndex(node, *r.Zone); !ok {
			return booking{}, fmt.Errorf("it runs in NUMA zone %d, which node %q does not list", *r.Zone, r.Node)
		}
	}
	groups := u.f.groups[node]
	b.masks, b.unnamed = make([]uint64, len(groups)), make([]int64, len(groups))
	if err := u.bookDevices(&b, r.Devices); err != nil {
		return booking{}, err
	}
	if err := u.bookClaims(&b, r.Claims); err != nil {
		return booking{}, err
	}
	// A resource that no node lists is nowhere counted; devices that are named
	// count though nobody asked for them.
	said := false
	for name, amount := range r.Requests {
		said = said || name == Pods
		if res, ok := u.f.resIndex[name]; ok && amount > 0 && u.f.groupOf(node, res) < 0 {
			b.needs = append(b.needs, need{res: res, qty: amount})
		}
	}
	if !said {
		b.needs = append(b.needs, need{res: resPods, qty: 1})
	}
	for at, g := range groups {
		asked, named := r.Requests[u.f.res[g.res]], int64(members(b.masks[at]))
		b.unnamed[at] = max(0, asked-named)
		if asked = max(asked, named); asked > 0 {
			b.needs = append(b.needs, need{res: g.res, qty: asked})
		}
	}
	slices.SortFunc(b.needs, func(a, b need) int { return cmp.Compare(a.res, b.res) })
	return b, nil
}

func (u *Usage) bookDevices(b *booking, names []string) error {
	for _, name := range names {
		if err := u.bookPart(b, name); err != nil {
			return err
		}
	}
	return nil
}

func (u *Usage) hold(b booking) {
	at := int(u.f.groupAt[b.node])
	for i := range b.masks {
		u.held[at+i] |= b.masks[i]
	}
	u.holdParts(&b, 1)
	u.shift(b, -1)
	u.holdBound(b.node, b.bound, -1)
	u.holdClaims(&b, 1)
}

func (u *Usage) release(b booking) {
	at := int(u.f.groupAt[b.node])
	for i := range b.masks {
		u.held[at+i] &^= b.masks[i]
	}
	u.holdParts(&b, -1)
	u.shift(b, 1)
	u.holdBound(b.node, b.bound, 1)
	u.holdClaims(&b, -1)
}

// shift moves the numbers of a booking out of (-1) or back into what is free.
func (u *Usage) shift(b booking, sign int64) {
	row := b.node * len(u.f.res)
	for _, n := range b.needs {
		u.free[row+int(n.res)] += sign * n.qty
		if b.zone >= 0 && u.f.zoned[row+int(n.res)] {
			u.zone[u.f.zoneRow(b.node, b.zone)+int(n.res)] += sign * n.qty
		}
	}
	at := int(u.f.groupAt[b.node])
	for i := range b.unnamed {
		u.unnamed[at+i] -= sign * b.unnamed[i]
	}
	if len(u.log) > 4*len(u.f.nodes)+1024 {
		u.base += len(u.log)
		u.log = u.log[:0]
	}
	u.log = append(u.log, int32(b.node))
}

// since returns the nodes that changed after a position of the log, and false
// when the log no longer reaches back that far.
func (u *Usage) since(position int) ([]int32, bool) {
	if position < u.base {
		return nil, false
	}
	return u.log[position-u.base:], true
}

// now is the present position of the log.
func (u *Usage) now() int { return u.base + len(u.log) }

// freeDevices is the set of usable devices of a group of a node that no pod
// holds, nor a part of them.
func (u *Usage) freeDevices(node, grp int) uint64 {
	at := int(u.f.groupAt[node]) + grp
	return u.f.groups[node][grp].usable &^ (u.held[at] | u.part.touched[at])
}

// unnamedDevices is how many devices of a group are held by pods that do not
// say which.
func (u *Usage) unnamedDevices(node, grp int) int64 { return u.unnamed[int(u.f.groupAt[node])+grp] }
