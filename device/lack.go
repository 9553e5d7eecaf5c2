// SPDX-License-Identifier: Apache-2.0

package device

import (
	"fmt"
	"strings"
)

// String writes the request as people read it: "2 nvidia.com/gpu in one pcie",
// "1 nvidia.com/gpu with milli=500".
func (r *Request) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s", r.count(), r.Resource)
	switch {
	case r.Profile != "":
		fmt.Fprintf(&b, " cut to %s", r.Profile)
	case r.Function:
		b.WriteString(" with a virtual function")
		if len(r.Labels) > 0 {
			b.WriteString(" of labels ")
			b.WriteString(strings.TrimPrefix(fmt.Sprint(r.Labels), "map"))
		}
	}
	if len(r.Share) > 0 {
		fmt.Fprintf(&b, " with %v of each", r.Share)
	}
	if r.Within != "" {
		fmt.Fprintf(&b, " in one %s", r.Within)
	}
	if r.Beside != "" {
		each := ""
		if r.PerDomain {
			each = "each "
		}
		fmt.Fprintf(&b, " in %s%s of %s", each, r.Near, r.Beside)
	}
	return b.String()
}

// Describe writes the requests of a pod.
func Describe(requests []Request) string {
	var parts []string
	for i := range requests {
		parts = append(parts, requests[i].String())
	}
	return strings.Join(parts, ", ") + " a pod"
}

// Lacks says what one more pod of the ask wants and what the node has instead.
// Where each request by itself could be met, it is what they want together.
func (a *Ask) Lacks(st *State, rooms []Room) (wanted, found string) {
	if a.missing != "" {
		return Describe(a.asked), "it lists no " + a.missing
	}
	for i := range a.requests {
		r := &a.requests[i]
		one := Ask{t: a.t, requests: []ask{*r}, key: a.key + "alone"}
		one.requests[0].beside = -1
		if one.bound(st, nil) < 1 || !one.newSearch(st, nil).most(1) {
			return r.String() + " a pod", a.found(st, r)
		}
	}
	what := "together"
	if rooms != nil {
		what = "in one NUMA zone"
	}
	var have []string
	for i := range a.requests {
		have = append(have, a.found(st, &a.requests[i]))
	}
	return Describe(a.asked) + ", " + what, strings.Join(have, "; ")
}

// found says what there is for a request.
func (a *Ask) found(st *State, r *ask) string {
	kind := &a.t.Kinds[r.kind]
	free := fmt.Sprintf("%d of %d %s untouched", Members(st.Free[r.kind]), len(kind.Device), r.Resource)
	if r.Whole() {
		if kind.Partitioned() && !r.AnySet {
			for _, p := range kind.partitions {
				if Members(p) == r.count {
					return fmt.Sprintf("%s, among them no whole partition of %d", free, r.count)
				}
			}
			return fmt.Sprintf("%s, and no partition has %d", free, r.count)
		}
		return free
	}
	if len(r.Share) > 0 && !r.never && !r.Function {
		most := Amounts{}
		for pos, dev := range kind.Device {
			for c, want := range r.share {
				if want > 0 && st.Open[r.kind]>>pos&1 == 1 {
					name := a.t.Caps[c]
					most[name] = max(most[name], st.Left[dev*len(a.t.Caps)+c])
				}
			}
		}
		if len(most) == 0 {
			return free
		}
		return fmt.Sprintf("%s, at most %v left on one", free, most)
	}
	return fmt.Sprintf("%s, %d not given whole", free, Members(st.Open[r.kind]))
}
