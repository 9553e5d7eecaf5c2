// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"errors"
	"io/fs"
	"slices"

	"tarsia.dev/tarsia/pci"
	"tarsia.dev/tarsia/sysfs"
	"tarsia.dev/tarsia/topology"
)

// readIOMMU fills the IOMMU groups: as the kernel lists them, and for the
// functions of a capture that has no such list, as their own links say.
func (d *devices) readIOMMU() {
	groups, err := sysfs.ReadIOMMUGroups(d.m)
	byID := map[int]*topology.IOMMUGroup{}
	for _, g := range groups {
		out := &topology.IOMMUGroup{ID: g.ID, Type: g.Type}
		byID[g.ID] = out
		for _, name := range g.Devices {
			out.Functions = append(out.Functions, d.groupMember(g.ID, name))
		}
	}
	for i := range d.n.PCI {
		f := &d.n.PCI[i]
		if f.IOMMUGroup == nil {
			continue
		}
		g, ok := byID[*f.IOMMUGroup]
		if !ok {
			g = &topology.IOMMUGroup{ID: *f.IOMMUGroup}
			byID[g.ID] = g
		}
		g.Functions = append(g.Functions, topology.PCIRef(f.Address))
	}
	if err != nil && (len(byID) == 0 || !errors.Is(err, fs.ErrNotExist)) {
		d.absent(topology.NodeRef, "iommuGroups", sysfs.IOMMUGroups, "", err)
	}
	for _, g := range byID {
		if g.Functions == nil {
			g.Functions = []topology.Ref{}
		}
		slices.SortFunc(g.Functions, topology.CompareRefs)
		g.Functions = slices.Compact(g.Functions)
		d.n.IOMMUGroups = append(d.n.IOMMUGroups, *g)
	}
	slices.SortFunc(d.n.IOMMUGroups, func(a, b topology.IOMMUGroup) int { return a.ID - b.ID })
}

// groupMember names a member and tells a function that lacks its own link which
// group it is in.
func (d *devices) groupMember(group int, name string) topology.Ref {
	a, err := pci.ParseAddress(name)
	if err != nil {
		return topology.Ref("platform/" + name)
	}
	if i, ok := d.at[a]; ok && d.n.PCI[i].IOMMUGroup == nil {
		d.n.PCI[i].IOMMUGroup = &group
	}
	return topology.PCIRef(a)
}
