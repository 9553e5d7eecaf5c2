// SPDX-License-Identifier: Apache-2.0

package placement_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tarsia.dev/tarsia/claim"
	"tarsia.dev/tarsia/placement"
)

// sameUsage compares everything that a Usage holds but its caches.
var sameUsage = cmp.Options{
	cmp.Exporter(func(reflect.Type) bool { return true }),
	cmpopts.EquateEmpty(),
	cmp.Comparer(func(a, b *claim.Use) bool { return a == b || a != nil && b != nil && a.Equal(b) }),
	cmp.FilterPath(func(p cmp.Path) bool {
		f, ok := p.Last().(cmp.StructField)
		return ok && p.Index(-2).Type() == reflect.TypeFor[placement.Usage]() &&
			slices.Contains([]string{"f", "masks", "rough", "log", "base", "shapes", "layouts", "nesting", "clock", "priceLists", "priceBase"}, f.Name())
	}, cmp.Ignore()),
}

// life is a fleet on which gangs come and go, with a ledger of what runs kept
// beside the engine.
type life struct {
	t     *testing.T
	r     *rand.Rand
	w     world
	u     *placement.Usage
	whole map[string]int // gangs that nothing was taken from, and how many pods they have
	next  int
}

func newLife(t *testing.T, seed uint64) *life {
	l := &life{t: t, r: rand.New(rand.NewPCG(seed, 11)), whole: map[string]int{}}
	l.w = randomWorld(l.r, 1, false)
	l.w.running = nil
	for i := range 6 {
		l.w.nodes = append(l.w.nodes, randomNode(l.r, 4+i, false, 1))
	}
	l.u = build(t, l.w)
	return l
}

// step does one thing at random and says what.
func (l *life) step() string {
	switch n := l.r.IntN(10); {
	case n < 6:
		return l.arrive()
	case n < 8 && len(l.w.running) > 0:
		p := l.w.running[l.r.IntN(len(l.w.running))]
		l.forget(p.Name, true)
		delete(l.whole, p.Gang)
		return "remove " + p.Name
	case n < 9 && len(l.whole) > 0:
		names := make([]string, 0, len(l.whole))
		for g := range l.whole {
			names = append(names, g)
		}
		slices.Sort(names)
		gang := names[l.r.IntN(len(names))]
		l.finish(gang, true)
		return "finish " + gang
	}
	return l.change()
}

// forget takes a pod out of the ledger, and of the usage too if it has not gone
// from there already.
func (l *life) forget(name string, usage bool) {
	l.w.running = slices.DeleteFunc(l.w.running, func(p placement.Running) bool { return p.Name == name })
	if err := l.u.Remove(name); (err == nil) != usage {
		l.t.Fatalf("remove %s: %v, want it running: %t", name, err, usage)
	}
}

func (l *life) finish(gang string, usage bool) {
	for _, p := range slices.Clone(l.w.running) {
		if p.Gang == gang {
			l.forget(p.Name, usage)
		}
	}
	delete(l.whole, gang)
}

// arrive places a new gang, with what gives way to it.
func (l *life) arrive() string {
	g := placement.Gang{Name: fmt.Sprint("gang", l.next), Priority: int32(l.r.IntN(4)), Preempt: l.r.IntN(2) == 0}
	l.next++
	for i := range 1 + l.r.IntN(2) {
		p := placement.PodSet{Name: fmt.Sprint("set", i), Count: 1 + l.r.IntN(4), Shape: randomShape(l.r)}
		if l.r.IntN(3) == 0 {
			randomRules(l.r, &p)
		}
		g.PodSets = append(g.PodSets, p)
	}
	if l.r.IntN(3) == 0 {
		g.Rules = append(g.Rules, placement.LevelRule{Level: "rack", Mode: []placement.Mode{placement.Required, placement.Preferred}[l.r.IntN(2)]})
	}
	before := l.u.Clone()
	d := place(l.t, l.u, g)
	if diff := cmp.Diff(before, l.u, sameUsage); diff != "" {
		l.t.Fatalf("placing %s changed what runs:\n%s", g.Name, diff)
	}
	if d.Outcome != placement.Placed {
		return fmt.Sprint(g.Name, " is ", d.Outcome)
	}
	gone := map[string]bool{}
	for _, v := range d.Victims {
		at := slices.IndexFunc(l.w.running, func(p placement.Running) bool { return p.Name == v })
		if at < 0 || l.w.running[at].Priority >= g.Priority {
			l.t.Fatalf("%s of priority %d evicts %s: %+v", g.Name, g.Priority, v, l.w.running)
		}
		gone[l.w.running[at].Gang] = true
	}
	if err := l.u.Commit(g, d); err != nil {
		l.t.Fatalf("commit %s: %v", g.Name, err)
	}
	for gang := range gone {
		l.finish(gang, false)
	}
	for _, a := range d.Assignments {
		set := g.PodSets[slices.IndexFunc(g.PodSets, func(p placement.PodSet) bool { return p.Name == a.PodSet })]
		if a.Spare {
			continue
		}
		l.w.running = append(l.w.running, placement.Running{
			Name: placement.PodName(g.Name, a.PodSet, a.Pod), Node: a.Node, Requests: set.Shape.Requests, Devices: a.Devices, Zone: a.Zone,
			Priority: g.Priority, Gang: g.Name,
		})
		l.whole[g.Name]++
	}
	for _, set := range g.PodSets {
		least := max(set.Min, 0)
		if set.Min == 0 {
			least = set.Count
		}
		have := 0
		for _, a := range d.Assignments {
			if a.PodSet == set.Name && !a.Spare {
				have++
			}
		}
		if have < least || have > set.Count {
			l.t.Fatalf("%s has %d pods of set %s, want %d to %d", g.Name, have, set.Name, least, set.Count)
		}
	}
	return fmt.Sprint(g.Name, " placed, evicting ", d.Victims)
}

// change replaces a node on which nothing runs: the fleet is another then, and
// the usage is made anew.
func (l *life) change() string {
	at := l.r.IntN(len(l.w.nodes))
	name := l.w.nodes[at].Name
	if slices.ContainsFunc(l.w.running, func(p placement.Running) bool { return p.Node == name }) {
		return "no change"
	}
	l.w.nodes[at] = randomNode(l.r, at, false, 1)
	l.w.nodes[at].Name = name
	l.u = build(l.t, l.w)
	return "change " + name
}

// check verifies what must hold at any time.
func (l *life) check() {
	now := newTruth(l.w)
	for i := range l.w.nodes {
		n := &l.w.nodes[i]
		for res, have := range n.Allocatable {
			var used int64
			for _, p := range l.w.running {
				if p.Node == n.Name {
					used += p.Requests[res]
					if res == placement.Pods {
						used++
					}
				}
			}
			if used > have {
				l.t.Fatalf("%d of %d %s are used on %s", used, have, res, n.Name)
			}
		}
		for d, dev := range n.Devices {
			holders := 0
			for _, p := range l.w.running {
				if p.Node == n.Name && slices.Contains(p.Devices, dev.ID) {
					holders++
				}
			}
			if holders > 1 || holders == 1 && dev.Unusable != "" || holders == 1 && slices.Contains(now.freeDevices(n, gpu), d) {
				l.t.Fatalf("device %s of %s is held by %d pods", dev.ID, n.Name, holders)
			}
		}
	}
	pods := map[string]int{}
	for _, p := range l.w.running {
		pods[p.Gang]++
	}
	for gang, want := range l.whole {
		if pods[gang] != want {
			l.t.Fatalf("%s has %d of its %d pods", gang, pods[gang], want)
		}
	}
	shuffled := l.w
	shuffled.nodes, shuffled.running = slices.Clone(l.w.nodes), slices.Clone(l.w.running)
	l.r.Shuffle(len(shuffled.nodes), func(i, j int) {
		shuffled.nodes[i], shuffled.nodes[j] = shuffled.nodes[j], shuffled.nodes[i]
	})
	l.r.Shuffle(len(shuffled.running), func(i, j int) {
		shuffled.running[i], shuffled.running[j] = shuffled.running[j], shuffled.running[i]
	})
	fresh := build(l.t, shuffled)
	if diff := cmp.Diff(fresh, l.u, sameUsage); diff != "" {
		l.t.Fatalf("what runs (-from scratch, in another order +after all steps):\n%s", diff)
	}
	if diff := cmp.Diff(place(l.t, fresh, l.w.gang), place(l.t, l.u, l.w.gang)); diff != "" {
		l.t.Fatalf("a decision (-from scratch, in another order +after all steps):\n%s", diff)
	}
}

// TestInvariants: whatever comes, goes, gives way and changes, no node holds more
// than it has, no device has two holders, gangs are whole, and a usage with a
// history is the one that is built from what runs now, in any order.
func TestInvariants(t *testing.T) {
	lives := 120
	if testing.Short() {
		lives = 15
	}
	evictions := 0
	for seed := range uint64(lives) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			l := newLife(t, seed)
			l.w.gang.Priority, l.w.gang.Preempt = 2, seed%2 == 0
			var did []string
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("steps %q\n%s", did, describe(l.w))
				}
			})
			for range 30 {
				before := len(l.w.running)
				did = append(did, l.step())
				if len(l.w.running) < before {
					evictions++
				}
				l.check()
			}
			for _, p := range slices.Clone(l.w.running) {
				l.forget(p.Name, true)
			}
			l.whole = map[string]int{}
			l.check()
		})
	}
	if evictions == 0 {
		t.Error("no step took anything away")
	}
}

// TestConcurrentReaders: a Fleet is shared by goroutines of which each has its own
// Usage; they decide alike, and the race detector has nothing to say.
func TestConcurrentReaders(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 12))
	w := randomWorld(r, 1, false)
	for i := range 8 {
		w.nodes = append(w.nodes, randomNode(r, 4+i, false, 1))
	}
	crowd(r, &w)
	base := build(t, w)
	want := make([]placement.Decision, 40)
	gangs := make([]placement.Gang, len(want))
	for i := range gangs {
		gangs[i] = placement.Gang{Name: "gang", Priority: 3, Preempt: i%2 == 0, PodSets: []placement.PodSet{{Name: "set0", Count: 1 + i%5, Shape: randomShape(r)}}}
		want[i] = place(t, base.Clone(), gangs[i])
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			mine := base.Clone()
			for i, g := range gangs {
				d, err := placement.Place(t.Context(), mine, g)
				if diff := cmp.Diff(want[i], d); err != nil || diff != "" {
					t.Errorf("gang %d: %v\n%s", i, err, diff)
				}
			}
		})
	}
	group.Wait()
}
