// SPDX-License-Identifier: Apache-2.0

// Package collective says how long a collective operation would take among the
// accelerators of a gang, and what holds it up: which link, bridge, port or
// network level, in words. It is a model, not a measurement: line rates and
// structure in, an expectation for an otherwise idle machine out.
//
// Everything that traffic must share is a Way: the links of one GPU, the
// narrowest cut through a mesh, a PCIe uplink, the ports of a machine, the
// uplinks of a rack. An operation puts a load on each Way; the busiest one is
// the bottleneck. docs/bandwidth.md explains the rules and compares them with
// published figures.
//
// Begin with FromTopology, or fill a Fabric by hand, and ask it Expect.
package collective

// Operation is a collective operation, as NCCL, RCCL and MPI name them.
type Operation string

// Operations.
const (
	AllReduce     Operation = "all-reduce"
	AllGather     Operation = "all-gather"
	ReduceScatter Operation = "reduce-scatter"
	AllToAll      Operation = "all-to-all"
	Broadcast     Operation = "broadcast"
)

// Operations lists them in the order in which they are shown.
var Operations = []Operation{AllReduce, AllGather, ReduceScatter, AllToAll, Broadcast}

// Algorithm is how a library carries out an operation.
type Algorithm string

// Algorithms. A library picks the fastest that the machine has.
const (
	Ring     Algorithm = "ring"
	Tree     Algorithm = "tree"      // all-reduce between domains: a chain inside, a double tree between
	InSwitch Algorithm = "in-switch" // all-reduce: the switches of a domain add and copy (NVLink SHARP)
	Direct   Algorithm = "direct"    // all-to-all: every rank sends to every other
)

// Kind is what a Way is made of; it decides how much of the line rate is left
// for data.
type Kind string

// Kinds.
const (
	NVLink  Kind = "nvlink"
	XGMI    Kind = "xgmi"
	XeLink  Kind = "xelink"
	C2C     Kind = "c2c"
	PCIe    Kind = "pcie"
	Host    Kind = "host"    // between PCIe root ports, through processors; its rate is declared as what data gets
	Network Kind = "network" // ports and uplinks between domains
)

// Way is what all traffic between some ranks and the others must share.
type Way struct {
	Name string // "NVLinks of GPU3 of hgx-01"
	Kind Kind
	// Ranks is how many ranks are on its one side.
	Ranks int
	// Rails is how many ports or links of a network way are summed; 0 is one.
	Rails int
	// BytesPerSecond is the line rate of one direction; nil is not known, and
	// Unknown says why.
	BytesPerSecond *int64
	Unknown        string
}

// Domain is ranks that links join without a network: one machine, or an NVLink
// domain of several.
type Domain struct {
	Name  string
	Ranks int
	Ways  []Way // between some of its ranks and its others
	// Reduces tells that its switches add and copy what passes (NVLink SHARP).
	Reduces bool
}

// Fabric is where the ranks of a gang are and what joins them.
type Fabric struct {
	Domains []Domain
	Between []Way // between some of the domains and the others
}

// Ranks counts the ranks of all domains.
func (f Fabric) Ranks() int {
	n := 0
	for _, d := range f.Domains {
		n += d.Ranks
	}
	return n
}

// Estimate is the expectation for one operation.
type Estimate struct {
	Operation Operation `json:"operation"`
	Bytes     int64     `json:"bytes"` // message size, counted as nccl-tests does
	Ranks     int       `json:"ranks"`
	Domains   int       `json:"domains"` // scale-up domains that the ranks lie in
	Algorithm Algorithm `json:"algorithm,omitempty"`
	// Seconds is how long it takes; BusBytesPerSecond is the bus bandwidth of
	// nccl-tests, which can be compared with line rates. Both are nil when nothing
	// is known or there is nothing to send. Where Unknown is not empty they are
	// bounds: it takes at least Seconds.
	Seconds           *float64 `json:"seconds"`
	BusBytesPerSecond *float64 `json:"busBytesPerSecond"`
	// Bottleneck is the first way that is busiest: "NVLinks of GPU0 of hgx-01 and 7
	// alike".
	Bottleneck string `json:"bottleneck,omitempty"`
	// Unknown lists what was not told and could be slower still.
	Unknown []string `json:"unknown,omitempty"`
}
