// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// FillOptions say how a fleet is filled.
type FillOptions struct {
	Policy string
	Seed   uint64
	// Percent is how much arrives, in percent of the fleet's GPUs. The jobs of the
	// trace are drawn again, or some left out, until they are as many.
	Percent int
	At      []int // percent of arrived GPU at which the result is read, ascending
	// Now is a clock in nanoseconds for the time of decisions; nil measures none.
	Now func() int64
}

// FillPoint is the state of a fleet when jobs worth Percent of its GPUs have
// arrived.
type FillPoint struct {
	Percent int `json:"percent"`
	// Allocated and Fragmented are milli-GPU: what runs, and the part of the rest
	// that the mix cannot use by the measure of Weng et al.
	Allocated  int64 `json:"allocatedMilliGPU"`
	Fragmented int64 `json:"fragmentedMilliGPU"`
	Placed     int   `json:"placedJobs"`
	Dropped    int   `json:"droppedJobs"`
	// Bound is an upper bound of Allocated for what had arrived, whatever places it.
	Bound int64 `json:"boundMilliGPU"`
}

// FillResult is one fill of a fleet.
type FillResult struct {
	Policy    string      `json:"policy"`
	Seed      uint64      `json:"seed"`
	Capacity  int64       `json:"capacityMilliGPU"`
	Points    []FillPoint `json:"points"`
	Decisions int         `json:"decisions"`
	// Nanoseconds is what all decisions took; 0 without a clock.
	Nanoseconds int64 `json:"nanoseconds"`
}

// Fill lets the jobs of a trace arrive one by one in an order drawn from the
// seed. Each is placed at once or dropped, and none ends: the experiment of Weng
// et al., section 6.
func Fill(ctx context.Context, t *Trace, o FillOptions) (FillResult, error) {
	res := FillResult{Policy: o.Policy, Seed: o.Seed, Capacity: capacity(t.Nodes)}
	if res.Capacity == 0 || o.Percent < 1 || o.Percent > 1000 || !slices.IsSorted(o.At) {
		return res, fmt.Errorf("fill: want nodes with GPUs, 1 to 1000 percent, and points in ascending order")
	}
	order, err := arrivals(t.Jobs, res.Capacity*int64(o.Percent)/100, o.Seed)
	if err != nil {
		return res, err
	}
	mix := mixOf(t.Jobs)
	run, err := newRunner(t, o.Policy, mix, t.Jobs, o.Seed)
	if err != nil {
		return res, err
	}
	frag := newFGD(run.state(), mix, false)
	var arrived int64
	var point FillPoint
	bound := newBound(t.Nodes)
	at := o.At
	read := func() {
		for len(at) > 0 && arrived*100 >= int64(at[0])*res.Capacity {
			point.Percent, at = at[0], at[1:]
			point.Bound = bound.solve()
			point.Fragmented = fragmented(frag, run.state())
			res.Points = append(res.Points, point)
		}
	}
	for id, j := range order {
		if err := ctx.Err(); err != nil {
			return res, err
		}
		arrived += t.Jobs[j].milliGPU()
		bound.add(&t.Jobs[j])
		var began int64
		if o.Now != nil {
			began = o.Now()
		}
		_, ok, err := run.place(ctx, id, &t.Jobs[j])
		if err != nil {
			return res, fmt.Errorf("fill: job %q: %w", t.Jobs[j].Name, err)
		}
		if o.Now != nil {
			res.Nanoseconds += o.Now() - began
		}
		res.Decisions++
		if ok {
			point.Placed++
			point.Allocated += t.Jobs[j].milliGPU()
		} else {
			point.Dropped++
		}
		read()
	}
	return res, nil
}

// arrivals draws jobs until they ask for as many milli-GPU as wanted.
func arrivals(jobs []Job, want int64, seed uint64) ([]int, error) {
	r := random(seed)
	order := make([]int, len(jobs))
	var sum int64
	for i := range jobs {
		order[i] = i
		sum += jobs[i].milliGPU()
	}
	if sum == 0 {
		return nil, fmt.Errorf("fill: no job asks for a GPU")
	}
	if sum > want {
		shuffle(&r, order)
	}
	for sum > want && len(order) > 1 {
		sum -= jobs[order[len(order)-1]].milliGPU()
		order = order[:len(order)-1]
	}
	for sum < want {
		j := r.below(len(jobs))
		order = append(order, j)
		sum += jobs[j].milliGPU()
	}
	shuffle(&r, order)
	return order, nil
}

// fragmented sums the fragmentation of a fleet.
func fragmented(f *fgd, c *cluster) int64 {
	var sum float64
	for i := range c.machines {
		if !c.machines[i].down {
			sum += f.fragmentation(&c.machines[i])
		}
	}
	return int64(sum)
}

// compareJobs is the order of service: priority, then arrival, then place in
// the trace.
func compareJobs(jobs []Job, a, b int) int {
	return cmp.Or(-cmp.Compare(jobs[a].Priority, jobs[b].Priority), cmp.Compare(jobs[a].Arrival, jobs[b].Arrival), cmp.Compare(a, b))
}
