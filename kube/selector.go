// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"maps"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"

	"tarsia.dev/tarsia/placement"
)

// selector turns nodeSelector and required node affinity into terms. Demands for
// an architecture become Architectures where that says the same, so that the
// engine can speak of them.
func (r *reader) selector(w where, spec *corev1.PodSpec, shape *placement.Shape) {
	for _, key := range slices.Sorted(maps.Keys(spec.NodeSelector)) {
		demand(shape, placement.Term{Key: key, Operator: "In", Values: []string{spec.NodeSelector[key]}})
	}
	if spec.NodeName != "" {
		// Of a template: its pods are bound at birth. Pods themselves run by now.
		demand(shape, placement.Term{Key: FieldName, Operator: "In", Values: []string{spec.NodeName}})
	}
	if spec.Affinity == nil || spec.Affinity.NodeAffinity == nil {
		return
	}
	required := spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution
	if required == nil {
		return
	}
	w = w.in("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
	if len(required.NodeSelectorTerms) == 0 {
		r.fail(w.errorf("found no term, wanted at least one"))
		return
	}
	var any [][]placement.Term
	for i, t := range required.NodeSelectorTerms {
		tw := w.in(strconv.Itoa(i))
		all := slices.Concat(
			r.expressions(tw.in("matchExpressions"), t.MatchExpressions, false),
			r.expressions(tw.in("matchFields"), t.MatchFields, true),
		)
		if len(all) == 0 {
			// Kubernetes: an empty term matches no node.
			r.fail(tw.errorf("found an empty term, which matches no node; wanted matchExpressions or matchFields"))
			return
		}
		any = append(any, all)
	}
	if len(any) > 1 {
		shape.AnyOf = any
		return
	}
	for _, t := range any[0] {
		demand(shape, t)
	}
}

// expressions checks and converts match expressions or match fields.
func (r *reader) expressions(w where, list []corev1.NodeSelectorRequirement, fields bool) []placement.Term {
	var out []placement.Term
	for i, e := range list {
		ew := w.in(strconv.Itoa(i))
		operator, n := string(e.Operator), len(e.Values)
		switch e.Operator {
		case corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn:
			if n == 0 {
				r.fail(ew.in("values").errorf("found no value, wanted at least one for operator %s", operator))
			}
		case corev1.NodeSelectorOpExists, corev1.NodeSelectorOpDoesNotExist:
			if n != 0 {
				r.fail(ew.in("values").errorf("found %d values, wanted none for operator %s", n, operator))
			}
		case corev1.NodeSelectorOpGt, corev1.NodeSelectorOpLt:
			if n != 1 {
				r.fail(ew.in("values").errorf("found %d values, wanted one whole number for operator %s", n, operator))
			} else if _, err := strconv.ParseInt(e.Values[0], 10, 64); err != nil {
				r.fail(ew.in("values", "0").errorf("found %s, wanted a whole number for operator %s", quoted(e.Values[0]), operator))
			}
		default:
			r.fail(ew.in("operator").errorf("found %s, wanted In, NotIn, Exists, DoesNotExist, Gt or Lt", quoted(operator)))
		}
		switch {
		case e.Key == "":
			r.fail(ew.errorf("found no key, wanted a node-label key"))
		case fields && (e.Key != FieldName || (operator != "In" && operator != "NotIn")):
			r.fail(ew.errorf("found %s %s, wanted %s with In or NotIn", cut(e.Key), cut(operator), FieldName))
		}
		out = append(out, placement.Term{Key: e.Key, Operator: operator, Values: e.Values})
	}
	return out
}

// demand adds one term to a shape.
func demand(shape *placement.Shape, t placement.Term) {
	if (t.Key == labelArch || t.Key == labelArchOld) && t.Operator == "In" && len(t.Values) > 0 {
		wanted := slices.Compact(slices.Sorted(slices.Values(t.Values)))
		if len(shape.Architectures) > 0 {
			wanted = slices.DeleteFunc(wanted, func(a string) bool { return !slices.Contains(shape.Architectures, a) })
		}
		// No architecture at all would read as any: two demands that exclude each
		// other stay as they were written.
		if len(wanted) > 0 {
			shape.Architectures = wanted
			return
		}
	}
	shape.Selector = append(shape.Selector, t)
}
