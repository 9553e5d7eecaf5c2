// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tarsia.dev/tarsia/placement"
)

func TestRequests(t *testing.T) {
	type res = placement.Resources
	tests := []struct {
		name string
		spec string // of a pod, in flow style
		want placement.Resources
	}{
		{"none", "containers: [{name: a}]", res{}},
		{"sum", "containers: [{name: a, resources: {requests: {cpu: 100m, memory: 1Gi}}}, {name: b, resources: {requests: {cpu: 1.5}}}]", res{"cpu": 1600, "memory": 1 << 30}},
		{"limits are requests", "containers: [{name: a, resources: {limits: {cpu: 2, nvidia.com/gpu: 1}, requests: {cpu: 1}}}]", res{"cpu": 1000, "nvidia.com/gpu": 1}},
		{"fractions round up", "containers: [{name: a, resources: {requests: {cpu: 100u, memory: 1500m}}}]", res{"cpu": 1, "memory": 2}},
		{"zero is nothing", "containers: [{name: a, resources: {requests: {cpu: 0}}}]", res{}},
		{"small init container", "initContainers: [{name: i, resources: {requests: {cpu: 1}}}], containers: [{name: a, resources: {requests: {cpu: 2}}}]", res{"cpu": 2000}},
		{"large init container", "initContainers: [{name: i, resources: {requests: {cpu: 3, memory: 1}}}, {name: j, resources: {requests: {cpu: 1}}}], containers: [{name: a, resources: {requests: {cpu: 2, memory: 5}}}]", res{"cpu": 3000, "memory": 5}},
		{"sidecar", "initContainers: [{name: s, restartPolicy: Always, resources: {requests: {cpu: 1}}}], containers: [{name: a, resources: {requests: {cpu: 2}}}]", res{"cpu": 3000}},
		// KEP-753: an init container runs beside the sidecars started before it.
		{"init container after sidecar", "initContainers: [{name: s, restartPolicy: Always, resources: {requests: {cpu: 1}}}, {name: i, resources: {requests: {cpu: 3}}}], containers: [{name: a, resources: {requests: {cpu: 2}}}]", res{"cpu": 4000}},
		{"init container before sidecar", "initContainers: [{name: i, resources: {requests: {cpu: 3}}}, {name: s, restartPolicy: Always, resources: {requests: {cpu: 1}}}], containers: [{name: a, resources: {requests: {cpu: 2}}}]", res{"cpu": 3000}},
		{"overhead", "overhead: {cpu: 250m, memory: 1Mi}, containers: [{name: a, resources: {requests: {cpu: 1}}}]", res{"cpu": 1250, "memory": 1 << 20}},
		{"pod level", "resources: {requests: {cpu: 5}, limits: {memory: 8}}, containers: [{name: a, resources: {requests: {cpu: 1, nvidia.com/gpu: 2}}}]", res{"cpu": 5000, "memory": 8, "nvidia.com/gpu": 2}},
		{"pod level limit above containers", "resources: {limits: {cpu: 5}}, containers: [{name: a, resources: {requests: {cpu: 1}}}]", res{"cpu": 1000}},
		{"largest number", "containers: [{name: a, resources: {requests: {memory: 9223372036854775807}}}]", res{"memory": 1<<63 - 1}},
		{"exponent", "containers: [{name: a, resources: {requests: {memory: 1e3}}}]", res{"memory": 1000}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {" + tt.spec + "}\n"
			in, err := Read([]File{{"f", []byte(text)}})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, in.Gangs[0].PodSets[0].Shape.Requests); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSelector(t *testing.T) {
	affinity := func(terms string) string {
		return "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [" + terms + "]}}}"
	}
	in := func(key string, values ...string) placement.Term {
		return placement.Term{Key: key, Operator: "In", Values: values}
	}
	none := placement.Resources{}
	tests := []struct {
		name, spec string
		want       placement.Shape
	}{
		{"node selector", "nodeSelector: {b: '2', a: '1'}", placement.Shape{Requests: none, Selector: []placement.Term{in("a", "1"), in("b", "2")}}},
		{"architecture", "nodeSelector: {kubernetes.io/arch: riscv64}", placement.Shape{Requests: none, Architectures: []string{"riscv64"}}},
		{"architectures", affinity("{matchExpressions: [{key: kubernetes.io/arch, operator: In, values: [riscv64, arm64, arm64]}]}"), placement.Shape{Requests: none, Architectures: []string{"arm64", "riscv64"}}},
		{"narrowed", "nodeSelector: {kubernetes.io/arch: arm64}, " + affinity("{matchExpressions: [{key: kubernetes.io/arch, operator: In, values: [riscv64, arm64]}]}"),
			placement.Shape{Requests: none, Architectures: []string{"arm64"}}},
		{"contradicting", "nodeSelector: {kubernetes.io/arch: arm64}, " + affinity("{matchExpressions: [{key: kubernetes.io/arch, operator: In, values: [amd64]}]}"),
			placement.Shape{Requests: none, Architectures: []string{"arm64"}, Selector: []placement.Term{in("kubernetes.io/arch", "amd64")}}},
		{"not an architecture", affinity("{matchExpressions: [{key: kubernetes.io/arch, operator: NotIn, values: [amd64]}]}"),
			placement.Shape{Requests: none, Selector: []placement.Term{{Key: "kubernetes.io/arch", Operator: "NotIn", Values: []string{"amd64"}}}}},
		{"all operators", affinity("{matchExpressions: [{key: a, operator: Exists}, {key: b, operator: DoesNotExist}, {key: c, operator: Gt, values: ['4']}, {key: d, operator: Lt, values: ['-1']}], matchFields: [{key: metadata.name, operator: In, values: [n]}]}"),
			placement.Shape{Requests: none, Selector: []placement.Term{
				{Key: "a", Operator: "Exists"}, {Key: "b", Operator: "DoesNotExist"}, {Key: "c", Operator: "Gt", Values: []string{"4"}},
				{Key: "d", Operator: "Lt", Values: []string{"-1"}}, in("metadata.name", "n"),
			}}},
		{"several terms", affinity("{matchExpressions: [{key: a, operator: Exists}]}, {matchExpressions: [{key: kubernetes.io/arch, operator: In, values: [arm64]}]}"),
			placement.Shape{Requests: none, AnyOf: [][]placement.Term{{{Key: "a", Operator: "Exists"}}, {in("kubernetes.io/arch", "arm64")}}}},
		{"tolerations", "tolerations: [{key: a, value: b, effect: NoSchedule}, {operator: Exists}]",
			placement.Shape{Requests: none, Tolerations: []placement.Toleration{{Key: "a", Operator: "Equal", Value: "b", Effect: "NoSchedule"}, {Operator: "Exists"}}}},
		{"numeric toleration", "tolerations: [{key: a, operator: Gt, value: '1'}]", placement.Shape{Requests: none}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Read([]File{{"f", []byte(pod("p", "", ", "+tt.spec))}})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got.Gangs[0].PodSets[0].Shape, cmpopts.IgnoreFields(placement.Shape{}, "QoS")); diff != "" {
				t.Errorf("shape (-want +got):\n%s", diff)
			}
		})
	}
}

// A gang that selects nodes by name finds the name among their labels.
func TestNodeNameField(t *testing.T) {
	text := nodeText("", "", "allocatable: {cpu: 1}"+ready)
	by := pod("p", "", ", affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchFields: [{key: metadata.name, operator: In, values: [n]}]}, {matchExpressions: [{key: a, operator: Exists}]}]}}}")
	for want, files := range map[string]string{"": text, "n": text + by} {
		in, err := Read([]File{{"f", []byte(files)}})
		if err != nil {
			t.Fatal(err)
		}
		if got := in.Nodes[0].Labels[FieldName]; got != want {
			t.Errorf("label %s: got %q, want %q", FieldName, got, want)
		}
	}
}

// A template that names its node selects that node.
func TestTemplateNodeName(t *testing.T) {
	in, err := Read([]File{{"f", []byte(manifest(t, "    spec:", "    spec:\n      nodeName: n"))}})
	if err != nil {
		t.Fatal(err)
	}
	want := []placement.Term{{Key: FieldName, Operator: "In", Values: []string{"n"}}}
	if diff := cmp.Diff(want, in.Gangs[0].PodSets[0].Shape.Selector); diff != "" {
		t.Errorf("selector (-want +got):\n%s", diff)
	}
}

func TestSelectorRefused(t *testing.T) {
	const path = "f:5: spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"
	tests := []struct{ name, terms, want string }{
		{"no term", "", path + ": found no term, wanted at least one"},
		{"empty term", "{}", path + "[0]: found an empty term, which matches no node; wanted matchExpressions or matchFields"},
		{"In nothing", "{matchExpressions: [{key: a, operator: In}]}", path + "[0].matchExpressions[0].values: found no value, wanted at least one for operator In"},
		{"Exists with value", "{matchExpressions: [{key: a, operator: Exists, values: [b]}]}", path + "[0].matchExpressions[0].values: found 1 values, wanted none for operator Exists"},
		{"Gt word", "{matchExpressions: [{key: a, operator: Gt, values: [b]}]}", path + `[0].matchExpressions[0].values[0]: found "b", wanted a whole number for operator Gt`},
		{"Gt two", "{matchExpressions: [{key: a, operator: Gt, values: ['1', '2']}]}", path + "[0].matchExpressions[0].values: found 2 values, wanted one whole number for operator Gt"},
		{"no key", "{matchExpressions: [{operator: Exists}]}", path + "[0].matchExpressions[0]: found no key, wanted a node-label key"},
		{"other field", "{matchFields: [{key: spec.x, operator: In, values: [b]}]}", path + "[0].matchFields[0]: found spec.x In, wanted metadata.name with In or NotIn"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Read([]File{{"f", []byte(pod("p", "", ", affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: ["+tt.terms+"]}}}"))}})
			if err == nil {
				t.Fatal("read without an error")
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTolerationRefused(t *testing.T) {
	for text, want := range map[string]string{
		"{key: a, operator: Is}":               `f:5: spec.tolerations[0].operator: found "Is", wanted Equal or Exists`,
		"{key: a, operator: Exists, value: b}": `f:5: spec.tolerations[0].value: found "b", wanted no value with operator Exists`,
		"{value: b}":                           "f:5: spec.tolerations[0]: found no key, wanted one, or operator Exists",
	} {
		_, err := Read([]File{{"f", []byte(pod("p", "", ", tolerations: ["+text+"]"))}})
		if err == nil || err.Error() != want {
			t.Errorf("%s: got error %v, want %s", text, err, want)
		}
	}
}
