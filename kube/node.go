// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"

	"tarsia.dev/tarsia/placement"
)

// nodeObject is what is read of a Node (core/v1). The rest, images above all,
// is most of its text.
type nodeObject struct {
	o        *object
	Metadata struct {
		Labels map[string]string `json:"labels"`
	} `json:"metadata"`
	Spec struct {
		Taints        []corev1.Taint `json:"taints"`
		Unschedulable bool           `json:"unschedulable"`
	} `json:"spec"`
	Status struct {
		Allocatable corev1.ResourceList    `json:"allocatable"`
		Capacity    corev1.ResourceList    `json:"capacity"`
		Conditions  []corev1.NodeCondition `json:"conditions"`
		NodeInfo    struct {
			Architecture string `json:"architecture"`
		} `json:"nodeInfo"`
	} `json:"status"`
}

func (r *reader) node(o *object) {
	n := nodeObject{o: o}
	if r.decode(o, &n) {
		r.nodes = append(r.nodes, n)
	}
}

// placementNodes converts the nodes; gangs say which label keys are levels.
func (r *reader) placementNodes(gangs []placement.Gang) []placement.Node {
	keys := usedLevels(gangs)
	byName := usesNodeName(gangs)
	total := map[string]int64{}
	var out []placement.Node
	for i := range r.nodes {
		n := &r.nodes[i]
		node := placement.Node{
			Name:          n.o.name,
			Architecture:  r.architecture(n),
			Labels:        n.Metadata.Labels,
			Taints:        r.taints(n),
			Unschedulable: n.Spec.Unschedulable,
			Allocatable:   r.allocatable(n),
			Domains:       r.domains(n, keys),
		}
		node.NotReady = r.notReady(n, node.Allocatable)
		if byName {
			node.Labels = maps.Clone(node.Labels)
			if node.Labels == nil {
				node.Labels = map[string]string{}
			}
			node.Labels[FieldName] = n.o.name
		}
		r.within(total, n.o.at("status"), "nodes", node.Allocatable, 1)
		out = append(out, node)
	}
	r.unknownLevels(gangs, out)
	return out
}

// allocatable is what the node offers to pods, or its capacity where the kubelet
// has not said; nil is unknown.
func (r *reader) allocatable(n *nodeObject) placement.Resources {
	if len(n.Status.Allocatable) > 0 {
		return r.amounts(n.o.at("status", "allocatable"), n.Status.Allocatable)
	}
	if len(n.Status.Capacity) > 0 {
		r.notes.add("capacity", n.o.at("status"), "%s reports no allocatable resources; its capacity is taken", n.o.title())
	}
	return r.amounts(n.o.at("status", "capacity"), n.Status.Capacity)
}

// notReady says why a node takes no pods; "" is ready. A node that reports other
// conditions but not Ready is not known to be ready. One without any condition
// was written by hand, which is noted.
func (r *reader) notReady(n *nodeObject, allocatable placement.Resources) string {
	if allocatable == nil {
		return "neither allocatable resources nor capacity are reported"
	}
	if len(n.Status.Conditions) == 0 {
		r.notes.add("no conditions", n.o.at(), "%s reports no conditions; it is taken to be ready", n.o.title())
		return ""
	}
	for _, c := range n.Status.Conditions {
		if c.Type != corev1.NodeReady {
			continue
		}
		if c.Status == corev1.ConditionTrue {
			return ""
		}
		why := "Ready is " + strconv.Quote(cut(string(c.Status)))
		if c.Reason != "" {
			why += ": " + cut(c.Reason)
		}
		return why
	}
	return "Ready condition is not reported"
}

// architecture is what the kubelet was built for, else what the label says.
func (r *reader) architecture(n *nodeObject) string {
	built := n.Status.NodeInfo.Architecture
	label := cmp.Or(n.Metadata.Labels[labelArch], n.Metadata.Labels[labelArchOld])
	if built != "" && label != "" && built != label {
		r.notes.add("architecture "+n.o.name, n.o.at("status", "nodeInfo", "architecture"),
			"%s is %s by its kubelet and %s by its label; the kubelet is believed", n.o.title(), cut(built), cut(label))
	}
	return cmp.Or(built, label)
}

func (r *reader) taints(n *nodeObject) []placement.Taint {
	var out []placement.Taint
	for i, t := range n.Spec.Taints {
		w := n.o.at("spec", "taints", strconv.Itoa(i))
		switch t.Effect {
		case corev1.TaintEffectNoSchedule, corev1.TaintEffectPreferNoSchedule, corev1.TaintEffectNoExecute:
		default:
			r.fail(w.in("effect").errorf("found %s, wanted NoSchedule, PreferNoSchedule or NoExecute", quoted(string(t.Effect))))
		}
		if t.Key == "" {
			r.fail(w.errorf("found no key, wanted a taint with a key"))
		}
		out = append(out, placement.Taint{Key: t.Key, Value: t.Value, Effect: string(t.Effect)})
	}
	return out
}

// usesNodeName says whether any gang selects nodes by name.
func usesNodeName(gangs []placement.Gang) bool {
	isField := func(t placement.Term) bool { return t.Key == FieldName }
	for _, g := range gangs {
		for _, s := range g.PodSets {
			if slices.ContainsFunc(s.Shape.Selector, isField) {
				return true
			}
			for _, all := range s.Shape.AnyOf {
				if slices.ContainsFunc(all, isField) {
					return true
				}
			}
		}
	}
	return false
}

// unknownLevels notes levels that are asked for and that no node has: most often
// a mistyped name.
func (r *reader) unknownLevels(gangs []placement.Gang, nodes []placement.Node) {
	if len(nodes) == 0 {
		return
	}
	has := map[string]bool{}
	for _, n := range nodes {
		for _, d := range n.Domains {
			has[d.Level] = true
		}
	}
	for _, g := range gangs {
		for _, rule := range g.Rules {
			if !has[rule.Level] {
				r.notes.add("level "+rule.Level, r.asks[g.Name], "no node has level %s, which %s asks for; known here are the label keys of the nodes and %s",
					quoted(rule.Level), g.Name, levelNames(has))
			}
		}
	}
}
