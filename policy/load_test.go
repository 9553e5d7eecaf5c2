// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/placement"
)

// head begins every policy of these tests: four lines.
const head = "apiVersion: tarsia.dev/v1alpha1\nkind: PlacementPolicy\nmetadata: {name: test}\n\n"

func TestLoadExample(t *testing.T) {
	data, err := os.ReadFile("../examples/policy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p, err := Load("policy.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range p.Classes {
		for _, l := range c.Lines {
			got = append(got, l.String())
		}
	}
	want := []string{
		`policy.yaml:25: takes jobs with job.labels["tarsia.dev/class"] == "latency"`,
		"policy.yaml:28: nvlink is required",
		"policy.yaml:29: each pod has cores of its own: whole cores, on a node that gives them out",
		"policy.yaml:30: domains: domains used by level, then nodes",
		"policy.yaml:30: devices: device-set score lost, sets broken",
		"policy.yaml:30: opportunity: gang shapes of the demand mix that are destroyed",
		"policy.yaml:30: cost: the class's costs",
		"policy.yaml:31: cost: money",
		`policy.yaml:33: takes jobs with job.labels["tarsia.dev/class"] == "batch"`,
		"policy.yaml:36: requires no pod without GPUs on a GPU node, until the job has waited 30m",
		"policy.yaml:40: nvlink is required for jobs with job.requests[\"nvidia.com/gpu\"] > 0, and preferred once the job has waited 10m",
		"policy.yaml:41: given-up: preferred levels given up",
		"policy.yaml:41: cost: the class's costs",
		"policy.yaml:41: domains: domains used by level, then nodes",
		"policy.yaml:42: cost: money",
		"policy.yaml:42: cost: watts",
		"policy.yaml:44: takes every job",
		"policy.yaml:45: affinity: label preferences not met",
		"policy.yaml:45: domains: domains used by level, then nodes",
		"policy.yaml:45: cost: the class's costs",
		"policy.yaml:46: cost: money",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLoadRefuses(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"empty", "", "f:1: found no document, want one"},
		{"syntax", head + "classes: [", "f:5: "},
		{"other kind", "apiVersion: v1\nkind: Pod\n",
			"f:1:13: apiVersion: found \"v1\", want tarsia.dev/v1alpha1\n" +
				"f:2:7: kind: found \"Pod\", want PlacementPolicy\n" +
				"f:2:7: classes: found no class, want at least one"},
		{"unknown key", head + "classes:\n- name: a\n  leves: []\n", `f:7:3: classes[0]: found the unknown key "leves", did you mean "levels"?`},
		{"no name", head + "classes:\n- match: \"true\"\n", "f:1:1: classes[0].name: found nothing, want a name"},
		{"two of one name", head + "classes:\n- {name: a, match: \"true\"}\n- {name: a}\n", `f:7:10: classes[1].name: found "a" again, first on line 6`},
		{"behind all", head + "classes:\n- name: a\n- name: b\n", `f:7:9: classes[1]: found a class behind "a", which has no match`},
		{"unknown name", head + "classes:\n- name: a\n  match: job.label[\"x\"] == \"y\"\n",
			`f:7:10: classes[0].match: found the unknown name "job.label", did you mean "job.labels"?`},
		{"not of a job", head + "classes:\n- name: a\n  match: node.name == \"y\"\n",
			`f:7:10: classes[0].match: found the unknown name "node.name", did you mean "job.name"?`},
		{"nothing near", head + "classes:\n- name: a\n  match: 1 == zebra\n", `f:7:15: classes[0].match: found the unknown name "zebra", want one of job.name, job.labels`},
		{"wrong type", head + "classes:\n- name: a\n  match: job.labels[\"x\"] > 5\n",
			`f:7:26: classes[0].match: found a fault in the expression: found no matching overload for '_>_' applied to '(string, int)'`},
		{"whole amount", head + "classes:\n- name: a\n  match: job.requests[\"cpu\"] == 4\n",
			"f:7:30: classes[0].match: found a fault in the expression: found no matching overload for '_==_' applied to '(double, int)'; amounts are doubles: write 4.0 for 4"},
		{"no bool", head + "classes:\n- name: a\n  match: job.name\n", "f:7:10: classes[0].match: found an expression of type string, want bool"},
		{"CEL syntax in a block", head + "classes:\n- name: a\n  match: >\n    job.pods > 3 &&\n    job.name ==\n", "f:9:15: classes[0].match: found a fault in the expression: Syntax error: mismatched input '<EOF>'"},
		{"literal block", head + "classes:\n- name: a\n  match: |\n    job.pods > 3 &&\n      job.nam == \"x\"\n",
			`f:9:7: classes[0].match: found the unknown name "job.nam", did you mean "job.name"?`},
		{"quoted", head + "classes:\n- name: a\n  match: \"job.labels[\\\"a\\\"] == \\\"b\\\" && job.pod > 1\"\n",
			`f:7:41: classes[0].match: found the unknown name "job.pod", did you mean "job.pods"?`},
		{"bad regex", head + "classes:\n- name: a\n  match: job.name.matches(\"(\")\n", "f:7:27: classes[0].match: found a fault in the expression: invalid matches argument"},
		{"has", head + "classes:\n- name: a\n  match: has(job.labels.x)\n", `f:7:13: classes[0].match: found has() of a label, level or resource, want "KEY" in job.labels`},
		{"too dear", head + "classes:\n- name: a\n  match: job.labels.all(k, job.labels.all(m, k.contains(m)))\n", "f:7:10: classes[0].match: found an expression that may take "},
		{"nested loops", head + "classes:\n- name: a\n  match: '[1].all(a, [1].all(b, [1].all(c, a == b && b == c)))'\n", "f:7:40: classes[0].match: found a fault in the expression: comprehension exceeds nesting limit"},
		{"mode", head + "classes:\n- name: a\n  levels: [{level: x, mode: requird}]\n", `f:7:29: classes[0].levels[0].mode: found "requird", did you mean "required"?`},
		{"after alone", head + "classes:\n- name: a\n  levels: [{level: x, mode: required, after: 3m}]\n", "f:7:20: classes[0].levels[0]: found only one of after and then, want both or neither"},
		{"wait", head + "classes:\n- name: a\n  rules: [{require: \"true\", until: soon}]\n", `f:7:36: classes[0].rules[0].until: found "soon", want a duration such as 10m or 1h30m`},
		{"negative wait", head + "classes:\n- name: a\n  rules: [{require: \"true\", until: -3m}]\n", `f:7:36: classes[0].rules[0].until: found "-3m", want whole seconds`},
		{"family", head + "classes:\n- name: a\n  objective: [cost, domain]\n", `f:7:21: classes[0].objective[1]: found "domain", did you mean "domains"?`},
		{"family twice", head + "classes:\n- name: a\n  objective: [cost, cost]\n", `f:7:21: classes[0].objective[1]: found "cost" again`},
		{"cost", head + "classes:\n- name: a\n  costs: [mony]\n", `f:7:11: classes[0].costs[0]: found "mony", did you mean "money"?`},
		{"cost without price", head + "classes:\n- name: a\n  costs: [money]\n", `f:7:11: classes[0].costs[0]: found no price in money, want lines under prices that state it`},
		{"no currency", head + "prices:\n  lines: [{resource: cpu, money: 1}]\nclasses: [{name: a}]\n", "f:1:1: prices.currency: found nothing, want the currency"},
		{"price", head + "prices:\n  currency: EUR\n  lines: [{resource: cpu, money: -1}]\nclasses: [{name: a}]\n", `f:7:34: prices.lines[0].money: found "-1", want a number such as 0.25`},
		{"fine price", head + "prices:\n  currency: EUR\n  lines: [{resource: cpu, money: 0.0000001}]\nclasses: [{name: a}]\n", `f:7:34: prices.lines[0].money: found "0.0000001", want at most 6 digits after the point`},
		{"priceless", head + "prices:\n  lines: [{resource: cpu}]\nclasses: [{name: a}]\n", `f:6:22: prices.lines[0]: found neither money nor watts`},
		{"cores", head + "classes:\n- name: a\n  exclusiveCores: true\n", `f:7:19: classes[0].exclusiveCores: found no nodes.exclusiveCores, want`},
		{"yes", head + "classes:\n- name: a\n  preempt: maybe\n", `f:7:12: classes[0].preempt: found "maybe", want true or false`},
		{"spares", head + "classes:\n- name: a\n  spares: -1\n", `f:7:11: classes[0].spares: found "-1", want a whole number from 0 to 1000`},
		{"demand", head + "demand: [{name: d, requests: {memory: 3 loaves}}]\nclasses: [{name: a}]\n", `f:5:39: demand[0].requests.memory: found "3 loaves", want a number`},
		{"cost type", head + "costs: [{name: spot, perPod: node.name}]\nclasses: [{name: a}]\n", "f:5:30: costs[0].perPod: found an expression of type string, want int"},
		{"several", head + "classes:\n- name: a\n  match: job.x\n  levels: [{level: r, mode: no}]\n  preempt: 7\n",
			"f:7:10: classes[0].match: found the unknown name \"job.x\", want one of job.name, job.labels, job.priority, job.pods, job.requests, job.waited\n" +
				"f:8:29: classes[0].levels[0].mode: found \"no\", want one of required, preferred, counted\n" +
				"f:9:12: classes[0].preempt: found \"7\", want true or false"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := Load("f", []byte(c.in))
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("found %v\nwant  %s", err, c.want)
			}
			if p != nil {
				t.Error("found a policy beside the error")
			}
		})
	}
}

// All faults of a long file are counted, 20 are shown.
func TestLoadBoundsFaults(t *testing.T) {
	_, err := Load("f", []byte(head+"classes:\n"+strings.Repeat("- {name: \"\", preempt: x}\n", 30)))
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != maxFaults+1 || !strings.HasPrefix(lines[maxFaults], "f: and ") {
		t.Errorf("found %d lines, the last %q", len(lines), lines[len(lines)-1])
	}
}

func TestLoadDemand(t *testing.T) {
	p, err := Load("f", []byte(head+"demand:\n- {name: a, weight: 3, pods: 4, level: rack, requests: {cpu: 500m, memory: 3Gi, nvidia.com/gpu: 8}}\n- {name: b, requests: {cpu: 2}}\nclasses: [{name: c}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []placement.Demand{
		{Shape: placement.Shape{Requests: placement.Resources{"cpu": 500, "memory": 3 << 30, "nvidia.com/gpu": 8}}, Weight: 3, Pods: 4, Level: "rack"},
		{Shape: placement.Shape{Requests: placement.Resources{"cpu": 2000}}, Weight: 1, Pods: 1},
	}
	if diff := cmp.Diff(want, p.Demand()); diff != "" {
		t.Error(diff)
	}
}
