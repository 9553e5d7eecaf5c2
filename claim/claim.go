// SPDX-License-Identifier: Apache-2.0

// Package claim decides whether DRA resource claims can be met, all of them
// together, and with which devices. kube-scheduler takes devices pod by pod and
// never looks back (kubernetes/kubernetes#138765); here the claims of a whole
// gang are searched jointly, so that the first pod does not take the whole
// device of which two pods could have had a half each.
//
// Words and rules are those of resource.k8s.io/v1 in Kubernetes 1.37: requests
// with an exact count, with all devices, or with alternatives in order
// (KEP-4381, KEP-4816); matchAttribute and distinctAttribute, on lists too
// (KEP-5491); shared counters (KEP-4815); consumable capacity (KEP-5075); device
// taints (KEP-5055). Left out: admin access, which takes no device from anybody
// and so decides nothing; compatibility groups and binding conditions; CEL,
// which the caller compiles into a Selector.
//
// Begin with NewInventory and NewUse, then Use.Solve.
package claim

import "fmt"

// maxResults is AllocationResultsMaxSize: how many devices one claim may get.
const maxResults = 32

// Pool is the devices that one driver publishes under one name.
type Pool struct {
	Driver, Name string
	// Nodes are those that reach the devices; empty is every node.
	Nodes    []string
	Counters []CounterSet
	Devices  []Device
	// Incomplete says that some of its slices have not been seen: nobody can get
	// all its devices then.
	Incomplete bool
}

// CounterSet is counters that several devices of a pool draw from: the memory
// slices of one GPU.
type CounterSet struct {
	Name     string
	Counters map[string]int64
}

// Device is one allocatable device. Names of attributes and capacities without
// a domain belong to the driver's.
type Device struct {
	Driver, Pool string // filled by NewInventory
	Name         string
	Nodes        []string // those that reach it; empty is the pool's
	Attributes   map[string]Value
	Capacity     map[string]Capacity
	Consumes     []Consumption
	Taints       []Taint
	// Shared is allowMultipleAllocations: many requests may have it as long as
	// its capacity lasts.
	Shared bool
}

// ID names the device in the fleet: driver/pool/device.
func (d *Device) ID() string { return d.Driver + "/" + d.Pool + "/" + d.Name }

// Consumption is what a device draws from one counter set while allocated.
type Consumption struct {
	CounterSet string
	Counters   map[string]int64
}

// Capacity is a quantity of a device. The policy matters for shared devices
// only; without one any amount may be asked for, and who asks for none gets all.
type Capacity struct {
	Value  int64
	Policy *CapacityPolicy
}

// CapacityPolicy is how a shared capacity is handed out (CapacityRequestPolicy).
type CapacityPolicy struct {
	Default     *int64  // who asks for none gets this; nil is all of it
	ValidValues []int64 // ascending; a request is rounded up to one of them
	Range       *CapacityRange
}

// CapacityRange rounds a request up to Min plus a number of Steps; Max 0 is no
// limit, Step 0 any amount.
type CapacityRange struct{ Min, Max, Step int64 }

// Taint and Toleration are DeviceTaint and DeviceToleration. Effects that keep
// a device from new claims are NoSchedule and NoExecute.
type Taint struct{ Key, Value, Effect string }

// Toleration tolerates the taints that it matches; Operator is Exists or Equal,
// "" is Equal, an empty Key with Exists matches every taint.
type Toleration struct{ Key, Operator, Value, Effect string }

// Tolerates tells whether the toleration matches the taint.
func (t Toleration) Tolerates(taint Taint) bool {
	if t.Effect != "" && t.Effect != taint.Effect || t.Key != "" && t.Key != taint.Key {
		return false
	}
	return t.Operator == "Exists" || t.Key != "" && t.Value == taint.Value
}

// Claim is a ResourceClaim's demand.
type Claim struct {
	Name        string
	Requests    []Request
	Constraints []Constraint
}

// Request is met by one of its alternatives, the earlier the better. One
// alternative is a request "exactly", several are firstAvailable.
type Request struct {
	Name         string
	Alternatives []Exact
}

// Exact asks for devices of one kind.
type Exact struct {
	Name string // of the subrequest; "" where there is one alternative
	// Class is the name of the device class; its selectors and the request's own
	// are Selectors. A device must match all.
	Class     string
	Selectors []Selector
	Count     int  // 0 is 1
	All       bool // every matching device that the node reaches; Count is then not looked at
	// Capacity is what each device must have; of a shared device, what is taken.
	Capacity    map[string]int64
	Tolerations []Toleration
	AdminAccess bool // refused: see the package comment
}

// Constraint asks that the devices of some requests have a value of
// MatchAttribute in common, or no value of DistinctAttribute. One of the two is
// set, by its full name (domain/identifier). A device without the attribute
// does not satisfy it.
type Constraint struct {
	Requests                          []string // names, or request/subrequest; empty is all
	MatchAttribute, DistinctAttribute string
}

// Demand is one claim of one pod.
type Demand struct {
	Node  string // where its pod runs
	Claim Claim
}

// Allocation is the devices for one demand.
type Allocation struct {
	Results []Result `json:"results"`
	// Preference is the sum of the positions of the alternatives that were
	// taken; 0 is all first choices.
	Preference int `json:"preference"`
}

// Result is one device for one request.
type Result struct {
	Request  string           `json:"request"` // request, or request/subrequest
	Device   string           `json:"device"`  // driver/pool/device
	Consumed map[string]int64 `json:"consumed,omitempty"`
}

// Key is the same for claims that demand the same.
func (c *Claim) Key() string {
	b := fmt.Appendf(nil, "%q|%+q|", c.Name, c.Constraints)
	for _, r := range c.Requests {
		b = fmt.Appendf(b, "%q(", r.Name)
		for i := range r.Alternatives {
			e := &r.Alternatives[i]
			b = fmt.Appendf(b, "%q %d %t %t %s,", e.Name, e.Count, e.All, e.AdminAccess, e.key())
		}
		b = append(b, ')')
	}
	return string(b)
}

// Check refuses what the API server would have refused, and admin access.
func (c *Claim) Check() error {
	seen := map[string]bool{}
	for _, r := range c.Requests {
		if r.Name == "" || seen[r.Name] {
			return fmt.Errorf("claim %q: request %q has no name of its own", c.Name, r.Name)
		}
		seen[r.Name] = true
		if len(r.Alternatives) == 0 {
			return fmt.Errorf("claim %q: request %q asks for nothing", c.Name, r.Name)
		}
		for _, e := range r.Alternatives {
			seen[r.Name+"/"+e.Name] = true
			if e.AdminAccess {
				return fmt.Errorf("claim %q: request %q wants admin access, which takes no device from anybody: leave it out of the placement", c.Name, r.Name)
			}
			if e.Count < 0 || e.Count > maxResults {
				return fmt.Errorf("claim %q: request %q wants %d devices, want 1 to %d", c.Name, r.Name, e.Count, maxResults)
			}
			for name, v := range e.Capacity {
				if v < 0 {
					return fmt.Errorf("claim %q: request %q wants %d of capacity %q, want 0 or more", c.Name, r.Name, v, name)
				}
			}
		}
	}
	for _, k := range c.Constraints {
		if (k.MatchAttribute == "") == (k.DistinctAttribute == "") {
			return fmt.Errorf("claim %q: a constraint names attributes %q and %q, want one of them", c.Name, k.MatchAttribute, k.DistinctAttribute)
		}
		for _, name := range k.Requests {
			if !seen[name] {
				return fmt.Errorf("claim %q: a constraint names request %q, which it does not have", c.Name, name)
			}
		}
	}
	return nil
}
