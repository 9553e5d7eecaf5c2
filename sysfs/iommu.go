// SPDX-License-Identifier: Apache-2.0

package sysfs

import (
	"errors"
	"slices"
	"strconv"

	"tarsia.dev/tarsia/machine"
)

// IOMMUGroups is where the kernel lists the groups
// (Documentation/ABI/testing/sysfs-kernel-iommu_groups).
const IOMMUGroups = "sys/kernel/iommu_groups"

// IOMMUGroup is one group and the names of its devices.
type IOMMUGroup struct {
	ID      int
	Type    string   // DMA, DMA-FQ, identity, auto; "" on kernels that do not tell
	Devices []string // PCI addresses or names of platform devices
}

// ReadIOMMUGroups returns the groups, by number. A machine without an IOMMU, or
// with one that is off, has the directory and no group in it. The error joins
// the groups that could not be read.
func ReadIOMMUGroups(m *machine.Machine) ([]IOMMUGroup, error) {
	names, err := m.ReadDir(IOMMUGroups)
	if err != nil {
		return nil, err
	}
	var out []IOMMUGroup
	var failed []error
	for _, name := range names {
		id, err := strconv.Atoi(name)
		if err != nil || id < 0 {
			continue
		}
		g := IOMMUGroup{ID: id}
		if g.Devices, err = m.ReadDir(IOMMUGroups + "/" + name + "/devices"); err != nil {
			failed = append(failed, err)
		}
		g.Type, err = Text(m, IOMMUGroups+"/"+name+"/type")
		if err != nil && !isMissing(err) {
			failed = append(failed, err)
		}
		out = append(out, g)
	}
	slices.SortFunc(out, func(a, b IOMMUGroup) int { return a.ID - b.ID })
	return out, errors.Join(failed...)
}
