// SPDX-License-Identifier: Apache-2.0

package isa_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/isa"
)

const (
	v1 = "fpu cx8 cmov mmx fxsr sse sse2 syscall lm"
	v2 = v1 + " pni ssse3 cx16 sse4_1 sse4_2 popcnt lahf_lm"
	v3 = v2 + " fma movbe xsave avx f16c abm bmi1 avx2 bmi2"
	v4 = v3 + " avx512f avx512dq avx512cd avx512bw avx512vl"
)

func TestLevelX8664(t *testing.T) {
	for _, tt := range []struct{ name, flags, want string }{
		{"none", "", ""},
		{"32 bits", strings.ReplaceAll(v1, " lm", ""), ""},
		{"first", v1, "x86-64-v1"},
		{"second", v2, "x86-64-v2"},
		{"third", v3, "x86-64-v3"},
		{"fourth", v4, "x86-64-v4"},
		{"without osxsave", strings.ReplaceAll(v3, " xsave", ""), "x86-64-v2"},
		{"a gap below", strings.ReplaceAll(v4, " avx2", ""), "x86-64-v2"},
		{"one avx512 short", strings.ReplaceAll(v4, " avx512vl", ""), "x86-64-v3"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := isa.LevelX8664(strings.Fields(tt.flags)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestCommon(t *testing.T) {
	for _, tt := range []struct {
		name  string
		lists [][]string
		want  []string
	}{
		{"none", nil, nil},
		{"one, sorted, once", [][]string{{"b", "a", "b"}}, []string{"a", "b"}},
		{"part", [][]string{{"a", "b", "c"}, {"c", "b", "d"}}, []string{"b", "c"}},
		{"nothing", [][]string{{"a"}, {}}, []string{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, isa.Common(tt.lists...)); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

func TestArmPart(t *testing.T) {
	for midr, want := range map[isa.MIDR]string{
		0x00000000414fd0c1: "Neoverse-N1",
		0x00000000410fd4f0: "Neoverse-V2",
		0x00000000410fd851: "Cortex-X925",
		0x00000000481fd010: "TSV110",
		0x00000000990fabc0: "implementer 0x99 part 0xabc",
	} {
		if got := isa.ArmPart(midr.Implementer(), midr.Part()); got != want {
			t.Errorf("midr %#x: got %q, want %q", uint64(midr), got, want)
		}
	}
}

func TestParseRISCV(t *testing.T) {
	for _, tt := range []struct {
		text, base, extensions string
	}{
		{"rv64imafdc", "rv64", "a c d f i m"},
		{"rv64imafdch_zicsr_zifencei_zba_zbb_sscofpmf", "rv64", "a c d f h i m sscofpmf zba zbb zicsr zifencei"},
		{"rv64imafdcvsu", "rv64", "a c d f i m v"},
		{"rv64gc", "rv64", "a c d f i m zicsr zifencei"},
		{"rv64imafdcb", "rv64", "a b c d f i m zba zbb zbs"},
		{"rv32e", "rv32", "e"},
		{"RV64IMAC_Zba", "rv64", "a c i m zba"},
		{"rv64i2p1_m2p0_a2p1_zba1p0_zve32f1p0", "rv64", "a i m zba zve32f"},
		{"rv64imac_za64rs_zvl128b_zic64b", "rv64", "a c i m za64rs zic64b zvl128b"},
		{"rv64imafdczicsr_zba", "rv64", "a c d f i m zba zicsr"},
		{"rv64imafdcsscofpmf", "rv64", "a c d f i m sscofpmf"},
		{"rv64imac__zba_", "rv64", "a c i m zba"},
		{"rv64imac_xtheadba", "rv64", "a c i m xtheadba"},
	} {
		t.Run(tt.text, func(t *testing.T) {
			got, err := isa.ParseRISCV(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(isa.RISCV{Base: tt.base, Extensions: strings.Fields(tt.extensions)}, got); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
	for _, text := range []string{"", "rv64", "x86-64", "rv16i", "rv64mac", "rv64imac_zb-a", "rv64i\x00", "rv64i" + strings.Repeat("m", 1<<20)} {
		if r, err := isa.ParseRISCV(text); err == nil {
			t.Errorf("ParseRISCV(%.20q) = %v, want an error", text, r)
		} else if len(err.Error()) > 200 {
			t.Errorf("an error of %d bytes", len(err.Error()))
		}
	}
}

// rva23 is what a kernel of 2026 prints for a core that has the profile.
const rva23 = "rv64imafdcbvh_zicbom_zicbop_zicboz_zicntr_zicond_zicsr_zifencei_zihintntl_zihintpause_zihpm_zimop_" +
	"zaamo_zalrsc_zawrs_zfa_zfhmin_zca_zcb_zcd_zcmop_zba_zbb_zbs_zkt_zvbb_zve32f_zvfhmin_zvkb_zvkt_ssnpm_sstc"

func TestProfileRISCV(t *testing.T) {
	all := rva23 + "_ziccif_ziccrse_ziccamoa_zicclsm_za64rs_zic64b"
	for _, tt := range []struct {
		name, text, level, maybe string
		unproven                 string
	}{
		{"everything told", all, "RVA23U64", "", ""},
		{"what a kernel prints", rva23, "", "RVA23U64", "za64rs zic64b ziccamoa ziccif zicclsm ziccrse"},
		{"no vector", strings.ReplaceAll(all, "bvh", "bh"), "RVA22U64", "", ""},
		{"no vector, as printed", strings.ReplaceAll(rva23, "bvh", "bh"), "", "RVA22U64", "za64rs zic64b ziccamoa ziccif zicclsm ziccrse"},
		{"proved lower, open higher", strings.ReplaceAll(all, "_ssnpm", ""), "RVA22U64", "RVA23U64", "supm"},
		{"no bit manipulation", "rv64imafdcv_zicntr_zihpm", "", "", ""},
		{"atomics by their parts", strings.Replace(strings.Replace(all, "imafdcb", "imfdb", 1), "a_", "a_", 1), "RVA23U64", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := isa.ParseRISCV(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			level, maybe, unproven := isa.ProfileRISCV(r.Extensions)
			if level != tt.level || maybe != tt.maybe || strings.Join(unproven, " ") != tt.unproven {
				t.Errorf("got %q, maybe %q, unproven %q; want %q, %q, %q", level, maybe, unproven, tt.level, tt.maybe, tt.unproven)
			}
		})
	}
}

// TestProfileMonotone takes each extension away in turn: a profile never
// appears by that, and what is named as unproven is what was taken.
func TestProfileMonotone(t *testing.T) {
	r, err := isa.ParseRISCV(rva23 + "_ziccif_ziccrse_ziccamoa_zicclsm_za64rs_zic64b")
	if err != nil {
		t.Fatal(err)
	}
	for _, gone := range r.Extensions {
		left := slices.DeleteFunc(slices.Clone(r.Extensions), func(e string) bool { return e == gone })
		_, maybe, unproven := isa.ProfileRISCV(left)
		if isa.Unprinted(gone) && (maybe != "RVA23U64" || !slices.Equal(unproven, []string{gone})) {
			t.Errorf("without %s: maybe %q, unproven %q", gone, maybe, unproven)
		}
	}
}

func TestDraftVector(t *testing.T) {
	for _, tt := range []struct {
		vendor, arch uint64
		want         bool
	}{
		{0x5b7, 0, true}, {0x5b7, 0x8000000009140d00, false}, {0x710, 0, false},
	} {
		if got := isa.DraftVectorRISCV(tt.vendor, tt.arch); got != tt.want {
			t.Errorf("vendor %#x arch %#x: got %v", tt.vendor, tt.arch, got)
		}
	}
}

func FuzzParseRISCV(f *testing.F) {
	for _, seed := range []string{rva23, "rv64imafdcvsu", "rv64gc", "rv32e_zba1p0", "rv64i2p1_m2p0", "rv64i_", "rv128i_x", "rv64imafdcs"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := isa.ParseRISCV(text)
		if err != nil {
			if r.Base != "" || r.Extensions != nil {
				t.Errorf("a value and an error: %+v, %v", r, err)
			}
			return
		}
		again, err := isa.ParseRISCV(r.String())
		if err != nil {
			t.Fatalf("%q printed as %q: %v", text, r.String(), err)
		}
		if d := cmp.Diff(r, again); d != "" {
			t.Errorf("%q printed as %q\n%s", text, r.String(), d)
		}
	})
}

// BenchmarkParseRISCV parses the longest word that is accepted, at its slowest.
func BenchmarkParseRISCV(b *testing.B) {
	long := "rv64i" + strings.Repeat("s", 15<<10)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := isa.ParseRISCV(long); err != nil {
			b.Fatal(err)
		}
	}
}
