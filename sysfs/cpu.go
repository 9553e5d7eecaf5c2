// SPDX-License-Identifier: Apache-2.0

package sysfs

import (
	"cmp"
	"errors"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"tarsia.dev/tarsia/cpuset"
	"tarsia.dev/tarsia/machine"
)

// CPUDir holds one directory per CPU that the kernel knows of (kernel
// Documentation/ABI/testing/sysfs-devices-system-cpu).
const CPUDir = "sys/devices/system/cpu"

// CPUPath is the directory of one CPU.
func CPUPath(cpu int) string { return CPUDir + "/cpu" + strconv.Itoa(cpu) }

// PresentCPUs returns the CPUs that have a directory, present ones that are
// offline included.
func PresentCPUs(m *machine.Machine) (cpuset.Set, error) { return numbered(m, CPUDir, "cpu") }

// numbered returns the numbers N of the entries prefixN of a directory.
func numbered(m *machine.Machine, dir, prefix string) (cpuset.Set, error) {
	names, err := m.ReadDir(dir)
	if err != nil {
		return cpuset.Set{}, err
	}
	var numbers []int
	for _, name := range names {
		digits, ok := strings.CutPrefix(name, prefix)
		if !ok || digits == "" || strings.Trim(digits, "0123456789") != "" {
			continue
		}
		if n, err := strconv.Atoi(digits); err == nil && n <= cpuset.Max {
			numbers = append(numbers, n)
		}
	}
	return cpuset.Of(numbers...), nil
}

// CPUOnline reads cpuN/online. A CPU that cannot be taken offline has no such
// file; ok is false then, and for a file that cannot be understood.
func CPUOnline(m *machine.Machine, cpu int) (online, ok bool) {
	v, err := Int(m, CPUPath(cpu)+"/online")
	if err != nil {
		return false, false
	}
	return v != 0, true
}

// CPUTopology is cpuN/topology (kernel Documentation/admin-guide/cputopology.rst).
// An id is nil when its file is missing, unreadable or says -1. A set is nil
// when none of its files can be read; it then says nothing, while an empty one
// would.
type CPUTopology struct {
	PackageID *int
	DieID     *int
	ClusterID *int
	CoreID    *int
	Package   *cpuset.Set // package_cpus, before Linux 5.4 core_siblings
	Core      *cpuset.Set // core_cpus, before thread_siblings
	Errors    []error     // of files that are there and could not be read or understood
}

// ReadCPUTopology reads one CPU's directory. Of each set it takes the mask,
// which every kernel has, or, where that is missing, the list form.
func ReadCPUTopology(m *machine.Machine, cpu int) CPUTopology {
	dir := CPUPath(cpu) + "/topology/"
	var t CPUTopology
	id := func(name string) *int {
		v, err := Int(m, dir+name)
		switch {
		case err != nil:
			t.note(err)
			return nil
		case v < 0, name == "cluster_id" && v == 0xffff:
			// Arm kernels without a cluster in the firmware's tables write
			// 65535, a -1 of 16 bits.
			return nil
		}
		return &v
	}
	set := func(names ...string) *cpuset.Set {
		for _, name := range names {
			s, err := CPUMask(m, dir+name)
			if err == nil {
				return &s
			}
			t.note(err)
			if s, err = CPUList(m, dir+name+"_list"); err == nil {
				return &s
			}
			t.note(err)
		}
		return nil
	}
	t.PackageID, t.DieID = id("physical_package_id"), id("die_id")
	t.ClusterID, t.CoreID = id("cluster_id"), id("core_id")
	t.Package = set("package_cpus", "core_siblings")
	t.Core = set("core_cpus", "thread_siblings")
	return t
}

func (t *CPUTopology) note(err error) {
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errors = append(t.Errors, err)
	}
}

// cpuSet reads a set that the kernel writes as a mask and as a list, and returns
// the path that told. The mask counts, because every kernel has it; the list
// serves where there is none. The error is that of the form that is there.
func cpuSet(m *machine.Machine, mask, list string) (cpuset.Set, string, error) {
	s, err := CPUMask(m, mask)
	if err == nil {
		return s, mask, nil
	}
	s, listErr := CPUList(m, list)
	switch {
	case listErr == nil:
		return s, list, nil
	case errors.Is(err, fs.ErrNotExist):
		return cpuset.Set{}, list, listErr
	}
	return cpuset.Set{}, mask, err
}

// CPUIdentity reads cpuN/regs/identification/midr_el1 (kernel
// Documentation/arch/arm64/cpu-feature-registers.rst); arm64 only.
func CPUIdentity(m *machine.Machine, cpu int) (uint64, error) {
	return Hex(m, CPUPath(cpu)+"/regs/identification/midr_el1", 64)
}

// CPUTypes returns the CPUs by the event sources that the kernel made for each
// type of a hybrid x86 machine, sys/devices/cpu_{core,atom,lowpower}/cpus
// (kernel Documentation/ABI/testing/sysfs-bus-event_source-devices), by name,
// "cpu_core" before others. It is empty elsewhere.
func CPUTypes(m *machine.Machine) ([]CPUType, error) {
	var types []CPUType
	var errs []error
	for _, name := range []string{"cpu_core", "cpu_atom", "cpu_lowpower"} {
		cpus, err := CPUList(m, "sys/devices/"+name+"/cpus")
		if err == nil {
			types = append(types, CPUType{name, cpus})
		} else if !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return types, errors.Join(errs...)
}

// CPUType is one type of core of a hybrid x86 machine.
type CPUType struct {
	Name string // the event source, "cpu_core"
	CPUs cpuset.Set
}

// Cache is cpuN/cache/indexM (kernel
// Documentation/ABI/testing/sysfs-devices-system-cpu). SizeBytes is nil when
// the kernel does not know it, as on boards whose device tree leaves it out.
type Cache struct {
	Level     int
	Type      string // Data, Instruction, Unified
	SizeBytes *int64
	CPUs      cpuset.Set
}

// ReadCaches reads the caches of one CPU. The error joins what is there and
// could not be read or understood; the caches that could are returned with it.
// A CPU without a cache directory gives fs.ErrNotExist.
func ReadCaches(m *machine.Machine, cpu int) ([]Cache, error) {
	dir := CPUPath(cpu) + "/cache"
	indexes, err := numbered(m, dir, "index")
	if err != nil {
		return nil, err
	}
	var caches []Cache
	var errs []error
	for i := range indexes.All() {
		c, err := readCache(m, dir+"/index"+strconv.Itoa(i))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		caches = append(caches, c)
	}
	slices.SortFunc(caches, func(a, b Cache) int {
		return cmp.Or(cmp.Compare(a.Level, b.Level), cmp.Compare(a.Type, b.Type))
	})
	return caches, errors.Join(errs...)
}

func readCache(m *machine.Machine, dir string) (Cache, error) {
	level, err := Int(m, dir+"/level")
	if err != nil {
		return Cache{}, err
	}
	kind, err := m.ReadString(dir + "/type")
	if err != nil {
		return Cache{}, err
	}
	cpus, _, err := cpuSet(m, dir+"/shared_cpu_map", dir+"/shared_cpu_list")
	if err != nil {
		return Cache{}, err
	}
	c := Cache{Level: level, Type: kind, CPUs: cpus}
	text, err := m.ReadString(dir + "/size")
	if err == nil {
		size, err := ParseSize(text)
		if err != nil {
			return Cache{}, &ParseError{dir + "/size", clip(text), "a size like 32K"}
		}
		if size > 0 {
			c.SizeBytes = &size
		}
	}
	return c, nil
}

// ParseSize reads a size in the kernel's form, "32K", "12288K", "16M" or a
// number of bytes, and returns bytes.
func ParseSize(text string) (int64, error) {
	text = strings.TrimSpace(text)
	shift := 0
	if n := len(text); n > 0 {
		switch text[n-1] {
		case 'K', 'k':
			shift = 10
		case 'M':
			shift = 20
		case 'G':
			shift = 30
		}
		if shift > 0 {
			text = text[:n-1]
		}
	}
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil || v < 0 || v > 1<<30 {
		return 0, strconv.ErrSyntax
	}
	return v << shift, nil
}
