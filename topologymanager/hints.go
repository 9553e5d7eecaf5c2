// SPDX-License-Identifier: Apache-2.0

package topologymanager

// hint is a zone set that would hold a request. It is preferred when no smaller
// set could, the node being empty.
type hint struct {
	mask      uint64
	preferred bool
}

// wish is what one provider says of what it looks after. One with no hints
// cannot be met by any set.
type wish struct {
	wants  Resources // one resource, or memory and huge pages together
	fewest int       // zones that would hold it, the node being empty
	hints  []hint
}

// masks lists the zone sets that can matter: single zones under
// single-numa-node, else all sets.
func (s *state) masks(within uint64) []uint64 {
	var out []uint64
	if s.node.Kubelet.Policy == SingleNUMANode {
		for z := range positions(within) {
			out = append(out, 1<<z)
		}
		return out
	}
	for m := uint64(1); m < 1<<len(s.zones); m++ {
		if m&^within == 0 {
			out = append(out, m)
		}
	}
	return out
}

// wishes gathers the hints for a request, one wish for each resource that is
// aligned. Which those are depends on the class of the pod, on the managers and
// on what any zone lists.
func (s *state) wishes(req Resources) []wish {
	var out []wish
	memory := Resources{}
	for _, name := range sortedNames(req) {
		switch {
		case req[name] == 0 || !s.listed[name]:
		case name == resCPU:
			if q := s.exclusive(req); q > 0 {
				out = append(out, s.countWish(name, q))
			}
		case isMemory(name):
			if s.pinsMemory() {
				memory[name] = req[name]
			}
		default:
			out = append(out, s.countWish(name, req[name]))
		}
	}
	if len(memory) > 0 {
		out = append(out, s.memoryWish(memory))
	}
	return out
}

// exclusive is how many milli-cores a request pins: whole CPUs of Guaranteed
// pods under the static policy (cpumanager/policy_static.go, guaranteedCPUs).
func (s *state) exclusive(req Resources) int64 {
	if q := req[resCPU]; s.pod.QoS == QoSGuaranteed && !s.node.Kubelet.SharedCPUs && q%1000 == 0 {
		return q
	}
	return 0
}

func (s *state) pinsMemory() bool {
	return s.pod.QoS == QoSGuaranteed && !s.node.Kubelet.SharedMemory
}

// countWish is the wish for CPUs or devices. What init containers of the pod
// gave back is the pod's own: a set that leaves it out is no hint, which is why
// a pod can be refused for what its init container held.
func (s *state) countWish(name string, want int64) wish {
	w := wish{wants: Resources{name: want}}
	within := s.all
	if name == resCPU { // the CPU manager knows the zones with CPUs only
		within = 0
		for z := range s.zones {
			if s.capacity(z, resCPU) > 0 && s.all>>z&1 == 1 {
				within |= 1 << z
			}
		}
	}
	fewest := size(within)
	for _, m := range s.masks(within) {
		var have, could int64
		covers := true
		for z := range s.zones {
			reuse := s.reuse[z][name]
			if m>>z&1 == 0 {
				covers = covers && reuse == 0
				continue
			}
			have += s.free[z][name] + reuse
			could += s.capacity(z, name)
		}
		if could >= want {
			fewest = min(fewest, size(m))
		}
		if covers && have >= want {
			w.hints = append(w.hints, hint{mask: m})
		}
	}
	return w.prefer(fewest)
}

func (w wish) prefer(fewest int) wish {
	w.fewest = fewest
	for i := range w.hints {
		w.hints[i].preferred = size(w.hints[i].mask) == fewest
	}
	return w
}
