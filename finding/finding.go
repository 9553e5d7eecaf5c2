// SPDX-License-Identifier: Apache-2.0

// Package finding says what a check answers: one of four states, with evidence,
// what it costs to ignore, and a fix. The checks themselves are in package
// check.
package finding

import (
	"cmp"
	"fmt"
	"slices"
)

// State is the answer of a check. The zero State is Unknown, so that a check
// that forgot to answer never passes.
type State int

// The four states. Unknown never counts as Pass in a gate.
const (
	Unknown State = iota
	Pass
	Warn
	Fail
)

var stateNames = [...]string{Unknown: "UNKNOWN", Pass: "PASS", Warn: "WARN", Fail: "FAIL"}

// String returns PASS, WARN, FAIL or UNKNOWN.
func (s State) String() string {
	if s < 0 || int(s) >= len(stateNames) {
		return fmt.Sprintf("State(%d)", int(s))
	}
	return stateNames[s]
}

// ParseState reads what String writes.
func ParseState(text string) (State, error) {
	i := slices.Index(stateNames[:], text)
	if i < 0 {
		return Unknown, fmt.Errorf("state %q: want PASS, WARN, FAIL or UNKNOWN", text)
	}
	return State(i), nil
}

// MarshalText writes the name.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the name.
func (s *State) UnmarshalText(text []byte) error {
	v, err := ParseState(string(text))
	if err == nil {
		*s = v
	}
	return err
}

// severity orders states from good to bad: an Unknown is worse than a warning,
// since nobody looked, and better than a failure.
func (s State) severity() int { return [...]int{Unknown: 2, Pass: 0, Warn: 1, Fail: 3}[s] }

// Worst returns the worse of both.
func Worst(a, b State) State {
	if b.severity() > a.severity() {
		return b
	}
	return a
}

// Finding is one answer of one check about one subject.
type Finding struct {
	ID       string     `json:"id"`   // "TAR-GPU-001", stable for ever
	Area     string     `json:"area"` // a row of the status screen: Topology, Homogeneity, Devices, Links, Images, ...
	State    State      `json:"state"`
	Summary  string     `json:"summary"`  // one line, the subject first
	Subjects []string   `json:"subjects"` // "node/gpu-01", "node/gpu-01/pci/0000:1b:00.0", "image/REF"; the narrowest first
	Evidence []Evidence `json:"evidence"`
	Cost     string     `json:"cost,omitempty"` // what it costs to ignore
	Fix      string     `json:"fix,omitempty"`  // one command or act
}

// Evidence is what was read, where, and what was wanted.
type Evidence struct {
	Node   string `json:"node,omitempty"`
	Source string `json:"source"` // a path, an API call, a file of the site
	Found  string `json:"found"`
	Wanted string `json:"wanted,omitempty"`
}

// Compare orders findings: worst first, then id, then subjects, then summary.
func Compare(a, b Finding) int {
	return cmp.Or(cmp.Compare(b.State.severity(), a.State.severity()), cmp.Compare(a.ID, b.ID),
		slices.Compare(a.Subjects, b.Subjects), cmp.Compare(a.Summary, b.Summary))
}

// Report is the findings of one run in the order of Compare.
type Report struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"` // Report
	Subject    string         `json:"subject"`
	Counts     map[string]int `json:"counts"` // by state
	Findings   []Finding      `json:"findings"`
}

// NewReport sorts and counts.
func NewReport(apiVersion, subject string, findings []Finding) Report {
	r := Report{APIVersion: apiVersion, Kind: "Report", Subject: subject, Findings: slices.Clone(findings),
		Counts: map[string]int{"PASS": 0, "WARN": 0, "FAIL": 0, "UNKNOWN": 0}}
	if r.Findings == nil {
		r.Findings = []Finding{}
	}
	slices.SortStableFunc(r.Findings, Compare)
	for _, f := range r.Findings {
		r.Counts[f.State.String()]++
	}
	return r
}

// Count returns how many findings have the state.
func (r Report) Count(s State) int { return r.Counts[s.String()] }
