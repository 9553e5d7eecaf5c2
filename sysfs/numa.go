// SPDX-License-Identifier: Apache-2.0

package sysfs

import (
	"fmt"
	"strconv"
	"strings"

	"tarsia.dev/tarsia/cpuset"
	"tarsia.dev/tarsia/machine"
)

// NUMADir holds one directory per online memory node (kernel
// Documentation/ABI/stable/sysfs-devices-node). A kernel without CONFIG_NUMA
// has none.
const NUMADir = "sys/devices/system/node"

// NUMAPath is the directory of one node.
func NUMAPath(node int) string { return NUMADir + "/node" + strconv.Itoa(node) }

// NUMANodes returns the ids of the nodes that have a directory. Ids may have
// gaps.
func NUMANodes(m *machine.Machine) (cpuset.Set, error) { return numbered(m, NUMADir, "node") }

// NUMACPUs reads nodeN/cpumap or, where that cannot be read, nodeN/cpulist, and
// returns the path that told. Both may name CPUs that are offline.
func NUMACPUs(m *machine.Machine, node int) (cpuset.Set, string, error) {
	return cpuSet(m, NUMAPath(node)+"/cpumap", NUMAPath(node)+"/cpulist")
}

// NUMADistances reads nodeN/distance: one number per online node, in the order
// of their ids, as the firmware's SLIT has them; 10 is local (ACPI 6.5, section
// 5.2.17).
func NUMADistances(m *machine.Machine, node int) ([]int, error) {
	name := NUMAPath(node) + "/distance"
	text, err := m.ReadString(name)
	if err != nil {
		return nil, err
	}
	d, err := ParseDistances(text)
	if err != nil {
		return nil, &ParseError{name, clip(text), "numbers from 1 to 255"}
	}
	return d, nil
}

// ParseDistances reads numbers between white space.
func ParseDistances(text string) ([]int, error) {
	words := strings.Fields(text)
	out := make([]int, 0, len(words))
	for _, w := range words {
		v, err := strconv.Atoi(w)
		if err != nil || v < 1 || v > 255 {
			return nil, fmt.Errorf("distance %q: want a number from 1 to 255", clip(w))
		}
		out = append(out, v)
	}
	return out, nil
}
