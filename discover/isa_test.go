// SPDX-License-Identifier: Apache-2.0

package discover_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/topology"
)

// cpuinfo makes /proc/cpuinfo of blocks, each a list of "key: value".
func cpuinfo(blocks ...[]string) map[string]string {
	var b strings.Builder
	for i, fields := range blocks {
		fmt.Fprintf(&b, "processor\t: %d\n", i)
		for _, f := range fields {
			key, value, _ := strings.Cut(f, ": ")
			fmt.Fprintf(&b, "%s\t: %s\n", key, value)
		}
		b.WriteString("\n")
	}
	return map[string]string{"proc/cpuinfo": b.String()}
}

func TestISA(t *testing.T) {
	const v1 = "fpu cx8 cmov mmx fxsr sse sse2 syscall lm"
	const v2 = v1 + " pni ssse3 cx16 sse4_1 sse4_2 popcnt lahf_lm"
	for _, tt := range []struct {
		name  string
		parts []map[string]string
		arch  string
		want  topology.ISA // extensions as one word to look for, "-word" for one that must not be there
		maybe string       // in the absence of isa.level
	}{
		{"amd64, the lesser CPU counts", []map[string]string{cpuinfo([]string{"cpu family: 6", "flags: " + v2}, []string{"cpu family: 6", "flags: " + v1})},
			"amd64", topology.ISA{Base: "x86-64", Level: "x86-64-v1", Extensions: []string{"sse2", "-pni"}}, ""},
		{"386", []map[string]string{cpuinfo([]string{"cpu family: 6", "flags: fpu sse2"})},
			"386", topology.ISA{Base: "x86", Extensions: []string{"fpu"}}, ""},
		{"arm64", []map[string]string{cpuinfo([]string{"Features: fp asimd sve", "CPU implementer: 0x41", "CPU architecture: 8"}, []string{"Features: fp asimd", "CPU implementer: 0x41"})},
			"arm64", topology.ISA{Base: "ARMv8-A", Extensions: []string{"asimd", "-sve"}}, ""},
		{"arm", []map[string]string{{"proc/cpuinfo": "processor : 0\n\nFeatures : half thumb\nCPU implementer : 0x41\nCPU architecture: 7\n"}},
			"arm", topology.ISA{Base: "ARMv7", Extensions: []string{"thumb"}}, ""},
		{"s390x", []map[string]string{{"proc/cpuinfo": "vendor_id : IBM/S390\nfeatures : esan3 vx\nprocessor 0: version = FF, machine = 8561\n"}},
			"s390x", topology.ISA{Base: "z/Architecture", Extensions: []string{"vx"}}, ""},
		{"loong64", []map[string]string{{"proc/cpuinfo": "system type : generic\n\nprocessor : 0\nModel Name : Loongson-3C6000\nISA : loongarch32r loongarch64\nFeatures : cpucfg lsx\n"}},
			"loong64", topology.ISA{Base: "loongarch64", Extensions: []string{"lsx"}}, ""},
		{"power", []map[string]string{cpuinfo([]string{"cpu: POWER9, altivec supported", "revision: 2.3 (pvr 004e 1203)"}), {"sys/kernel/cpu_byteorder": "little\n"}},
			"ppc64le", topology.ISA{}, ""},
		{"riscv64: v of a T-Head core with marchid 0 is a draft",
			[]map[string]string{cpuinfo([]string{"isa: rv64imafdcv", "mvendorid: 0x5b7", "marchid: 0x0"})},
			"riscv64", topology.ISA{Base: "rv64", VendorVector: "0.7.1 (T-Head)", Extensions: []string{"c", "-v"}}, ""},
		{"riscv64: a later T-Head core has RVV 1.0",
			[]map[string]string{cpuinfo([]string{"isa: rv64imafdcv", "mvendorid: 0x5b7", "marchid: 0x8000000009140d00"})},
			"riscv64", topology.ISA{Base: "rv64", Extensions: []string{"v"}}, ""},
		{"riscv64: what all harts have",
			[]map[string]string{cpuinfo([]string{"isa: rv64imafdcv_zba"}, []string{"isa: rv64imac_zba_zbb"})},
			"riscv64", topology.ISA{Base: "rv64", Extensions: []string{"zba", "-zbb", "-v", "-f"}}, ""},
		{"riscv64: a profile that cpuinfo cannot prove",
			[]map[string]string{cpuinfo([]string{"isa: " + rva23})},
			"riscv64", topology.ISA{Base: "rv64", Extensions: []string{"v"}}, "RVA23U64"},
		{"riscv64: the device tree proves it",
			[]map[string]string{cpuinfo([]string{"isa: " + rva23}), {
				"proc/device-tree/cpus/cpu@0/riscv,isa-base":       "rv64i\x00",
				"proc/device-tree/cpus/cpu@0/riscv,isa-extensions": strings.ReplaceAll("ziccif ziccrse ziccamoa zicclsm za64rs zic64b zkr ", " ", "\x00"),
			}},
			"riscv64", topology.ISA{Base: "rv64", Level: "RVA23U64", Extensions: []string{"zic64b", "-zkr"}}, ""},
		{"riscv64: only the device tree tells", []map[string]string{cpuinfo([]string{"mmu: sv39", "hart: 0"}), {
			"proc/sys/kernel/arch": "riscv64\n", "proc/device-tree/cpus/cpu@0/riscv,isa": "rv64imac\x00", "proc/device-tree/cpus/cpu@1/riscv,isa": "rv64imafdc\x00"}},
			"riscv64", topology.ISA{Base: "rv64", Extensions: []string{"c", "-f"}}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := node(t, rootOf(t, tt.parts...))
			if n.Architecture != tt.arch {
				t.Errorf("architecture %q, want %q", n.Architecture, tt.arch)
			}
			for _, e := range tt.want.Extensions {
				word, not := strings.CutPrefix(e, "-")
				if slices.Contains(n.ISA.Extensions, word) == not {
					t.Errorf("%s: extensions %v", e, n.ISA.Extensions)
				}
			}
			got := n.ISA
			got.Extensions, got.Source = tt.want.Extensions, ""
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			a, ok := n.AbsenceOf(topology.NodeRef, "isa.level")
			if ok != (tt.maybe != "") || !strings.Contains(a.Detail, tt.maybe) {
				t.Errorf("absence of the level: %+v", a)
			}
		})
	}
}

const rva23 = "rv64imafdcbvh_zicbom_zicbop_zicboz_zicntr_zicond_zicsr_zifencei_zihintntl_zihintpause_zihpm_zimop_" +
	"zaamo_zalrsc_zawrs_zfa_zfhmin_zca_zcb_zcd_zcmop_zba_zbb_zbs_zkt_zvbb_zve32f_zvfhmin_zvkb_zvkt_ssnpm_sstc"

func TestUnknownDialect(t *testing.T) {
	n := node(t, rootOf(t, cpuinfo([]string{"colour: blue"})))
	if _, ok := n.AbsenceOf(topology.NodeRef, "architecture"); n.Architecture != "unknown" || !ok {
		t.Errorf("architecture %q, noted %v", n.Architecture, ok)
	}
	n = node(t, rootOf(t, map[string]string{"proc/cpuinfo": "!EIO", "proc/sys/kernel/arch": "aarch64\n"}))
	if a, ok := n.AbsenceOf(topology.NodeRef, "cpuinfo"); n.Architecture != "arm64" || !ok || a.Kind != topology.Unreadable {
		t.Errorf("architecture %q, %+v", n.Architecture, a)
	}
}

// TestBoards reads the facts of real RISC-V boards, rendered as cpuinfo.
func TestBoards(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(shared(t), "riscv/cpuinfo-facts.json"))
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Machines []struct {
			ID     string            `json:"id"`
			Lines  map[string]string `json:"lines"`
			Harts  []int             `json:"harts"`
			Expect struct {
				RVV        *string `json:"rvv"`
				Hypervisor *bool   `json:"hypervisor_ext"`
				Zbs        *bool   `json:"zbs"`
			} `json:"expect"`
		} `json:"machines"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.Machines) == 0 {
		t.Fatal("no board")
	}
	for _, board := range doc.Machines {
		t.Run(board.ID, func(t *testing.T) {
			harts := max(len(board.Harts), 4)
			var blocks [][]string
			for range harts {
				var fields []string
				for _, k := range slices.Sorted(maps.Keys(board.Lines)) {
					fields = append(fields, k+": "+board.Lines[k])
				}
				blocks = append(blocks, fields)
			}
			n := node(t, rootOf(t, cpuinfo(blocks...), cpus(harts, "core_id", always("-1"))))
			if n.Architecture != "riscv64" || n.Summary.Threads != harts || n.Summary.Cores != harts {
				t.Errorf("architecture %q, %+v", n.Architecture, n.Summary)
			}
			has := func(e string) bool { return slices.Contains(n.ISA.Extensions, e) }
			rvv := board.Expect.RVV
			switch {
			case rvv == nil && (has("v") || n.ISA.VendorVector != ""):
				t.Errorf("a vector unit: %+v", n.ISA)
			case rvv != nil && *rvv == "1.0" && (!has("v") || n.ISA.VendorVector != ""):
				t.Errorf("no RVV 1.0: %+v", n.ISA)
			case rvv != nil && strings.HasPrefix(*rvv, "0.7.1") && (has("v") || !strings.HasPrefix(n.ISA.VendorVector, "0.7.1")):
				t.Errorf("not the draft: %+v", n.ISA)
			}
			if want := board.Expect.Hypervisor; want != nil && has("h") != *want {
				t.Errorf("h is %v", has("h"))
			}
			if want := board.Expect.Zbs; want != nil && has("zbs") != *want {
				t.Errorf("zbs is %v", has("zbs"))
			}
			if n.ISA.Level != "" {
				t.Errorf("level %q of a board that has none", n.ISA.Level)
			}
		})
	}
}
