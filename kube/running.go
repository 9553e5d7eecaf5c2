// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"time"

	"tarsia.dev/tarsia/placement"
)

// running is a bound pod as a holder of resources, with the gang that it is
// evicted with.
func (r *reader) running(p *podObject) placement.Running {
	_, gang, _ := p.gang()
	if gang == gangName("Pod", p.o.namespace, p.o.name) {
		gang = ""
	}
	if key, _ := groupOf(p.o.at(), &p.ObjectMeta, &p.Spec); r.groups[key] != nil {
		g := r.groups[key]
		g.running++
		if g.gang {
			gang = gangName("PodGroup", g.o.namespace, g.o.name)
		}
	}
	out := placement.Running{
		Name:     p.o.namespace + "/" + p.o.name,
		Node:     p.Spec.NodeName,
		Requests: r.podRequests(p.o.at("spec"), &p.Spec),
		Gang:     gang,
	}
	if p.Spec.Priority != nil {
		out.Priority = *p.Spec.Priority
	}
	if limit, start := p.Spec.ActiveDeadlineSeconds, p.Status.StartTime; limit != nil && start != nil {
		r.deadlines[out.Name] = start.Add(time.Duration(min(*limit, maxDeadline)) * time.Second)
	}
	return out
}

// maxDeadline bounds activeDeadlineSeconds, as Kubernetes does (2^31-1).
const maxDeadline = 1<<31 - 1

// EndsFrom tells the running pods when they end, as seen at a time: those with a
// start and spec.activeDeadlineSeconds end then at the latest. The others may run
// for ever.
func (in *Input) EndsFrom(now time.Time) {
	for i := range in.Running {
		if at, known := in.Deadlines[in.Running[i].Name]; known {
			// A fraction of a second more than the end is not before it.
			in.Running[i].End = new(int64((at.Sub(now) + time.Second - 1) / time.Second))
		}
	}
}
