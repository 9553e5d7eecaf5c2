// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tarsia.dev/tarsia/isa"
	"tarsia.dev/tarsia/topology"
)

// Image is a container image of a pod. A node takes the pod when one of the
// platforms runs there; without any platform nothing is asked, since nobody
// looked into the image.
type Image struct {
	Reference string
	Platforms []isa.Platform
}

// Constraints of instruction sets in refusals.
const (
	constraintISA   = "instruction set"
	constraintImage = "image " // and the reference
)

// shownExtensions bounds how many missing extensions a refusal names.
const shownExtensions = 4

// lacksISA says what the instruction set of a node lacks for the shape. What
// nobody told of it matches no demand for it.
func (s *shape) lacksISA(n *Node) (lack, bool) {
	if len(s.ISA) == 0 && len(s.Images) == 0 {
		return lack{}, false
	}
	set := isa.Set{Architecture: n.Architecture}
	if n.ISA != nil {
		set = *n.ISA
		set.Architecture = cmp.Or(set.Architecture, n.Architecture)
	}
	for _, need := range s.ISA {
		if fit := set.Fits(need); !fit.Runs() {
			return lack{constraintISA, need.String(), unfit(set, fit)}, true
		}
	}
	for _, i := range s.Images {
		if len(i.Platforms) == 0 {
			continue
		}
		p, fit := set.Best(i.Platforms)
		if fit.Runs() {
			continue
		}
		found := unfit(set, fit)
		if slices.Contains(fit.Missing, isa.ArchitectureWord) || p.OS == "" {
			found = "no variant for " + set.Architecture
		}
		return lack{constraintImage + i.Reference, platformList(i.Platforms), found}, true
	}
	return lack{}, false
}

// unfit is "extension v missing (has rv64gc)".
func unfit(set isa.Set, f isa.Fit) string {
	switch {
	case slices.Contains(f.Missing, isa.ArchitectureWord):
		return "architecture " + set.Architecture
	case slices.Contains(f.Unproven, isa.ArchitectureWord):
		return "its architecture is not known"
	case len(f.Missing) > 0:
		return extensionList(f.Missing) + " missing (has " + set.String() + ")"
	}
	return "not known whether it has " + strings.TrimPrefix(strings.TrimPrefix(extensionList(f.Unproven), "extensions "), "extension ") + " (" + set.String() + ")"
}

func extensionList(words []string) string {
	list := strings.Join(words[:min(len(words), shownExtensions)], ", ")
	if rest := len(words) - shownExtensions; rest > 0 {
		list += fmt.Sprintf(" and %d more", rest)
	}
	if len(words) == 1 {
		return "extension " + list
	}
	return "extensions " + list
}

func platformList(all []isa.Platform) string {
	words := make([]string, len(all))
	for i, p := range all {
		words[i] = p.String()
	}
	return strings.Join(words, " or ")
}

// isaKey is the same for demands on instruction sets that mean the same.
func isaKey(s Shape) string {
	needs := make([]string, len(s.ISA))
	for i, n := range s.ISA {
		needs[i] = fmt.Sprintf("%q%q%t", n.Architecture, n.Extensions, n.DraftVector)
	}
	var images []string
	for _, m := range s.Images {
		if len(m.Platforms) > 0 {
			images = append(images, fmt.Sprintf("%q %q", m.Reference, m.Platforms))
		}
	}
	slices.Sort(needs)
	slices.Sort(images)
	return fmt.Sprintf("isa %q %q", needs, images)
}

// isaOf is what a machine tells of its instruction set; nil when it does not
// even tell its architecture.
func isaOf(n *topology.Node) *isa.Set {
	if n.Architecture == "" || n.Architecture == "unknown" {
		return nil
	}
	return &isa.Set{Architecture: n.Architecture, Base: n.ISA.Base, Extensions: n.ISA.Extensions, VendorVector: n.ISA.VendorVector}
}

// lackISA is the sentence of a refusal for an instruction set, and whether it is
// one.
func (r Refusal) lackISA() (string, bool) {
	switch {
	case r.Level != levelNode:
	case r.Constraint == constraintISA && strings.Contains(r.Found, r.Wanted+" missing"):
		return r.Found, true
	case r.Constraint == constraintISA:
		return r.Found + ", wanted " + r.Wanted, true
	case strings.HasPrefix(r.Constraint, constraintImage):
		return r.Constraint + ": " + r.Found + ", there is " + r.Wanted, true
	}
	return "", false
}

// givingISA gives up what sets ask of instruction sets, then of images: with
// another build they would run elsewhere.
func givingISA(g Gang) []concession {
	var out []concession
	if slices.ContainsFunc(g.PodSets, func(p PodSet) bool { return len(p.Shape.ISA) > 0 }) {
		changed := withSets(g, func(p *PodSet) { p.Shape.ISA = nil })
		out = append(out, whole(changed, "instruction set -> any", "with a build for any instruction set"))
	}
	if slices.ContainsFunc(g.PodSets, func(p PodSet) bool { return len(p.Shape.Images) > 0 }) {
		changed := withSets(g, func(p *PodSet) { p.Shape.Images = nil })
		out = append(out, whole(changed, "image platforms -> any", "with images for every platform"))
	}
	return out
}
