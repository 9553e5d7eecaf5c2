// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/cel-go/cel"

	"tarsia.dev/tarsia/internal/yamldoc"
	"tarsia.dev/tarsia/placement"
)

// families are the groups of lines that an objective can order.
var families = []placement.Family{
	placement.FamilyPlaced, placement.FamilyVictims, placement.FamilyGivenUp, placement.FamilyAffinity,
	placement.FamilyDomains, placement.FamilyBalance, placement.FamilyTaints, placement.FamilyOpportunity,
	placement.FamilyCost, placement.FamilyDevices, placement.FamilyFree,
}

// Names of cost lines that the prices give.
const (
	costMoney = "money"
	costWatts = "watts"
)

// classes reads the classes; two of one name, or one behind a class that takes
// every job, would never be used.
func (l *loader) classes(p *Policy, doc *document) {
	own := l.ownCosts(doc.Costs)
	for i := range doc.Classes[:min(len(doc.Classes), maxClasses)] {
		d := &doc.Classes[i]
		path := fmt.Sprintf("classes[%d]", i)
		c := Class{Name: l.word(d.Name, path+".name"), At: l.at(d.Name)}
		for _, before := range p.Classes {
			if before.Name == c.Name && c.Name != "" {
				l.failf(d.Name, path+".name", "found %q again, first on line %d", c.Name, before.At.Line)
			}
			if before.match == nil && doc.Classes[i-1].Match.IsZero() {
				l.failf(d.Name, path, "found a class behind %q, which has no match and takes every job; want that one last", before.Name)
				break
			}
		}
		if !d.Match.IsZero() {
			c.match = l.compile(d.Match, path+".match", cel.BoolType, ofJob)
		}
		l.class(p, &c, d, own, path)
		p.Classes = append(p.Classes, c)
	}
}

func (l *loader) class(p *Policy, c *Class, d *classDoc, own []costLine, path string) {
	c.say(c.At, KindClass, takes(d.Match))
	l.rules(c, d.Rules, path)
	l.levels(c, d.Levels, path)
	if l.yes(d.ExclusiveCores, path+".exclusiveCores") {
		c.exclusive = new(l.at(d.ExclusiveCores))
		c.say(*c.exclusive, KindExclusive, "each pod has cores of its own: whole cores, on a node that gives them out")
		if p.exclusive == nil && len(l.faults) == 0 {
			l.failf(d.ExclusiveCores, path+".exclusiveCores", "found no nodes.exclusiveCores, want an expression there that says which nodes give pods cores of their own")
		}
	}
	if l.yes(d.AlignNUMA, path+".alignNUMA") {
		c.numa = new(l.at(d.AlignNUMA))
		c.say(*c.numa, KindNUMA, "CPUs, memory and devices of a pod lie in one NUMA node")
	}
	if c.spares = int(l.count(d.Spares, path+".spares", 0, 1000)); c.spares > 0 {
		c.sparesAt = l.at(d.Spares)
		c.say(c.sparesAt, KindSpares, fmt.Sprintf("%d spare places for each pod set", c.spares))
	}
	if l.yes(d.Preempt, path+".preempt") {
		c.preempt = new(l.at(d.Preempt))
		c.say(*c.preempt, KindPreempt, "running pods of lower priority may give way")
	}
	l.objective(p, c, d, own, path)
}

func takes(match yamldoc.Text) string {
	if match.IsZero() {
		return "takes every job"
	}
	return "takes jobs with " + strings.Join(strings.Fields(match.Value), " ")
}

func (c *Class) say(at Position, kind Kind, text string) {
	c.Lines = append(c.Lines, Line{at, kind, text})
}

func (l *loader) rules(c *Class, docs []ruleDoc, path string) {
	if len(docs) > maxLines {
		l.failf(docs[maxLines].Require, path+".rules", "found %d rules, want at most %d", len(docs), maxLines)
		return
	}
	for i, d := range docs {
		at := fmt.Sprintf("%s.rules[%d]", path, i)
		if d.Require.IsZero() {
			l.failf(d.Message, at, "found no require, want an expression over job, pod and node")
			continue
		}
		r := rule{
			require: l.compile(d.Require, at+".require", cel.BoolType, ofJob, ofPod, ofNode),
			message: d.Message.Value, until: l.wait(d.Until, at+".until"),
		}
		if r.require == nil {
			continue
		}
		text := "requires " + r.words()
		if r.until != nil {
			text += ", until the job has waited " + waitText(*r.until)
		}
		c.say(r.require.at, KindRule, text)
		c.rules = append(c.rules, r)
	}
}

// words are the rule's message, or its expression where it has none.
func (r *rule) words() string {
	if r.message != "" {
		return r.message
	}
	return r.require.text
}

// modes are the words of a level; none drops it.
var modes = map[string]placement.Mode{"required": placement.Required, "preferred": placement.Preferred, "counted": placement.Counted}

var modeNames = []string{"required", "preferred", "counted"}

// maxLevels is how many level rules one gang can have.
const maxLevels = 6

func (l *loader) levels(c *Class, docs []levelDoc, path string) {
	if len(docs) > maxLevels {
		l.failf(docs[maxLevels].Level, path+".levels", "found %d levels, want at most %d", len(docs), maxLevels)
		return
	}
	for i, d := range docs {
		at := fmt.Sprintf("%s.levels[%d]", path, i)
		r := levelRule{at: l.at(d.Level), level: l.word(d.Level, at+".level"), after: l.wait(d.After, at+".after")}
		if slices.ContainsFunc(c.levels, func(x levelRule) bool { return x.level == r.level }) {
			l.failf(d.Level, at+".level", "found %q again", r.level)
		}
		r.mode = l.mode(d.Mode, at+".mode", modeNames)
		switch {
		case d.After.IsZero() != d.Then.IsZero():
			l.failf(d.Level, at, "found only one of after and then, want both or neither")
		case d.Then.Value == "none":
		case !d.Then.IsZero():
			r.then = l.mode(d.Then, at+".then", append(slices.Clone(modeNames), "none"))
		}
		text := fmt.Sprintf("%s is %s", r.level, r.mode)
		if !d.When.IsZero() {
			if r.when = l.compile(d.When, at+".when", cel.BoolType, ofJob); r.when != nil {
				text += " for jobs with " + r.when.text
			}
		}
		if r.after != nil {
			text += fmt.Sprintf(", and %s once the job has waited %s", weaker(r.then), waitText(*r.after))
		}
		c.say(r.at, KindLevel, text)
		c.levels = append(c.levels, r)
	}
}

func (l *loader) mode(t yamldoc.Text, path string, known []string) placement.Mode {
	m, ok := modes[t.Value]
	if !ok {
		l.failf(t, path, "found %s, %s", found(t), wanted(t.Value, known))
	}
	return m
}

func weaker(m placement.Mode) string {
	if m == "" {
		return "not asked for"
	}
	return string(m)
}

// objective reads the order of families and the lines of the cost.
func (l *loader) objective(p *Policy, c *Class, d *classDoc, own []costLine, path string) {
	var known []string
	for _, f := range families {
		known = append(known, string(f))
	}
	for i, t := range d.Objective {
		at := fmt.Sprintf("%s.objective[%d]", path, i)
		f := placement.Family(t.Value)
		switch {
		case !slices.Contains(families, f):
			l.failf(t, at, "found %s, %s", found(t), wanted(t.Value, known))
			continue
		case slices.ContainsFunc(c.objective, func(o objectiveLine) bool { return o.family == f }):
			l.failf(t, at, "found %q again", f)
			continue
		}
		c.objective = append(c.objective, objectiveLine{l.at(t), f})
		c.say(l.at(t), KindObjective, fmt.Sprintf("%s: %s", f, familyWords[f]))
	}
	names := []string{costMoney, costWatts}
	for _, o := range own {
		names = append(names, o.name)
	}
	for i, t := range d.Costs {
		at := fmt.Sprintf("%s.costs[%d]", path, i)
		if !slices.Contains(names, t.Value) {
			l.failf(t, at, "found %s, %s", found(t), wanted(t.Value, names))
			continue
		}
		line := costLine{at: l.at(t), name: t.Value}
		if j := slices.IndexFunc(own, func(o costLine) bool { return o.name == t.Value }); j >= 0 {
			line.perPod = own[j].perPod
		}
		if line.perPod == nil && !p.has(t.Value) && len(l.faults) == 0 {
			l.failf(t, at, "found no price in %s, want lines under prices that state it", t.Value)
		}
		c.costs = append(c.costs, line)
		c.say(line.at, KindObjective, "cost: "+t.Value)
	}
}

// familyWords say what a family counts; less is better.
var familyWords = map[placement.Family]string{
	placement.FamilyPlaced:      "pods beyond the least number that are not placed",
	placement.FamilyVictims:     "pods evicted",
	placement.FamilyGivenUp:     "preferred levels given up",
	placement.FamilyAffinity:    "label preferences not met",
	placement.FamilyDomains:     "domains used by level, then nodes",
	placement.FamilyBalance:     "largest less smallest share of a balanced set",
	placement.FamilyTaints:      "PreferNoSchedule taints",
	placement.FamilyOpportunity: "gang shapes of the demand mix that are destroyed",
	placement.FamilyCost:        "the class's costs",
	placement.FamilyDevices:     "device-set score lost, sets broken",
	placement.FamilyFree:        "what stays free where the gang runs",
}

// ownCosts reads the cost lines that the policy defines itself.
func (l *loader) ownCosts(docs []costDoc) []costLine {
	var out []costLine
	for i, d := range docs[:min(len(docs), maxLines)] {
		path := fmt.Sprintf("costs[%d]", i)
		name := l.word(d.Name, path+".name")
		if name == costMoney || name == costWatts || slices.ContainsFunc(out, func(o costLine) bool { return o.name == name }) {
			l.failf(d.Name, path+".name", "found %q, which is there already", name)
		}
		if d.PerPod.IsZero() {
			l.failf(d.Name, path+".perPod", "found nothing, want an expression of type int over job, pod and node")
			continue
		}
		out = append(out, costLine{name: name, perPod: l.compile(d.PerPod, path+".perPod", cel.IntType, ofJob, ofPod, ofNode)})
	}
	return out
}
