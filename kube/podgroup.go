// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"strconv"

	corev1 "k8s.io/api/core/v1"
	schedulingv1beta1 "k8s.io/api/scheduling/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tarsia.dev/tarsia/placement"
)

// API versions of the three kinds named PodGroup.
const (
	nativeGroupV1beta1   = "scheduling.k8s.io/v1beta1"
	nativeGroupV1alpha3  = "scheduling.k8s.io/v1alpha3" // the fields read are those of v1beta1
	coschedulingV1alpha1 = "scheduling.x-k8s.io/v1alpha1"
	volcanoV1beta1       = "scheduling.volcano.sh/v1beta1"
)

// Families of PodGroups: a pod points to each in another way.
const (
	nativeFamily       = "scheduling.k8s.io"
	coschedulingFamily = "scheduling.x-k8s.io"
	volcanoFamily      = "scheduling.volcano.sh"
)

// podGroup is a PodGroup of any family.
type podGroup struct {
	o       *object
	min     int64 // pods without which none runs
	minAt   where
	gang    bool // false: its pods do not wait for each other
	rules   []rule
	running int64 // pods of it that run
	numa    bool
	labels  map[string]string
}

// otherGroup is what is read of a PodGroup of scheduler-plugins
// (scheduling.x-k8s.io/v1alpha1) and of Volcano (scheduling.volcano.sh/v1beta1).
type otherGroup struct {
	metav1.TypeMeta   `json:""`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		MinMember       *int32 `json:"minMember"`
		NetworkTopology *struct {
			Mode string `json:"mode"`
		} `json:"networkTopology"` // Volcano: tiers of HyperNodes
	} `json:"spec"`
}

func (r *reader) podGroup(o *object) {
	switch o.apiVersion {
	case coschedulingV1alpha1:
		r.otherGroup(o, coschedulingFamily)
	case volcanoV1beta1:
		r.otherGroup(o, volcanoFamily)
	default:
		r.nativeGroup(o)
	}
}

func (r *reader) nativeGroup(o *object) {
	var p schedulingv1beta1.PodGroup
	if !r.decode(o, &p) {
		return
	}
	g := r.newGroup(o, &p.ObjectMeta)
	policy := o.at("spec", "schedulingPolicy")
	switch {
	case p.Spec.SchedulingPolicy.Gang != nil && p.Spec.SchedulingPolicy.Basic == nil:
		g.gang, g.minAt = true, policy.in("gang", "minCount")
		g.min = int64(p.Spec.SchedulingPolicy.Gang.MinCount)
		if g.min < 1 {
			r.fail(g.minAt.errorf("found %d, wanted 1 or more", g.min))
		}
	case p.Spec.SchedulingPolicy.Basic == nil || p.Spec.SchedulingPolicy.Gang != nil:
		r.fail(policy.errorf("found none or both of its policies, wanted gang or basic"))
	}
	if c := p.Spec.SchedulingConstraints; c != nil {
		for i, t := range c.Topology {
			at := o.at("spec", "schedulingConstraints", "topology", strconv.Itoa(i), "key")
			if t.Key == "" {
				r.fail(at.errorf("found no key, wanted a node-label key"))
			}
			g.rules = append(g.rules, rule{LevelRule: placement.LevelRule{Level: t.Key, Mode: placement.Required}, at: at})
		}
	}
	if p.Spec.ParentCompositePodGroupName != nil {
		r.notes.add("composite", o.at("spec", "parentCompositePodGroupName"), "a group of PodGroups is not looked at: each is placed by itself")
	}
	if len(p.Spec.ResourceClaims) > 0 {
		r.notes.add("group claims", o.at("spec", "resourceClaims"), "a resource claim (DRA) of a PodGroup is not looked at")
	}
	r.groups[groupKey(nativeFamily, o.namespace, o.name)] = g
}

func (r *reader) otherGroup(o *object, family string) {
	var p otherGroup
	if !r.decode(o, &p) {
		return
	}
	g := r.newGroup(o, &p.ObjectMeta)
	g.gang, g.minAt = true, o.at("spec", "minMember")
	g.min = r.count(g.minAt, p.Spec.MinMember)
	if t := p.Spec.NetworkTopology; t != nil {
		at := o.at("spec", "networkTopology")
		if t.Mode == "soft" {
			r.notes.add("volcano soft", at, "a wish for a tier of HyperNodes is not looked at")
		} else {
			r.fail(at.errorf("found a demand for a tier of HyperNodes, wanted a level by name: write it as annotation %s", RequiredLevel))
		}
	}
	r.groups[groupKey(family, o.namespace, o.name)] = g
}

func (r *reader) newGroup(o *object, meta *metav1.ObjectMeta) *podGroup {
	annotations := o.at("metadata", "annotations")
	return &podGroup{
		labels: meta.Labels,
		o:      o, minAt: o.at("spec"),
		rules: r.levelRules(annotations, meta.Annotations),
		numa:  r.aligned(annotations, meta.Annotations),
	}
}

// groupOf is the key of the PodGroup that a pod or template points to, and where
// it does so; "" is none.
func groupOf(w where, meta *metav1.ObjectMeta, spec *corev1.PodSpec) (string, where) {
	ns := w.o.namespace
	if s := spec.SchedulingGroup; s != nil && s.PodGroupName != nil {
		return groupKey(nativeFamily, ns, *s.PodGroupName), w.in("spec", "schedulingGroup", "podGroupName")
	}
	if name := meta.Labels[coschedulingGroup]; name != "" {
		return groupKey(coschedulingFamily, ns, name), w.in("metadata", "labels", coschedulingGroup)
	}
	if name := meta.Annotations[volcanoGroup]; name != "" {
		return groupKey(volcanoFamily, ns, name), w.in("metadata", "annotations", volcanoGroup)
	}
	return "", where{}
}

func groupKey(family, namespace, name string) string {
	return family + " PodGroup " + namespace + "/" + name
}
