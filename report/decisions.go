// SPDX-License-Identifier: Apache-2.0

package report

import (
	"slices"

	"tarsia.dev/tarsia/placement"
	"tarsia.dev/tarsia/policy"
	"tarsia.dev/tarsia/topology"
)

// KindDecisions is the kind of Decisions.
const KindDecisions = "Decisions"

// Decisions is the result of a placement run as data.
type Decisions struct {
	APIVersion string               `json:"apiVersion"`
	Kind       string               `json:"kind"`
	Decisions  []placement.Decision `json:"decisions"` // in the order of the manifests
	Notes      []string             `json:"notes"`     // what was in the manifests and was not used
	// Collectives are expectations for placed gangs of several accelerators, in
	// the order of the decisions; absent where the nodes tell no links.
	Collectives []Collective `json:"collectives,omitempty"`
	// Policies are what a policy did, in the order of the decisions; absent without
	// one.
	Policies []policy.Ruling `json:"policies,omitempty"`
}

// NewDecisions completes the document, and each decision by its summary. Its
// lists are empty where nothing was given, never null.
func NewDecisions(decisions []placement.Decision, notes []string) Decisions {
	decisions = slices.Clone(decisions)
	for i := range decisions {
		decisions[i].Summary = decisions[i].Sentences()
	}
	return Decisions{APIVersion: topology.APIVersion, Kind: KindDecisions, Decisions: append([]placement.Decision{}, decisions...), Notes: append([]string{}, notes...)}
}
