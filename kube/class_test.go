// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/topologymanager"
)

func TestQoS(t *testing.T) {
	for _, c := range []struct {
		spec string
		want topologymanager.QoS
	}{
		{"containers: [{name: a}]", topologymanager.QoSBestEffort},
		{"containers: [{name: a, resources: {limits: {cpu: 2, memory: 1Gi}}}]", topologymanager.QoSGuaranteed},
		{"containers: [{name: a, resources: {limits: {cpu: 2, memory: 1Gi}, requests: {cpu: 2000m}}}]", topologymanager.QoSGuaranteed},
		{"containers: [{name: a, resources: {limits: {cpu: 2, memory: 1Gi}, requests: {cpu: 1}}}]", topologymanager.QoSBurstable},
		{"containers: [{name: a, resources: {limits: {cpu: 2, memory: 1Gi}}}, {name: b}]", topologymanager.QoSBurstable},
		{"containers: [{name: a, resources: {requests: {cpu: 2, memory: 1Gi}}}]", topologymanager.QoSBurstable},
		{"containers: [{name: a, resources: {limits: {nvidia.com/gpu: 1}}}]", topologymanager.QoSBestEffort},
		{"initContainers: [{name: i}], containers: [{name: a, resources: {limits: {cpu: 2, memory: 1Gi}}}]", topologymanager.QoSBurstable},
		{"resources: {limits: {cpu: 2, memory: 1Gi}}, containers: [{name: a}]", topologymanager.QoSGuaranteed},
	} {
		in, err := Read([]File{{"f", []byte("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {" + c.spec + "}\n")}})
		if err != nil {
			t.Errorf("%s: %v", c.spec, err)
			continue
		}
		if got := in.Gangs[0].PodSets[0].Shape.QoS; got != c.want {
			t.Errorf("%s: found %s, want %s", c.spec, got, c.want)
		}
	}
}

// A gang has the labels of all that it was made from, the outermost winning, and
// the highest priority.
func TestLabelsAndPriority(t *testing.T) {
	const group = "apiVersion: scheduling.k8s.io/v1beta1\nkind: PodGroup\nmetadata: {name: g, labels: {a: group, b: group}}\nspec:\n  schedulingPolicy: {gang: {minCount: 2}}\n"
	const job = "---\napiVersion: batch/v1\nkind: Job\nmetadata: {name: j, labels: {a: job, c: job}}\nspec:\n  parallelism: 2\n" +
		"  template: {metadata: {labels: {a: pod, c: pod, d: pod}}, spec: {priority: 7, containers: [{name: c}]}}\n"
	in, err := Read([]File{{"f", []byte(group +
		pod("p", ", labels: {a: pod, e: pod}", ", priority: -3, schedulingGroup: {podGroupName: g}") +
		pod("q", ", labels: {e: other}", ", priority: 5, schedulingGroup: {podGroupName: g}") + job)}})
	if err != nil {
		t.Fatal(err)
	}
	type class struct {
		Labels   map[string]string
		Priority int32
	}
	var got []class
	for _, g := range in.Gangs {
		got = append(got, class{g.Labels, g.Priority})
	}
	want := []class{
		{map[string]string{"a": "group", "b": "group", "e": "pod"}, 5},
		{map[string]string{"a": "job", "c": "job", "d": "pod"}, 7},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
