// SPDX-License-Identifier: Apache-2.0

package sysfs_test

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/cpuset"
	"tarsia.dev/tarsia/machine"
	"tarsia.dev/tarsia/sysfs"
)

// files makes a root of name and text; a text "!EIO" is an error, "->x" a link.
func files(t testing.TB, content map[string]string) *machine.Machine {
	t.Helper()
	f := machine.NewFiles()
	for name, text := range content {
		var err error
		switch {
		case text == "!EIO":
			err = f.AddError(name, syscall.EIO)
		case strings.HasPrefix(text, "->"):
			err = f.AddLink(name, text[2:])
		default:
			err = f.AddFile(name, []byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return f.Machine()
}

func TestReaders(t *testing.T) {
	m := files(t, map[string]string{
		"a/int": " -1\n", "a/big": "9223372036854775807\n", "a/word": "many\n" + strings.Repeat("x", 200),
		"a/hex": "0x1f\n", "a/list": "0-2,4\n", "a/empty": "\n", "a/mask": "00000000,00000017\n", "a/link": "->../../bus/drivers/nvme",
		"a/bad": "!EIO",
	})
	if v, err := sysfs.Int(m, "a/int"); err != nil || v != -1 {
		t.Errorf("Int: %d, %v", v, err)
	}
	if v, err := sysfs.Int64(m, "a/big"); err != nil || v != 1<<63-1 {
		t.Errorf("Int64: %d, %v", v, err)
	}
	if v, err := sysfs.Hex(m, "a/hex", 8); err != nil || v != 0x1f {
		t.Errorf("Hex: %d, %v", v, err)
	}
	if v, err := sysfs.CPUList(m, "a/list"); err != nil || v.String() != "0-2,4" {
		t.Errorf("CPUList: %s, %v", v, err)
	}
	if v, err := sysfs.CPUList(m, "a/empty"); err != nil || !v.IsEmpty() {
		t.Errorf("CPUList of nothing: %s, %v", v, err)
	}
	if v, err := sysfs.CPUMask(m, "a/mask"); err != nil || v.String() != "0-2,4" {
		t.Errorf("CPUMask: %s, %v", v, err)
	}
	if v, err := sysfs.LinkBase(m, "a/link"); err != nil || v != "nvme" {
		t.Errorf("LinkBase: %s, %v", v, err)
	}
	for name, read := range map[string]func(string) error{
		"Int":     func(n string) error { _, err := sysfs.Int(m, n); return err },
		"Hex":     func(n string) error { _, err := sysfs.Hex(m, n, 64); return err },
		"CPUList": func(n string) error { _, err := sysfs.CPUList(m, n); return err },
		"CPUMask": func(n string) error { _, err := sysfs.CPUMask(m, n); return err },
	} {
		parse, ok := errors.AsType[*sysfs.ParseError](read("a/word"))
		if !ok || parse.Path != "a/word" || len(parse.Found) > 50 || parse.Want == "" {
			t.Errorf("%s of words: %v", name, parse)
		}
		if err := read("a/none"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s of nothing: %v", name, err)
		}
		if err := read("a/bad"); !errors.Is(err, syscall.EIO) {
			t.Errorf("%s of a bad disk: %v", name, err)
		}
	}
}

func TestReadCPUTopology(t *testing.T) {
	const dir = "sys/devices/system/cpu/cpu3/topology/"
	set := func(cpus ...int) *cpuset.Set { return new(cpuset.Of(cpus...)) }
	for _, tt := range []struct {
		name    string
		content map[string]string
		want    sysfs.CPUTopology
		errors  int
	}{
		{"nothing", map[string]string{"sys/x": ""}, sysfs.CPUTopology{}, 0},
		{"today", map[string]string{
			dir + "physical_package_id": "1", dir + "die_id": "0", dir + "cluster_id": "8", dir + "core_id": "2",
			dir + "package_cpus": "f0,0000000f", dir + "core_cpus": "c", dir + "core_siblings": "ff", dir + "thread_siblings": "ff",
		}, sysfs.CPUTopology{PackageID: new(1), DieID: new(0), ClusterID: new(8), CoreID: new(2),
			Package: set(0, 1, 2, 3, 36, 37, 38, 39), Core: set(2, 3)}, 0},
		{"before 5.4", map[string]string{dir + "core_siblings": "f", dir + "thread_siblings": "8"},
			sysfs.CPUTopology{Package: set(0, 1, 2, 3), Core: set(3)}, 0},
		{"lists only", map[string]string{dir + "core_siblings_list": "0-3", dir + "core_cpus_list": "3"},
			sysfs.CPUTopology{Package: set(0, 1, 2, 3), Core: set(3)}, 0},
		{"the kernel does not know", map[string]string{
			dir + "physical_package_id": "-1", dir + "die_id": "-1", dir + "cluster_id": "65535", dir + "core_id": "-1"},
			sysfs.CPUTopology{}, 0},
		{"half readable", map[string]string{dir + "core_id": "!EIO", dir + "package_cpus": "no mask", dir + "package_cpus_list": "3"},
			sysfs.CPUTopology{Package: set(3)}, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := sysfs.ReadCPUTopology(files(t, tt.content), 3)
			if len(got.Errors) != tt.errors {
				t.Errorf("errors: %v", got.Errors)
			}
			got.Errors = nil
			if d := cmp.Diff(tt.want, got, cmp.Comparer(cpuset.Set.Equal)); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

func TestPresentAndOnline(t *testing.T) {
	m := files(t, map[string]string{
		"sys/devices/system/cpu/cpu0/topology/core_id": "0", "sys/devices/system/cpu/cpu1/online": "0\n",
		"sys/devices/system/cpu/cpu2/online": "1\n", "sys/devices/system/cpu/cpufreq/x": "", "sys/devices/system/cpu/cpu99999999999/x": "",
		"sys/devices/system/cpu/cpu+3/x": "",
	})
	if got, err := sysfs.PresentCPUs(m); err != nil || got.String() != "0-2" {
		t.Errorf("present: %s, %v", got, err)
	}
	for cpu, want := range map[int][2]bool{0: {false, false}, 1: {false, true}, 2: {true, true}} {
		if on, ok := sysfs.CPUOnline(m, cpu); on != want[0] || ok != want[1] {
			t.Errorf("cpu %d: online %v, told %v", cpu, on, ok)
		}
	}
	if _, err := sysfs.PresentCPUs(files(t, map[string]string{"proc/x": ""})); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("present of nothing: %v", err)
	}
}

func TestReadCaches(t *testing.T) {
	const dir = "sys/devices/system/cpu/cpu0/cache/"
	m := files(t, map[string]string{
		dir + "index10/level": "3", dir + "index10/type": "Unified\n", dir + "index10/size": "32M\n", dir + "index10/shared_cpu_map": "ff\n", dir + "index10/shared_cpu_list": "0\n",
		dir + "index0/level": "1", dir + "index0/type": "Data", dir + "index0/size": "48K", dir + "index0/shared_cpu_list": "0,4",
		dir + "index1/level": "1", dir + "index1/type": "Instruction", dir + "index1/shared_cpu_list": "0,4",
		dir + "index2/level": "2", dir + "index2/type": "Unified", dir + "index2/size": "!EIO", dir + "index2/shared_cpu_list": "0",
		dir + "index3/level": "!EIO", dir + "index4/level": "2", dir + "index4/type": "Unified", dir + "index4/size": "big", dir + "index4/shared_cpu_list": "0",
		dir + "uevent": "",
	})
	got, err := sysfs.ReadCaches(m, 0)
	want := []sysfs.Cache{
		{1, "Data", new(int64(48 << 10)), cpuset.Of(0, 4)},
		{1, "Instruction", nil, cpuset.Of(0, 4)},
		{2, "Unified", nil, cpuset.Of(0)},
		{3, "Unified", new(int64(32 << 20)), cpuset.Range(0, 7)},
	}
	if d := cmp.Diff(want, got, cmp.Comparer(cpuset.Set.Equal)); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if _, ok := errors.AsType[*sysfs.ParseError](err); !ok || !errors.Is(err, syscall.EIO) {
		t.Errorf("what failed: %v", err)
	}
	if _, err := sysfs.ReadCaches(m, 1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of a CPU without: %v", err)
	}
}

func TestCPUTypes(t *testing.T) {
	m := files(t, map[string]string{"sys/devices/cpu_atom/cpus": "4-7\n", "sys/devices/cpu_core/cpus": "0-3\n"})
	got, err := sysfs.CPUTypes(m)
	want := []sysfs.CPUType{{"cpu_core", cpuset.Range(0, 3)}, {"cpu_atom", cpuset.Range(4, 7)}}
	if d := cmp.Diff(want, got, cmp.Comparer(cpuset.Set.Equal)); d != "" || err != nil {
		t.Errorf("%v, -want +got:\n%s", err, d)
	}
}

func FuzzAttributes(f *testing.F) {
	for _, seed := range []string{"32K", "16M", "12288K\n", "-1", "0x1f", "0-3,8", "ff,00000000", "10 21 31", "99999999999999999999", "1G"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if v, err := sysfs.ParseSize(text); v < 0 || err != nil && v != 0 {
			t.Errorf("ParseSize(%q) = %d, %v", text, v, err)
		}
		if d, err := sysfs.ParseDistances(text); err != nil && d != nil {
			t.Errorf("ParseDistances(%q) = %v, %v", text, d, err)
		}
		m := files(t, map[string]string{"x": text})
		if v, err := sysfs.Int(m, "x"); err != nil && v != 0 {
			t.Errorf("Int of %q = %d, %v", text, v, err)
		}
		if v, err := sysfs.CPUList(m, "x"); err != nil && !v.IsEmpty() {
			t.Errorf("CPUList of %q = %s, %v", text, v, err)
		}
		if v, err := sysfs.CPUMask(m, "x"); err != nil && !v.IsEmpty() {
			t.Errorf("CPUMask of %q = %s, %v", text, v, err)
		}
	})
}
