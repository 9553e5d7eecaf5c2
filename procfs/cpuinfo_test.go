// SPDX-License-Identifier: Apache-2.0

package procfs_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/procfs"
)

// Our own small files in the dialect of each architecture.
const (
	x86 = "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel name\t: Model X\nflags\t\t: fpu lm\npower management:\n\n" +
		"processor\t: 2\nvendor_id\t: GenuineIntel\n\n"
	arm32 = "Processor\t: ARMv7 Processor rev 1 (v7l)\nprocessor\t: 0\nBogoMIPS\t: 1.0\n\nprocessor\t: 1\nBogoMIPS\t: 1.0\n\n" +
		"Features\t: half thumb\nCPU implementer\t: 0x41\n"
	s390 = "vendor_id       : IBM/S390\n# processors    : 2\nprocessor 0: version = FF,  machine = 2964\nprocessor 1: version = FF,  machine = 2964\n\n" +
		"cpu number      : 0\ncpu MHz dynamic : 5000\n\ncpu number      : 1\ncpu MHz dynamic : 5001\n"
	riscv = "processor\t: 0\nhart\t\t: 3\nisa\t\t: rv64imac\nisa-ext\t\t: \n\nprocessor\t: 1\nhart\t\t: 1\nisa\t\t: rv64imac\n"
)

func TestParseCPUInfo(t *testing.T) {
	type f = procfs.Field
	for _, tt := range []struct {
		name, text string
		want       procfs.CPUInfo
	}{
		{"empty", "", procfs.CPUInfo{}},
		{"x86", x86, procfs.CPUInfo{CPUs: []procfs.Processor{
			{Number: 0, Fields: []f{{"vendor_id", "GenuineIntel"}, {"cpu family", "6"}, {"model name", "Model X"}, {"flags", "fpu lm"}, {"power management", ""}}},
			{Number: 2, Fields: []f{{"vendor_id", "GenuineIntel"}}},
		}}},
		{"arm, the fields of all in a block of their own", arm32, procfs.CPUInfo{
			CPUs: []procfs.Processor{
				{Number: 0, Fields: []f{{"BogoMIPS", "1.0"}}},
				{Number: 1, Fields: []f{{"BogoMIPS", "1.0"}}},
			},
			Common: []f{{"Processor", "ARMv7 Processor rev 1 (v7l)"}, {"Features", "half thumb"}, {"CPU implementer", "0x41"}},
		}},
		{"s390x, each processor twice", s390, procfs.CPUInfo{
			CPUs: []procfs.Processor{
				{Number: 0, Fields: []f{{"processor", "version = FF,  machine = 2964"}, {"cpu MHz dynamic", "5000"}}},
				{Number: 1, Fields: []f{{"processor", "version = FF,  machine = 2964"}, {"cpu MHz dynamic", "5001"}}},
			},
			Common: []f{{"vendor_id", "IBM/S390"}, {"# processors", "2"}},
		}},
		{"riscv", riscv, procfs.CPUInfo{CPUs: []procfs.Processor{
			{Number: 0, Fields: []f{{"hart", "3"}, {"isa", "rv64imac"}, {"isa-ext", ""}}},
			{Number: 1, Fields: []f{{"hart", "1"}, {"isa", "rv64imac"}}},
		}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := procfs.ParseCPUInfo([]byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, *got); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

func TestParseCPUInfoErrors(t *testing.T) {
	for text, want := range map[string]string{
		"x: 1\nprocessor : four\n":                "proc/cpuinfo:2",
		"processor : -1\n":                        "proc/cpuinfo:1",
		"processor : 70000\n":                     "a processor number up to",
		"processor : 1\n\nprocessor : 1\n":        "each processor once",
		"processor zero: version = FF\n":          "proc/cpuinfo:1",
		"processor : " + strings.Repeat("9", 500): "...",
	} {
		_, err := procfs.ParseCPUInfo([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || len(err.Error()) > 250 {
			t.Errorf("%.30q: got %v, want an error with %q", text, err, want)
		}
	}
}

func TestCPUInfoLookups(t *testing.T) {
	info, err := procfs.ParseCPUInfo([]byte(arm32))
	if err != nil {
		t.Fatal(err)
	}
	if v, ok := info.First("Features"); !ok || v != "half thumb" {
		t.Errorf("First of a common field: %q, %v", v, ok)
	}
	if _, ok := info.First("features"); ok {
		t.Error("keys are compared without case")
	}
	if got := info.Numbers().String(); got != "0-1" {
		t.Errorf("Numbers: %s", got)
	}
}

func FuzzParseCPUInfo(f *testing.F) {
	for _, seed := range []string{x86, arm32, s390, riscv, "processor:0\nprocessor 0:\n", "cpu number : 0\ncpu number : 0\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		info, err := procfs.ParseCPUInfo(data)
		if (info == nil) == (err == nil) {
			t.Fatalf("a value and an error, or neither: %v, %v", info, err)
		}
		if err != nil {
			return
		}
		if info.Numbers().Len() != len(info.CPUs) {
			t.Errorf("%d processors, numbers %s", len(info.CPUs), info.Numbers())
		}
	})
}
