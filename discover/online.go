// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"cmp"
	"fmt"

	"tarsia.dev/tarsia/cpuset"
	"tarsia.dev/tarsia/machine"
	"tarsia.dev/tarsia/procfs"
	"tarsia.dev/tarsia/sysfs"
	"tarsia.dev/tarsia/topology"
)

// maxCPUs bounds the CPUs of a machine: a list of a few bytes may name more than
// any kernel can have (CONFIG_NR_CPUS, 8192 at most).
const maxCPUs = 8192

var possibleCPUs = cpuset.Range(0, maxCPUs-1)

// onlineCPUs returns the online and the offline CPUs.
func onlineCPUs(m *machine.Machine, n *topology.Node, info *procfs.CPUInfo) (online, offline cpuset.Set) {
	online, offline = tellCPUs(m, n, info)
	if !possibleCPUs.Contains(online) {
		absent(n, topology.NodeRef, "onlineCPUs", sysfs.CPUDir, fmt.Errorf("CPUs %s: numbers from %d on are left out", online, maxCPUs))
	}
	return online.And(possibleCPUs), offline.And(possibleCPUs)
}

// tellCPUs finds them in sys/devices/system/cpu/online, else in the CPUs'
// own directories, else in proc/cpuinfo. Offline are the present ones, not the
// possible ones that nobody has plugged in.
func tellCPUs(m *machine.Machine, n *topology.Node, info *procfs.CPUInfo) (online, offline cpuset.Set) {
	present, dirErr := sysfs.PresentCPUs(m)
	online, err := sysfs.CPUList(m, sysfs.CPUDir+"/online")
	if err == nil && !online.IsEmpty() {
		if told, err := sysfs.CPUList(m, sysfs.CPUDir+"/present"); err == nil {
			present = told
		}
		return online, present.Minus(online)
	}
	if !present.IsEmpty() {
		online = onlineByDirectory(m, present)
		return online, present.Minus(online)
	}
	online = info.Numbers()
	if online.IsEmpty() {
		absent(n, topology.NodeRef, "onlineCPUs", sysfs.CPUDir, cmp.Or(dirErr, err))
	}
	return online, cpuset.Set{}
}

// onlineByDirectory serves kernels and captures without the file "online": a
// CPU is offline when its own file says so, or when it alone has no topology
// directory, which the kernel removes from an offline CPU. At numbers that no
// kernel has it does not look.
func onlineByDirectory(m *machine.Machine, present cpuset.Set) cpuset.Set {
	var online, placed []int
	beyond := present.Minus(possibleCPUs)
	for number := range present.And(possibleCPUs).All() {
		placedHere := m.Exists(sysfs.CPUPath(number) + "/topology")
		if placedHere {
			placed = append(placed, number)
		}
		if on, ok := sysfs.CPUOnline(m, number); on || !ok {
			online = append(online, number)
		}
	}
	set := cpuset.Of(online...)
	if some := set.And(cpuset.Of(placed...)); !some.IsEmpty() {
		return some.Or(beyond)
	}
	return set.Or(beyond)
}
