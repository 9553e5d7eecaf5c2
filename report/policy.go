// SPDX-License-Identifier: Apache-2.0

package report

import (
	"tarsia.dev/tarsia/policy"
	"tarsia.dev/tarsia/topology"
)

// KindPolicy is the kind of Policy.
const KindPolicy = "Policy"

// Policy is what a policy file says, as data.
type Policy struct {
	APIVersion string        `json:"apiVersion"`
	Kind       string        `json:"kind"`
	Name       string        `json:"name"`     // "" where the file names none
	Currency   string        `json:"currency"` // "" where nothing has a price
	Classes    []PolicyClass `json:"classes"`  // in the order of the file: the first that takes a job is its class
	// Samples are jobs on which the policy was tried; absent without any.
	Samples []policy.Ruling `json:"samples,omitempty"`
}

// PolicyClass is one class, with a line for each thing that it decides.
type PolicyClass struct {
	Name  string        `json:"name"`
	Lines []policy.Line `json:"lines"`
}

// NewPolicy makes the document of a policy.
func NewPolicy(p *policy.Policy, samples []policy.Ruling) Policy {
	out := Policy{topology.APIVersion, KindPolicy, p.Name, p.Currency, []PolicyClass{}, samples}
	for _, c := range p.Classes {
		out.Classes = append(out.Classes, PolicyClass{c.Name, append([]policy.Line{}, c.Lines...)})
	}
	return out
}
