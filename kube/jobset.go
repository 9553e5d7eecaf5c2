// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"fmt"
	"slices"
	"strconv"

	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// jobSetObject is what is read of a JobSet (jobset.x-k8s.io/v1alpha2, field names
// of kubernetes-sigs/jobset api/jobset/v1alpha2/jobset_types.go).
type jobSetObject struct {
	metav1.TypeMeta   `json:""`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		ReplicatedJobs []replicatedJob `json:"replicatedJobs"`
	} `json:"spec"`
	Status struct {
		TerminalState string `json:"terminalState"` // Completed or Failed; empty while it runs
	} `json:"status"`
}

// replicatedJob is Replicas Jobs of one template.
type replicatedJob struct {
	Name     string                  `json:"name"`
	Replicas *int32                  `json:"replicas"`
	Template batchv1.JobTemplateSpec `json:"template"`
	// DependsOn starts the Jobs later than others of the set.
	DependsOn []struct {
		Name string `json:"name"`
	} `json:"dependsOn"`
}

func (r *reader) jobSet(o *object) {
	var s jobSetObject
	if !r.decode(o, &s) {
		return
	}
	if s.Status.TerminalState != "" {
		r.notes.add("finished jobset", o.at(), "%s has finished and is not placed", o.title())
		return
	}
	w := r.workload(o, &s.ObjectMeta)
	list := o.at("spec", "replicatedJobs")
	if len(s.Spec.ReplicatedJobs) == 0 {
		r.fail(list.errorf("found no replicated job, wanted at least one"))
	}
	gang := gangName("JobSet", o.namespace, o.name)
	var jobs int64
	for i := range s.Spec.ReplicatedJobs {
		if n := s.Spec.ReplicatedJobs[i].Replicas; n != nil {
			jobs += int64(max(*n, 0))
		} else {
			jobs++
		}
	}
	whole := r.exclusive(o.at("metadata", "annotations"), s.Annotations, jobSetExclusive, jobs)
	var names []string
	for i := range s.Spec.ReplicatedJobs {
		j := &s.Spec.ReplicatedJobs[i]
		jw := list.in(strconv.Itoa(i))
		if j.Name == "" || slices.Contains(names, j.Name) {
			r.fail(jw.in("name").errorf("found %s, wanted a name of its own for each replicated job", quoted(j.Name)))
		}
		names = append(names, j.Name)
		if len(j.DependsOn) > 0 {
			r.notes.add("dependsOn", jw.in("dependsOn"), "dependsOn is not looked at: all jobs of %s are placed together", o.title())
		}
		w.members = append(w.members, r.replicatedJob(jw, j, gang, whole)...)
	}
	r.add(w)
}

// replicatedJob is a pod set of the JobSet's gang; with an exclusive topology, of
// the JobSet (whole) or its own, each of its Jobs is a gang inside one domain.
func (r *reader) replicatedJob(w where, j *replicatedJob, gang string, whole []rule) []member {
	jobs := r.count(w.in("replicas"), j.Replicas)
	template := w.in("template")
	m, ok := r.jobMember(template.in("spec"), &j.Template.Spec, jobs)
	annotations := template.in("metadata", "annotations")
	m.rules = append(m.rules, r.levelRules(annotations, j.Template.Annotations)...)
	m.set, m.key, m.gang = j.Name, gang, gang
	exclusive := whole
	if len(exclusive) == 0 {
		exclusive = r.exclusive(annotations, j.Template.Annotations, jobSetExclusive, jobs)
	}
	switch {
	case !ok:
		return nil
	case len(exclusive) == 0 || m.group != "":
		m.rules = append(m.rules, exclusive...)
		return []member{m}
	}
	m.rules = append(m.rules, exclusive...)
	pods := m.count / jobs
	out := make([]member, 0, jobs)
	for i := range jobs {
		m.count = pods
		m.key = fmt.Sprintf("%s-%s-%d", gang, j.Name, i)
		m.gang = m.key
		out = append(out, m)
	}
	return out
}
