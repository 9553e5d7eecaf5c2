// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tarsia.dev/tarsia/topology"
)

// Brief is one line: where a gang went, or what stood in its way.
func (d Decision) Brief() string {
	switch {
	case d.Outcome == Placed:
		var nodes []string
		spares := 0
		for _, a := range d.Assignments {
			nodes = append(nodes, a.Node)
			if a.Spare {
				spares++
			}
		}
		what := counted(len(d.Assignments)-spares, "pod")
		if spares > 0 {
			what += " and " + counted(spares, "spare")
		}
		return what + " on " + topology.NameRange(nodes)
	case d.Outcome == Undecided:
		return "the search ended at its bound: neither a place nor a proof that there is none"
	case d.Certificate != nil && len(d.Certificate.Domains) > 0:
		return d.Certificate.brief()
	case len(d.Refusals) > 0:
		return d.Refusals[0].String()
	case len(d.Reasons) > 0:
		return d.Reasons[0]
	}
	return ""
}

// brief tells the domain that comes nearest.
func (c Certificate) brief() string {
	best := slices.MaxFunc(c.Domains, func(a, b DomainBound) int {
		return cmp.Or(cmp.Compare(a.AtMost-a.Wanted, b.AtMost-b.Wanted), cmp.Compare(b.Domain, a.Domain))
	})
	where := "in the whole fleet"
	if len(c.Domains) > 1 || c.Level != "fleet" {
		where = fmt.Sprintf("in any of %s, %s at best", counted(len(c.Domains), c.Level+" domain"), best.Domain)
	}
	what := "pods fit"
	if best.PodSet == "" && best.Resource != "" {
		return fmt.Sprintf("all pods together want %s %s, at most %s is free %s", amount(best.Resource, best.Wanted), best.Resource, amount(best.Resource, best.AtMost), where)
	}
	if best.Wanted == 1 {
		what = "pod fits"
	}
	return fmt.Sprintf("at most %d of %d %s %s (%s)", best.AtMost, best.Wanted, what, where, best.Constraint)
}

// Spot is what one node, or one NUMA zone of it, holds of a pod set.
type Spot struct {
	PodSet  string
	Node    string
	Zone    *int
	Pods    string // numbers as ranges: "0-3", "[0-1,3]"
	Devices []string
	Spare   bool // kept free: nothing starts there
}

// Spots gathers the assignments by pod set, node and zone, in their order.
func (d Decision) Spots() []Spot {
	var out []Spot
	var pods [][]string
	for _, a := range d.Assignments {
		i := slices.IndexFunc(out, func(p Spot) bool {
			return p.PodSet == a.PodSet && p.Node == a.Node && p.Spare == a.Spare && (p.Zone == nil) == (a.Zone == nil) && (p.Zone == nil || *p.Zone == *a.Zone)
		})
		if i < 0 {
			i = len(out)
			out, pods = append(out, Spot{PodSet: a.PodSet, Node: a.Node, Zone: a.Zone, Spare: a.Spare}), append(pods, nil)
		}
		pods[i] = append(pods[i], strconv.Itoa(a.Pod))
		out[i].Devices = append(out[i].Devices, a.Devices...)
	}
	for i := range out {
		out[i].Pods = strings.Trim(topology.NameRange(pods[i]), "[]")
	}
	return out
}

// GroupedRefusal is a number of domains that lack the same thing; Domain of the
// Refusal is the first, More how many there are beyond Domains.
type GroupedRefusal struct {
	Refusal
	Domains []string
}

// GroupedRefusals gathers refusals that differ only in their domain, in the
// order of the first of each.
func (d Decision) GroupedRefusals() []GroupedRefusal {
	var out []GroupedRefusal
	index := map[Refusal]int{}
	for _, r := range d.Refusals {
		k := r
		k.Domain, k.More = "", 0
		i, ok := index[k]
		if !ok {
			i = len(out)
			index[k] = i
			out = append(out, GroupedRefusal{Refusal: r})
		} else {
			out[i].More += r.More
		}
		out[i].Domains = append(out[i].Domains, r.Domain)
	}
	return out
}

func counted(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
