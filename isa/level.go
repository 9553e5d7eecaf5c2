// SPDX-License-Identifier: Apache-2.0

package isa

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// rva20 are the mandatory extensions of RVA20U64 that instructions belong to
// ("RISC-V Profiles" 1.0): what every Linux distribution asks for.
var rva20 = []string{"i", "m", "a", "f", "d", "c"}

// harmless are mandatory extensions of profiles that no CPU traps on: hints,
// which are no operation where they are not known, counters, which the kernel
// allows or emulates, and promises of timing and memory.
var harmless = append([]string{
	"zihintpause", "zihintntl", "zicntr", "zihpm", "zkt", "zvkt",
}, invisible...)

// armLevels are the extensions that versions of the Arm architecture make
// mandatory for programs, each beyond the version before it, in the kernel's
// words (Arm Architecture Reference Manual, section A2; kernel
// Documentation/arch/arm64/elf_hwcaps.rst). Pointer authentication and branch
// targets are left out: programs use their hint forms.
var armLevels = [][]string{
	1: {"atomics", "asimdrdm", "crc32"},
	2: {"dcpop"},
	3: {"fcma", "jscvt", "lrcpc"},
	4: {"asimddp", "dit", "flagm", "ilrcpc", "uscat"},
	5: {"dcpodp", "flagm2", "frint", "sb"},
	6: {"bf16", "i8mm"},
	7: {"wfxt"},
	8: {"mops"},
	9: {"cssc"},
}

// Level returns what a level asks for, by the words that toolchains and image
// variants use: GOAMD64 v1 to v4, GORISCV64 rva20u64 to rva23u64, GOARM64 v8.0
// to v8.9 and v9.0 to v9.5, with ",lse" and ",crypto" behind them, and plain v8
// and v9. Upper case is taken too. "" is the architecture's baseline. The error
// names the words that there are.
func Level(architecture, word string) (Need, error) {
	n := Need{Architecture: architecture}
	if word == "" {
		return n, nil
	}
	lower := strings.ToLower(word)
	switch architecture {
	case "amd64":
		return amd64Level(n, strings.TrimPrefix(lower, "x86-64-"), word)
	case "arm64":
		return arm64Level(n, lower, word)
	case "riscv64":
		return riscv64Level(n, lower, word)
	}
	return n, fmt.Errorf("instruction set level %q of %s: want none, no level of it is known", clip(word), clip(architecture))
}

func amd64Level(n Need, level, word string) (Need, error) {
	for _, l := range levelsX8664 {
		n.Extensions = append(n.Extensions, l.flags...)
		if l.name == "x86-64-"+level {
			n.Level = l.name
			slices.Sort(n.Extensions)
			return n, nil
		}
	}
	return Need{}, fmt.Errorf("instruction set level %q of amd64: want v1 to v4", clip(word))
}

func riscv64Level(n Need, level, word string) (Need, error) {
	if level == "rva20u64" {
		n.Level, n.Extensions = "RVA20U64", slices.Sorted(slices.Values(rva20))
		return n, nil
	}
	for _, p := range profiles {
		if strings.ToLower(p.name) == level {
			n.Level, n.Extensions = p.name, Trapping(p.mandatory)
			return n, nil
		}
	}
	return Need{}, fmt.Errorf("instruction set level %q of riscv64: want rva20u64, rva22u64 or rva23u64", clip(word))
}

func arm64Level(n Need, level, word string) (Need, error) {
	bad := fmt.Errorf("instruction set level %q of arm64: want v8, v8.0 to v8.9, v9, v9.0 to v9.5, with ,lse and ,crypto", clip(word))
	level, options, _ := strings.Cut(strings.TrimPrefix(level, "arm"), ",")
	major, minor, dotted := strings.Cut(level, ".")
	step, err := strconv.Atoi(minor)
	if !dotted {
		step, err = 0, nil
	}
	switch {
	case err != nil || minor != "" && minor != strconv.Itoa(step) || dotted && minor == "":
		return Need{}, bad
	case major == "v8" && step <= 9 && step >= 0:
	case major == "v9" && step <= 5 && step >= 0:
		// v9.0 is v8.5 and more; what is more is optional.
		step += 5
	default:
		return Need{}, bad
	}
	if level != "v8" && level != "v8.0" {
		n.Level = "ARM" + level + "-A"
	}
	for _, l := range armLevels[:min(step, len(armLevels)-1)+1] {
		n.Extensions = append(n.Extensions, l...)
	}
	for option := range strings.SplitSeq(options, ",") {
		switch option {
		case "":
		case "lse":
			n.Extensions = append(n.Extensions, "atomics")
		case "crypto":
			n.Extensions = append(n.Extensions, "aes", "pmull", "sha1", "sha2")
		default:
			return Need{}, bad
		}
	}
	slices.Sort(n.Extensions)
	n.Extensions = slices.Compact(n.Extensions)
	return n, nil
}

// Trapping leaves out what no CPU traps on: hints, counters, promises of timing
// and memory. The rest is sorted, each once.
func Trapping(extensions []string) []string {
	out := slices.Sorted(slices.Values(extensions))
	return slices.DeleteFunc(slices.Compact(out), func(e string) bool { return slices.Contains(harmless, e) })
}
