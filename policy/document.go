// SPDX-License-Identifier: Apache-2.0

package policy

import "tarsia.dev/tarsia/internal/yamldoc"

// What a policy file must begin with.
const (
	APIVersion = "tarsia.dev/v1alpha1"
	FileKind   = "PlacementPolicy"
)

// document is the file as written; every value keeps its place.
type document struct {
	APIVersion yamldoc.Text `yaml:"apiVersion"`
	Kind       yamldoc.Text `yaml:"kind"`
	Metadata   metadata     `yaml:"metadata"`
	Nodes      nodesDoc     `yaml:"nodes"`
	Prices     pricesDoc    `yaml:"prices"`
	Costs      []costDoc    `yaml:"costs"`
	Demand     []demandDoc  `yaml:"demand"`
	Classes    []classDoc   `yaml:"classes"`
}

type metadata struct {
	Name yamldoc.Text `yaml:"name"`
}

// nodesDoc says what labels and words of a site mean.
type nodesDoc struct {
	ExclusiveCores yamldoc.Text `yaml:"exclusiveCores"` // CEL over node
}

type pricesDoc struct {
	Currency yamldoc.Text   `yaml:"currency"`
	Energy   yamldoc.Text   `yaml:"energy"` // money for a kWh
	Lines    []priceLineDoc `yaml:"lines"`
}

type priceLineDoc struct {
	Resource     yamldoc.Text            `yaml:"resource"`
	Architecture yamldoc.Text            `yaml:"architecture"`
	Model        yamldoc.Text            `yaml:"model"`
	Labels       map[string]yamldoc.Text `yaml:"labels"`
	Where        yamldoc.Text            `yaml:"where"`
	Money        yamldoc.Text            `yaml:"money"`
	Watts        yamldoc.Text            `yaml:"watts"`
}

type costDoc struct {
	Name   yamldoc.Text `yaml:"name"`
	PerPod yamldoc.Text `yaml:"perPod"`
}

type demandDoc struct {
	Name     yamldoc.Text            `yaml:"name"`
	Weight   yamldoc.Text            `yaml:"weight"`
	Pods     yamldoc.Text            `yaml:"pods"`
	Level    yamldoc.Text            `yaml:"level"`
	Requests map[string]yamldoc.Text `yaml:"requests"`
}

type classDoc struct {
	Name           yamldoc.Text   `yaml:"name"`
	Match          yamldoc.Text   `yaml:"match"`
	Rules          []ruleDoc      `yaml:"rules"`
	Levels         []levelDoc     `yaml:"levels"`
	ExclusiveCores yamldoc.Text   `yaml:"exclusiveCores"`
	AlignNUMA      yamldoc.Text   `yaml:"alignNUMA"`
	Spares         yamldoc.Text   `yaml:"spares"`
	Preempt        yamldoc.Text   `yaml:"preempt"`
	Objective      []yamldoc.Text `yaml:"objective"`
	Costs          []yamldoc.Text `yaml:"costs"`
}

type ruleDoc struct {
	Require yamldoc.Text `yaml:"require"`
	Message yamldoc.Text `yaml:"message"`
	Until   yamldoc.Text `yaml:"until"`
}

type levelDoc struct {
	Level yamldoc.Text `yaml:"level"`
	Mode  yamldoc.Text `yaml:"mode"`
	When  yamldoc.Text `yaml:"when"` // CEL over job
	After yamldoc.Text `yaml:"after"`
	Then  yamldoc.Text `yaml:"then"`
}
