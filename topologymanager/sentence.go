// SPDX-License-Identifier: Apache-2.0

package topologymanager

import (
	"fmt"
	"strconv"
	"strings"

	"tarsia.dev/tarsia/internal/unit"
)

// refusal says why no zone set suits: what no admissible set holds, or, where
// each resource has one, that they have none in common.
func (s *state) refusal(who string, wishes []wish) string {
	var parts []string
	for _, w := range wishes {
		if !s.satisfiable(w) {
			parts = append(parts, s.shortage(w))
		}
	}
	if len(parts) == 0 {
		for _, w := range wishes {
			parts = append(parts, fmt.Sprintf("%s fits %s", wanted(w.wants), s.choices(w)))
		}
		parts = append(parts, "no choice holds all of them")
	}
	if s.all != 1<<len(s.zones)-1 {
		parts = append(parts, fmt.Sprintf("zones beyond %d cannot be aligned to", maxZoneID))
	}
	return fmt.Sprintf("%s: %s; %s refuses", who, strings.Join(parts, "; "), s.node.Kubelet.Policy)
}

func (s *state) satisfiable(w wish) bool {
	for _, h := range w.hints {
		if h.preferred {
			return true
		}
	}
	return false
}

// shortage is "4 nvidia.com/gpu wanted in one NUMA zone, 4 free, 2 per zone".
func (s *state) shortage(w wish) string {
	in := "one NUMA zone"
	if s.node.Kubelet.Policy == Restricted && w.fewest > 1 {
		in = fmt.Sprintf("%d NUMA zones", w.fewest)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s wanted in %s", wanted(w.wants), in)
	for _, name := range sortedNames(w.wants) {
		b.WriteString(", " + s.spreadOf(name, len(w.wants) > 1))
		for z := range s.zones {
			if held := s.reuse[z][name]; held > 0 {
				fmt.Fprintf(&b, ", %s of the pod's init containers in zone %d that must be among them", amount(name, held), s.zones[z].ID)
			}
		}
	}
	for z := range s.zones {
		if isMemory(sortedNames(w.wants)[0]) && size(s.group[z]) > 1 {
			fmt.Fprintf(&b, ", zone %d shared with zones %v by running pods", s.zones[z].ID, s.ids(s.group[z]&^(1<<z)))
		}
	}
	return b.String()
}

// spreadOf is "4 free, 2 per zone".
func (s *state) spreadOf(name string, sayName bool) string {
	var total int64
	even := true
	var each []string
	for z, zone := range s.zones {
		free := max(0, s.free[z][name])
		total += free
		even = even && free == max(0, s.free[0][name])
		each = append(each, fmt.Sprintf("%s in zone %d", amount(name, free), zone.ID))
	}
	total += s.spare[name]
	out := amount(name, total)
	if sayName {
		out += " " + name
	}
	out += " free"
	switch {
	case len(s.zones) > 1 && even:
		out += ", " + amount(name, s.free[0][name]) + " per zone"
	case len(each) > 0:
		out += ", " + strings.Join(each, ", ")
	}
	if lost := s.spare[name]; lost > 0 {
		out += fmt.Sprintf(", %d in no known zone", lost)
	}
	return out
}

func (s *state) spreadOfMemory(req Resources) string {
	var parts []string
	for _, name := range sortedNames(req) {
		if isMemory(name) && req[name] > 0 && s.listed[name] {
			parts = append(parts, fmt.Sprintf("%s %s wanted, %s", amount(name, req[name]), name, s.spreadOf(name, false)))
		}
	}
	return strings.Join(parts, "; ")
}

// choices lists the sets that a wish prefers: "zone 1" or "zones 0 and 1 or zones
// 2 and 3", the first few of them.
func (s *state) choices(w wish) string {
	const most = 4
	var out []string
	for _, h := range w.hints {
		if !h.preferred {
			continue
		}
		if len(out) == most {
			out = append(out, "others")
			break
		}
		var ids []string
		for _, id := range s.ids(h.mask) {
			ids = append(ids, strconv.Itoa(id))
		}
		if len(ids) == 1 {
			out = append(out, "zone "+ids[0])
		} else {
			out = append(out, "zones "+strings.Join(ids, " and "))
		}
	}
	return strings.Join(out, " or ")
}

func wanted(req Resources) string {
	var parts []string
	for _, name := range sortedNames(req) {
		parts = append(parts, amount(name, req[name])+" "+name)
	}
	return strings.Join(parts, " and ")
}

// amount writes a quantity in the unit of its resource.
func amount(name string, v int64) string {
	switch {
	case name == resCPU && v%1000 == 0:
		return strconv.FormatInt(v/1000, 10)
	case name == resCPU:
		return strconv.FormatInt(v, 10) + "m"
	case isMemory(name):
		return unit.Bytes(v)
	}
	return strconv.FormatInt(v, 10)
}
