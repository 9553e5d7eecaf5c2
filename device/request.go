// SPDX-License-Identifier: Apache-2.0

package device

// Request is one demand of a pod for devices of a kind. A request says by at
// most one of Share, Profile and Function what it takes of each device; none of
// them is the whole device, which nothing else may then touch.
type Request struct {
	Name     string // by which others refer to it; "" is Resource
	Resource string
	Count    int // devices a pod; 0 is 1

	Share   Amounts // parts of each device's Capacity
	Profile string  // an instance of the device's Slots
	// Function asks for a virtual function whose labels hold all of Labels. With
	// it, Share is taken of the device as well.
	Function bool
	Labels   map[string]string

	// Within asks that all devices of the request lie in one domain of a scope, as
	// one device always does; Prefer only wishes it.
	Within, Prefer Scope

	// Beside names an earlier request: the devices lie in the domains of Near that
	// hold its devices. PerDomain asks for Count devices in each of them. With
	// PreferNear, devices outside are taken where there are none inside.
	Beside     string
	Near       Scope
	PerDomain  bool
	PreferNear bool

	// Include are positions, among the node's devices of the kind, that every set
	// must hold.
	Include []int
	// Sets, where given, are the only sets that may be taken, by positions, most
	// wanted first. Lowest takes the lowest free positions, whatever they are.
	Sets   [][]int
	Lowest bool
	// AnySet allows sets that are no partition of a node that has a table of them;
	// partitions are preferred.
	AnySet bool
}

func (r *Request) name() string {
	if r.Name == "" {
		return r.Resource
	}
	return r.Name
}

func (r *Request) count() int { return max(r.Count, 1) }

// Whole tells whether the request takes devices that nothing else uses.
func (r *Request) Whole() bool { return len(r.Share) == 0 && r.Profile == "" && !r.Function }

// Scope is how near devices lie: under one PCIe switch, in one NUMA node, at
// one CPU package.
type Scope string

// Scopes, innermost first. "" asks for nothing. A device of which the scope is
// unknown lies in no domain of it.
const (
	SamePCIe   Scope = "pcie"
	SameNUMA   Scope = "numa"
	SameSocket Scope = "socket"
)

// WholeWeight is the weight of a whole device.
const WholeWeight = 64

// Weight is roughly how much of devices the requests of a pod take, in parts of
// WholeWeight, by the first table that tells.
func Weight(requests []Request, tables []*Table) int64 {
	var sum int64
	for i := range requests {
		r := &requests[i]
		each := int64(1)
		switch {
		case r.Whole():
			each = WholeWeight
		case r.Profile != "":
			each = profileWeight(r.Profile, tables)
		}
		sum += each * int64(r.count())
	}
	return sum
}

func profileWeight(name string, tables []*Table) int64 {
	for _, t := range tables {
		for dev := range t.kind {
			if _, p := t.profileAt(dev, name); p != nil {
				return int64(p.Size) * WholeWeight / int64(t.Kinds[t.kind[dev]].slots[t.pos[dev]].Count)
			}
		}
	}
	return 1
}
