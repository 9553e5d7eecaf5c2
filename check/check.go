// SPDX-License-Identifier: Apache-2.0

// Package check holds the checks: pure functions from a fleet to findings. It
// reads no file and knows no clock; a fleet of one node is a fleet.
//
// A check that finds nothing wrong yields one PASS for all that it looked at;
// otherwise it yields what is wrong, once per subject or, where many subjects
// are alike, once per batch. Where facts are missing it yields UNKNOWN, never
// PASS. A fleet that has nothing of the kind (no GPU, no image) gets no finding
// at all. One cause gives one finding: what a lost device no longer tells is
// not held against it a second time.
//
// Ids are stable for ever and never reused. Begin with Run.
package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tarsia.dev/tarsia/finding"
	"tarsia.dev/tarsia/internal/edit"
	"tarsia.dev/tarsia/topology"
)

// Areas: the rows of the status screen, in its order.
const (
	AreaTopology    = "Topology"
	AreaHomogeneity = "Homogeneity"
	AreaDevices     = "Devices"
	AreaLinks       = "Links"
	AreaImages      = "Images"
	AreaSecureBoot  = "Secure Boot"
)

// Areas returns the areas in the order of the status screen.
func Areas() []string {
	return []string{AreaTopology, AreaHomogeneity, AreaDevices, AreaLinks, AreaImages, AreaSecureBoot}
}

// Check is one question asked of a fleet.
type Check struct {
	ID      string // "TAR-GPU-001"
	Area    string // one of Areas
	Title   string // what holds when it passes
	Explain string // what it looks at, what each state means, cost and fix
	Cost    string // what it costs to ignore, for findings that do not say it themselves
	Fix     string // one command or act, likewise
	// Run answers. ID and Area of its findings, and Cost and Fix where they are
	// empty, are filled in by the package's Run.
	Run func(*topology.Fleet) []finding.Finding
}

// All returns every check, by area and id.
func All() []Check {
	checks := slices.Concat(topologyChecks(), emulationChecks(), batchChecks(), deviceChecks(), linkChecks(), imageChecks(), bootChecks())
	for i := range checks {
		c := &checks[i]
		c.Explain = strings.TrimSpace(c.Explain) + "\n\nCost of ignoring it: " + c.Cost + "\nFix: " + c.Fix + "\n"
	}
	return checks
}

// Lookup finds a check by its id, whatever the case.
func Lookup(id string) (Check, bool) {
	all := All()
	i := slices.IndexFunc(all, func(c Check) bool { return strings.EqualFold(c.ID, id) })
	if i < 0 {
		return Check{}, false
	}
	return all[i], true
}

// Near returns the ids that a mistyped one may have meant: at most three,
// nearest first; none where nothing is near.
func Near(id string) []string {
	type candidate struct {
		id   string
		cost int
	}
	id = strings.ToUpper(id)
	if len(id) > 64 {
		return nil
	}
	var near []candidate
	for _, c := range All() {
		if d := edit.Distance(id, c.ID); d <= 3 {
			near = append(near, candidate{c.ID, d})
		}
	}
	slices.SortStableFunc(near, func(a, b candidate) int { return cmp.Compare(a.cost, b.cost) })
	var ids []string
	for _, c := range near[:min(len(near), 3)] {
		ids = append(ids, c.id)
	}
	return ids
}

// Select returns the checks that only names (all, when it is empty) and skip
// does not, in the order of All. A name is an id, the beginning of ids up to a
// dash (TAR-GPU), or an area, whatever the case. The error names the first one
// that is nothing of these.
func Select(only, skip []string) ([]Check, error) {
	all := All()
	for _, name := range slices.Concat(only, skip) {
		if !slices.ContainsFunc(all, func(c Check) bool { return c.named(name) }) {
			err := fmt.Errorf("check %q: no such check or area", name)
			if near := Near(name); len(near) > 0 {
				err = fmt.Errorf("%w; did you mean %s?", err, strings.Join(near, " or "))
			}
			return nil, err
		}
	}
	return choose(all, only, skip), nil
}

func choose(all []Check, only, skip []string) []Check {
	return slices.DeleteFunc(all, func(c Check) bool {
		return len(only) > 0 && !slices.ContainsFunc(only, c.named) || slices.ContainsFunc(skip, c.named)
	})
}

func (c Check) named(name string) bool {
	if strings.EqualFold(name, c.ID) || strings.EqualFold(name, c.Area) {
		return true
	}
	n := len(name)
	return n < len(c.ID) && c.ID[n] == '-' && strings.EqualFold(name, c.ID[:n])
}

// Run asks the checks chosen as Select does, and returns their findings in the
// order of finding.Compare. A name that is no check chooses nothing. A check that
// panics has answered UNKNOWN.
func Run(fleet *topology.Fleet, only, skip []string) []finding.Finding {
	var out []finding.Finding
	for _, c := range choose(All(), only, skip) {
		out = append(out, c.ask(fleet)...)
	}
	slices.SortStableFunc(out, finding.Compare)
	return out
}

// ask runs one check and completes what it answered.
func (c Check) ask(fleet *topology.Fleet) (out []finding.Finding) {
	defer func() {
		if r := recover(); r != nil {
			out = []finding.Finding{{ID: c.ID, Area: c.Area, State: finding.Unknown,
				Summary:  fmt.Sprintf("%s: the check itself broke", fleetSubject(fleet)),
				Subjects: []string{fleetSubject(fleet)},
				Evidence: []finding.Evidence{{Source: "check " + c.ID, Found: fmt.Sprint(r), Wanted: "an answer"}},
				Cost:     "What this check guards is not looked at.",
				Fix:      "Report it with a snapshot of the fleet (tarsia snapshot); until then run with --skip " + c.ID + "."}}
		}
	}()
	out = c.Run(fleet)
	for i := range out {
		f := &out[i]
		f.ID, f.Area = c.ID, c.Area
		if f.Subjects == nil {
			f.Subjects = []string{fleetSubject(fleet)}
		}
		if f.Evidence == nil {
			f.Evidence = []finding.Evidence{}
		}
		if f.State != finding.Pass {
			f.Cost, f.Fix = cmp.Or(f.Cost, c.Cost), cmp.Or(f.Fix, c.Fix)
		}
	}
	return out
}
