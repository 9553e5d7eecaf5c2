// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"slices"
	"strconv"
	"strings"

	"tarsia.dev/tarsia/placement"
)

// rule is a level rule and where it was asked for.
type rule struct {
	placement.LevelRule
	at where
	// perSet: the rule holds for its pod set alone (Kueue), not for the gang.
	perSet bool
}

// levelRules reads the topology annotations among annotations; w is their place.
func (r *reader) levelRules(w where, annotations map[string]string) []rule {
	var rules []rule
	for _, a := range []struct {
		key    string
		mode   placement.Mode
		perSet bool
	}{
		{RequiredLevel, placement.Required, false},
		{PreferredLevel, placement.Preferred, false},
		{kueueRequired, placement.Required, true},
		{kueuePreferred, placement.Preferred, true},
	} {
		value, ok := annotations[a.key]
		if !ok {
			continue
		}
		at := w.in(a.key)
		levels := []string{value}
		if !a.perSet {
			levels = strings.Split(value, ",")
		}
		for _, level := range levels {
			level = strings.TrimSpace(level)
			if level == "" {
				r.fail(at.errorf("found %s, wanted levels: nvlink, rack, zone, region, host or a node-label key", quoted(value)))
				continue
			}
			rules = append(rules, rule{placement.LevelRule{Level: level, Mode: a.mode}, at, a.perSet})
		}
	}
	for _, key := range []string{kueueSlice, kueueSlices, lwsSubExclusive} {
		if _, ok := annotations[key]; ok {
			r.fail(w.in(key).errorf("found a topology for parts of a pod set, wanted one for the whole: parts cannot be placed by level"))
		}
	}
	return rules
}

// exclusive reads an annotation that gives each job, or each replica, one domain
// of a level to itself. count is how many there are.
func (r *reader) exclusive(w where, annotations map[string]string, key string, count int64) []rule {
	level, ok := annotations[key]
	if !ok {
		return nil
	}
	at := w.in(key)
	if level == "" {
		r.fail(at.errorf("found an empty value, wanted a node-label key"))
		return nil
	}
	if count > 1 {
		r.notes.add(at.String()+key, at, "each of the %d groups of %s is placed inside one domain of %s; that no two share a domain is not looked at",
			count, w.o.title(), cut(level))
	}
	return []rule{{LevelRule: placement.LevelRule{Level: level, Mode: placement.Required}, at: at}}
}

// aligned reads the NUMA annotation.
func (r *reader) aligned(w where, annotations map[string]string) bool {
	value, ok := annotations[NUMA]
	if ok && value != "aligned" {
		r.fail(w.in(NUMA).errorf("found %s, wanted \"aligned\"", quoted(value)))
	}
	return value == "aligned"
}

// mergeRules joins the rules of a gang's members: one rule a level, the harder
// one where two differ. Rules of single pod sets hold for the gang when it has
// one set, or when all sets are joined to one group; else the engine could not
// keep to them, and that is an error.
func (r *reader) mergeRules(g *parts) []placement.LevelRule {
	sets := map[string]bool{}
	for _, m := range g.members {
		if m.joined != "" {
			sets["group "+m.joined] = true
		} else {
			sets["set "+strconv.Itoa(m.inSet)] = true
		}
	}
	var out []placement.LevelRule
	for _, m := range g.members {
		for _, a := range m.rules {
			if a.perSet && len(sets) > 1 {
				r.fail(a.at.errorf("found a level for one of several pod sets of %s, wanted one for all: put %s on the workload, or join the sets with %s",
					g.name, RequiredLevel, kueueGroup))
				return nil
			}
			i := slices.IndexFunc(out, func(b placement.LevelRule) bool { return b.Level == a.Level })
			switch {
			case i < 0:
				out = append(out, a.LevelRule)
			case a.Mode == placement.Required:
				out[i].Mode = placement.Required
			}
		}
	}
	return out
}

// usedLevels are the levels that gangs ask for and that are node-label keys,
// sorted.
func usedLevels(gangs []placement.Gang) []string {
	var keys []string
	for _, g := range gangs {
		for _, rule := range g.Rules {
			if !slices.ContainsFunc(namedLevels, func(n namedLevel) bool { return n.level == rule.Level }) {
				keys = append(keys, rule.Level)
			}
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// domains are the domains in which a node lies: those of the named levels,
// outermost first, then of the label keys that gangs ask for.
func (r *reader) domains(n *nodeObject, keys []string) []placement.Domain {
	var out []placement.Domain
	for _, named := range namedLevels {
		found := false
		for _, s := range named.sources {
			id := n.Metadata.Labels[s.key]
			if id == "" {
				continue
			}
			if s.replacedBy != "" {
				r.notes.add("old key "+s.key, n.o.at("metadata", "labels", s.key), "label %s is out of date, its writer now sets %s", s.key, s.replacedBy)
			}
			if !found {
				out = append(out, placement.Domain{Level: named.level, ID: id})
				found = true
			}
		}
		if !found && named.level == LevelHost {
			out = append(out, placement.Domain{Level: LevelHost, ID: n.o.name})
		}
	}
	for _, key := range keys {
		if id := n.Metadata.Labels[key]; id != "" {
			out = append(out, placement.Domain{Level: key, ID: id})
		}
	}
	return out
}

// levelNames lists the named levels that some node has.
func levelNames(has map[string]bool) string {
	var names []string
	for _, n := range namedLevels {
		if has[n.level] {
			names = append(names, n.level)
		}
	}
	return strings.Join(names, ", ")
}
