// SPDX-License-Identifier: Apache-2.0

// Package isa holds the words of instruction sets: the micro-architecture
// levels of x86-64, the profiles of RISC-V, the part numbers of Arm. It reads
// nothing; procfs and devicetree do. A level or profile is computed from the
// extensions, never read, since no kernel prints one.
package isa

import "slices"

// x86-64 levels as the x86-64 psABI 1.0, section 3.1.1, table 3.1, lists them,
// in the kernel's flag words (arch/x86/include/asm/cpufeatures.h), each beyond
// the level before it. "abm" is the kernel's word for LZCNT, "pni" for SSE3;
// OSXSAVE shows itself as "xsave", which the kernel clears when it is off.
var levelsX8664 = []struct {
	name  string
	flags []string
}{
	{"x86-64-v1", []string{"lm", "cmov", "cx8", "fpu", "fxsr", "mmx", "syscall", "sse", "sse2"}},
	{"x86-64-v2", []string{"cx16", "lahf_lm", "popcnt", "pni", "sse4_1", "sse4_2", "ssse3"}},
	{"x86-64-v3", []string{"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "xsave"}},
	{"x86-64-v4", []string{"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}},
}

// LevelX8664 returns the highest level that the flags of /proc/cpuinfo reach,
// "x86-64-v1" to "x86-64-v4", or "" when they do not reach the first.
func LevelX8664(flags []string) string {
	level := ""
	for _, l := range levelsX8664 {
		for _, f := range l.flags {
			if !slices.Contains(flags, f) {
				return level
			}
		}
		level = l.name
	}
	return level
}

// Common returns the words that every list has, sorted, each once. No list
// gives none.
func Common(lists ...[]string) []string {
	if len(lists) == 0 {
		return nil
	}
	common := slices.Clone(lists[0])
	slices.Sort(common)
	common = slices.Compact(common)
	for _, list := range lists[1:] {
		has := make(map[string]bool, len(list))
		for _, w := range list {
			has[w] = true
		}
		common = slices.DeleteFunc(common, func(w string) bool { return !has[w] })
	}
	return common
}
