// SPDX-License-Identifier: Apache-2.0

package placement

import "tarsia.dev/tarsia/claim"

// Outcome of a decision.
type Outcome string

// Outcomes. Undecided means that a bounded search stopped before an answer:
// neither a placement nor a proof.
const (
	Placed    Outcome = "placed"
	Refused   Outcome = "refused"
	Undecided Outcome = "undecided"
)

// Decision is the answer for one gang.
type Decision struct {
	Gang        string       `json:"gang"`
	Outcome     Outcome      `json:"outcome"`
	Optimal     bool         `json:"optimal"` // by the stated objective; false when a bounded search chose
	Objective   []Score      `json:"objective"`
	Assignments []Assignment `json:"assignments"`
	Reasons     []string     `json:"reasons"`  // why here, one line each
	Refusals    []Refusal    `json:"refusals"` // why not there, per domain or node, most informative first
	Certificate *Certificate `json:"certificate,omitempty"`
	// Proved tells that a refusal holds whatever the solver does: by the
	// certificate, or because every placement was considered.
	Proved bool `json:"proved,omitempty"`
	// Victims are running pods that must go first; Released are pods of the gang
	// itself that it gives up because it shrank.
	Victims  []string `json:"victims,omitempty"`
	Released []string `json:"released,omitempty"`
	// Relax is the smallest change after which a refused gang would fit; nil where
	// no single change is enough.
	Relax *Relaxation `json:"relax,omitempty"`
	// FitsAfter is in how many seconds a refused gang fits if nothing new arrives,
	// from the ends of running pods that are known; nil where that is not known.
	// WaitsFor are the pods whose end it waits for.
	FitsAfter *int64   `json:"fitsAfterSeconds,omitempty"`
	WaitsFor  []string `json:"waitsFor,omitempty"`
	// Survival is what the spares of a placed gang are good for; nil without spares.
	Survival *Survival `json:"survival,omitempty"`
	// Summary is Sentences, where the decision was made ready for readers.
	Summary []string `json:"summary,omitempty"`
}

// Score is one line of the lexicographic objective, first difference decides,
// smaller is better.
type Score struct {
	Name   string `json:"name"`
	Family Family `json:"family"` // the group that the line belongs to
	Value  int64  `json:"value"`
}

// Assignment is one pod's place.
type Assignment struct {
	PodSet  string   `json:"podSet"`
	Pod     int      `json:"pod"` // 0..Count-1 within its set; spares count on, held pods keep their number
	Node    string   `json:"node"`
	Zone    *int     `json:"zone"`    // NUMA zone, where aligned
	Devices []string `json:"devices"` // chosen device ids; empty when the node lists none
	// Zones are the ids of the NUMA zones in which its kubelet would pin it, or of
	// the fewest that hold it; empty where neither is asked or known.
	Zones []int `json:"zones,omitempty"`
	// Claims are the devices for the shape's resource claims, in their order.
	Claims []claim.Allocation `json:"claims,omitempty"`
	Spare  bool               `json:"spare,omitempty"` // kept free for the set, nothing starts there
}

// Refusal says what one domain lacked.
type Refusal struct {
	Level      string `json:"level"` // "node", "nvlink", "rack", "fleet"
	Domain     string `json:"domain"`
	Constraint string `json:"constraint"` // architecture, nvidia.com/gpu, taint gpu=true:NoSchedule, numa, ...
	Wanted     string `json:"wanted"`
	Found      string `json:"found"`
	// More is how many further domains of the level are refused for the same
	// constraint and are not listed.
	More int `json:"more,omitempty"`
}

// Certificate proves that no placement exists by counting: in every domain of
// the level that a rule requires, the pods of PodSet that fit, each node taken
// alone, are fewer than wanted. An upper bound below the demand in each domain
// is the proof; each bound can be recomputed from the fleet alone.
//
// Limits and slices count: a domain of a level holds no more than its limit, and
// of what its parts hold no more than a multiple of the slice size; from the
// innermost level outwards. Held pods count as fitting where they run, and a
// domain must have all of them.
type Certificate struct {
	Level string `json:"level"` // "fleet" when no rule requires one
	// Scope is the group or pod set whose rules the level comes from; "" is the
	// gang.
	Scope   string        `json:"scope,omitempty"`
	Domains []DomainBound `json:"domains"`
	Relax   *Relaxation   `json:"relax,omitempty"` // Decision.Relax, for who has the certificate alone
}

// DomainBound is the proof for one domain. PodSet names the set that cannot
// fit; "" means the sum over all sets of one resource, or of the pods of the
// sets in Together, each no more than its Count. With PodSet, Together are sets
// of equal shape that are counted as one. Held bounds
// count held pods alone: those of the set, and those of them in the domain;
// Spares bounds its spares alone, where they are counted apart.
type DomainBound struct {
	Domain     string   `json:"domain"`
	PodSet     string   `json:"podSet,omitempty"`
	Together   []string `json:"together,omitempty"`
	Spares     bool     `json:"spares,omitempty"`
	Held       bool     `json:"held,omitempty"`
	Resource   string   `json:"resource,omitempty"`
	Wanted     int64    `json:"wanted"`
	AtMost     int64    `json:"atMost"`
	Constraint string   `json:"constraint"` // what binds most nodes
}

// Relaxation is the smallest change after which the gang would fit.
type Relaxation struct {
	Change string `json:"change"` // "rule nvlink: required -> preferred", "pods 64 -> 56", "architecture riscv64 -> any"
	Text   string `json:"text"`   // the change within a sentence: "with 56 pods instead of 64"
	Proof  string `json:"proof"`  // what was found to fit then
}
