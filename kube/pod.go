// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"cmp"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tarsia.dev/tarsia/placement"
)

// podObject is a Pod (core/v1) as read.
type podObject struct {
	o *object
	corev1.Pod
}

func (r *reader) pod(o *object) {
	p := podObject{o: o}
	if r.decode(o, &p.Pod) {
		r.pods = append(r.pods, p)
	}
}

// owner is the key of the workload that the pod belongs to, or "". Pods of a
// JobSet and a LeaderWorkerSet say so by label, since a Job or StatefulSet
// stands between; those of a Deployment by the ReplicaSet's name.
func (p *podObject) owner() string {
	if name := p.Labels[jobSetName]; name != "" {
		return objectKey("JobSet", p.o.namespace, name)
	}
	if name := p.Labels[lwsName]; name != "" {
		return objectKey("LeaderWorkerSet", p.o.namespace, name)
	}
	c := metav1.GetControllerOfNoCopy(&p.ObjectMeta)
	if c == nil {
		return ""
	}
	if i := strings.LastIndexByte(c.Name, '-'); c.Kind == "ReplicaSet" && i > 0 {
		return objectKey("Deployment", p.o.namespace, c.Name[:i])
	}
	return objectKey(c.Kind, p.o.namespace, c.Name)
}

// gang is the key and the name of the gang that a pending pod without PodGroup
// belongs to, and the name of its set there.
func (p *podObject) gang() (key, name, set string) {
	ns := p.o.namespace
	controller := metav1.GetControllerOfNoCopy(&p.ObjectMeta)
	if set := p.Labels[jobSetName]; set != "" {
		name = gangName("JobSet", ns, set)
		// With an exclusive topology each Job of the set stands by itself; it is
		// named SET-REPLICATEDJOB-INDEX.
		if p.Annotations[jobSetExclusive] != "" && controller != nil {
			name = gangName("JobSet", ns, controller.Name)
		}
		return name, name, p.Labels[jobSetJob]
	}
	if lws := p.Labels[lwsName]; lws != "" {
		name = gangName("LeaderWorkerSet", ns, lws+"-"+p.Labels[lwsIndex])
		return name, name, ""
	}
	if controller != nil && controller.Kind == "Job" {
		name = gangName("Job", ns, controller.Name)
		return name, name, controller.Name
	}
	name = gangName("Pod", ns, p.o.name)
	return name, name, p.o.name
}

// gangName names a gang as kubectl names objects, with the namespace where it is
// not the default one: job/train, jobset/research/train.
func gangName(kind, namespace, name string) string {
	kind = strings.ToLower(kind)
	if namespace == metav1.NamespaceDefault || namespace == "" {
		return kind + "/" + name
	}
	return kind + "/" + namespace + "/" + name
}

// template reads what pods made from a template, or a pod itself, ask for. w is
// the place that has metadata and spec.
func (r *reader) template(w where, meta *metav1.ObjectMeta, spec *corev1.PodSpec) member {
	annotations := w.in("metadata", "annotations")
	m := member{
		at:     w,
		rules:  r.levelRules(annotations, meta.Annotations),
		joined: meta.Annotations[kueueGroup],
		shape:  r.shape(w.in("spec"), spec),
		labels: meta.Labels,
	}
	if spec.Priority != nil {
		m.priority = *spec.Priority
	}
	m.shape.AlignNUMA = r.aligned(annotations, meta.Annotations)
	m.group, m.groupAt = groupOf(w, meta, spec)
	r.remarks(w.in("spec"), spec)
	return m
}

// shape is what decides on which nodes a pod fits.
func (r *reader) shape(w where, spec *corev1.PodSpec) placement.Shape {
	if len(spec.Containers) == 0 {
		r.fail(w.in("containers").errorf("found no container, wanted at least one"))
	}
	shape := placement.Shape{Requests: r.podRequests(w, spec), Images: images(spec), QoS: qosOf(spec)}
	r.selector(w, spec, &shape)
	for i, t := range spec.Tolerations {
		tw := w.in("tolerations", strconv.Itoa(i))
		operator := cmp.Or(t.Operator, corev1.TolerationOpEqual)
		switch {
		case operator == corev1.TolerationOpGt || operator == corev1.TolerationOpLt:
			r.notes.add("toleration "+string(operator), tw, "operator %s is not looked at; the toleration tolerates nothing here", operator)
			continue
		case operator != corev1.TolerationOpEqual && operator != corev1.TolerationOpExists:
			r.fail(tw.in("operator").errorf("found %s, wanted Equal or Exists", quoted(string(operator))))
		case operator == corev1.TolerationOpExists && t.Value != "":
			r.fail(tw.in("value").errorf("found %s, wanted no value with operator Exists", quoted(t.Value)))
		case operator == corev1.TolerationOpEqual && t.Key == "":
			r.fail(tw.errorf("found no key, wanted one, or operator Exists"))
		}
		shape.Tolerations = append(shape.Tolerations, placement.Toleration{
			Key: t.Key, Operator: string(operator), Value: t.Value, Effect: string(t.Effect),
		})
	}
	return shape
}

// remarks notes what is asked for and not looked at, so that "placed" is never
// read as more than it says.
func (r *reader) remarks(w where, spec *corev1.PodSpec) {
	remark := func(present bool, what string, path ...string) {
		if present {
			r.notes.add(what, w.in(path...), "%s is not looked at", what)
		}
	}
	if a := spec.Affinity; a != nil {
		remark(a.PodAffinity != nil, "pod affinity", "affinity", "podAffinity")
		remark(a.PodAntiAffinity != nil, "pod anti-affinity", "affinity", "podAntiAffinity")
		remark(a.NodeAffinity != nil && len(a.NodeAffinity.PreferredDuringSchedulingIgnoredDuringExecution) > 0,
			"preferred node affinity", "affinity", "nodeAffinity", "preferredDuringSchedulingIgnoredDuringExecution")
	}
	remark(len(spec.TopologySpreadConstraints) > 0, "topology spread", "topologySpreadConstraints")
	remark(len(spec.ResourceClaims) > 0, "a resource claim (DRA)", "resourceClaims")
	remark(len(spec.SchedulingGates) > 0, "a scheduling gate, which keeps the pod from being scheduled,", "schedulingGates")
	remark(spec.PriorityClassName != "" || spec.Priority != nil, "priority (gangs are placed in the order of the files)", "priorityClassName")
	for i := range spec.Containers {
		for _, p := range spec.Containers[i].Ports {
			remark(p.HostPort != 0, "a host port", "containers", strconv.Itoa(i), "ports")
		}
	}
	for i := range spec.Volumes {
		remark(spec.Volumes[i].PersistentVolumeClaim != nil, "the place of a persistent volume", "volumes", strconv.Itoa(i))
	}
}
