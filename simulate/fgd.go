// SPDX-License-Identifier: Apache-2.0

package simulate

import "math"

// fgd is fragmentation gradient descent (Weng et al., "Beware of Fragmentation:
// Scheduling GPU-Sharing Workloads with Fragmentation Gradient Descent", USENIX
// ATC 2023, sections 4 and 5). F_n(m) is the free GPU of node n that a task m
// cannot use: all of it where the task lacks CPU or GPUs, is not allowed on the
// model, or asks for no GPU; otherwise the GPUs with less left than it asks of
// one. F_n(M) is its mean over the target workload. A task goes where F_n(M)
// grows least.
//
// The paper's own figures come from a plugin whose scores are whole percents of
// a sigmoid of the growth in GPUs, over the most popular tasks. The ties that
// this makes go to the first node, which is better than the plain gradient on
// most lists. Both are here: rounded is theirs.
type fgd struct {
	mix     []demand
	all     int64 // pods of the mix
	rounded bool
	accept  [][]bool // by demand, by like
	known   map[string]int64
	key     []byte
}

// popular is the share of tasks that the target workload of the plugin covers.
const popular = 0.95

func newFGD(c *cluster, mix []demand, rounded bool) *fgd {
	f := &fgd{rounded: rounded, known: map[string]int64{}}
	var all, sum int64
	for _, d := range mix {
		all += d.pods
	}
	for _, d := range mix {
		if rounded && float64(sum) >= popular*float64(all) {
			break
		}
		f.mix = append(f.mix, d)
		f.accept = append(f.accept, c.accept(&d.kind))
		sum += d.pods
	}
	f.all = sum
	return f
}

func (*fgd) everyGPU() bool { return true }

func (f *fgd) price(_ *cluster, _ *kind, before, after *machine, _ int) score {
	growth := float64(f.sum(after)-f.sum(before)) / float64(f.all)
	if !f.rounded {
		return growth
	}
	return -math.Floor(100 / (1 + math.Exp(growth/wholeGPU)))
}

// fragmentation is F_n(M) in milli-GPU.
func (f *fgd) fragmentation(m *machine) float64 { return float64(f.sum(m)) / float64(f.all) }

// sum is F_n(M) times the pods of the mix: a whole number, so that equal choices
// are equal.
func (f *fgd) sum(m *machine) int64 {
	f.key = stateKey(f.key[:0], m)
	if v, ok := f.known[string(f.key)]; ok {
		return v
	}
	if len(f.known) > maxKnown {
		clear(f.known)
	}
	free := m.freeGPU()
	var sum int64
	for i := range f.mix {
		sum += f.mix[i].pods * f.unusable(i, m, free)
	}
	f.known[string(f.key)] = sum
	return sum
}

// maxKnown bounds the states whose fragmentation is remembered.
const maxKnown = 1 << 18

// unusable is F_n(m): the part of the free GPUs that a task cannot use.
func (f *fgd) unusable(i int, m *machine, free int64) int64 {
	k := &f.mix[i].kind
	if k.gpus == 0 || m.cpu < k.cpu || !f.accept[i][m.like] {
		return free
	}
	fits, small := 0, int64(0)
	for _, g := range m.gpus {
		if g >= k.milli {
			fits++
		} else {
			small += g
		}
	}
	if fits < k.gpus {
		return free
	}
	return small
}
