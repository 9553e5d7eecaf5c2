// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"slices"

	"tarsia.dev/tarsia/placement"
	"tarsia.dev/tarsia/topologymanager"
)

// Applied is a gang with what its class asks for.
type Applied struct {
	Gang  placement.Gang
	Class string // "" where no class takes the job: the gang is as it was
	At    Position
	// Lines say what each line of the class asks of this gang now, and how many
	// nodes that leaves: the first names the class, the others follow the file.
	Lines []Line

	class  *Class
	waited int64
}

// Apply finds the class of a job, the first that takes it, and gives the gang
// what the class asks for. waited is how long the job has waited, in seconds.
// The job's own demands stay: a class adds rules and makes preferred ones
// required, it never weakens one. An error means that the match of a class could
// not be evaluated.
func (b *Bound) Apply(g placement.Gang, waited int64) (Applied, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at, err := b.classOf(&g, waited)
	if err != nil {
		return Applied{}, err
	}
	if at < 0 {
		return Applied{Gang: g}, nil
	}
	c := &b.policy.Classes[at]
	a := Applied{Gang: g, Class: c.Name, At: c.At, class: c, waited: waited}
	a.Gang.PodSets = slices.Clone(g.PodSets)
	a.say(c.At, KindClass, "class %s", c.Name)
	b.applyRules(&a)
	b.applyExclusive(&a)
	if err := b.applyLevels(&a); err != nil {
		return Applied{}, fmt.Errorf("apply policy to %q: %w", g.Name, err)
	}
	b.applyOthers(&a)
	a.Gang.Costs = append(slices.Clone(g.Costs), b.costsOf(c, &a.Gang, waited)...)
	for _, o := range c.objective {
		a.Gang.Objective = append(slices.Clone(a.Gang.Objective), o.family)
	}
	slices.SortStableFunc(a.Lines[1:], func(x, y Line) int { return comparePositions(x.At, y.At) })
	return a, nil
}

func (a *Applied) say(at Position, kind Kind, format string, args ...any) {
	a.Lines = append(a.Lines, Line{at, kind, fmt.Sprintf(format, args...)})
}

// classOf finds the first class that takes the job; -1 is none.
func (b *Bound) classOf(g *placement.Gang, waited int64) (int, error) {
	v := values{gang: g, waited: waited}
	key := ""
	for _, c := range b.policy.Classes {
		if c.match != nil {
			key += v.keyOf(c.match.reads, ofJob)
		}
	}
	if at, ok := b.classes[key]; ok {
		return at, nil
	}
	found := -1
	for i, c := range b.policy.Classes {
		takes := c.match == nil
		if !takes {
			var err error
			if takes, err = c.match.holds(&v); err != nil {
				return -1, fmt.Errorf("apply policy to %q: %w", g.Name, err)
			}
		}
		if takes {
			found = i
			break
		}
	}
	if len(b.classes) >= maxKept {
		clear(b.classes)
	}
	b.classes[key] = found
	return found, nil
}

// applyRules keeps pods off the nodes on which a rule does not hold for them.
func (b *Bound) applyRules(a *Applied) {
	for i := range a.class.rules {
		r := &a.class.rules[i]
		if r.until != nil && a.waited >= *r.until {
			a.say(r.require.at, KindRule, "%s: no longer asked for, the job has waited %s of %s", r.words(), waitText(a.waited), waitText(*r.until))
			continue
		}
		var last *barred
		for j := range a.Gang.PodSets {
			last = b.keptOff(r.require, values{gang: &a.Gang, waited: a.waited, set: &a.Gang.PodSets[j]})
			b.bar(a, j, last, placement.Bar{Constraint: r.require.at.String(), Wanted: r.words(), Found: last.found})
			if len(a.Gang.PodSets) > 1 {
				a.say(r.require.at, KindRule, "%s: keeps pods of %s off %d of %d nodes", r.words(), a.Gang.PodSets[j].Name, last.count, len(b.nodes))
			}
		}
		if len(a.Gang.PodSets) == 1 {
			a.say(r.require.at, KindRule, "%s: keeps the job off %d of %d nodes", r.words(), last.count, len(b.nodes))
		}
	}
}

// bar adds a bar to a pod set.
func (b *Bound) bar(a *Applied, set int, nodes *barred, bar placement.Bar) {
	if nodes.count == 0 {
		return
	}
	bar.Nodes = nodes.nodes
	s := &a.Gang.PodSets[set].Shape
	s.Bars = append(slices.Clip(s.Bars), bar)
}

// applyExclusive asks for cores that no other pod uses: the kubelet gives them
// to pods of class Guaranteed that ask for whole cores, on nodes whose CPU
// manager has policy static.
func (b *Bound) applyExclusive(a *Applied) {
	at := a.class.exclusive
	if at == nil {
		return
	}
	constraint := at.String() + " exclusive cores"
	a.say(*at, KindExclusive, "cores of its own: %d of %d nodes do not give them", b.shared.count, len(b.nodes))
	for j := range a.Gang.PodSets {
		set := &a.Gang.PodSets[j]
		if found := sharesCores(&set.Shape); found != "" {
			a.say(*at, KindExclusive, "cores of its own: no node gives them to pods of %s, which have %s", set.Name, found)
			b.bar(a, j, b.all, placement.Bar{Constraint: constraint, Wanted: "quality of service Guaranteed and whole cores", Found: found})
			continue
		}
		b.bar(a, j, b.shared, placement.Bar{Constraint: constraint, Wanted: "a node that gives pods cores of their own", Found: b.shared.found})
	}
}

// sharesCores says what keeps a pod from cores of its own on any node.
func sharesCores(s *placement.Shape) string {
	switch cpu := s.Requests[placement.CPU]; {
	case cpu == 0:
		return "no request for cores"
	case cpu%1000 != 0:
		return fmt.Sprintf("%dm of CPU, no whole cores", cpu)
	case s.QoS == "":
		return "a quality of service that is not known"
	case s.QoS != topologymanager.QoSGuaranteed:
		return "quality of service " + string(s.QoS)
	}
	return ""
}

// applyLevels adds the class's level rules to the gang's.
func (b *Bound) applyLevels(a *Applied) error {
	rules := slices.Clone(a.Gang.Rules)
	for _, r := range a.class.levels {
		if r.when != nil {
			yes, err := r.when.holds(&values{gang: &a.Gang, waited: a.waited})
			if err != nil {
				return err
			}
			if !yes {
				continue
			}
		}
		mode := r.mode
		wait := ""
		if r.after != nil {
			if a.waited >= *r.after {
				mode = r.then
			}
			wait = fmt.Sprintf("; the job has waited %s of %s", waitText(a.waited), waitText(*r.after))
		}
		without := len(b.nodes) - b.within[r.level]
		a.say(r.at, KindLevel, "%s is %s: %d of %d nodes lie in no domain of it%s", r.level, weaker(mode), without, len(b.nodes), wait)
		rules = with(rules, r.level, mode)
	}
	a.Gang.Rules = rules
	return nil
}

// strength orders modes.
var strength = map[placement.Mode]int{placement.Counted: 1, placement.Preferred: 2, placement.Required: 3}

// with adds a rule, or makes the gang's own for the level as strong.
func with(rules []placement.LevelRule, level string, mode placement.Mode) []placement.LevelRule {
	if mode == "" {
		return rules
	}
	for i := range rules {
		if rules[i].Level == level {
			if strength[mode] > strength[rules[i].Mode] {
				rules[i].Mode = mode
			}
			return rules
		}
	}
	return append(rules, placement.LevelRule{Level: level, Mode: mode})
}

// applyOthers sets what needs no look at the nodes.
func (b *Bound) applyOthers(a *Applied) {
	c := a.class
	for j := range a.Gang.PodSets {
		set := &a.Gang.PodSets[j]
		set.Spares = max(set.Spares, c.spares)
		set.Shape.AlignNUMA = set.Shape.AlignNUMA || c.numa != nil
	}
	if c.numa != nil {
		a.say(*c.numa, KindNUMA, "CPUs, memory and devices of a pod lie in one NUMA node")
	}
	if c.spares > 0 {
		a.say(c.sparesAt, KindSpares, "%d spare places for each pod set", c.spares)
	}
	if c.preempt != nil {
		a.Gang.Preempt = true
		a.say(*c.preempt, KindPreempt, "running pods of priority below %d may give way", a.Gang.Priority)
	}
}
