// SPDX-License-Identifier: Apache-2.0

package kube

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// leaderWorkerSetObject is what is read of a LeaderWorkerSet
// (leaderworkerset.x-k8s.io/v1, field names of kubernetes-sigs/lws
// api/leaderworkerset/v1/leaderworkerset_types.go).
type leaderWorkerSetObject struct {
	metav1.TypeMeta   `json:""`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Replicas             *int32 `json:"replicas"` // groups
		LeaderWorkerTemplate struct {
			Size           *int32                  `json:"size"` // pods of a group, the leader counted
			LeaderTemplate *corev1.PodTemplateSpec `json:"leaderTemplate"`
			WorkerTemplate corev1.PodTemplateSpec  `json:"workerTemplate"`
		} `json:"leaderWorkerTemplate"`
	} `json:"spec"`
}

func (r *reader) leaderWorkerSet(o *object) {
	var s leaderWorkerSetObject
	if !r.decode(o, &s) {
		return
	}
	w := r.workload(o, &s.ObjectMeta)
	t := &s.Spec.LeaderWorkerTemplate
	tw := o.at("spec", "leaderWorkerTemplate")
	replicas := r.count(o.at("spec", "replicas"), s.Spec.Replicas)
	size := r.count(tw.in("size"), t.Size)
	if t.Size != nil && *t.Size == 0 {
		r.fail(tw.in("size").errorf("found 0, wanted at least 1: the leader"))
	}
	w.rules = append(w.rules, r.exclusive(o.at("metadata", "annotations"), s.Annotations, lwsExclusive, replicas)...)
	worker := r.template(tw.in("workerTemplate"), &t.WorkerTemplate.ObjectMeta, &t.WorkerTemplate.Spec)
	worker.set, worker.count = "worker", size
	group := []member{worker}
	if t.LeaderTemplate != nil {
		leader := r.template(tw.in("leaderTemplate"), &t.LeaderTemplate.ObjectMeta, &t.LeaderTemplate.Spec)
		leader.set, leader.count = "leader", 1
		worker.count = size - 1
		group = []member{leader, worker}
	}
	if !r.ask(o.at("spec"), replicas*size) {
		replicas = 0
	}
	for i := range replicas {
		for _, m := range group {
			if m.count > 0 {
				m.key = indexed(o, i)
				m.gang = m.key
				w.members = append(w.members, m)
			}
		}
	}
	r.add(w)
}
