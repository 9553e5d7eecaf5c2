// SPDX-License-Identifier: Apache-2.0

package topologymanager

import (
	"fmt"
	"maps"
	"slices"
)

// Answer is what a kubelet would do.
type Answer struct {
	Admitted bool
	// Reason says in one sentence why not; "" when admitted.
	Reason string
	// Containers is in the order of the pod's, up to the refused one.
	Containers []Aligned
	// Left is what is free by zone id once the pod is admitted, and MemoryGroups
	// the zones with which each then shares memory. What an init container held
	// stays the pod's, as it does in a scheduler's books.
	Left         map[int]Resources
	MemoryGroups map[int][]int
}

// Aligned is where one container lies.
type Aligned struct {
	Name string
	// Zones is the ids of the zones to which something of it is bound; empty
	// where nothing is.
	Zones []int
	// Preferred says that no smaller set of zones could hold it, and that all
	// its resources share the set.
	Preferred bool
}

// state is a node while the containers of one pod are admitted in turn.
type state struct {
	node   Node
	pod    Pod
	zones  []Zone
	all    uint64 // zones that a hint can name
	dist   distances
	listed map[string]bool
	free   []Resources // by zone
	reuse  []Resources // by zone: CPUs and devices that init containers gave back to the pod
	group  []uint64    // by zone: zones with which its memory is used together, itself alone, or 0
	spare  Resources   // unzoned devices

	memoryReuse map[uint64]Resources // by zone set
}

// Predict says whether the kubelet of a node admits a pod. An error means that
// the node or the pod is not one that a kubelet could see.
func Predict(n Node, p Pod) (Answer, error) {
	if err := check(n, p); err != nil {
		return Answer{}, fmt.Errorf("predict kubelet: %w", err)
	}
	s := newState(n, p)
	if n.Kubelet.Scope == PodScope {
		return s.byPod(), nil
	}
	return s.byContainer(), nil
}

func newState(n Node, p Pod) *state {
	s := &state{
		node: n, pod: p, zones: slices.SortedFunc(slices.Values(n.Zones), byID), listed: map[string]bool{},
		memoryReuse: map[uint64]Resources{}, spare: maps.Clone(n.Unzoned),
	}
	if s.spare == nil {
		s.spare = Resources{}
	}
	s.dist = distancesOf(s.zones)
	for i, z := range s.zones {
		if z.ID <= maxZoneID {
			s.all |= 1 << i
		}
		free := maps.Clone(z.Available)
		if free == nil {
			free = Resources{}
		}
		s.free, s.reuse = append(s.free, free), append(s.reuse, Resources{})
		for name := range z.Available {
			s.listed[name] = true
		}
		for name := range z.Capacity {
			s.listed[name] = true
		}
		s.group = append(s.group, s.memoryGroup(z, i))
	}
	return s
}

// memoryGroup reads the group of a zone's memory. A zone of which memory is
// used, by whom is not said, is taken to be used by single-zone containers.
func (s *state) memoryGroup(z Zone, at int) uint64 {
	var m uint64
	for i, other := range s.zones {
		if slices.Contains(z.MemoryGroup, other.ID) {
			m |= 1 << i
		}
	}
	if m != 0 {
		return m
	}
	for name, free := range z.Available {
		if isMemory(name) && free < s.capacity(at, name) {
			return 1 << at
		}
	}
	return 0
}

// capacity is what a zone has on an empty node, at least what is free now.
func (s *state) capacity(z int, name string) int64 {
	return max(s.zones[z].Capacity[name], s.zones[z].Available[name])
}

func sortedNames(r Resources) []string { return slices.Sorted(maps.Keys(r)) }

// byContainer admits container after container, each by its own hints.
func (s *state) byContainer() Answer {
	var a Answer
	for _, c := range s.pod.Containers {
		before := s.snapshot()
		wishes := s.wishes(c.Requests)
		h := s.merge(wishes)
		if !s.admits(h) {
			a.Reason = s.refusal(who(c), wishes)
			return a
		}
		if !s.allocate(&a, c, h) {
			return a
		}
		if s.node.Kubelet.ForgetInit && c.Init && !c.Sidecar {
			s.free, s.spare, s.group = before.free, before.spare, before.group
			clear(s.memoryReuse)
			s.reuse = emptied(s.reuse)
		}
	}
	return s.admitted(a)
}

// snapshot copies what ForgetInit restores.
func (s *state) snapshot() state {
	if !s.node.Kubelet.ForgetInit {
		return state{}
	}
	c := state{spare: maps.Clone(s.spare), group: slices.Clone(s.group)}
	for _, free := range s.free {
		c.free = append(c.free, maps.Clone(free))
	}
	return c
}

func emptied(r []Resources) []Resources {
	out := make([]Resources, len(r))
	for i := range out {
		out[i] = Resources{}
	}
	return out
}

// byPod merges the hints for the whole pod and gives every container its set.
func (s *state) byPod() Answer {
	var a Answer
	total := s.total()
	wishes := s.wishes(total)
	h := s.merge(wishes)
	if !s.admits(h) {
		a.Reason = s.refusal("the pod", wishes)
		return a
	}
	for _, c := range s.pod.Containers {
		if !s.allocate(&a, c, h) {
			return a
		}
	}
	return s.admitted(a)
}

func (s *state) admits(h hint) bool {
	return h.preferred || s.node.Kubelet.Policy == BestEffort || s.node.Kubelet.Policy == None
}

// total is what the pod needs at its peak: all that keeps running, or an init
// container beside the sidecars that started before it. CPUs count as far as a
// container pins them.
func (s *state) total() Resources {
	running, peak := Resources{}, Resources{}
	sidecars := Resources{}
	for _, c := range s.pod.Containers {
		for name, q := range c.Requests {
			if name == resCPU {
				q = s.exclusive(c.Requests)
			}
			switch {
			case c.Init && c.Sidecar:
				sidecars[name] += q
				running[name] += q
			case c.Init:
				peak[name] = max(peak[name], sidecars[name]+q)
			default:
				running[name] += q
			}
		}
	}
	for name, q := range peak {
		running[name] = max(running[name], q)
	}
	return running
}

// allocate lets the managers give a container what it asks for under a merged
// hint.
func (s *state) allocate(a *Answer, c Container, h hint) bool {
	if s.node.Kubelet.Policy == None {
		h.mask = 0
	}
	var used uint64
	for _, name := range sortedNames(c.Requests) {
		q := c.Requests[name]
		switch {
		case q == 0 || !s.listed[name] || isMemory(name):
			continue
		case name == resCPU:
			if q = s.exclusive(c.Requests); q == 0 {
				continue
			}
			if n := int64(s.node.Kubelet.ThreadsPerCore); n > 1 && q/1000%n != 0 {
				a.Reason = fmt.Sprintf("%s: %d CPUs wanted, and the CPU manager gives whole cores of %d threads (full-pcpus-only)", who(c), q/1000, n)
				return false
			}
		}
		m, short := s.take(name, q, h.mask, c.Init && !c.Sidecar)
		if short > 0 {
			a.Reason = fmt.Sprintf("%s: %s %s wanted, %s free on the node", who(c), amount(name, q), name, amount(name, q-short))
			return false
		}
		used |= m
	}
	m, ok := s.takeMemory(c, h.mask, h.preferred)
	if !ok {
		a.Reason = fmt.Sprintf("%s: no set of NUMA zones holds its memory; %s", who(c), s.spreadOfMemory(c.Requests))
		return false
	}
	used |= m
	a.Containers = append(a.Containers, Aligned{Name: c.Name, Zones: s.ids(used), Preferred: h.preferred})
	return true
}

// take gives a container CPUs or devices: from the zones of the set first, what
// the pod already holds before what is free. It returns the zones it came from
// and what was missing.
func (s *state) take(name string, q int64, m uint64, init bool) (used uint64, short int64) {
	for _, inside := range []bool{true, false} {
		for z := range s.zones {
			if q == 0 || (m>>z&1 == 1) != inside {
				continue
			}
			again := min(q, s.reuse[z][name])
			fresh := max(0, min(q-again, s.free[z][name]))
			if again+fresh == 0 {
				continue
			}
			q -= again + fresh
			s.free[z][name] -= fresh
			if init {
				s.reuse[z][name] += fresh
			} else {
				s.reuse[z][name] -= again
			}
			used |= 1 << z
		}
	}
	rest := min(q, s.spare[name])
	s.spare[name] -= rest
	return used, q - rest
}

func (s *state) admitted(a Answer) Answer {
	a.Admitted, a.Left, a.MemoryGroups = true, map[int]Resources{}, map[int][]int{}
	for z, zone := range s.zones {
		a.Left[zone.ID] = s.free[z]
		if s.group[z] != 0 {
			a.MemoryGroups[zone.ID] = s.ids(s.group[z])
		}
	}
	return a
}

func (s *state) ids(m uint64) []int {
	var ids []int
	for z := range positions(m) {
		ids = append(ids, s.zones[z].ID)
	}
	return ids
}

// who names a container; one without a name stands for the pod.
func who(c Container) string {
	switch {
	case c.Name == "":
		return "the pod"
	case c.Init:
		return fmt.Sprintf("init container %q", c.Name)
	}
	return fmt.Sprintf("container %q", c.Name)
}
