// SPDX-License-Identifier: Apache-2.0

// Package placement decides where gangs run. It is a pure function: a Fleet
// (immutable) with its Usage, a Gang and a policy of levels in, a Decision out,
// with reasons, or with a certificate that nothing fits which package
// placement/certificate_test.go's checker verifies without the solver. It reads
// no file, clock or random source; every tie is broken by a total order.
package placement

import (
	"maps"

	"tarsia.dev/tarsia/claim"
	"tarsia.dev/tarsia/device"
	"tarsia.dev/tarsia/isa"
	"tarsia.dev/tarsia/topologymanager"
)

// Resources counts what is asked for or there: "cpu" in milli-cores, "memory"
// and other byte resources in bytes, devices ("nvidia.com/gpu") by number.
type Resources map[string]int64

// Clone copies.
func (r Resources) Clone() Resources { return maps.Clone(r) }

// Names of resources that the engine itself speaks of.
const (
	CPU    = "cpu"
	Memory = "memory"
	Pods   = "pods"
)

// Node is what the engine knows of one node.
type Node struct {
	Name          string
	Architecture  string   // GOARCH word; "" is unknown and matches no demand for one
	ISA           *isa.Set // instruction set that every CPU has; nil is unknown and matches no demand beyond the architecture
	Labels        map[string]string
	Taints        []Taint
	Unschedulable bool
	NotReady      string    // why it is not ready; "" is ready
	Allocatable   Resources // whole node, before anything runs
	Domains       []Domain  // one per level it belongs to
	Zones         []Zone    // NUMA zones; empty when not known
	Devices       []Device  // in the order of their index; may be empty though Allocatable counts some (labels only)
	// LinkScore[i][j] is how well devices i and j are joined: any scale where
	// more is better; symmetric; empty when not known.
	LinkScore [][]int
	// Partitions are the sets of devices, by Device.Module, that a fabric manager
	// can make. Where a node has any, devices with a module are given as whole
	// partitions only.
	Partitions [][]int
	// Kubelet is how the node's kubelet aligns pods with NUMA zones; a pod that it
	// would refuse does not fit. nil: not known, and nothing is refused for it.
	Kubelet *topologymanager.Kubelet
	// Pools are the devices that pods have by resource claims. A pool without
	// nodes of its own is this node's; one that many nodes reach is listed once,
	// by any of them.
	Pools []claim.Pool
}

// Domain says that a node lies in a domain of a level. Level is a tree name
// ("nvlink", "rack") or a node-label key; levels are unrelated unless the fleet
// orders them.
type Domain struct {
	Level string
	ID    string
}

// Zone is one NUMA node's share of the node.
type Zone struct {
	ID          int
	Allocatable Resources
	// Capacity is what the zone has where that is more than Allocatable: CPUs
	// that are reserved. A kubelet finds by it how few zones could hold a pod.
	Capacity Resources
	// Distances is how far other zones are, by id (ACPI SLIT); absent is unknown.
	Distances map[int]int
}

// Device is one allocatable device of a node.
type Device = device.Device

// Taint and Toleration follow core/v1.
type Taint struct{ Key, Value, Effect string }

// Toleration tolerates the taints that it matches.
type Toleration struct {
	Key      string `json:"key,omitempty"`
	Operator string `json:"operator,omitempty"`
	Value    string `json:"value,omitempty"`
	Effect   string `json:"effect,omitempty"`
}

// Running is a pod that already holds resources.
type Running struct {
	Name     string
	Node     string
	Requests Resources
	Devices  []string // what it holds of devices, as device.Part writes it, where known
	Zone     *int
	Claims   []claim.Allocation // devices that it holds by resource claims
	Priority int32
	Gang     string // pods of one gang are evicted together; "" stands alone
	// End is when it ends, in seconds from now; nil is unknown.
	End *int64
}

// Shape is everything that decides whether a pod fits on a node. Pods with
// equal shapes are interchangeable.
type Shape struct {
	Requests      Resources
	Architectures []string // any of; empty is any
	Selector      []Term   // all of
	AnyOf         [][]Term // at least one list must hold whole; empty asks for nothing (node affinity's ORed nodeSelectorTerms)
	Tolerations   []Toleration
	Bars          []Bar // rules from outside: none of them may hold the node
	// QoS is the quality-of-service class of the pods, for policies and kubelets;
	// "" is not known, and a kubelet then aligns devices only.
	QoS topologymanager.QoS
	// Containers are what a kubelet admits one by one; without them one asks for
	// all of Requests.
	Containers []topologymanager.Container
	// Preferences are wishes on node labels; the weight of those not met is a line
	// of the objective.
	Preferences []Preference
	// AlignNUMA asks that CPU, memory and devices of the pod lie in one NUMA zone.
	AlignNUMA bool
	// Devices asks for devices beyond their number in Requests: shares, slots,
	// virtual functions, sets near one another. What is asked for here is not in
	// Requests too.
	Devices []device.Request
	// FewestZones names the fewest NUMA zones that hold the pod, then the
	// nearest, and gives it their devices; it forbids nothing.
	FewestZones bool
	// Claims are the pod's own resource claims. What they ask for is not in
	// Requests too.
	Claims []claim.Claim

	// ISA is what the pod's programs ask of the instruction set, all of it; Images
	// are the container images of the pod.
	ISA    []isa.Need
	Images []Image
}

// Preference is a wish that all Terms hold: a preferred node affinity. Weight is
// 1 to 100.
type Preference struct {
	Weight int
	Terms  []Term
}

// Term is one demand on node labels: a node-affinity match expression.
// Operator is In, NotIn, Exists, DoesNotExist, Gt or Lt.
type Term struct {
	Key      string   `json:"key"`
	Operator string   `json:"operator"`
	Values   []string `json:"values,omitempty"`
}
