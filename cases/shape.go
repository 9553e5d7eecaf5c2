// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"tarsia.dev/tarsia/placement"
)

// shape is a pod of a request.
func (w *world) shape(r *request) (placement.Shape, error) {
	s := placement.Shape{Requests: w.perPod(r.PerPod), Selector: selector(r.NodeSelector), Tolerations: tolerations(r.Tolerations)}
	if r.NodeAffinity == nil {
		return s, nil
	}
	if required := r.NodeAffinity.Required; required != nil {
		for _, t := range required.Terms {
			terms, err := t.terms()
			if err != nil {
				return s, err
			}
			if len(terms) > 0 { // a term without expressions matches no node
				s.AnyOf = append(s.AnyOf, terms)
			}
		}
		if len(s.AnyOf) == 0 {
			return s, invalid("request %q has a node affinity that no node can match", r.Name)
		}
	}
	for _, p := range r.NodeAffinity.Preferred {
		terms, err := p.Preference.terms()
		if err != nil {
			return s, err
		}
		if len(terms) > 0 {
			s.Preferences = append(s.Preferences, placement.Preference{Weight: p.Weight, Terms: terms})
		}
	}
	return s, nil
}

// podShape is one pod of a request whose pods differ.
func (w *world) podShape(r *request, p *pod) (placement.Shape, error) {
	s, err := w.shape(r)
	if err != nil {
		return s, err
	}
	s.Requests = w.perPod(p.Requests)
	s.Selector = append(s.Selector, selector(p.NodeSelector)...)
	s.Tolerations = append(s.Tolerations, tolerations(p.Tolerations)...)
	if len(p.NodeAffinity) > 0 {
		s.Selector = append(s.Selector, placement.Term{Key: "kai.scheduler/type", Operator: "In", Values: p.NodeAffinity})
	}
	return s, nil
}

func selector(labels map[string]string) []placement.Term {
	var out []placement.Term
	for key := range sorted(labels) {
		out = append(out, placement.Term{Key: key, Operator: "In", Values: []string{labels[key]}})
	}
	return out
}

func tolerations(list []toleration) []placement.Toleration {
	var out []placement.Toleration
	for _, t := range list {
		out = append(out, placement.Toleration(t))
	}
	return out
}

func (t selectorTerm) terms() ([]placement.Term, error) {
	if len(t.Fields) > 0 {
		return nil, unsupported("node affinity on fields of the node object")
	}
	var out []placement.Term
	for _, e := range t.Expressions {
		term := placement.Term(e)
		if term.Operator == "" {
			term.Operator = "In"
		}
		out = append(out, term)
	}
	return out, nil
}
