// SPDX-License-Identifier: Apache-2.0

package isa

import (
	"fmt"
	"slices"
	"strings"
)

// Platform is for what an image variant was built (OCI image index 1.1,
// section "platform"): operating system, GOARCH word and, below it, a variant
// such as v3 of amd64.
type Platform struct {
	OS           string
	Architecture string
	Variant      string // "" is the baseline
}

// ParsePlatform reads "linux/amd64" or "linux/amd64/v3", as docker and buildah
// write them.
func ParsePlatform(text string) (Platform, error) {
	parts := strings.Split(text, "/")
	if len(text) > 200 || len(parts) < 2 || len(parts) > 3 || slices.ContainsFunc(parts, func(p string) bool { return !word(p) }) {
		return Platform{}, fmt.Errorf("platform %q: want OS/ARCHITECTURE or OS/ARCHITECTURE/VARIANT, as in linux/amd64/v3", clip(text))
	}
	p := Platform{OS: parts[0], Architecture: parts[1]}
	if len(parts) == 3 {
		p.Variant = parts[2]
	}
	return p, nil
}

// word tells lower-case letters, digits, dots, commas and dashes.
func word(text string) bool {
	return text != "" && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789.,-_") == ""
}

// String is the text that ParsePlatform reads.
func (p Platform) String() string {
	text := p.OS + "/" + p.Architecture
	if p.Variant != "" {
		text += "/" + p.Variant
	}
	return text
}

// Need is what the variant asks of an instruction set. v8 of arm64 is its
// baseline. The error is a variant that is not known: whether it runs anywhere
// cannot be told. An arm variant v6 or v7 asks for the architecture arm.
func (p Platform) Need() (Need, error) {
	if p.Architecture == "arm" || p.Architecture == "386" {
		return Need{Architecture: p.Architecture}, nil
	}
	n, err := Level(p.Architecture, p.Variant)
	if err != nil {
		return n, fmt.Errorf("platform %s: %w", p, err)
	}
	return n, nil
}

// Best returns the platform of an index that a machine with Linux would run and
// what it lacks for it: the first of those that fit, else of those that nobody
// can judge, else the one that lacks least; of equals the first. No Linux
// platform lacks "linux".
func (s Set) Best(platforms []Platform) (Platform, Fit) {
	best, fit := Platform{}, Fit{Missing: []string{"linux"}}
	found := false
	for _, p := range platforms {
		if p.OS != "linux" {
			continue
		}
		n, err := p.Need()
		if err != nil {
			n = Need{Architecture: p.Architecture}
		}
		f := s.Fits(n)
		if err != nil && f.Runs() {
			f.Unproven = []string{"variant " + p.Variant}
		}
		if !found || f.better(fit) {
			best, fit, found = p, f, true
		}
	}
	return best, fit
}

// better orders fits: what runs, what cannot be judged, what lacks an extension,
// what lacks the architecture.
func (f Fit) better(g Fit) bool {
	rank := func(f Fit) int {
		switch {
		case f.Runs():
			return 0
		case len(f.Missing) == 0:
			return 1
		case f.Missing[0] == ArchitectureWord:
			return 1 << 20
		}
		return 1 + len(f.Missing)
	}
	return rank(f) < rank(g)
}
