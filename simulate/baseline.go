// SPDX-License-Identifier: Apache-2.0

package simulate

import "math"

// score is how dear a choice is: the smallest is taken, of equals the node that
// comes first, on it the GPU that comes first.
type score = float64

// baseline prices one pod of a kind on a machine. before is as it stands, after
// with the pod on the given GPU (-1 where it takes whole GPUs or none).
type baseline interface {
	price(c *cluster, k *kind, before, after *machine, gpu int) score
	// everyGPU asks for a price of a share on every GPU; otherwise a share goes to
	// the tightest one.
	everyGPU() bool
}

// prices remembers what a baseline found for one kind, by machine.
type prices struct {
	changed []int // of the cluster, when computed; -1 never
	fits    []bool
	price   []score
	gpu     []int
}

// chooser walks all machines for a baseline, and again only those that changed.
type chooser struct {
	c     *cluster
	b     baseline
	draw  *random // draws among equals; nil takes the first
	kinds map[kind]*prices
	after machine
}

func newChooser(c *cluster, b baseline, draw *random) *chooser {
	return &chooser{c: c, b: b, draw: draw, kinds: map[kind]*prices{}}
}

// choose returns the machine and the GPU for one pod; -1 when it fits nowhere.
func (ch *chooser) choose(k *kind) (node, gpu int) {
	n := len(ch.c.machines)
	p := ch.kinds[*k]
	if p == nil {
		p = &prices{make([]int, n), make([]bool, n), make([]score, n), make([]int, n)}
		for i := range p.changed {
			p.changed[i] = -1
		}
		ch.kinds[*k] = p
	}
	accept := ch.c.accept(k)
	node = -1
	equals := 0
	for i := range ch.c.machines {
		if p.changed[i] != ch.c.changed[i] {
			p.changed[i] = ch.c.changed[i]
			m := &ch.c.machines[i]
			if p.fits[i] = accept[m.like] && m.holds(k); p.fits[i] {
				p.price[i], p.gpu[i] = ch.priceOf(k, m)
			}
		}
		switch {
		case !p.fits[i] || node >= 0 && p.price[i] > p.price[node]:
		case node < 0 || p.price[i] < p.price[node]:
			node, equals = i, 1
		case ch.draw != nil:
			if equals++; ch.draw.below(equals) == 0 {
				node = i
			}
		}
	}
	if node < 0 {
		return -1, -1
	}
	return node, p.gpu[node]
}

// priceOf prices the cheapest GPU of a machine.
func (ch *chooser) priceOf(k *kind, m *machine) (score, int) {
	if !k.share() {
		return ch.priceOn(k, m, -1), -1
	}
	if !ch.b.everyGPU() {
		gpu := m.tightest(k.milli)
		if ch.draw != nil {
			gpu = m.anyGPU(k.milli, ch.draw)
		}
		return ch.priceOn(k, m, gpu), gpu
	}
	best, at := math.Inf(1), -1
	for i, g := range m.gpus {
		if g < k.milli {
			continue
		}
		if p := ch.priceOn(k, m, i); p < best {
			best, at = p, i
		}
	}
	return best, at
}

func (ch *chooser) priceOn(k *kind, m *machine, gpu int) score {
	gpus := append(ch.after.gpus[:0], m.gpus...)
	ch.after = *m
	ch.after.gpus = gpus
	ch.after.take(k, gpu)
	return ch.b.price(ch.c, k, m, &ch.after, gpu)
}

// bestFit leaves the least of everything on the node: the sum of what is left,
// each in parts of the largest node.
type bestFit struct{}

func (bestFit) everyGPU() bool { return false }

func (bestFit) price(c *cluster, _ *kind, _, after *machine, _ int) score {
	return float64(after.cpu)/float64(c.mostCPU) + float64(after.freeGPU())/float64(c.mostGPU)
}

// dotProduct takes the node where the product of what is free and what is asked
// for is smallest, each in parts of that node (Grandl et al., SIGCOMM 2014, as
// Weng et al. use it).
type dotProduct struct{}

func (dotProduct) everyGPU() bool { return false }

func (dotProduct) price(c *cluster, k *kind, before, _ *machine, _ int) score {
	l := c.likes[before.like]
	var p float64
	if l.cpu > 0 {
		p += float64(before.cpu) / float64(l.cpu) * float64(k.cpu) / float64(l.cpu)
	}
	if all := float64(l.gpus) * wholeGPU; all > 0 {
		p += float64(before.freeGPU()) / all * float64(int64(k.gpus)*k.milli) / all
	}
	// Scores are whole percents, as their authors' are: many nodes are equal, and
	// the first of them is taken.
	return -math.Floor(100 * (1 - p/2))
}

// gpuPacking fills GPUs that are in use, then free GPUs of nodes in use, then
// free nodes (Weng et al., section 6.1).
type gpuPacking struct{}

func (gpuPacking) everyGPU() bool { return false }

func (gpuPacking) price(_ *cluster, k *kind, before, after *machine, _ int) score {
	if k.gpus == 0 {
		return 0
	}
	free := 0
	for _, g := range before.gpus {
		if g == wholeGPU {
			free++
		}
	}
	opened := 0
	for i, g := range before.gpus {
		if g == wholeGPU && after.gpus[i] < wholeGPU {
			opened++
		}
	}
	switch {
	case free == len(before.gpus):
		return float64(2*maxGPUs*wholeGPU + free)
	case opened > 0:
		return float64(maxGPUs*wholeGPU + opened)
	}
	return float64(after.freeGPU() - before.freeGPU() + before.gpus[before.tightest(k.milli)])
}

// gpuClustering puts pods beside pods of the same GPU request, so that nodes
// stay alike: first where nothing else runs, then where others run too, then
// free nodes, then the rest; on each the fullest (Xiao et al., OSDI 2018, as
// Weng et al. use it).
type gpuClustering struct{}

func (gpuClustering) everyGPU() bool { return false }

func (gpuClustering) price(_ *cluster, k *kind, before, _ *machine, _ int) score {
	if k.gpus == 0 {
		return 0
	}
	var class int
	switch {
	case before.running[k.request()] > 0 && len(before.running) == 1:
		class = 0
	case before.running[k.request()] > 0:
		class = 1
	case len(before.running) == 0:
		class = 2
	default:
		class = 3
	}
	return float64(int64(class)*maxGPUs*wholeGPU + before.freeGPU())
}

// randomFit takes any node on which the pod fits: the chooser draws among equals.
type randomFit struct{}

func (randomFit) everyGPU() bool { return false }

func (randomFit) price(*cluster, *kind, *machine, *machine, int) score { return 0 }
