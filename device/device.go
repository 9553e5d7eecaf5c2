// SPDX-License-Identifier: Apache-2.0

package device

import "maps"

// Device is one allocatable device of a node.
type Device struct {
	ID       string // "pci/0000:1b:00.0"; unique within the node, without '#'
	Resource string // its kind: "nvidia.com/gpu", "rdma/nic"
	Zone     *int   // NUMA node; nil: unknown
	Unusable string // why it must not be used; "" is usable
	// Auxiliary devices, such as NICs, serve others: they are no accelerators.
	Auxiliary bool

	// Module is the number by which a fabric manager's partition table knows the
	// device (NVIDIA: GPU module id; it follows neither PCI nor minor order); nil:
	// unknown, and part of no partition.
	Module *int
	// PCIe names the switch, or where there is none the root complex, that the
	// device hangs from, unique within its NUMA node; "": unknown. Socket is its
	// CPU package; nil: unknown.
	PCIe   string
	Socket *int

	// Capacity is what shares of the device are taken from, in any unit that
	// requests use too ("milli", "memory" in bytes); nil: it is given whole only.
	Capacity Amounts
	// Slots says how the device can be cut; nil: it cannot.
	Slots *Slots
	// Functions are its virtual functions, at most MaxSlots.
	Functions []Function
}

// Function is a virtual function of a device (SR-IOV).
type Function struct {
	ID     string // "0000:b9:00.2"; unique within the node
	Labels map[string]string
}

// Amounts counts parts of a device, by the name of a capacity.
type Amounts map[string]int64

// Clone copies.
func (a Amounts) Clone() Amounts { return maps.Clone(a) }

// MaxSlots is into how many slots, or virtual functions, a device can be cut.
const MaxSlots = 256

// Slots is the placement table of a device that is cut into slots: which
// profiles it knows and where each may begin.
type Slots struct {
	Count    int // 1 to 64
	Profiles []Profile
	// Uniform devices hold instances of one profile at a time (AMD's compute
	// partition modes); others mix them (NVIDIA's MIG).
	Uniform bool
}

// Profile is one way to cut.
type Profile struct {
	Name   string // "1g.10gb"
	Size   int    // slots
	Starts []int  // where an instance may begin, in the source's order
}
