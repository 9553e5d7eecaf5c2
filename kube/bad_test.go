// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// manifest writes a Job, with the changes of a case: each pair replaces a line's
// text.
func manifest(t *testing.T, pairs ...string) string {
	t.Helper()
	text := `apiVersion: batch/v1
kind: Job
metadata:
  name: train
spec:
  parallelism: 4
  template:
    spec:
      containers:
      - name: c
        resources:
          requests:
            cpu: 2
            nvidia.com/gpu: 4
`
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("%q is not in the manifest", pairs[i])
		}
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	return text
}

const (
	aPod  = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c}]}\n"
	aNode = "apiVersion: v1\nkind: Node\nmetadata: {name: n}\nstatus: {allocatable: {cpu: 4}}\n"
)

func TestReadRefuses(t *testing.T) {
	tests := []struct {
		name string
		text string
		want string // whole error, several joined by newlines
	}{
		{"empty", " \n", "f: the file is empty, wanted Kubernetes objects"},
		{"only comments", "# nothing\n---\n", "f: found nothing to read, wanted a Kubernetes object of kind Node, Pod, Job, JobSet, LeaderWorkerSet, Deployment, StatefulSet or PodGroup"},
		{"ignored kinds only", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cm}\n", "f: found nothing to read, wanted a Kubernetes object of kind Node, Pod, Job, JobSet, LeaderWorkerSet, Deployment, StatefulSet or PodGroup"},
		{"nodes without nodes", "apiVersion: v1\nkind: List\nitems: []\n", "f: found nothing to read, wanted a Kubernetes object of kind Node, Pod, Job, JobSet, LeaderWorkerSet, Deployment, StatefulSet or PodGroup"},
		{"list without items", "apiVersion: v1\nkind: NodeList\n", "f:1: the NodeList has no items"},
		{"items no list", "apiVersion: v1\nkind: NodeList\nitems: 3\n", "f:3: items: found no list, wanted the objects of the NodeList"},
		{"list in list", "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: List\n  items: []\n", "f:4: List: found a list inside a list, wanted its items"},
		{"no mapping", "- a\n- b\n", "f:1: found no mapping, wanted a Kubernetes object with apiVersion and kind"},
		{"no kind", "apiVersion: v1\nmetadata: {name: x}\n", "f:1: object: found no kind, wanted a Kubernetes object with apiVersion and kind"},
		{"no apiVersion", "kind: Node\nmetadata: {name: x}\n", "f:1: Node x: found no apiVersion, wanted a Kubernetes object with apiVersion and kind"},
		{"old apiVersion", manifest(t, "batch/v1", "batch/v1beta1"), `f:1: apiVersion: found "batch/v1beta1" for kind Job, wanted batch/v1`},
		{"unknown PodGroup", "apiVersion: example.com/v1\nkind: PodGroup\nmetadata: {name: g}\n",
			`f:1: apiVersion: found "example.com/v1" for kind PodGroup, wanted scheduling.k8s.io/v1beta1 or scheduling.k8s.io/v1alpha3 or scheduling.x-k8s.io/v1alpha1 or scheduling.volcano.sh/v1beta1`},
		{"no name", "apiVersion: v1\nkind: Pod\nmetadata: {labels: {a: b}}\nspec: {containers: [{name: c}]}\n", "f:3: metadata: the Pod has no name, wanted metadata.name or generateName"},
		{"two nodes of one name", aNode + "---\n" + aNode, "f:8: metadata.name: found a second Node n, the first is at f:3"},
		{"two pods of one name", aPod + "---\n" + aPod, "f:8: metadata.name: found a second Pod p, the first is at f:3"},
		{"negative parallelism", manifest(t, ": 4", ": -3"), "f:6: spec.parallelism: found -3, wanted 0 or more"},
		{"parallelism too large", manifest(t, ": 4", ": 3000000000"), "f:6: spec.parallelism: found 3000000000, wanted a whole number of at most 32 bits"},
		{"too many pods", manifest(t, ": 4", ": 2000000000"), "f:5: spec: found 2000000000 pods on top of 0, wanted at most 1000000 in all files"},
		{"parallelism a string", manifest(t, ": 4", `: "4"`), `f:6: spec.parallelism: found "4", wanted a whole number of at most 32 bits`},
		{"parallelism a list", manifest(t, ": 4", ": [4]"), "f:6: spec.parallelism: found a list, wanted a whole number of at most 32 bits"},
		{"mistyped field", manifest(t, "parallelism", "paralelism"), "f:6: spec.paralelism: found a field that Kubernetes does not have, did you mean parallelism?"},
		{"foreign field", manifest(t, "parallelism", "workers"), "f:6: spec.workers: found a field that Kubernetes does not have"},
		{"misplaced requests", manifest(t, "- name: c", "- name: c\n        requests: {cpu: 4}"), "f:11: spec.template.spec.containers[0].requests: found a field that Kubernetes does not have"},
		{"negative quantity", manifest(t, "cpu: 2", "cpu: -2"), "f:13: spec.template.spec.containers[0].resources.requests.cpu: found -2, wanted 0 or more"},
		{"no quantity", manifest(t, "cpu: 2", "cpu: two"), `f:13: spec.template.spec.containers[0].resources.requests.cpu: found "two", wanted a quantity such as 500m, 2 or 16Gi`},
		{"endless quantity", manifest(t, "cpu: 2", "cpu: 1e100000000"), `f:13: spec.template.spec.containers[0].resources.requests.cpu: found "1e100000000", wanted a quantity such as 500m, 2 or 16Gi`},
		{"huge quantity", manifest(t, "cpu: 2", "cpu: 100E"), "f:13: spec.template.spec.containers[0].resources.requests.cpu: found 100E, wanted at most 9223372036854775"},
		{"half a device", manifest(t, "gpu: 4", "gpu: 500m"), "f:14: spec.template.spec.containers[0].resources.requests[nvidia.com/gpu]: found 500m, wanted a whole number"},
		{"request above limit", manifest(t, "requests:", "limits: {cpu: 1}\n          requests:"), "f:14: spec.template.spec.containers[0].resources.requests.cpu: found a request above its limit, wanted at most 1000"},
		{"sum too large", manifest(t, "- name: c", "- name: d\n        resources: {requests: {memory: 6E}}\n      - name: c", "cpu: 2", "memory: 6E"),
			"f:8: spec.template.spec: the containers' memory adds up to more than 2^63-1"},
		{"gang too large", manifest(t, "cpu: 2", "memory: 6E"), "f:7: spec.template: job/train: memory adds up to more than 2^63-1"},
		{"syntax", manifest(t, "spec:\n  parallelism", "spec:\n   parallelism"), "f:7: did not find expected key at \"  template:\""},
		{"no container", "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: []}\n", "f:4: spec.containers: found no container, wanted at least one"},
		{"two problems", manifest(t, ": 4", ": -3", "cpu: 2", "cpu: -2"),
			"f:6: spec.parallelism: found -3, wanted 0 or more\nf:13: spec.template.spec.containers[0].resources.requests.cpu: found -2, wanted 0 or more"},
		{"empty level", manifest(t, "name: train", "name: train\n  annotations:\n    tarsia.dev/required-level: 'nvlink,'"),
			`f:6: metadata.annotations[tarsia.dev/required-level]: found "nvlink,", wanted levels: nvlink, rack, zone, region, host or a node-label key`},
		{"NUMA word", manifest(t, "name: train", "name: train\n  annotations:\n    tarsia.dev/numa: strict"),
			`f:6: metadata.annotations[tarsia.dev/numa]: found "strict", wanted "aligned"`},
		{"annotation no string", manifest(t, "name: train", "name: train\n  annotations:\n    tarsia.dev/numa: true"),
			"f:6: metadata.annotations[tarsia.dev/numa]: found true, wanted a string (in quotes, where YAML would read another type)"},
		{"slices", manifest(t, "    spec:", "    metadata:\n      annotations:\n        kueue.x-k8s.io/podset-slice-required-topology: rack\n    spec:"),
			"f:10: spec.template.metadata.annotations[kueue.x-k8s.io/podset-slice-required-topology]: found a topology for parts of a pod set, wanted one for the whole: parts cannot be placed by level"},
		{"operator", manifest(t, "      containers:", "      affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: Is, values: [b]}]}]}}}\n      containers:"),
			`f:9: spec.template.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].operator: found "Is", wanted In, NotIn, Exists, DoesNotExist, Gt or Lt`},
		{"taint effect", aNode + "spec: {taints: [{key: a, effect: Never}]}\n", `f:5: spec.taints[0].effect: found "Never", wanted NoSchedule, PreferNoSchedule or NoExecute`},
		{"node labels a list", "apiVersion: v1\nkind: Node\nmetadata: {name: n, labels: [a]}\n", "f:3: metadata.labels: found a list, wanted a mapping"},
		{"node quantity", "apiVersion: v1\nkind: Node\nmetadata: {name: n}\nstatus:\n  allocatable:\n    cpu: 4\n    memory: lots\n", `f:7: status.allocatable.memory: found "lots", wanted a quantity such as 500m, 2 or 16Gi`},
		{"node quantity below zero", "apiVersion: v1\nkind: Node\nmetadata: {name: n}\nstatus:\n  allocatable:\n    cpu: -4\n", "f:6: status.allocatable.cpu: found -4, wanted 0 or more"},
		{"nodes too large together", aNode + "---\n" + strings.NewReplacer("name: n", "name: m", "cpu: 4", "memory: 6E").Replace(aNode) +
			"---\n" + strings.NewReplacer("name: n", "name: o", "cpu: 4", "memory: 6E").Replace(aNode), "f:14: status: nodes: memory adds up to more than 2^63-1"},
		{"name a number", "apiVersion: v1\nkind: Node\nmetadata: {name: 7}\n", "f:3: metadata.name: found 7, wanted a string (in quotes, where YAML would read another type)"},
		{"key twice", aPod + "metadata: {name: p}\n", `f:5: found the key "metadata" again, first on line 3`},
		{"list joined to a job", "apiVersion: v1\nkind: List\nitems: []\n" + manifest(t), `f:4: found the key "apiVersion" again, first on line 1: wanted --- before another object`},
		{"merged quantity", "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    resources:\n      requests:\n        <<: {cpu: 1e100000000}\n",
			`f:9: spec.containers[0].resources.requests.cpu: found "1e100000000", wanted a quantity such as 500m, 2 or 16Gi`},
		{"merged field", "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  <<: [{container: []}]\n  containers: [{name: c}]\n",
			"f:5: spec.container: found a field that Kubernetes does not have, did you mean containers?"},
		{"time", "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n  creationTimestamp: yesterday\nspec: {containers: [{name: c}]}\n",
			`f:5: metadata.creationTimestamp: found "yesterday", wanted a time such as 2026-01-31T12:00:00Z`},
		{"flag a word", "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  hostNetwork: on\n  containers: [{name: c}]\n", `f:5: spec.hostNetwork: found "on", wanted true or false`},
		{"containers a mapping", "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers: {name: c}\n", "f:5: spec.containers: found a mapping, wanted a list"},
		{"spec a list", "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: []\n", "f:4: spec: found a list, wanted a mapping"},
		{"taint without key", aNode + "spec: {taints: [{effect: NoSchedule}]}\n", "f:5: spec.taints[0]: found no key, wanted a taint with a key"},
		{"JSON list without items", `{"apiVersion": "v1", "kind": "NodeList"}`, "f:1: the NodeList has no items"},
		{"JSON items no list", `{"apiVersion": "v1", "kind": "List", "items": 3}`, "f:1: List: json: cannot unmarshal number into Go struct field .items of type []json.RawMessage"},
		{"second JSON value", "{\"apiVersion\": \"v1\", \"kind\": \"Node\", \"metadata\": {\"name\": \"n\"}}\n[1]", `f:2: found "[1]", wanted a JSON object with apiVersion and kind`},
		{"JSON syntax", "{\"apiVersion\": \"v1\",\n \"kind\": \"Node\",\n \"metadata\": {\"name\" \"n\"}}\n", "f:3: read JSON: invalid character '\"' after object key"},
		{"JSON value", "[1]\n", "f:1: found no mapping, wanted a Kubernetes object with apiVersion and kind"},
		{"JSON wrong type", "{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [\n {\"apiVersion\": \"v1\", \"kind\": \"Node\",\n  \"metadata\": {\"name\": \"n\"},\n  \"status\": {\"allocatable\": {\"cpu\": [4]}}}]}\n",
			"f:4: status.allocatable.cpu: found no scalar, wanted a quantity such as 500m, 2 or 16Gi"},
		{"JSON cut short", `{"apiVersion": "v1", "kind": "Node"`, "f:1: read JSON: unexpected EOF"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in, err := Read([]File{{"f", []byte(tt.text)}})
			if err == nil {
				t.Fatalf("read %v without an error", in)
			}
			if in != nil {
				t.Errorf("got an input beside the error")
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}
