// SPDX-License-Identifier: Apache-2.0

package procfs_test

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/cpuset"
	"tarsia.dev/tarsia/machine"
	"tarsia.dev/tarsia/procfs"
)

func TestParseMemTotal(t *testing.T) {
	for text, want := range map[string]int64{
		"MemTotal:       16331824 kB\nMemFree: 1 kB\n": 16331824 << 10,
		"\nNode 0 MemTotal:        2096684 kB\n":       2096684 << 10,
		"MemTotal: 0 kB\n":                             0,
	} {
		if got, err := procfs.ParseMemTotal("meminfo", []byte(text)); err != nil || got != want {
			t.Errorf("%q: got %d, %v, want %d", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"":                                  "want a line MemTotal",
		"MemFree: 1 kB\n":                   "want a line MemTotal",
		"MemFree: 1 kB\nMemTotal: lots kB":  "meminfo:2",
		"MemTotal: -1 kB":                   "a number of kB",
		"MemTotal: 9999999999999999999 kB":  "a number of kB",
		"MemTotal: 9223372036854775807 kB ": "a number of kB",
	} {
		if _, err := procfs.ParseMemTotal("meminfo", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want an error with %q", text, err, want)
		}
	}
}

const modules = "nvidia 56807424 36 nvidia_uvm,nvidia_modeset, Live 0x0000000000000000 (POE)\n" +
	"amdgpu 19595264 0 - Live 0x0000000000000000\n" +
	"loading 1234 1 - Loading 0x0000000000000000 (O+)\n" +
	"old 12 0\n"

func TestParseModules(t *testing.T) {
	got, err := procfs.ParseModules([]byte(modules))
	if err != nil {
		t.Fatal(err)
	}
	want := []procfs.Module{{"nvidia", "POE"}, {"amdgpu", ""}, {"loading", "O"}, {"old", ""}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	for _, text := range []string{"a\n", "good 1 0\n../up 1 0\n"} {
		if _, err := procfs.ParseModules([]byte(text)); err == nil || !strings.Contains(err.Error(), "proc/modules:") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestParseStatus(t *testing.T) {
	got, err := procfs.ParseStatus([]byte("Name:\tx\nCpus_allowed:\tff\nCpus_allowed_list:\t0-3,8\nMems_allowed_list:\t1\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got.CPUs == nil || !got.CPUs.Equal(cpuset.Of(0, 1, 2, 3, 8)) || got.NUMANodes == nil || !got.NUMANodes.Equal(cpuset.Of(1)) {
		t.Errorf("got %v, %v", got.CPUs, got.NUMANodes)
	}
	if got, err := procfs.ParseStatus([]byte("Name: x\n")); err != nil || got.CPUs != nil || got.NUMANodes != nil {
		t.Errorf("no such lines: %v, %v", got, err)
	}
	if _, err := procfs.ParseStatus([]byte("Name: x\nMems_allowed_list: all\n")); err == nil || !strings.Contains(err.Error(), "status:2") {
		t.Errorf("a bad list: %v", err)
	}
}

func TestCpusets(t *testing.T) {
	mounts, err := procfs.ParseMounts([]byte("none /cg cgroup2 rw 0 0\n" +
		"cgroup /sys/fs/cgroup/cpu\\040set cgroup rw,cpuset 0 0\n" +
		"cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\n" +
		"cgroup /v1np cgroup rw,cpuset,noprefix 0 0\n" +
		"none /dev/cpuset cpuset rw 0 0\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []procfs.Cpuset{
		{"cg/job", "cpuset.cpus.effective", "cpuset.mems.effective"},
		{"sys/fs/cgroup/cpu set/job", "cpuset.effective_cpus", "cpuset.effective_mems"},
		{"sys/fs/cgroup/cpu set/job", "cpuset.cpus", "cpuset.mems"},
		{"v1np/job", "cpus", "mems"},
		{"dev/cpuset/job", "cpus", "mems"},
	}
	if d := cmp.Diff(want, procfs.Cpusets(mounts, "/job")); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	// A process outside of its cgroup namespace sees "/../.." as its cpuset.
	if got := procfs.Cpusets(mounts[:1], "/../../etc"); len(got) != 1 || got[0].Dir != "cg/etc" {
		t.Errorf("a name that climbs: %v", got)
	}
	if _, err := procfs.ParseMounts([]byte("none /x cgroup\n")); err == nil {
		t.Error("a short line is taken")
	}
}

func TestParseParameters(t *testing.T) {
	got := procfs.ParseParameters("quiet  iommu=pt isolcpus=\"1-3, 5\" =x dyndbg=\"file a +p\" hugepages=4 -- single\n")
	want := []procfs.Parameter{{"quiet", ""}, {"iommu", "pt"}, {"isolcpus", "1-3, 5"}, {"dyndbg", "file a +p"}, {"hugepages", "4"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestParsePCIDevices(t *testing.T) {
	got, err := procfs.ParsePCIDevices([]byte("c27d\t1b212824\t0\t 0\n0000\t1e302042\t2b\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []procfs.PCIDevice{{0xc2, 0x0f, 5, 0x1b21, 0x2824}, {0, 0, 0, 0x1e30, 0x2042}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	for _, text := range []string{"c27d\n", "c2 1b212824\n", "c27g 1b212824\n"} {
		if _, err := procfs.ParsePCIDevices([]byte(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestReadRelease(t *testing.T) {
	files := machine.NewFiles()
	add := func(name, text string) {
		t.Helper()
		if err := files.AddFile(name, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := procfs.ReadRelease(files.Machine()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of nothing: %v", err)
	}
	add("proc/version", "Linux version 6.12.5-amd64 (x@y) #1 SMP\n")
	if v, source, err := procfs.ReadRelease(files.Machine()); err != nil || v != "6.12.5-amd64" || source != "proc/version" {
		t.Errorf("of proc/version: %q, %q, %v", v, source, err)
	}
	add("proc/sys/kernel/osrelease", "6.18.1\n")
	if v, source, err := procfs.ReadRelease(files.Machine()); err != nil || v != "6.18.1" || source != "proc/sys/kernel/osrelease" {
		t.Errorf("of osrelease: %q, %q, %v", v, source, err)
	}
	if _, err := procfs.ParseVersion("Darwin " + strings.Repeat("x", 300)); err == nil || len(err.Error()) > 200 {
		t.Errorf("another system: %v", err)
	}
}

// TestReadErrors shows that each reader hands on what the file said.
func TestReadErrors(t *testing.T) {
	files := machine.NewFiles()
	for _, name := range []string{"proc/cpuinfo", "proc/modules", "proc/self/status", "proc/self/mounts", "proc/mounts", "proc/bus/pci/devices", "proc/cmdline", "proc/meminfo"} {
		if err := files.AddError(name, syscall.EIO); err != nil {
			t.Fatal(err)
		}
	}
	m := files.Machine()
	for name, read := range map[string]func() error{
		"cpuinfo":  func() error { _, err := procfs.ReadCPUInfo(m); return err },
		"modules":  func() error { _, err := procfs.ReadModules(m); return err },
		"status":   func() error { _, err := procfs.ReadStatus(m); return err },
		"mounts":   func() error { _, err := procfs.ReadMounts(m); return err },
		"pci":      func() error { _, err := procfs.ReadPCIDevices(m); return err },
		"cmdline":  func() error { _, err := procfs.ReadParameters(m); return err },
		"memtotal": func() error { _, err := procfs.ReadMemTotal(m, "proc/meminfo"); return err },
	} {
		if err := read(); !errors.Is(err, syscall.EIO) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzProc feeds every small parser the same bytes.
func FuzzProc(f *testing.F) {
	for _, seed := range []string{
		modules, "MemTotal: 1 kB\n", "Node 0 MemTotal: 2 kB", "Cpus_allowed_list:\t0-3\nMems_allowed_list: 0\n",
		"none /cg\\040x cgroup2 rw 0 0\n", "c27d\t1b212824\t0\n", "a=b \"c d\" -- e", "Linux version 6 x",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if v, err := procfs.ParseMemTotal("x", data); v < 0 || err != nil && v != 0 {
			t.Errorf("memory %d, %v", v, err)
		}
		if mods, err := procfs.ParseModules(data); err != nil && mods != nil {
			t.Error("modules and an error")
		}
		if s, err := procfs.ParseStatus(data); err != nil && (s.CPUs != nil || s.NUMANodes != nil) {
			t.Error("a status and an error")
		}
		if devices, err := procfs.ParsePCIDevices(data); err != nil && devices != nil {
			t.Error("devices and an error")
		}
		mounts, err := procfs.ParseMounts(data)
		if err == nil {
			for _, s := range procfs.Cpusets(mounts, string(data)) {
				if strings.HasPrefix(s.Dir, "/") || s.Dir == ".." || strings.HasPrefix(s.Dir, "../") {
					t.Errorf("a cpuset at %q", s.Dir)
				}
			}
		}
		for _, p := range procfs.ParseParameters(string(data)) {
			if p.Key == "" {
				t.Error("a parameter without a key")
			}
		}
		if v, err := procfs.ParseVersion(string(data)); err == nil && v == "" {
			t.Error("an empty release")
		}
	})
}
