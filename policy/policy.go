// SPDX-License-Identifier: Apache-2.0

// Package policy turns a site's rules into what a gang asks of the engine. A
// policy is data: a YAML file whose classes are chosen by CEL expressions over
// the job, and which say, line by line, where jobs of the class may run, what
// they prefer, for how long they insist, and what a placement costs.
//
// Load reads and type-checks a file; nothing in it can fail later for its type,
// name or cost. Policy.Bind looks at the nodes once. Bound.Apply edits a gang,
// Bound.Bill prices a decision, Bound.Explain names the lines that decided it,
// Bound.Pareto lists alternatives. Money is in millionths of the policy's
// currency an hour, power in milliwatts; what has no price is nil, never 0.
//
// The package reads no file and knows no clock: how long a job has waited is an
// argument. It decides nothing itself; package placement does, from the gang
// that Apply returns.
package policy

import (
	"fmt"
	"slices"

	"tarsia.dev/tarsia/placement"
)

// Position is a place in a policy file. Line and Column count from 1.
type Position struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

// String is "file:line", as decisions cite it.
func (p Position) String() string { return fmt.Sprintf("%s:%d", p.File, p.Line) }

// Policy is a file that was loaded. It does not change and may be shared.
type Policy struct {
	Name     string
	Currency string // "" where nothing has a price
	Classes  []Class

	file      string
	energy    *int64 // millionths of the currency for a kWh
	energyAt  Position
	prices    []priceLine
	exclusive *expression // which nodes give a pod cores of its own
	demand    []placement.Demand
}

// Class is one class of jobs: who belongs to it and what it asks for.
type Class struct {
	Name string
	At   Position
	// Lines say what the class decides, in words, in the order of the file.
	Lines []Line

	match     *expression // nil takes every job
	rules     []rule
	levels    []levelRule
	objective []objectiveLine
	costs     []costLine
	exclusive *Position // exclusive cores are required by this line
	numa      *Position
	preempt   *Position
	spares    int
	sparesAt  Position
}

// Kind is what a line of a policy is about.
type Kind string

// Kinds of lines.
const (
	KindClass     Kind = "class"
	KindRule      Kind = "rule"
	KindLevel     Kind = "level"
	KindExclusive Kind = "exclusive-cores"
	KindNUMA      Kind = "numa"
	KindSpares    Kind = "spares"
	KindPreempt   Kind = "preempt"
	KindObjective Kind = "objective"
)

// Line is one line of a policy and what it says or did.
type Line struct {
	At   Position `json:"at"`
	Kind Kind     `json:"kind"`
	Text string   `json:"text"`
}

// String is "file:line: text".
func (l Line) String() string { return l.At.String() + ": " + l.Text }

// rule is a demand on the node that a pod runs on.
type rule struct {
	require *expression
	message string
	until   *int64 // seconds of waiting after which it is dropped; nil is never
}

// levelRule is a placement.LevelRule that may become weaker.
type levelRule struct {
	at    Position
	level string
	mode  placement.Mode
	when  *expression    // of which jobs; nil is all
	after *int64         // seconds of waiting; nil is never
	then  placement.Mode // "" drops the rule
}

type objectiveLine struct {
	at     Position
	family placement.Family
}

// costLine is a line of FamilyCost: money, watts, or a number of the policy's
// own.
type costLine struct {
	at     Position
	name   string
	perPod *expression // nil for money and watts
}

// Demand returns the mix of jobs that the site expects, for placement.NewPrices;
// empty where the policy declares none.
func (p *Policy) Demand() []placement.Demand { return slices.Clone(p.demand) }

// Nodes returns nodes in which every level of the policy that is a node-label key
// is a level of the node: whoever reads nodes knows the levels that jobs ask for,
// not those of a policy. The fleet and Bind are to be given these.
func (p *Policy) Nodes(nodes []placement.Node) []placement.Node {
	var keys []string
	for _, c := range p.Classes {
		for _, l := range c.levels {
			keys = append(keys, l.level)
		}
	}
	for _, d := range p.demand {
		keys = append(keys, d.Level)
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	out := slices.Clone(nodes)
	for i := range out {
		n := &out[i]
		for _, k := range keys {
			id := n.Labels[k]
			if id != "" && !slices.ContainsFunc(n.Domains, func(d placement.Domain) bool { return d.Level == k }) {
				n.Domains = append(slices.Clip(n.Domains), placement.Domain{Level: k, ID: id})
			}
		}
	}
	return out
}
