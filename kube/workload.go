// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// workload is an object that makes pods, and the pods that it would make.
type workload struct {
	o       *object
	owner   string // key of the workload that made it; "" is none
	rules   []rule // of its own annotations, for each of its gangs
	numa    bool   // its own annotation, for each of its pods
	labels  map[string]string
	members []member
}

// workload begins a workload from the object's metadata.
func (r *reader) workload(o *object, meta *metav1.ObjectMeta) workload {
	annotations := o.at("metadata", "annotations")
	w := workload{o: o, rules: r.levelRules(annotations, meta.Annotations), numa: r.aligned(annotations, meta.Annotations), labels: meta.Labels}
	if c := metav1.GetControllerOfNoCopy(meta); c != nil {
		w.owner = objectKey(c.Kind, o.namespace, c.Name)
	}
	return w
}

// apply gives a member what the workload asks for as a whole.
func (w *workload) apply(m *member) {
	m.rules = append(m.rules, w.rules...)
	m.shape.AlignNUMA = m.shape.AlignNUMA || w.numa
	m.labels = over(m.labels, w.labels)
}

// add finishes a workload: its members get its rules.
func (r *reader) add(w workload) {
	for i := range w.members {
		w.apply(&w.members[i])
	}
	r.workloads = append(r.workloads, w)
}

// count reads a number of pods: nil is one, as every API defaults it. Negative is
// an error; zero asks for no pods, which is noted.
func (r *reader) count(w where, n *int32) int64 {
	switch {
	case n == nil:
		return 1
	case *n < 0:
		r.fail(w.errorf("found %d, wanted 0 or more", *n))
		return 0
	case *n == 0:
		r.notes.add("no pods "+w.o.key(), w, "%s asks for no pods", w.o.title())
	}
	return int64(*n)
}

// ask counts pods asked for against MaxPods, before anything that size is made.
func (r *reader) ask(w where, n int64) bool {
	if n > MaxPods-r.asked {
		r.fail(w.errorf("found %d pods on top of %d, wanted at most %d in all files", n, r.asked, int64(MaxPods)))
		return false
	}
	r.asked += n
	return n > 0
}

func (r *reader) job(o *object) {
	var j batchv1.Job
	if !r.decode(o, &j) {
		return
	}
	for _, c := range j.Status.Conditions {
		if (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) && c.Status == corev1.ConditionTrue {
			r.notes.add("finished job", o.at(), "%s has finished and is not placed", o.title())
			return
		}
	}
	w := r.workload(o, &j.ObjectMeta)
	if m, ok := r.jobMember(o.at("spec"), &j.Spec, 1); ok {
		m.key = gangName("Job", o.namespace, o.name)
		m.gang, m.set = m.key, o.name
		w.members = []member{m}
	}
	r.add(w)
}

// jobMember is the pods that a number of like Jobs run at a time: parallelism, but
// no more than there are completions. w is the place of the JobSpec.
func (r *reader) jobMember(w where, spec *batchv1.JobSpec, jobs int64) (member, bool) {
	pods := r.count(w.in("parallelism"), spec.Parallelism)
	if spec.Completions != nil {
		pods = min(pods, r.count(w.in("completions"), spec.Completions))
	}
	m := r.template(w.in("template"), &spec.Template.ObjectMeta, &spec.Template.Spec)
	m.count = pods * jobs
	return m, r.ask(w, m.count)
}

func (r *reader) deployment(o *object) {
	var d appsv1.Deployment
	if r.decode(o, &d) {
		r.replicas(o, &d.ObjectMeta, d.Spec.Replicas, &d.Spec.Template)
	}
}

func (r *reader) statefulSet(o *object) {
	var s appsv1.StatefulSet
	if r.decode(o, &s) {
		r.replicas(o, &s.ObjectMeta, s.Spec.Replicas, &s.Spec.Template)
	}
}

// replicas reads a workload whose pods do not wait for each other. They are gangs
// of one, unless their template joins them to a PodGroup.
func (r *reader) replicas(o *object, meta *metav1.ObjectMeta, replicas *int32, template *corev1.PodTemplateSpec) {
	w := r.workload(o, meta)
	m := r.template(o.at("spec", "template"), &template.ObjectMeta, &template.Spec)
	m.set = o.name
	n := r.count(o.at("spec", "replicas"), replicas)
	if r.ask(o.at("spec", "replicas"), n) {
		w.members = spread(m, n)
	}
	r.add(w)
}

// spread makes n gangs, NAME-0 to NAME-(n-1), of a member; one of a PodGroup stays
// whole.
func spread(m member, n int64) []member {
	if m.group != "" {
		m.count = n
		return []member{m}
	}
	m.count = 1
	out := make([]member, 0, n)
	for i := range n {
		m.key = indexed(m.at.o, i)
		m.gang = m.key
		out = append(out, m)
	}
	return out
}

// indexed names the gang of one replica of a workload.
func indexed(o *object, i int64) string {
	return gangName(o.kind, o.namespace, fmt.Sprintf("%s-%d", o.name, i))
}
