// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"cmp"
	"strconv"
	"strings"

	"tarsia.dev/tarsia/pci"
)

// Ref names an object of a node by kind and id:
//
//	node                       the node itself
//	pci/0000:3b:00.0           a PCI function
//	package/0  numa/3          a processor package, a NUMA node
//	platform/17000000.gpu      a device without a bus address
//	nvswitch/local             the NVSwitches of this machine, when they hide their addresses
//	kfd/12                     a KFD node without a known PCI function
type Ref string

// NodeRef is the node itself.
const NodeRef Ref = "node"

// PCIRef names a PCI function.
func PCIRef(a pci.Address) Ref { return Ref("pci/" + a.String()) }

// NUMARef names a NUMA node.
func NUMARef(id int) Ref { return Ref("numa/" + strconv.Itoa(id)) }

// PackageRef names a processor package.
func PackageRef(id int) Ref { return Ref("package/" + strconv.Itoa(id)) }

// Kind is the part before the first slash.
func (r Ref) Kind() string {
	kind, _, _ := strings.Cut(string(r), "/")
	return kind
}

// ID is the part after the first slash.
func (r Ref) ID() string {
	_, id, _ := strings.Cut(string(r), "/")
	return id
}

// PCI returns the address of a pci/ reference.
func (r Ref) PCI() (pci.Address, bool) {
	if r.Kind() != "pci" {
		return pci.Address{}, false
	}
	a, err := pci.ParseAddress(r.ID())
	return a, err == nil
}

// CompareRefs orders by kind, then by id: addresses and numbers by value,
// everything else as text.
func CompareRefs(a, b Ref) int {
	if c := cmp.Compare(a.Kind(), b.Kind()); c != 0 {
		return c
	}
	if x, ok := a.PCI(); ok {
		if y, ok := b.PCI(); ok {
			return x.Compare(y)
		}
	}
	x, errX := strconv.Atoi(a.ID())
	y, errY := strconv.Atoi(b.ID())
	if errX == nil && errY == nil {
		return cmp.Compare(x, y)
	}
	return cmp.Compare(a.ID(), b.ID())
}
