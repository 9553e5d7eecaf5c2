// SPDX-License-Identifier: Apache-2.0

package isa

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Words that machines print: a board with RVA22 and vector, a C910, a Zen 2, a
// Neoverse N1.
var (
	vectorBoard = Set{Architecture: "riscv64", Base: "rv64", Extensions: strings.Fields("i m a f d c v zicsr zba zbb zbs zfhmin zicboz zicbom zihpm zicntr zkt")}
	plainBoard  = Set{Architecture: "riscv64", Base: "rv64", Extensions: strings.Fields("i m a f d c zicsr zifencei")}
	draftBoard  = Set{Architecture: "riscv64", Base: "rv64", Extensions: strings.Fields("i m a f d c v"), VendorVector: "0.7.1 (T-Head)"}
	zen         = Set{Architecture: "amd64", Extensions: strings.Fields("lm cmov cx8 fpu fxsr mmx syscall sse sse2 cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3 avx avx2 bmi1 bmi2 f16c fma abm movbe xsave")}
	neoverse    = Set{Architecture: "arm64", Extensions: strings.Fields("fp asimd aes pmull sha1 sha2 crc32 atomics asimdrdm dcpop lrcpc asimddp")}
)

func TestFits(t *testing.T) {
	for _, c := range []struct {
		name     string
		set      Set
		platform string
		want     Fit
	}{
		{"baseline", plainBoard, "linux/riscv64", Fit{}},
		{"another architecture", plainBoard, "linux/amd64", Fit{Missing: []string{"architecture"}}},
		{"unknown architecture", Set{}, "linux/amd64", Fit{Unproven: []string{"architecture"}}},
		{"profile", vectorBoard, "linux/riscv64/rva22u64", Fit{}},
		{"extensions missing", plainBoard, "linux/riscv64/rva22u64", Fit{Missing: []string{"zba", "zbb", "zbs", "zfhmin", "zicbom", "zicboz"}}},
		{"of a higher profile", vectorBoard, "linux/riscv64/rva23u64", Fit{Missing: []string{"zawrs", "zcb", "zcmop", "zfa", "zicond", "zimop", "zvbb", "zvfhmin"}}},
		{"nobody told", Set{Architecture: "riscv64"}, "linux/riscv64/rva20u64", Fit{Unproven: []string{"a", "c", "d", "f", "i", "m"}}},
		{"level", zen, "linux/amd64/v3", Fit{}},
		{"level above", zen, "linux/amd64/v4", Fit{Missing: []string{"avx512bw", "avx512cd", "avx512dq", "avx512f", "avx512vl"}}},
		{"arm baseline", neoverse, "linux/arm64/v8", Fit{}},
		{"arm version", neoverse, "linux/arm64/v8.2,lse,crypto", Fit{}},
		{"arm version above", neoverse, "linux/arm64/v8.3", Fit{Missing: []string{"fcma", "jscvt"}}},
		{"32 bits", neoverse, "linux/arm/v7", Fit{Unproven: []string{"32-bit arm programs"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := ParsePlatform(c.platform)
			if err != nil {
				t.Fatal(err)
			}
			n, err := p.Need()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, c.set.Fits(n)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestDraftVector: 0.7.1 and 1.0 exclude each other.
func TestDraftVector(t *testing.T) {
	ratified := Need{Architecture: "riscv64", Extensions: []string{"v"}}
	draft := Need{Architecture: "riscv64", DraftVector: true}
	for _, c := range []struct {
		name string
		set  Set
		need Need
		want Fit
	}{
		{"1.0 on 1.0", vectorBoard, ratified, Fit{}},
		{"1.0 on 0.7.1", draftBoard, ratified, Fit{Missing: []string{"v"}}},
		{"0.7.1 on 0.7.1", draftBoard, draft, Fit{}},
		{"0.7.1 on 1.0", vectorBoard, draft, Fit{Missing: []string{"v 0.7.1"}}},
		{"a part of 1.0 on 0.7.1", draftBoard, Need{Extensions: []string{"zve64d"}}, Fit{Missing: []string{"zve64d"}}},
	} {
		if diff := cmp.Diff(c.want, c.set.Fits(c.need)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestBest(t *testing.T) {
	for _, c := range []struct {
		name      string
		set       Set
		platforms string
		want      string
		missing   []string
	}{
		{"the one of the architecture", vectorBoard, "linux/amd64 linux/riscv64", "linux/riscv64", nil},
		{"the first that runs", vectorBoard, "linux/riscv64/rva23u64 linux/riscv64/rva22u64 linux/riscv64", "linux/riscv64/rva22u64", nil},
		{"the least lacking", plainBoard, "linux/amd64 linux/riscv64/rva23u64 linux/riscv64/rva22u64", "linux/riscv64/rva22u64", []string{"zba", "zbb", "zbs", "zfhmin", "zicbom", "zicboz"}},
		{"no Linux", plainBoard, "windows/amd64", "/", []string{"linux"}},
		{"none of the architecture", plainBoard, "linux/amd64 linux/arm64", "linux/amd64", []string{"architecture"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var all []Platform
			for text := range strings.FieldsSeq(c.platforms) {
				p, err := ParsePlatform(text)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, p)
			}
			p, fit := c.set.Best(all)
			if got := p.String(); got != c.want || !slices.Equal(fit.Missing, c.missing) {
				t.Errorf("%s lacking %v, want %s lacking %v", got, fit.Missing, c.want, c.missing)
			}
		})
	}
}

func TestSetString(t *testing.T) {
	for _, c := range []struct {
		set  Set
		want string
	}{
		{vectorBoard, "rv64gcv"}, {plainBoard, "rv64gc"}, {draftBoard, "rv64gcv, vector 0.7.1 (T-Head)"},
		{zen, "x86-64-v3"}, {neoverse, "arm64"}, {Set{Architecture: "amd64"}, "amd64"}, {Set{}, "unknown"},
	} {
		if got := c.set.String(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// TestLevelsAscend: each level of an architecture asks for all of the one below.
func TestLevelsAscend(t *testing.T) {
	for arch, words := range map[string]string{
		"amd64":   "v1 v2 v3 v4",
		"riscv64": "rva20u64 rva22u64 rva23u64",
		"arm64":   "v8.0 v8.1 v8.2 v8.3 v8.4 v8.5 v8.6 v8.7 v8.8 v8.9",
	} {
		var below []string
		for word := range strings.FieldsSeq(words) {
			n, err := Level(arch, word)
			if err != nil {
				t.Fatal(err)
			}
			has := closure(n.Extensions)
			for _, e := range below {
				if !has[e] {
					t.Errorf("%s %s does not ask for %s", arch, word, e)
				}
			}
			below = n.Extensions
		}
	}
}

func TestPlatformErrors(t *testing.T) {
	for _, text := range []string{"", "linux", "linux/", "linux/amd64/v3/x", "Linux/amd64", "linux/amd64/v 3"} {
		if p, err := ParsePlatform(text); err == nil {
			t.Errorf("ParsePlatform(%q) = %v, want an error", text, p)
		}
	}
	for _, text := range []string{"linux/amd64/v5", "linux/arm64/v10", "linux/arm64/v8.10", "linux/arm64/v8.02", "linux/arm64/v8,sve", "linux/riscv64/rva21u64", "linux/ppc64le/power9"} {
		p, err := ParsePlatform(text)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := p.Need(); err == nil {
			t.Errorf("%s needs %v, want an error", text, n)
		}
	}
}

func FuzzPlatform(f *testing.F) {
	for _, s := range []string{"linux/amd64", "linux/arm64/v8.2,lse", "linux/riscv64/rva23u64", "windows/amd64/v4"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParsePlatform(text)
		if err != nil {
			return
		}
		if got := p.String(); got != text {
			t.Fatalf("%q reads as %q", text, got)
		}
		if n, err := p.Need(); err == nil && n.Architecture != p.Architecture {
			t.Fatalf("%q needs %+v", text, n)
		}
	})
}
