// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tarsia.dev/tarsia/placement"
)

// Outcome of a request.
type Outcome string

// Outcomes. Undecided is a search that stopped before it knew; Unsupported is a
// question that the engine has no words for.
const (
	Placed      Outcome = "placed"
	Rejected    Outcome = "rejected"
	Undecided   Outcome = "undecided"
	Unsupported Outcome = "unsupported"
)

// Answer is what the engine says to one case.
type Answer struct {
	ID string `json:"id"`
	// Results answer the requests of a case that is decided at once, in their
	// order; Steps those of a sequence, one for each.
	Results []Result `json:"results,omitzero"`
	Steps   []Step   `json:"steps,omitzero"`
	// ElapsedMicroseconds is how long the answer took; 0 is not measured.
	ElapsedMicroseconds int64 `json:"elapsedMicroseconds,omitempty"`
}

// Step answers one step of a sequence. An event has no results.
type Step struct {
	Results []Result `json:"results"`
}

// Result answers one request.
type Result struct {
	Request string  `json:"request"`
	Outcome Outcome `json:"outcome"`
	Reason  string  `json:"reason,omitempty"`
	// Proved says that a rejection is proven: no placement exists.
	Proved     bool   `json:"proved,omitempty"`
	Placements []Spot `json:"placements,omitempty"`
	// Victims are running pods that must go first. With Rejected they are a
	// proposal.
	Victims []string `json:"victims,omitempty"`
}

// Spot is the pods of a request on one node. Devices, NUMANodes and PodNames have
// an entry for each pod, or none at all; device ids are those of the case.
type Spot struct {
	Node      string   `json:"node"`
	Pods      int      `json:"pods"`
	Devices   [][]any  `json:"devices,omitempty"`
	NUMANodes [][]int  `json:"numaNodes,omitempty"`
	PodNames  []string `json:"podNames,omitempty"`
}

// unsupportedError is a question without words in the engine.
type unsupportedError struct{ reason string }

func (e *unsupportedError) Error() string { return e.reason }

func unsupported(format string, args ...any) error {
	return &unsupportedError{fmt.Sprintf(format, args...)}
}

// invalidError is a request that its own source would not admit.
type invalidError struct{ reason string }

func (e *invalidError) Error() string { return e.reason }

func invalid(format string, args ...any) error {
	return &invalidError{fmt.Sprintf(format, args...)}
}

// kinds maps the kind of a case to its translation.
var kinds = map[string]func(*Case, context.Context) (Answer, error){
	"gang":              (*Case).gangs,
	"gang-balanced":     (*Case).gangs,
	"gang-scale":        (*Case).gangs,
	"gang-sequence":     (*Case).gangs,
	"gang-subgroups":    (*Case).gangs,
	"replacement":       (*Case).gangs,
	"elastic":           (*Case).gangs,
	"preemption":        (*Case).gangs,
	"stranding":         (*Case).gangs,
	"gang-tree":         (*Case).trees,
	"domain-choice":     (*Case).trees,
	"slot-distribution": (*Case).slots,

	"device-choice":             (*Case).choices,
	"device-choice-sequence":    (*Case).choices,
	"device-partition-sequence": (*Case).choices,
	"device-partition":          (*Case).joint,
	"device-topology":           (*Case).joint,
	"device-share":              (*Case).joint,
	"device-template":           (*Case).joint,
	"mig":                       (*Case).instances,
	"cells-sequence":            (*Case).cells,
	"numa-fit":                  (*Case).zones,
	"numa-least":                (*Case).zones,
	"dra-gang":                  (*Case).claimed,
}

// Answer lets the engine answer the case. The error is that of a context that
// ended; whatever else is wrong with the case is said in the answer.
func (c *Case) Answer(ctx context.Context) (Answer, error) {
	c = new(*c) // what a case leaves out is filled in, in a copy
	c.Requests = slices.Clone(c.Requests)
	translate, known := kinds[c.Kind]
	var err error
	a := Answer{}
	switch {
	case len(c.unknown) > 0:
		err = unsupported("the case has fields of unknown meaning: %s", cut(strings.Join(c.unknown, ", ")))
	case !known:
		err = unsupported("cases of kind %q are not known", c.Kind)
	case c.Options.Profile == "volcano":
		a, err = c.hypernodes(ctx)
	default:
		a, err = translate(c, ctx)
	}
	if ctx.Err() != nil {
		return Answer{}, fmt.Errorf("answer case %q: %w", c.ID, ctx.Err())
	}
	if err != nil {
		a = c.without(err)
	}
	a.ID = c.ID
	if c.sequence() && a.Steps == nil {
		a.Steps = []Step{}
	} else if !c.sequence() && a.Results == nil {
		a.Results = []Result{}
	}
	return a, nil
}

// without answers all requests of a case that could not be asked.
func (c *Case) without(err error) Answer {
	results := make([]Result, len(c.Requests))
	for i, r := range c.Requests {
		results[i] = refusal(r.Name, err)
	}
	switch {
	case !c.sequence():
		return Answer{Results: results}
	case c.Kind != "cells-sequence":
		a := Answer{}
		for i := range results {
			a.Steps = append(a.Steps, Step{results[i : i+1]})
		}
		return a
	}
	a := Answer{}
	for _, s := range c.Expected.Steps {
		step := Step{Results: []Result{}}
		if s.Schedule != "" {
			step.Results = append(step.Results, refusal(s.Schedule, err))
		}
		a.Steps = append(a.Steps, step)
	}
	return a
}

// sequence tells whether the case is answered step by step.
func (c *Case) sequence() bool {
	return strings.HasSuffix(c.Kind, "-sequence") && c.Kind != "gang-sequence"
}

// refusal is the result of a request that the engine was not asked about.
func refusal(name string, err error) Result {
	var bad *invalidError
	if errors.As(err, &bad) {
		return Result{Request: name, Outcome: Rejected, Reason: "not a valid request: " + bad.reason, Proved: true}
	}
	return Result{Request: name, Outcome: Unsupported, Reason: err.Error()}
}

// outcomeOf translates the outcome of a decision, and why.
func outcomeOf(name string, d placement.Decision) Result {
	r := Result{Request: name, Victims: d.Victims}
	switch d.Outcome {
	case placement.Placed:
		r.Outcome = Placed
	case placement.Undecided:
		r.Outcome, r.Reason = Undecided, d.Brief()
	default:
		r.Outcome, r.Reason, r.Proved = Rejected, d.Brief(), d.Proved
	}
	return r
}
