// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Names of the policies. Tarsia and TarsiaPriced decide through
// placement.Place; the others are baselines.
const (
	Tarsia        = "tarsia"        // tightest fit, topology
	TarsiaPriced  = "tarsia-priced" // the same with the opportunity cost of a demand mix
	BestFit       = "best-fit"
	DotProduct    = "dot-product"
	Random        = "random"
	FGD           = "fgd"       // as its authors measured it
	FGDGradient   = "fgd-plain" // the gradient of the paper without rounding
	GPUPacking    = "gpu-packing"
	GPUClustering = "gpu-clustering"
)

// Policies lists the names, in the order of a table.
func Policies() []string {
	return []string{Tarsia, TarsiaPriced, FGD, FGDGradient, BestFit, GPUPacking, GPUClustering, DotProduct, Random}
}

// CheckPolicy refuses a name that is not one of Policies, and says which is near.
func CheckPolicy(name string) error {
	if slices.Contains(Policies(), name) {
		return nil
	}
	for _, p := range Policies() {
		if name != "" && (strings.HasPrefix(p, name) || strings.HasPrefix(name, p)) {
			return fmt.Errorf("policy %q: did you mean %q? want one of %s", short(name), p, strings.Join(Policies(), ", "))
		}
	}
	return fmt.Errorf("policy %q: want one of %s", short(name), strings.Join(Policies(), ", "))
}

// runner decides and books for one policy.
type runner interface {
	// place books all pods of a job, or none: then ok is false. Nodes are by pod,
	// as indices of the trace.
	place(ctx context.Context, id int, j *Job) (nodes []int32, ok bool, err error)
	// end releases a job.
	end(id int) error
	// fail takes a node away, on which nothing runs any more; repair gives it back.
	fail(node int) error
	repair(node int) error
	// state is what is free now.
	state() *cluster
}

// newRunner makes the runner of a policy. The mix is what FGD and the prices
// expect to come.
func newRunner(t *Trace, policy string, mix []demand, gangs []Job, seed uint64) (runner, error) {
	if err := CheckPolicy(policy); err != nil {
		return nil, err
	}
	if policy == Tarsia || policy == TarsiaPriced {
		return newEngine(t, policy == TarsiaPriced, mix, gangs, seed)
	}
	c := newCluster(t.Nodes)
	var b baseline
	var draw *random
	switch policy {
	case BestFit:
		b = bestFit{}
	case DotProduct:
		b = dotProduct{}
	case FGD, FGDGradient:
		b = newFGD(c, mix, policy == FGD)
	case GPUPacking:
		b = gpuPacking{}
	case GPUClustering:
		b = gpuClustering{}
	case Random:
		b, draw = randomFit{}, new(random(seed))
	}
	return &podByPod{c: c, choose: newChooser(c, b, draw), held: map[int]holding{}}, nil
}

// podByPod places the pods of a job one after another, as a scheduler without
// gangs in its objective does, and takes them back when one finds no node.
// Levels mean nothing to it.
type podByPod struct {
	c      *cluster
	choose *chooser
	held   map[int]holding
}

// holding is what a job holds.
type holding struct {
	kind  kind
	nodes []int32
	gpus  []uint64
}

func (p *podByPod) place(_ context.Context, id int, j *Job) ([]int32, bool, error) {
	h := holding{kind: j.kind()}
	for range j.Pods {
		node, gpu := p.choose.choose(&h.kind)
		if node < 0 {
			p.release(&h)
			return nil, false, nil
		}
		m := &p.c.machines[node]
		h.nodes, h.gpus = append(h.nodes, int32(node)), append(h.gpus, m.take(&h.kind, gpu))
		if h.kind.gpus > 0 {
			m.running[h.kind.request()]++
		}
		p.c.changed[node]++
	}
	p.held[id] = h
	return h.nodes, true, nil
}

func (p *podByPod) release(h *holding) {
	for i, node := range h.nodes {
		m := &p.c.machines[node]
		m.give(&h.kind, h.gpus[i])
		if r := h.kind.request(); h.kind.gpus > 0 {
			if m.running[r]--; m.running[r] == 0 {
				delete(m.running, r)
			}
		}
		p.c.changed[node]++
	}
}

func (p *podByPod) end(id int) error {
	h, ok := p.held[id]
	if !ok {
		return fmt.Errorf("end job %d: it does not run", id)
	}
	p.release(&h)
	delete(p.held, id)
	return nil
}

func (p *podByPod) state() *cluster       { return p.c }
func (p *podByPod) fail(node int) error   { return p.turn(node, true) }
func (p *podByPod) repair(node int) error { return p.turn(node, false) }

func (p *podByPod) turn(node int, down bool) error {
	p.c.machines[node].down = down
	p.c.changed[node]++
	return nil
}
