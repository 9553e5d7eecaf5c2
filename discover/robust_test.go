// SPDX-License-Identifier: Apache-2.0

package discover_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tarsia.dev/tarsia/discover"
	"tarsia.dev/tarsia/machine"
)

// TestWithoutAnyOneThing reads machines from which one file or directory is
// gone, or cannot be read: there is always an answer, and it agrees with itself.
func TestWithoutAnyOneThing(t *testing.T) {
	dir := shared(t)
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	for _, name := range []string{
		"riscv/rv64-linux.tar.gz",
		"ghw/i7-1270p.tar.gz",
		"ghw/xeon-l5640-2numa-sriov.tar.gz",
		"hwloc/40intel64-4n10c+pci-conflicts.tar.bz2",
		"hwloc/nvidia-dgx-gb10.tar.bz2",
		"hwloc/4fake-4gr1nu1pu.tar.bz2",
		"hwloc/fakeheteromemtiers.tar.bz2",
	} {
		t.Run(name, func(t *testing.T) {
			entries, err := readArchive(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			entries = strip(entries)
			for _, i := range random.Perm(len(entries))[:min(len(entries), 60)] {
				victim := entries[i].name
				without(t, entries, victim, false)
				if !entries[i].dir && entries[i].link == "" {
					without(t, entries, victim, true)
				}
			}
			for _, top := range []string{"sys", "proc", "sys/devices/system/cpu", "sys/devices/system/node", "sys/bus", "sys/class", "proc/cpuinfo"} {
				without(t, entries, top, false)
			}
		})
	}
}

// without reads the machine without victim and what is below it or, when broken,
// with a victim that answers EIO.
func without(t *testing.T, entries []archived, victim string, broken bool) {
	t.Helper()
	files := machine.NewFiles()
	for _, e := range entries {
		var err error
		switch {
		case e.name == victim && broken:
			err = files.AddError(e.name, syscall.EIO)
		case e.name == victim, strings.HasPrefix(e.name, victim+"/"):
			continue
		case e.link != "":
			err = files.AddLink(e.name, e.link)
		case e.dir:
			err = files.AddDir(e.name)
		default:
			err = files.AddFile(e.name, e.data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	defer func() {
		if r := recover(); r != nil {
			t.Errorf("without %s (broken: %v): panic: %v", victim, broken, r)
		}
	}()
	n, err := discover.Node("n1", files.Machine())
	if err != nil {
		if len(entries) > 0 && victim != "sys" && victim != "proc" {
			t.Errorf("without %s: %v", victim, err)
		}
		return
	}
	before := t.Failed()
	invariants(t, n)
	if t.Failed() && !before {
		t.Errorf("that was without %s (broken: %v)", victim, broken)
	}
}

// FuzzNode feeds one machine whose every file of CPUs and nodes holds what the
// fuzzer says.
func FuzzNode(f *testing.F) {
	for _, seed := range [][3]string{
		{"0-3", "f", "0"}, {"0-65535", "ffffffff,ffffffff", "-1"}, {"", "", ""}, {"3,1,1", "1", "99999999999"}, {"0", "3", "2"},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, list, mask, number string) {
		content := map[string]string{
			"sys/devices/system/cpu/online": list, "proc/self/status": "Cpus_allowed_list: " + list + "\nMems_allowed_list: " + number,
			"proc/cpuinfo": "processor : " + number + "\nisa : " + list + "\n",
		}
		for i := range 3 {
			dir := fmt.Sprintf("sys/devices/system/cpu/cpu%d/", i)
			content[dir+"online"] = number
			content[dir+"topology/core_siblings"] = mask
			content[dir+"topology/thread_siblings_list"] = list
			content[dir+"topology/core_id"] = number
			content[dir+"topology/physical_package_id"] = number
			content[dir+"cache/index0/level"] = number
			content[dir+"cache/index0/type"] = list
			content[dir+"cache/index0/shared_cpu_map"] = mask
			node := fmt.Sprintf("sys/devices/system/node/node%d/", i)
			content[node+"cpumap"] = mask
			content[node+"distance"] = list
		}
		for name, text := range content {
			if strings.HasPrefix(text, "->") || strings.HasPrefix(text, "!E") {
				content[name] = ""
			}
		}
		n := node(t, rootOf(t, content))
		invariants(t, n)
	})
}
