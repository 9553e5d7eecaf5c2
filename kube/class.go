// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"maps"

	corev1 "k8s.io/api/core/v1"

	"tarsia.dev/tarsia/placement"
	"tarsia.dev/tarsia/topologymanager"
)

// qosOf is the quality-of-service class that the API server gives a pod
// (core/v1, PodQOSClass): Guaranteed where every container limits CPU and memory
// and requests as much, BestEffort where none asks for either.
func qosOf(spec *corev1.PodSpec) topologymanager.QoS {
	guaranteed, asks := true, false
	look := func(r *corev1.ResourceRequirements) {
		for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
			limit, limited := r.Limits[name]
			request, requested := r.Requests[name]
			asks = asks || limited && !limit.IsZero() || requested && !request.IsZero()
			guaranteed = guaranteed && limited && !limit.IsZero() && (!requested || request.Cmp(limit) == 0)
		}
	}
	if spec.Resources != nil { // pod-level resources decide alone (KEP-2837)
		look(spec.Resources)
	} else {
		for i := range spec.InitContainers {
			look(&spec.InitContainers[i].Resources)
		}
		for i := range spec.Containers {
			look(&spec.Containers[i].Resources)
		}
	}
	switch {
	case !asks:
		return topologymanager.QoSBestEffort
	case guaranteed:
		return topologymanager.QoSGuaranteed
	}
	return topologymanager.QoSBurstable
}

// classify gives a gang the labels and the priority of what it was made from:
// the PodGroup's labels win over the workload's, those over the pods'; the
// highest priority of its pods counts.
func classify(gang *placement.Gang, g *parts) {
	for i, m := range g.members {
		for name, value := range m.labels {
			if gang.Labels == nil {
				gang.Labels = map[string]string{}
			}
			if _, has := gang.Labels[name]; !has {
				gang.Labels[name] = value
			}
		}
		if i == 0 || m.priority > gang.Priority {
			gang.Priority = m.priority
		}
	}
	if g.group == nil || len(g.group.labels) == 0 {
		return
	}
	if gang.Labels == nil {
		gang.Labels = map[string]string{}
	}
	maps.Copy(gang.Labels, g.group.labels)
}

// over lays labels over others.
func over(under, labels map[string]string) map[string]string {
	if len(labels) == 0 {
		return under
	}
	out := maps.Clone(under)
	if out == nil {
		out = map[string]string{}
	}
	maps.Copy(out, labels)
	return out
}
