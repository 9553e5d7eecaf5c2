// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/placement"
)

// shown is what a gang is, short enough for a table: NAME MODE:LEVEL... SETxCOUNT...
func shown(gangs []placement.Gang) []string {
	var out []string
	for _, g := range gangs {
		text := g.Name
		for _, r := range g.Rules {
			text += fmt.Sprintf(" %s:%s", r.Mode, r.Level)
		}
		for _, s := range g.PodSets {
			text += fmt.Sprintf(" %sx%d", s.Name, s.Count)
			if s.Shape.AlignNUMA {
				text += " aligned"
			}
		}
		out = append(out, text)
	}
	return out
}

// jobSet writes a JobSet with two replicated jobs; templates is text under each
// pod template.
func jobSet(annotations string, templates ...string) string {
	text := "apiVersion: jobset.x-k8s.io/v1alpha2\nkind: JobSet\nmetadata:\n  name: js\n  annotations: {" + annotations + "}\nspec:\n  successPolicy: {operator: All}\n  replicatedJobs:\n"
	for i, t := range templates {
		text += fmt.Sprintf("  - name: j%d\n    replicas: 2\n    template: {spec: {parallelism: 3, template: {metadata: {annotations: {%s}}, spec: {containers: [{name: c}]}}}}\n", i, t)
	}
	return text
}

func lws(annotations, leader string) string {
	return "apiVersion: leaderworkerset.x-k8s.io/v1\nkind: LeaderWorkerSet\nmetadata:\n  name: lws\n  annotations: {" + annotations +
		"}\nspec:\n  replicas: 2\n  leaderWorkerTemplate:\n    size: 4\n" + leader + "    workerTemplate: {spec: {containers: [{name: c}]}}\n"
}

// pod writes a pod; meta and spec are text in flow style.
func pod(name, meta, spec string) string {
	return fmt.Sprintf("---\napiVersion: v1\nkind: Pod\nmetadata: {name: %s%s}\nspec: {containers: [{name: c}]%s}\n", name, meta, spec)
}

const (
	nativeGroup  = "apiVersion: scheduling.k8s.io/v1beta1\nkind: PodGroup\nmetadata: {name: g}\nspec:\n  schedulingPolicy: {gang: {minCount: 2}}\n"
	volcanoPG    = "apiVersion: scheduling.volcano.sh/v1beta1\nkind: PodGroup\nmetadata: {name: g}\nspec:\n  minMember: 2\n"
	coscheduling = "apiVersion: scheduling.x-k8s.io/v1alpha1\nkind: PodGroup\nmetadata: {name: g}\nspec:\n  minMember: 2\n"
	native       = ", schedulingGroup: {podGroupName: g}"
	ofJob        = ", ownerReferences: [{apiVersion: batch/v1, kind: Job, name: train, uid: u, controller: true}]"
)

func TestGangs(t *testing.T) {
	tests := []struct {
		name  string
		text  string
		gangs []string
		notes []string
	}{
		{"job", manifest(t), []string{"job/train trainx4"}, nil},
		{"job of fewer completions", manifest(t, ": 4", ": 4\n  completions: 3"), []string{"job/train trainx3"}, nil},
		{"job of one", manifest(t, "parallelism: 4", "suspend: true"), []string{"job/train trainx1"}, nil},
		{"job of none", manifest(t, ": 4", ": 0"), nil, []string{"f:6: Job train asks for no pods"}},
		{"namespace", manifest(t, "name: train", "name: train\n  namespace: lab"), []string{"job/lab/train trainx4"}, nil},
		{"finished job", manifest(t) + "status: {conditions: [{type: Complete, status: 'True'}]}\n", nil, []string{"f:1: Job train has finished and is not placed"}},
		{"two levels, NUMA", manifest(t, "name: train", "name: train\n  annotations: {tarsia.dev/required-level: 'zone, nvlink', tarsia.dev/preferred-level: rack, tarsia.dev/numa: aligned}"),
			[]string{"job/train required:zone required:nvlink preferred:rack trainx4 aligned"}, nil},
		{"harder of two modes", manifest(t, "name: train", "name: train\n  annotations: {tarsia.dev/preferred-level: rack}", "    spec:", "    metadata: {annotations: {kueue.x-k8s.io/podset-required-topology: rack}}\n    spec:"),
			[]string{"job/train required:rack trainx4"}, nil},
		{"kueue unconstrained", manifest(t, "    spec:", "    metadata: {annotations: {kueue.x-k8s.io/podset-unconstrained-topology: 'true'}}\n    spec:"), []string{"job/train trainx4"}, nil},

		{"deployment", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 2, selector: {}, template: {spec: {containers: [{name: c}]}}}\n",
			[]string{"deployment/web-0 webx1", "deployment/web-1 webx1"}, nil},
		{"statefulset", "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: db}\nspec: {selector: {}, serviceName: db, template: {spec: {containers: [{name: c}]}}}\n",
			[]string{"statefulset/db-0 dbx1"}, nil},
		{"generated names", strings.Repeat("---\napiVersion: v1\nkind: Pod\nmetadata: {generateName: p-}\nspec: {containers: [{name: c}]}\n", 2),
			[]string{"pod/p-0 p-0x1", "pod/p-1 p-1x1"}, nil},

		{"jobset", jobSet("", "", ""), []string{"jobset/js j0x6 j1x6"}, nil},
		{"jobset in one level", jobSet("tarsia.dev/required-level: rack", ""), []string{"jobset/js required:rack j0x6"}, nil},
		{"jobset of one set with kueue", jobSet("", "kueue.x-k8s.io/podset-preferred-topology: a/b"), []string{"jobset/js preferred:a/b j0x6"}, nil},
		{"jobset of joined sets", jobSet("", "kueue.x-k8s.io/podset-required-topology: a/b, kueue.x-k8s.io/podset-group-name: x", "kueue.x-k8s.io/podset-required-topology: a/b, kueue.x-k8s.io/podset-group-name: x"),
			[]string{"jobset/js required:a/b j0x6 j1x6"}, nil},
		{"exclusive jobset", jobSet("alpha.jobset.sigs.k8s.io/exclusive-topology: a/b", ""),
			[]string{"jobset/js-j0-0 required:a/b j0x3", "jobset/js-j0-1 required:a/b j0x3"},
			[]string{"f:5: each of the 2 groups of JobSet js is placed inside one domain of a/b; that no two share a domain is not looked at"}},

		{"lws", lws("", ""), []string{"leaderworkerset/lws-0 workerx4", "leaderworkerset/lws-1 workerx4"}, nil},
		{"lws with leader", lws("", "    leaderTemplate: {spec: {containers: [{name: l, resources: {requests: {cpu: 1}}}]}}\n"),
			[]string{"leaderworkerset/lws-0 leaderx1 workerx3", "leaderworkerset/lws-1 leaderx1 workerx3"}, nil},
		{"exclusive lws", lws("leaderworkerset.sigs.k8s.io/exclusive-topology: a/b", ""),
			[]string{"leaderworkerset/lws-0 required:a/b workerx4", "leaderworkerset/lws-1 required:a/b workerx4"},
			[]string{"f:5: each of the 2 groups of LeaderWorkerSet lws is placed inside one domain of a/b; that no two share a domain is not looked at"}},

		{"native group", nativeGroup + pod("a-0", "", native) + pod("a-1", "", native), []string{"podgroup/g ax2"}, nil},
		{"native group, pods first", pod("a-0", "", native) + pod("b", "", "") + pod("a-1", "", native) + "---\n" + nativeGroup, []string{"podgroup/g ax2", "pod/b bx1"}, nil},
		{"native group of a job", nativeGroup + "---\n" + manifest(t, "    spec:", "    spec:\n      schedulingGroup: {podGroupName: g}"), []string{"podgroup/g trainx4"},
			[]string{"f:5: PodGroup g needs 2 of its 4 pods; all 4 are placed together"}},
		{"basic group", strings.Replace(nativeGroup, "{gang: {minCount: 2}}", "{basic: {}}", 1) + pod("a", "", native) + pod("b", "", native), []string{"pod/a ax1", "pod/b bx1"}, nil},
		{"basic group with topology", strings.Replace(nativeGroup, "{gang: {minCount: 2}}", "{basic: {}}\n  schedulingConstraints: {topology: [{key: a/b}]}", 1) + pod("a", "", native) + pod("ab", "", native),
			[]string{"podgroup/g required:a/b ax2"}, []string{"f:4: PodGroup g lets its pods start one by one; all 2 are placed together, to share one domain"}},
		{"coscheduling group", coscheduling + pod("a-0", ", labels: {scheduling.x-k8s.io/pod-group: g}", "") + pod("a-1", ", labels: {scheduling.x-k8s.io/pod-group: g}", ""), []string{"podgroup/g ax2"}, nil},
		{"volcano group", volcanoPG + pod("a-0", ", annotations: {scheduling.k8s.io/group-name: g}", "") + pod("z", ", annotations: {scheduling.k8s.io/group-name: g}", ", nodeSelector: {a: b}"),
			[]string{"podgroup/g a-0x1 zx1"}, nil},
		{"group of two families", nativeGroup + "---\n" + coscheduling + pod("a-0", "", native) + pod("a-1", "", native) + pod("b-0", ", labels: {scheduling.x-k8s.io/pod-group: g}", "") + pod("b-1", ", labels: {scheduling.x-k8s.io/pod-group: g}", ""),
			[]string{"podgroup/g ax2", "podgroup/g#2 bx2"}, nil},
		{"group with kueue", nativeGroup + pod("a-0", ", annotations: {kueue.x-k8s.io/podset-required-topology: a/b}", native) + pod("a-1", ", annotations: {kueue.x-k8s.io/podset-required-topology: a/b}", native),
			[]string{"podgroup/g required:a/b ax2"}, nil},
		{"group half running", nativeGroup + pod("a-0", "", native+", nodeName: n") + pod("a-1", "", native), []string{"podgroup/g a-1x1"},
			[]string{"f:1: 1 pods of PodGroup g run already; the other 1 are placed without regard to where"}},

		{"pods stand for their job", manifest(t, "name: train", "name: train\n  annotations: {tarsia.dev/required-level: rack}") + pod("train-0", ofJob, "") + pod("train-1", ofJob, ", nodeName: n"),
			[]string{"job/train required:rack trainx1"}, []string{"f:1: Job train has 2 pods in the files; they stand for it"}},
		{"jobset stands for its job", jobSet("", "") + "---\n" + manifest(t, "name: train", "name: train\n  ownerReferences: [{apiVersion: jobset.x-k8s.io/v1alpha2, kind: JobSet, name: js, uid: u, controller: true}]"),
			[]string{"jobset/js j0x6"}, []string{"f:13: Job train belongs to JobSet js and is placed with it"}},
		{"pods of a jobset", pod("a", ", labels: {jobset.sigs.k8s.io/jobset-name: js, jobset.sigs.k8s.io/replicatedjob-name: w}", "") + pod("b", ", labels: {jobset.sigs.k8s.io/jobset-name: js, jobset.sigs.k8s.io/replicatedjob-name: w}", ""),
			[]string{"jobset/js wx2"}, nil},

		{"pods of an exclusive jobset", pod("a", ", labels: {jobset.sigs.k8s.io/jobset-name: js, jobset.sigs.k8s.io/replicatedjob-name: w}, annotations: {alpha.jobset.sigs.k8s.io/exclusive-topology: a/b}, ownerReferences: [{apiVersion: batch/v1, kind: Job, name: js-w-0, uid: u, controller: true}]", ""),
			[]string{"jobset/js-w-0 required:a/b wx1"}, nil},
		{"pods of an lws", pod("lws-1", ", labels: {leaderworkerset.sigs.k8s.io/name: lws, leaderworkerset.sigs.k8s.io/group-index: '1'}", "") + pod("lws-1-1", ", labels: {leaderworkerset.sigs.k8s.io/name: lws, leaderworkerset.sigs.k8s.io/group-index: '1'}", ""),
			[]string{"leaderworkerset/lws-1 podsx2"}, nil},
		{"pods of a deployment", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 2, selector: {}, template: {spec: {containers: [{name: c}]}}}\n" +
			pod("web-5d-x", ", ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-5d, uid: u, controller: true}]", ""),
			[]string{"pod/web-5d-x web-5d-xx1"}, []string{"f:1: Deployment web has 1 pods in the files; they stand for it"}},
		{"group of a deployment", coscheduling + "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 2, selector: {}, template: {metadata: {labels: {scheduling.x-k8s.io/pod-group: g}}, spec: {containers: [{name: c}]}}}\n",
			[]string{"podgroup/g webx2"}, nil},
		{"composite group with claims", nativeGroup + "  parentCompositePodGroupName: c\n  resourceClaims: [{name: r}]\n" + pod("a-0", "", native) + pod("a-1", "", native), []string{"podgroup/g ax2"},
			[]string{"f:6: a group of PodGroups is not looked at: each is placed by itself", "f:7: a resource claim (DRA) of a PodGroup is not looked at"}},
		{"volcano wish", volcanoPG + "  networkTopology: {mode: soft}\n" + pod("a-0", ", annotations: {scheduling.k8s.io/group-name: g}", "") + pod("a-1", ", annotations: {scheduling.k8s.io/group-name: g}", ""),
			[]string{"podgroup/g ax2"}, []string{"f:6: a wish for a tier of HyperNodes is not looked at"}},
		{"late jobs", strings.Replace(jobSet("", ""), "replicas: 2", "replicas: 2\n    dependsOn: [{name: x, status: Ready}]", 1), []string{"jobset/js j0x6"},
			[]string{"f:11: dependsOn is not looked at: all jobs of JobSet js are placed together"}},
		{"ports and volumes", pod("p", "", ", volumes: [{name: v, persistentVolumeClaim: {claimName: c}}], initContainers: [{name: i, ports: [{containerPort: 1, hostPort: 1}]}]"),
			[]string{"pod/p px1"}, []string{"f:5: the place of a persistent volume is not looked at"}},
		{"ignored kinds", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n" + pod("p", "", ""), []string{"pod/p px1"},
			[]string{"f:1: ConfigMap a is not used (and 1 more like it)"}},
		{"kind that ends in List", "apiVersion: example.com/v1\nkind: AllowList\nmetadata: {name: a}\n" + pod("p", "", ""), []string{"pod/p px1"}, []string{"f:1: AllowList a is not used"}},
		{"finished jobset", jobSet("", "") + "status: {terminalState: Completed}\n", nil, []string{"f:1: JobSet js has finished and is not placed"}},
		{"list of one", "apiVersion: v1\nkind: List\nitems:\n- &p {apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: c}]}}\n- {<<: *p, metadata: {name: q}}\n", []string{"pod/p px1", "pod/q qx1"}, nil},
		{"not looked at", pod("p", "", ", priorityClassName: high, schedulingGates: [{name: g}], affinity: {podAntiAffinity: {}}, topologySpreadConstraints: [{maxSkew: 1, topologyKey: z, whenUnsatisfiable: DoNotSchedule}], resourceClaims: [{name: gpu}]"),
			[]string{"pod/p px1"}, []string{
				"f:5: pod anti-affinity is not looked at", "f:5: topology spread is not looked at", "f:5: a resource claim (DRA) is not looked at",
				"f:5: a scheduling gate, which keeps the pod from being scheduled, is not looked at", "f:5: priority (gangs are placed in the order of the files) is not looked at",
			}},
		{"unknown level", aNode + "---\n" + manifest(t, "name: train", "name: train\n  annotations: {tarsia.dev/required-level: nvlnk}"), []string{"job/train required:nvlnk trainx4"},
			[]string{"f:1: Node n reports no conditions; it is taken to be ready", `f:10: no node has level "nvlnk", which job/train asks for; known here are the label keys of the nodes and host`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in, err := Read([]File{{"f", []byte(tt.text)}})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.gangs, shown(in.Gangs)); diff != "" {
				t.Errorf("gangs (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.notes, in.Notes); diff != "" {
				t.Errorf("notes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGangsRefused(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"group missing", pod("a", "", native), "f:5: spec.schedulingGroup.podGroupName: Pod a belongs to the scheduling.k8s.io PodGroup default/g, which is not in the files"},
		{"group too small", nativeGroup + pod("a", "", native), "f:5: spec.schedulingPolicy.gang.minCount: PodGroup g wants 2 pods together, the files have 1 of 2"},
		{"group without pods", coscheduling, "f:5: spec.minMember: PodGroup g wants 2 pods together, the files have 0 of 2"},
		{"group of none", strings.Replace(nativeGroup, "2", "0", 1), "f:5: spec.schedulingPolicy.gang.minCount: found 0, wanted 1 or more"},
		{"group without policy", strings.Replace(nativeGroup, "{gang: {minCount: 2}}", "{}", 1), "f:5: spec.schedulingPolicy: found none or both of its policies, wanted gang or basic"},
		{"negative member count", strings.Replace(volcanoPG, "2", "-2", 1), "f:5: spec.minMember: found -2, wanted 0 or more"},
		{"volcano tiers", volcanoPG + "  networkTopology: {mode: hard, highestTierAllowed: 1}\n" + pod("a", ", annotations: {scheduling.k8s.io/group-name: g}", "") + pod("b", ", annotations: {scheduling.k8s.io/group-name: g}", ""),
			"f:6: spec.networkTopology: found a demand for a tier of HyperNodes, wanted a level by name: write it as annotation tarsia.dev/required-level"},
		{"level of one set of two", jobSet("", "kueue.x-k8s.io/podset-required-topology: a/b", "tarsia.dev/numa: aligned"),
			"f:11: spec.replicatedJobs[0].template.spec.template.metadata.annotations[kueue.x-k8s.io/podset-required-topology]: found a level for one of several pod sets of jobset/js, wanted one for all: put tarsia.dev/required-level on the workload, or join the sets with kueue.x-k8s.io/podset-group-name"},
		{"jobset without jobs", jobSet(""), "f:8: spec.replicatedJobs: found no replicated job, wanted at least one"},
		{"replicated jobs of one name", strings.Replace(jobSet("", "", ""), "j1", "j0", 1), `f:12: spec.replicatedJobs[1].name: found "j0", wanted a name of its own for each replicated job`},
		{"negative replicas", strings.Replace(jobSet("", ""), "replicas: 2", "replicas: -2", 1), "f:10: spec.replicatedJobs[0].replicas: found -2, wanted 0 or more"},
		{"empty exclusive level", jobSet("alpha.jobset.sigs.k8s.io/exclusive-topology: ''", ""), "f:5: metadata.annotations[alpha.jobset.sigs.k8s.io/exclusive-topology]: found an empty value, wanted a node-label key"},
		{"lws of no pods", strings.Replace(lws("", ""), "size: 4", "size: 0", 1), "f:9: spec.leaderWorkerTemplate.size: found 0, wanted at least 1: the leader"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Read([]File{{"f", []byte(tt.text)}})
			if err == nil {
				t.Fatal("read without an error")
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}
