// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"context"
	"fmt"
	"strconv"

	"tarsia.dev/tarsia/device"
	"tarsia.dev/tarsia/placement"
)

// capacityMilli is the capacity of a device from which shares are taken.
const capacityMilli = "milli"

// engine is the tarsia policies: a placement.Usage, whose Book chooses as Place
// does, and nothing that places beside it.
type engine struct {
	t      *Trace
	usage  *placement.Usage
	index  map[string]int32 // nodes of the trace by name
	kinds  map[jobKind]*placement.Prepared
	booked map[int]holding
	// mirror is the same state as the baselines keep it, for what is reported.
	mirror *cluster

	mix   []placement.Demand // nil: no prices
	seed  uint64
	stale int // pods placed or released since the prices were computed
}

// repriceAfter is after how many placed or released jobs the prices of the mix
// are computed anew, as a part of the number of nodes.
const repriceAfter = 4

func newEngine(t *Trace, priced bool, mix []demand, jobs []Job, seed uint64) (*engine, error) {
	e := &engine{t: t, index: map[string]int32{}, kinds: map[jobKind]*placement.Prepared{}, booked: map[int]holding{}, mirror: newCluster(t.Nodes), seed: seed}
	share := false
	for _, d := range mix {
		share = share || d.share()
	}
	nodes := make([]placement.Node, len(t.Nodes))
	for i, n := range t.Nodes {
		nodes[i] = engineNode(n, share)
		e.index[n.Name] = int32(i)
	}
	fleet, err := placement.NewFleet(nodes, t.Levels)
	if err != nil {
		return nil, err
	}
	e.usage = placement.NewUsage(fleet)
	if priced {
		e.mix = demands(jobs)
		return e, e.reprice()
	}
	return e, nil
}

// engineNode is a node for the engine. GPUs are listed one by one only where
// some job wants a share.
func engineNode(n Node, share bool) placement.Node {
	out := placement.Node{
		Name: n.Name, Domains: n.Domains,
		Allocatable: placement.Resources{placement.CPU: n.CPUMilli, placement.Memory: n.MemoryBytes},
	}
	if n.Model != "" {
		out.Labels = map[string]string{LabelModel: n.Model}
	}
	if n.GPUs > 0 {
		out.Allocatable[GPU] = int64(n.GPUs)
	}
	for i := range n.GPUs {
		if share {
			out.Devices = append(out.Devices, placement.Device{ID: strconv.Itoa(i), Resource: GPU, Capacity: device.Amounts{capacityMilli: wholeGPU}})
		}
	}
	return out
}

// shapeOf is one pod of a job for the engine.
func shapeOf(j *Job) placement.Shape {
	s := placement.Shape{Requests: placement.Resources{placement.CPU: j.CPUMilli, placement.Memory: j.MemoryBytes}}
	switch k := j.kind(); {
	case k.share():
		s.Devices = []device.Request{{Resource: GPU, Share: device.Amounts{capacityMilli: k.milli}}}
	case k.gpus > 0:
		s.Requests[GPU] = int64(k.gpus)
	}
	if j.GPUs > 0 && len(j.Models) > 0 {
		s.Selector = []placement.Term{{Key: LabelModel, Operator: "In", Values: j.Models}}
	}
	return s
}

// podSet is the name of the one pod set of a job.
const podSet = "pods"

// jobKind is equal for jobs that are the same gang.
type jobKind struct {
	kind
	pods     int
	priority int32
	level    string
	required bool
}

// gangOf is a job for the engine.
func gangOf(id int, j *Job) placement.Gang {
	g := placement.Gang{
		Name: strconv.Itoa(id), Priority: j.Priority,
		PodSets: []placement.PodSet{{Name: podSet, Count: j.Pods, Shape: shapeOf(j)}},
	}
	if j.Level != "" {
		mode := placement.Preferred
		if j.Required {
			mode = placement.Required
		}
		g.Rules = []placement.LevelRule{{Level: j.Level, Mode: mode}}
	}
	return g
}

// demands is the demand mix of a list of jobs, as the engine takes it.
func demands(jobs []Job) []placement.Demand {
	at := map[string]int{}
	var mix []placement.Demand
	for i := range jobs {
		j := &jobs[i]
		key := requestKey(j)
		if _, known := at[key]; !known {
			at[key] = len(mix)
			mix = append(mix, placement.Demand{Shape: shapeOf(j), Pods: j.Pods, Level: j.Level})
		}
		mix[at[key]].Weight++
	}
	return mix
}

func (e *engine) reprice() error {
	p, err := placement.NewPrices(e.usage, e.mix, e.seed)
	if err != nil {
		return err
	}
	e.usage.SetPrices(p)
	e.stale = 0
	return nil
}

func (e *engine) place(ctx context.Context, id int, j *Job) ([]int32, bool, error) {
	if e.mix != nil && e.stale*repriceAfter > len(e.t.Nodes) {
		if err := e.reprice(); err != nil {
			return nil, false, err
		}
	}
	h := holding{kind: j.kind()}
	of := jobKind{h.kind, j.Pods, j.Priority, j.Level, j.Required}
	if e.kinds[of] == nil {
		p, err := e.usage.Prepare(gangOf(id, j))
		if err != nil {
			return nil, false, err
		}
		e.kinds[of] = p
	}
	pods, err := e.kinds[of].Book(ctx, strconv.Itoa(id))
	if err != nil || pods == nil {
		return nil, false, err
	}
	for _, a := range pods {
		node := e.index[a.Node]
		gpu := -1
		if h.kind.share() {
			part, err := device.ParsePart(a.Devices[0])
			if err != nil {
				return nil, false, err
			}
			if gpu, err = strconv.Atoi(part.ID); err != nil {
				return nil, false, fmt.Errorf("device %q: %w", part.ID, err)
			}
		}
		h.nodes = append(h.nodes, node)
		h.gpus = append(h.gpus, e.mirrorTake(node, &h.kind, gpu, a.Devices))
	}
	e.booked[id] = h
	e.stale++
	return h.nodes, true, nil
}

// mirrorTake books in the mirror what the engine chose, GPU by GPU where it
// names them.
func (e *engine) mirrorTake(node int32, k *kind, gpu int, devices []string) uint64 {
	m := &e.mirror.machines[node]
	if k.share() || len(devices) == 0 {
		return m.take(k, gpu)
	}
	m.cpu, m.memory = m.cpu-k.cpu, m.memory-k.memory
	var mask uint64
	for _, id := range devices {
		at, err := strconv.Atoi(id)
		if err == nil && at < len(m.gpus) {
			m.gpus[at] -= wholeGPU
			mask |= 1 << at
		}
	}
	return mask
}

func (e *engine) end(id int) error {
	h, ok := e.booked[id]
	if !ok {
		return fmt.Errorf("end job %d: it does not run", id)
	}
	for i, node := range h.nodes {
		if err := e.usage.Remove(placement.PodName(strconv.Itoa(id), podSet, i)); err != nil {
			return err
		}
		e.mirror.machines[node].give(&h.kind, h.gpus[i])
	}
	delete(e.booked, id)
	e.stale++
	return nil
}

// fail books every place for a pod, so that none is left.
func (e *engine) fail(node int) error {
	e.mirror.machines[node].down = true
	e.stale++
	return e.usage.Add(placement.Running{
		Name: "failed/" + e.t.Nodes[node].Name, Node: e.t.Nodes[node].Name,
		Requests: placement.Resources{placement.Pods: allPods},
	})
}

// allPods is more than any node takes.
const allPods = 1 << 41

func (e *engine) repair(node int) error {
	e.mirror.machines[node].down = false
	e.stale++
	return e.usage.Remove("failed/" + e.t.Nodes[node].Name)
}

func (e *engine) state() *cluster { return e.mirror }
