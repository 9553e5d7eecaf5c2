// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"slices"
	"strings"
)

// machine is the free state of one node, as the baselines see it.
type machine struct {
	cpu, memory int64
	gpus        []int64 // milli-GPU left of each
	like        int     // which nodes it is like when empty, in cluster.likes
	down        bool
	// running counts the pods by their GPU request: 0 a share, otherwise whole
	// GPUs. Pods without a GPU are not counted. GPU clustering asks.
	running map[int]int
}

// like is an empty node.
type like struct {
	cpu, memory int64
	gpus        int
	model       string
}

// cluster is the state of the baselines: what is free, and nothing of names,
// zones or links.
type cluster struct {
	machines []machine
	likes    []like
	accepts  map[string][]bool // by models of a kind: by like, whether it may go there
	// Largest amounts of any node, by which sizes are made comparable.
	mostCPU, mostGPU int64
	changed          []int // by machine: how often it changed
}

func newCluster(nodes []Node) *cluster {
	c := &cluster{accepts: map[string][]bool{}, changed: make([]int, len(nodes)), mostCPU: 1, mostGPU: 1}
	index := map[like]int{}
	for _, n := range nodes {
		l := like{n.CPUMilli, n.MemoryBytes, n.GPUs, n.Model}
		if _, known := index[l]; !known {
			index[l] = len(c.likes)
			c.likes = append(c.likes, l)
		}
		m := machine{cpu: n.CPUMilli, memory: n.MemoryBytes, gpus: make([]int64, n.GPUs), like: index[l], running: map[int]int{}}
		for i := range m.gpus {
			m.gpus[i] = wholeGPU
		}
		c.machines = append(c.machines, m)
		c.mostCPU, c.mostGPU = max(c.mostCPU, n.CPUMilli), max(c.mostGPU, int64(n.GPUs)*wholeGPU)
	}
	return c
}

// accept tells, by like, where the model of a kind allows it.
func (c *cluster) accept(k *kind) []bool {
	ok, known := c.accepts[k.models]
	if !known {
		ok = make([]bool, len(c.likes))
		for i, l := range c.likes {
			ok[i] = k.models == "" || slices.Contains(strings.Split(k.models, "|"), l.model)
		}
		c.accepts[k.models] = ok
	}
	return ok
}

// holds tells whether one pod of a kind fits, its model aside.
func (m *machine) holds(k *kind) bool {
	if m.down || m.cpu < k.cpu || m.memory < k.memory {
		return false
	}
	left := k.gpus
	for _, g := range m.gpus {
		if left == 0 {
			break
		}
		if g >= k.milli {
			left--
		}
	}
	return left <= 0
}

// freeGPU is what is left of the GPUs, in milli-GPU.
func (m *machine) freeGPU() int64 {
	var sum int64
	for _, g := range m.gpus {
		sum += g
	}
	return sum
}

// tightest is the GPU with the least left that still holds a share; -1 is none.
func (m *machine) tightest(milli int64) int {
	best := -1
	for i, g := range m.gpus {
		if g >= milli && (best < 0 || g < m.gpus[best]) {
			best = i
		}
	}
	return best
}

// anyGPU draws one of the GPUs that hold a share.
func (m *machine) anyGPU(milli int64, draw *random) int {
	at, n := -1, 0
	for i, g := range m.gpus {
		if g < milli {
			continue
		}
		if n++; draw.below(n) == 0 {
			at = i
		}
	}
	return at
}

// take books a pod. A share goes to the given GPU, whole GPUs are the first free
// ones. It returns the GPUs taken as a bit mask.
func (m *machine) take(k *kind, gpu int) uint64 {
	m.cpu, m.memory = m.cpu-k.cpu, m.memory-k.memory
	if k.gpus == 0 {
		return 0
	}
	if k.share() {
		m.gpus[gpu] -= k.milli
		return 1 << gpu
	}
	var mask uint64
	left := k.gpus
	for i := range m.gpus {
		if left > 0 && m.gpus[i] == wholeGPU {
			m.gpus[i], left = 0, left-1
			mask |= 1 << i
		}
	}
	return mask
}

// give returns what take took.
func (m *machine) give(k *kind, mask uint64) {
	m.cpu, m.memory = m.cpu+k.cpu, m.memory+k.memory
	for i := range m.gpus {
		if mask>>i&1 == 1 {
			m.gpus[i] += k.milli
		}
	}
}

// request is what a pod counts as for GPU clustering: 0 a share, otherwise its
// whole GPUs.
func (k *kind) request() int {
	if k.share() {
		return 0
	}
	return k.gpus
}
