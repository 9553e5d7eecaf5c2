// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"strconv"
	"strings"

	"tarsia.dev/tarsia/cpuset"
)

// writeMemory writes the NUMA nodes (kernel, Documentation/ABI/stable/
// sysfs-devices-node) and what a process that nothing restricts may use.
func (h *host) writeMemory(o *out) {
	const dir = "sys/devices/system/node/"
	all := cpuset.Range(0, len(h.nodes)-1)
	var withMemory cpuset.Set
	var total, free int64
	for id, n := range h.nodes {
		node := dir + "node" + strconv.Itoa(id) + "/"
		o.file(node+"cpulist", n.cpus.String())
		o.file(node+"distance", h.distances(id))
		kib := int64(n.memory) >> 10
		left := kib / 16 * 15
		o.file(node+"meminfo", fmt.Sprintf("Node %d MemTotal:       %d kB\nNode %d MemFree:        %d kB\nNode %d MemUsed:        %d kB\nNode %d HugePages_Total:     0\nNode %d HugePages_Free:      0\nNode %d HugePages_Surp:      0",
			id, kib, id, left, id, kib-left, id, id, id))
		if kib > 0 {
			withMemory = withMemory.Or(cpuset.Of(id))
		}
		total, free = total+kib, free+left
	}
	o.file(dir+"online", all.String())
	o.file(dir+"possible", all.String())
	o.file(dir+"has_cpu", h.nodesWithCPUs().String())
	o.file(dir+"has_memory", withMemory.String())
	o.file(dir+"has_normal_memory", withMemory.String())
	o.file("proc/meminfo", fmt.Sprintf("MemTotal:       %d kB\nMemFree:        %d kB\nMemAvailable:   %d kB\nSwapTotal:             0 kB\nSwapFree:              0 kB\nHugePages_Total:       0\nHugePages_Free:        0\nHugepagesize:       2048 kB",
		total, free, free))
	o.file("proc/self/status", fmt.Sprintf("Name:\ttarsia\nUmask:\t0022\nState:\tR (running)\nTgid:\t1\nPid:\t1\nPPid:\t0\nThreads:\t1\nCpus_allowed_list:\t%s\nMems_allowed_list:\t%s",
		h.all(), all))
}

// Distances that no fact file gives: a GPU's memory nodes among one another
// and from everything else. Firmware of coherent GPUs says 80.
const (
	distanceSelf   = 10
	distanceDevice = 80
)

func (h *host) distances(from int) string {
	var b strings.Builder
	withCPUs := h.nodesWithCPUs()
	for to := range h.nodes {
		if to > 0 {
			b.WriteByte(' ')
		}
		d := h.facts.Memory.Far
		switch {
		case to == from:
			d = distanceSelf
		case !withCPUs.Has(to) || !withCPUs.Has(from):
			d = distanceDevice
		case h.packageOf(to) == h.packageOf(from):
			d = h.facts.Memory.Near
		}
		b.WriteString(strconv.Itoa(d))
	}
	return b.String()
}
