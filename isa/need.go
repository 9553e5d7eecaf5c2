// SPDX-License-Identifier: Apache-2.0

package isa

import (
	"slices"
	"strings"
)

// Set is the instruction set that every CPU of a machine has.
type Set struct {
	Architecture string // GOARCH word; "" is not known
	Base         string // "rv64"; only where extensions are added to it
	// Extensions are the kernel's words for them. An empty list is not known.
	Extensions []string
	// VendorVector names a vector unit that is not RVV 1.0, as "0.7.1 (T-Head)";
	// with it, "v" among the extensions is not RVV 1.0 either.
	VendorVector string
}

// Need is what a program, or one variant of an image, asks of an instruction
// set.
type Need struct {
	Architecture string // GOARCH word; "" is any
	// Level names what is asked for, for people: "x86-64-v3", "RVA22U64",
	// "ARMv8.2-A". Extensions holds what it means.
	Level string
	// Extensions are instructions that it may run, in the kernel's words, sorted.
	// Properties and hints, which no CPU traps on, are not among them.
	Extensions []string
	// DraftVector: it runs vector instructions of draft 0.7.1, which RVV 1.0 does
	// not have.
	DraftVector bool
}

// Fit is whether a program runs on a machine.
type Fit struct {
	// Missing are what the machine does not have: "architecture" or extensions;
	// Unproven are what nobody told of it. Both empty: it runs.
	Missing, Unproven []string
}

// Runs tells that nothing is missing and nothing unproven.
func (f Fit) Runs() bool { return len(f.Missing) == 0 && len(f.Unproven) == 0 }

// ArchitectureWord stands in a Fit for the architecture itself.
const ArchitectureWord = "architecture"

// bits32 are the architectures that a kernel of the other may run, if it was
// built so and the CPU still can; no file of /sys or /proc tells.
var bits32 = map[string]string{"386": "amd64", "arm": "arm64"}

// Fits tells what a machine lacks for a need.
func (s Set) Fits(n Need) Fit {
	switch {
	case n.Architecture == "" || n.Architecture == s.Architecture:
	case s.Architecture == "" || s.Architecture == "unknown":
		return Fit{Unproven: []string{ArchitectureWord}}
	case bits32[n.Architecture] == s.Architecture:
		return Fit{Unproven: []string{"32-bit " + n.Architecture + " programs"}}
	default:
		return Fit{Missing: []string{ArchitectureWord}}
	}
	var f Fit
	has := closure(s.Extensions)
	if s.VendorVector != "" {
		for e := range has {
			if isVector(e) {
				delete(has, e)
			}
		}
	}
	for _, e := range n.Extensions {
		switch {
		case has[e]:
		case len(s.Extensions) == 0 || Unprinted(e):
			f.Unproven = append(f.Unproven, e)
		default:
			f.Missing = append(f.Missing, e)
		}
	}
	if n.DraftVector {
		switch {
		case s.VendorVector != "":
		case len(s.Extensions) == 0:
			f.Unproven = append(f.Unproven, "v 0.7.1")
		default:
			f.Missing = append(f.Missing, "v 0.7.1")
		}
	}
	return f
}

// isVector tells the vector extensions of RISC-V.
func isVector(e string) bool {
	return e == "v" || strings.HasPrefix(e, "zv")
}

// String is short: "rv64gc", "rv64gcv", "x86-64-v3", "arm64", with a vendor's
// vector unit where there is one.
func (s Set) String() string {
	switch s.Architecture {
	case "amd64":
		if level := LevelX8664(s.Extensions); level != "" {
			return level
		}
	case "riscv64":
		if len(s.Extensions) == 0 {
			break
		}
		var letters RISCV
		letters.Base = "rv64"
		for _, e := range s.Extensions {
			if len(e) == 1 {
				letters.Extensions = append(letters.Extensions, e)
			}
		}
		text := letters.String()
		// G is IMAFD with Zicsr and Zifencei, which kernels do not all print.
		if rest, ok := strings.CutPrefix(text, "rv64imafd"); ok {
			text = "rv64g" + rest
		}
		if s.VendorVector != "" {
			text += ", vector " + s.VendorVector
		}
		return text
	}
	if s.Architecture == "" {
		return "unknown"
	}
	return s.Architecture
}

// String names what is asked for: "linux" has no part in it.
func (n Need) String() string {
	words := slices.Clone(n.Extensions)
	if n.DraftVector {
		words = append(words, "v 0.7.1")
	}
	switch {
	case n.Level != "":
		return n.Level
	case len(words) > 0 && n.Architecture != "":
		return n.Architecture + " with " + strings.Join(words, ", ")
	case len(words) > 0:
		return strings.Join(words, ", ")
	}
	return n.Architecture
}
