// SPDX-License-Identifier: Apache-2.0

package device

import (
	"fmt"
	"maps"
	"slices"
)

// MaxRequests is how many requests one pod may make, and maxCount how many
// devices one of them may be for.
const (
	MaxRequests = 16
	maxCount    = MaxKind
)

// CheckRequests refuses what no table could answer: a count out of range, an
// amount that is not above 0, two ways to take one device, an unknown scope, a
// reference to no earlier request.
func CheckRequests(requests []Request) error {
	if len(requests) > MaxRequests {
		return fmt.Errorf("it has %d device requests, want at most %d", len(requests), MaxRequests)
	}
	for i := range requests {
		r := &requests[i]
		if err := r.check(requests[:i]); err != nil {
			return fmt.Errorf("device request %q: %w", r.name(), err)
		}
	}
	return nil
}

func (r *Request) check(earlier []Request) error {
	if r.Count < 0 || r.Count > maxCount {
		return fmt.Errorf("it is for %d devices, want 1 to %d", r.Count, maxCount)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Share)) {
		if r.Share[name] <= 0 {
			return fmt.Errorf("its share of %q is %d, want more than 0", name, r.Share[name])
		}
	}
	if r.Profile != "" && (len(r.Share) > 0 || r.Function) {
		return fmt.Errorf("it asks for profile %q and for a share or function too, want one of them", r.Profile)
	}
	if !r.Function && len(r.Labels) > 0 {
		return fmt.Errorf("it has labels, want them with Function only")
	}
	for _, s := range []Scope{r.Within, r.Prefer, r.Near} {
		if s != "" && !slices.Contains(scopeOrder, s) {
			return fmt.Errorf("its scope is %q, want pcie, numa or socket", s)
		}
	}
	if (r.Beside == "") != (r.Near == "") {
		return fmt.Errorf("it lies beside %q within scope %q, want both or none", r.Beside, r.Near)
	}
	if r.Beside != "" && !slices.ContainsFunc(earlier, func(o Request) bool { return o.name() == r.Beside }) {
		return fmt.Errorf("it lies beside %q, want the name of an earlier request", r.Beside)
	}
	if r.PerDomain && r.Beside == "" {
		return fmt.Errorf("it is counted by domain, but lies beside no other request")
	}
	for _, set := range append(slices.Clone(r.Sets), r.Include) {
		for i, at := range set {
			if at < 0 || at >= MaxKind || slices.Contains(set[:i], at) {
				return fmt.Errorf("it names the set %v, want positions 0 to %d, each once", set, MaxKind-1)
			}
		}
	}
	return nil
}

// Ask is the requests of one pod against one table.
type Ask struct {
	t        *Table
	asked    []Request
	requests []ask
	key      string
	missing  string // a kind that the node does not have
	alone    bool   // one device for one request: each device counts by itself
}

// ask is one request, resolved.
type ask struct {
	Request
	kind   int
	count  int
	beside int      // index of the other request, -1 for none
	share  []int64  // by capacity of the table
	never  bool     // its share is of something that no device has
	sets   []uint64 // Sets
	must   uint64   // Include
	only   []bool   // by position: knows the profile
	class  []int    // by position: equal for devices that no rule tells apart
	uneven bool     // the links of its kind differ
}

// NewAsk resolves requests that CheckRequests accepts.
func NewAsk(t *Table, requests []Request) *Ask {
	a := &Ask{t: t, asked: requests, key: RequestKey(requests)}
	for i := range requests {
		r := ask{Request: requests[i], kind: t.kindOf(requests[i].Resource), count: requests[i].count(), beside: -1}
		if r.kind < 0 {
			a.missing = r.Resource
			return a
		}
		if r.Beside != "" {
			r.beside = slices.IndexFunc(requests[:i], func(o Request) bool { return o.name() == r.Beside })
		}
		r.share = make([]int64, len(t.Caps))
		for name, v := range r.Share {
			c, known := slices.BinarySearch(t.Caps, name)
			if !known {
				r.never = true
				continue
			}
			r.share[c] = v
		}
		for _, set := range r.Sets {
			if m := maskOf(set); m>>len(t.Kinds[r.kind].Device) == 0 {
				r.sets = append(r.sets, m)
			}
		}
		r.must = maskOf(r.Include)
		r.uneven = r.Whole() && !t.Kinds[r.kind].Links.even
		t.classify(&r)
		a.requests = append(a.requests, r)
	}
	if len(requests) == 1 {
		r := &a.requests[0]
		a.alone = r.count == 1 && !r.Whole() && r.must == 0 && r.Sets == nil && !r.Lowest && !t.Kinds[r.kind].Partitioned()
	}
	return a
}

func maskOf(positions []int) uint64 {
	var m uint64
	for _, p := range positions {
		m |= 1 << p
	}
	return m
}

// classify numbers devices by what can tell them apart beside their state.
func (t *Table) classify(r *ask) {
	k := &t.Kinds[r.kind]
	seen := map[string]int{}
	for pos, dev := range k.Device {
		key := fmt.Append(nil, t.cap[dev*len(t.Caps):(dev+1)*len(t.Caps)])
		for s := range scopeOrder {
			key = fmt.Appendf(key, " %d", k.scopes[s][pos])
		}
		if k.slots[pos] != nil {
			key = fmt.Append(key, *k.slots[pos])
		}
		for _, f := range k.functions[pos] {
			key = fmt.Append(key, f.Labels)
		}
		if k.Partitioned() || !k.Links.even || r.must != 0 {
			key = fmt.Appendf(key, "|%d", pos)
		}
		if _, known := seen[string(key)]; !known {
			seen[string(key)] = pos
		}
		r.class = append(r.class, seen[string(key)])
		_, p := t.profileAt(dev, r.Profile)
		r.only = append(r.only, r.Profile == "" || p != nil)
	}
}

// RequestKey is the same for requests that mean the same.
func RequestKey(requests []Request) string {
	var b []byte
	for i := range requests {
		r := &requests[i]
		b = fmt.Appendf(b, "%q %q %d %v %q %t %v %q %q %q %q %t %t %v %v %t %t;", r.name(), r.Resource, r.count(), r.Share, r.Profile, r.Function, r.Labels,
			r.Within, r.Prefer, r.Beside, r.Near, r.PerDomain, r.PreferNear, r.Include, r.Sets, r.Lowest, r.AnySet)
	}
	return string(b)
}
