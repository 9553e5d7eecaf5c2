// SPDX-License-Identifier: Apache-2.0

// Package simulate replays job traces against placement policies. A trace is a
// list of nodes and a list of jobs; Fill lets the jobs arrive one by one until
// the fleet is full, Replay runs them through time with queues, ends, and node
// failures. The tarsia policies decide through placement.Place, as the scheduler
// does; the others are small baselines of the literature on a state of their
// own. The same trace, options and seed give the same result on any machine: the
// package reads no file and knows no clock but the one it is given.
package simulate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tarsia.dev/tarsia/placement"
)

// GPU is the resource name of the accelerators of a trace; LabelModel is the
// node label with their model.
const (
	GPU        = "nvidia.com/gpu"
	LabelModel = "tarsia.dev/gpu-model"
)

// wholeGPU is one whole GPU in milli-GPU.
const wholeGPU = 1000

// Node is a machine of the simulated fleet.
type Node struct {
	Name        string
	CPUMilli    int64
	MemoryBytes int64
	GPUs        int
	Model       string // of its GPUs; "" has none, or it is not known
	Domains     []placement.Domain
	// PerHour is its price in thousandths of the trace's currency; nil is unknown.
	PerHour *int64
}

// Job is a gang of equal pods that arrives, waits, runs and ends.
type Job struct {
	Name        string
	Arrival     int64  // seconds from the beginning of the trace
	Duration    *int64 // seconds; nil: it never ends
	Priority    int32  // larger is served first
	Pods        int
	CPUMilli    int64 // a pod
	MemoryBytes int64
	GPUs        int      // a pod
	GPUMilli    int64    // of each of these GPUs; 1000 is all of it
	Models      []string // any of; empty is any
	// Level is the level of which all pods should share a domain; "" asks for
	// none. Required makes the wish a rule, for the policies that know levels.
	Level    string
	Required bool
}

// milliGPU is what the whole job asks for, in milli-GPU.
func (j *Job) milliGPU() int64 { return int64(j.Pods) * int64(j.GPUs) * j.GPUMilli }

// Trace is a fleet and its jobs, in the order of arrival.
type Trace struct {
	Nodes  []Node
	Levels []string // outermost first
	Jobs   []Job
}

// Check refuses what no policy could read: names that are empty or repeated,
// negative numbers, a share of several GPUs.
func (t *Trace) Check() error {
	if len(t.Nodes) == 0 {
		return fmt.Errorf("check trace: it has no nodes")
	}
	seen := map[string]bool{}
	for _, n := range t.Nodes {
		if n.Name == "" || seen[n.Name] {
			return fmt.Errorf("check trace: node %q: want a name that no other node has", n.Name)
		}
		seen[n.Name] = true
		if n.CPUMilli < 0 || n.MemoryBytes < 0 || n.GPUs < 0 || n.GPUs > maxGPUs {
			return fmt.Errorf("check trace: node %q: want no negative amount and at most %d GPUs", n.Name, maxGPUs)
		}
	}
	clear(seen)
	for i := range t.Jobs {
		j := &t.Jobs[i]
		if j.Name == "" || seen[j.Name] {
			return fmt.Errorf("check trace: job %q: want a name that no other job has", j.Name)
		}
		seen[j.Name] = true
		if err := j.check(); err != nil {
			return fmt.Errorf("check trace: job %q: %w", j.Name, err)
		}
	}
	return nil
}

// Bounds of what one node and one job may have.
const (
	maxGPUs = 64
	maxPods = 1 << 16
)

func (j *Job) check() error {
	switch {
	case j.Pods < 1 || j.Pods > maxPods:
		return fmt.Errorf("it has %d pods, want 1 to %d", j.Pods, maxPods)
	case j.Arrival < 0 || j.CPUMilli < 0 || j.MemoryBytes < 0 || j.Duration != nil && *j.Duration < 0:
		return fmt.Errorf("it has a negative amount, want 0 or more")
	case j.GPUs < 0 || j.GPUs > maxGPUs:
		return fmt.Errorf("it asks for %d GPUs a pod, want 0 to %d", j.GPUs, maxGPUs)
	case j.GPUs > 0 && (j.GPUMilli < 1 || j.GPUMilli > wholeGPU):
		return fmt.Errorf("it asks for %d thousandths of a GPU, want 1 to %d", j.GPUMilli, wholeGPU)
	case j.GPUs > 1 && j.GPUMilli < wholeGPU:
		return fmt.Errorf("it asks for a share of %d GPUs, want a share of one, or whole ones", j.GPUs)
	case j.CPUMilli == 0 && j.MemoryBytes == 0 && j.GPUs == 0:
		return fmt.Errorf("it asks for nothing, want CPU, memory or a GPU")
	}
	return nil
}

// kind is what decides where one pod fits. Jobs of a kind are interchangeable
// pod by pod.
type kind struct {
	cpu, memory int64
	gpus        int
	milli       int64
	models      string // sorted, joined by |; "" is any
}

func (j *Job) kind() kind {
	k := kind{cpu: j.CPUMilli, memory: j.MemoryBytes, gpus: j.GPUs}
	if j.GPUs > 0 {
		k.milli = j.GPUMilli
		k.models = strings.Join(slices.Compact(slices.Sorted(slices.Values(j.Models))), "|")
	}
	return k
}

func (k kind) share() bool { return k.gpus == 1 && k.milli < wholeGPU }

func compareKinds(a, b kind) int {
	return cmp.Or(cmp.Compare(a.gpus, b.gpus), cmp.Compare(a.milli, b.milli), cmp.Compare(a.cpu, b.cpu),
		cmp.Compare(a.memory, b.memory), strings.Compare(a.models, b.models))
}

// Demand is one kind of pod of a trace and how many of all its pods are of it.
type demand struct {
	kind
	pods int64
}

// mixOf counts the pods of jobs by kind, most frequent first.
func mixOf(jobs []Job) []demand {
	pods := map[kind]int64{}
	for i := range jobs {
		pods[jobs[i].kind()] += int64(jobs[i].Pods)
	}
	mix := make([]demand, 0, len(pods))
	for k, n := range pods {
		mix = append(mix, demand{k, n})
	}
	slices.SortFunc(mix, func(a, b demand) int { return cmp.Or(cmp.Compare(b.pods, a.pods), compareKinds(a.kind, b.kind)) })
	return mix
}

// capacity is the GPUs of a fleet, in milli-GPU.
func capacity(nodes []Node) int64 {
	var sum int64
	for _, n := range nodes {
		sum += int64(n.GPUs) * wholeGPU
	}
	return sum
}
