// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"os"
	"strings"
	"testing"
)

// FuzzLoad: a policy or an error, never both, never a panic; every error says
// where.
func FuzzLoad(f *testing.F) {
	example, err := os.ReadFile("../examples/policy.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{
		string(example),
		head + "classes:\n- name: a\n  match: >-\n    job.labels.exists(k, k.startsWith(\"x\")) &&\n    job.waited > duration(\"10m\")\n",
		head + "classes:\n- name: a\n  match: \"job.labels[\\\"a\\\"] == \\u0022b\\\" && job.pod > 1\"\n",
		head + "costs: [{name: spot, perPod: 'node.labels[\"spot\"] == \"true\" ? 10 : 0'}]\nclasses: [{name: a, costs: [spot]}]\n",
		head + "demand: [{name: d, weight: 3, pods: 4, level: nvlink, requests: {cpu: 500m, memory: 3Gi, nvidia.com/gpu: 8}}]\nclasses: [{name: a, spares: 2}]\n",
		head + "x: &x {name: a}\nclasses: [*x, {<<: *x, match: 'true'}]\n",
		head + "classes: [{name: a, match: 'has(job.labels.x) ? [1,2].map(i, i * 2) : {\"a\": 1}.a'}]\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Load("f", data)
		if (p == nil) == (err == nil) {
			t.Fatalf("found policy %v and error %v, want one of them", p != nil, err)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "f:") {
			t.Errorf("found %v, want the name and the line first", err)
		}
		if err != nil {
			return
		}
		for _, c := range p.Classes {
			for _, l := range c.Lines {
				if l.At.Line < 1 || l.At.Column < 1 {
					t.Errorf("found %+v, want a place", l)
				}
			}
		}
	})
}
