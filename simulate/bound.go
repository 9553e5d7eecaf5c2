// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"math"
)

// bound is an upper bound of the GPU that any placement of the arrived jobs can
// reach. Nodes that are alike are one heap of CPU, memory and GPU; for any
// non-negative price of each, the worth of all heaps plus what each job gains
// beyond the cheapest place for it is a bound (the dual of the fractional
// problem), so the search for good prices may stop anywhere.
type bound struct {
	c     *cluster
	have  [][3]float64 // by like: CPU, memory, GPU of all its nodes
	pods  map[kind]int64
	order []kind // in the order of arrival
}

func newBound(nodes []Node) *bound {
	b := &bound{c: newCluster(nodes), pods: map[kind]int64{}}
	b.have = make([][3]float64, len(b.c.likes))
	for i := range b.c.machines {
		l := b.c.likes[b.c.machines[i].like]
		h := &b.have[b.c.machines[i].like]
		h[0], h[1], h[2] = h[0]+float64(l.cpu), h[1]+float64(l.memory), h[2]+float64(l.gpus*wholeGPU)
	}
	return b
}

func (b *bound) add(j *Job) {
	k := j.kind()
	if b.pods[k] == 0 {
		b.order = append(b.order, k)
	}
	b.pods[k] += int64(j.Pods)
}

// Steps of the search for prices; more make the bound tighter.
const boundSteps = 400

// solve returns the bound in milli-GPU.
func (b *bound) solve() int64 {
	kinds := b.order
	// Prices in milli-GPU for all of a heap's resource. At 0 the bound is all that
	// arrived; the search begins where GPUs cost what they are worth, and the bound
	// is all GPUs.
	price := make([][3]float64, len(b.have))
	var arrived, total float64
	for k, n := range b.pods {
		arrived += float64(int64(k.gpus) * k.milli * n)
	}
	for h := range price {
		price[h][2] = b.have[h][2]
		total += b.have[h][2]
	}
	best := arrived
	for step := range boundSteps {
		use := make([][3]float64, len(b.have))
		var value float64
		for h, have := range b.have {
			for r := range have {
				value += price[h][r]
			}
		}
		for i := range kinds {
			value += b.gain(&kinds[i], price, use)
		}
		best = min(best, value)
		// Subgradient: a resource that is asked for beyond what is there gets
		// dearer, another cheaper; steps shrink.
		length := 0.0
		for h := range use {
			for r := range use[h] {
				if b.have[h][r] > 0 {
					d := use[h][r]/b.have[h][r] - 1
					length += d * d
				}
			}
		}
		if length == 0 {
			break
		}
		size := 0.2 * total / float64(len(b.have)) / math.Sqrt(float64(step+1)) / math.Sqrt(length)
		for h := range use {
			for r := range use[h] {
				if b.have[h][r] > 0 {
					price[h][r] = max(0, price[h][r]+size*(use[h][r]/b.have[h][r]-1))
				}
			}
		}
	}
	return int64(math.Ceil(best))
}

// gain is what all pods of a kind are worth beyond their cheapest heap, and adds
// what they use there.
func (b *bound) gain(k *kind, price, use [][3]float64) float64 {
	want := [3]float64{float64(k.cpu), float64(k.memory), float64(int64(k.gpus) * k.milli)}
	accept := b.c.accept(k)
	heap, least := -1, want[2]
	for h, l := range b.c.likes {
		if !accept[h] || l.cpu < k.cpu || l.memory < k.memory || l.gpus < k.gpus {
			continue
		}
		cost := 0.0
		for r := range want {
			if want[r] > 0 {
				cost += price[h][r] * want[r] / b.have[h][r]
			}
		}
		if cost < least {
			heap, least = h, cost
		}
	}
	if heap < 0 {
		return 0
	}
	n := float64(b.pods[*k])
	for r := range want {
		use[heap][r] += n * want[r]
	}
	return n * (want[2] - least)
}
