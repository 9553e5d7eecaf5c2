// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"cmp"
	"container/heap"
	"context"
	"fmt"
	"slices"
)

// ReplayOptions say how a trace is replayed.
type ReplayOptions struct {
	Policy string
	Seed   uint64
	// Speedup divides the time between arrivals: 2 lets the same jobs come in half
	// the time. 0 is 1.
	Speedup float64
	// MeanBetweenFailures of one node, and how long a repair takes, in seconds.
	// 0 never fails. What runs on a node that fails begins anew.
	MeanBetweenFailures, Repair int64
	// Samples is how many points in time are recorded; 0 is 200.
	Samples int
	// Now is a clock in nanoseconds for the time of decisions; nil measures none.
	Now func() int64
}

// event is something that happens at a time. At one time, ends and repairs come
// before failures, and those before arrivals.
type event struct {
	at    int64
	class int
	seq   int // a total order
	id    int // job, or node
	run   int // of an end: which start of the job it ends
}

const (
	eventEnd = iota
	eventRepair
	eventFail
	eventArrive
)

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(a, b int) bool {
	return cmp.Or(cmp.Compare(e[a].at, e[b].at), cmp.Compare(e[a].class, e[b].class), cmp.Compare(e[a].seq, e[b].seq)) < 0
}
func (e events) Swap(a, b int) { e[a], e[b] = e[b], e[a] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	old := *e
	x := old[len(old)-1]
	*e = old[:len(old)-1]
	return x
}

// replay is one run of a trace.
type replay struct {
	t    *Trace
	o    ReplayOptions
	run  runner
	rand random
	now  int64

	events  events
	seq     int
	waiting []int           // jobs, in the order of service
	tried   map[string]bool // by what was asked for: did not fit as things stand
	jobs    []progress
	on      []map[int]bool // by node: jobs that run on it
	down    []bool
	to      *recorder
}

// progress is what became of a job.
type progress struct {
	waitingSince int64
	wait         int64 // seconds it waited in all
	starts       int
	nodes        []int32 // while it runs
	done         bool
}

// Replay runs a trace through time. Jobs wait in the order of their priority,
// then of their arrival; one that does not fit lets later ones pass.
func Replay(ctx context.Context, t *Trace, o ReplayOptions) (Result, error) {
	if o.Samples == 0 {
		o.Samples = 200
	}
	if o.Speedup == 0 {
		o.Speedup = 1
	}
	if o.Samples < 2 || o.Samples > 10000 || o.Speedup < 0 || o.MeanBetweenFailures < 0 || o.Repair < 0 {
		return Result{}, fmt.Errorf("replay: want 2 to 10000 samples, a positive speedup and no negative time")
	}
	if len(t.Jobs) == 0 {
		return Result{}, fmt.Errorf("replay: the trace has no jobs")
	}
	mix := mixOf(t.Jobs)
	run, err := newRunner(t, o.Policy, mix, t.Jobs, o.Seed)
	if err != nil {
		return Result{}, err
	}
	r := &replay{
		t: t, o: o, run: run, rand: random(o.Seed), jobs: make([]progress, len(t.Jobs)),
		on: make([]map[int]bool, len(t.Nodes)), down: make([]bool, len(t.Nodes)), tried: map[string]bool{},
	}
	for i := range r.on {
		r.on[i] = map[int]bool{}
	}
	var last int64
	for i := range t.Jobs {
		at := int64(float64(t.Jobs[i].Arrival) / o.Speedup)
		last = max(last, at)
		r.push(event{at: at, class: eventArrive, id: i})
	}
	for node := range t.Nodes {
		r.nextFailure(node)
	}
	r.to = newRecorder(t, mix, run.state(), last, o.Samples)
	for r.events.Len() > 0 {
		if err := ctx.Err(); err != nil {
			return Result{}, err
		}
		if err := r.step(ctx); err != nil {
			return Result{}, fmt.Errorf("replay: %w", err)
		}
		if r.over(last) {
			break
		}
	}
	return r.to.result(r), nil
}

// over tells whether nothing can happen any more but failures.
func (r *replay) over(last int64) bool {
	if r.now < last {
		return false
	}
	return !slices.ContainsFunc(r.events, func(e event) bool { return e.class == eventEnd || e.class == eventArrive })
}

func (r *replay) push(e event) {
	e.seq = r.seq
	r.seq++
	heap.Push(&r.events, e)
}

// nextFailure draws when a node fails: in every interval of the mean once, at
// any time of it.
func (r *replay) nextFailure(node int) {
	if mean := r.o.MeanBetweenFailures; mean > 0 {
		r.push(event{at: r.now + 1 + int64(r.rand.below(int(min(2*mean, 1<<40)))), class: eventFail, id: node})
	}
}

// step takes all events of the next moment, then serves the queue.
func (r *replay) step(ctx context.Context) error {
	at := r.events[0].at
	r.to.until(r, at)
	r.now = at
	for r.events.Len() > 0 && r.events[0].at == at {
		e := heap.Pop(&r.events).(event)
		if err := r.happen(e); err != nil {
			return err
		}
	}
	return r.serve(ctx)
}

func (r *replay) happen(e event) error {
	switch e.class {
	case eventArrive:
		r.wait(e.id)
	case eventEnd:
		if p := &r.jobs[e.id]; p.starts == e.run && p.nodes != nil {
			p.done = true
			return r.stop(e.id)
		}
	case eventFail:
		for _, id := range sortedKeys(r.on[e.id]) {
			if err := r.stop(id); err != nil {
				return err
			}
			r.to.killed++
			r.wait(id)
		}
		r.down[e.id] = true
		r.push(event{at: r.now + max(1, r.o.Repair), class: eventRepair, id: e.id})
		return r.run.fail(e.id)
	case eventRepair:
		r.down[e.id] = false
		clear(r.tried)
		r.nextFailure(e.id)
		return r.run.repair(e.id)
	}
	return nil
}

func sortedKeys(m map[int]bool) []int {
	keys := make([]int, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// wait puts a job into the queue.
func (r *replay) wait(id int) {
	at, _ := slices.BinarySearchFunc(r.waiting, id, func(a, b int) int { return compareJobs(r.t.Jobs, a, b) })
	r.waiting = slices.Insert(r.waiting, at, id)
	r.jobs[id].waitingSince = r.now
}

// stop releases a job that runs.
func (r *replay) stop(id int) error {
	p := &r.jobs[id]
	for _, node := range p.nodes {
		delete(r.on[node], id)
	}
	r.to.left(r, id, p.nodes)
	p.nodes = nil
	clear(r.tried)
	return r.run.end(id)
}

// serve starts what fits. What was refused since something was last released
// is not asked for again.
func (r *replay) serve(ctx context.Context) error {
	left := r.waiting[:0]
	for _, id := range r.waiting {
		j := &r.t.Jobs[id]
		key := requestKey(j)
		if r.tried[key] {
			left = append(left, id)
			continue
		}
		nodes, ok, err := r.decide(ctx, id, j)
		if err != nil {
			return fmt.Errorf("job %q: %w", j.Name, err)
		}
		if !ok {
			r.tried[key] = true
			left = append(left, id)
			continue
		}
		r.start(id, j, nodes)
	}
	r.waiting = left
	return nil
}

func (r *replay) decide(ctx context.Context, id int, j *Job) ([]int32, bool, error) {
	r.to.decisions++
	if r.o.Now == nil {
		return r.run.place(ctx, id, j)
	}
	began := r.o.Now()
	nodes, ok, err := r.run.place(ctx, id, j)
	r.to.nanoseconds += r.o.Now() - began
	return nodes, ok, err
}

func (r *replay) start(id int, j *Job, nodes []int32) {
	p := &r.jobs[id]
	p.wait += r.now - p.waitingSince
	p.starts++
	p.nodes = nodes
	for _, node := range nodes {
		r.on[node][id] = true
	}
	r.to.entered(r, id, nodes)
	if j.Duration != nil {
		r.push(event{at: r.now + max(1, *j.Duration), class: eventEnd, id: id, run: p.starts})
	}
}

// requestKey is equal for jobs that fit, or do not, alike.
func requestKey(j *Job) string {
	k := j.kind()
	return fmt.Sprintf("%d|%d|%d|%d|%d|%s|%q|%t", j.Pods, k.cpu, k.memory, k.gpus, k.milli, k.models, j.Level, j.Required)
}
