// SPDX-License-Identifier: Apache-2.0

package collective

import (
	"fmt"
	"slices"
	"strings"

	"tarsia.dev/tarsia/topology"
)

// reducingLane is the line rate of a link, in bytes per second and direction,
// from which NVLink switches reduce: NVLink 4 has 26.5 GB/s, NVLink 3 25.8.
const reducingLane = 26_000_000_000

var kindOf = map[topology.LinkKind]Kind{
	topology.LinkNVLink: NVLink, topology.LinkXGMI: XGMI, topology.LinkXe: XeLink, topology.LinkC2C: C2C,
}

// inside lists the ways between the ranks of one machine.
func (m machinePart) inside(d Declared) (ways []Way, reduces bool) {
	if len(m.Accelerators) < 2 {
		return nil, false
	}
	islands := m.islands()
	if len(islands) == 1 && m.switched() {
		return m.atSwitches()
	}
	for _, island := range islands {
		ways = append(ways, m.mesh(island)...)
	}
	if len(islands) > 1 {
		ways = append(ways, m.acrossHost(islands, d)...)
	}
	return ways, false
}

// bundles are the links of an accelerator that are up and not PCIe, with their
// other ends.
func (m machinePart) bundles(r topology.Ref) map[topology.Ref]topology.Link {
	out := map[topology.Ref]topology.Link{}
	for _, l := range m.Node.Links {
		other, ok := l.Other(r)
		if !ok || l.Kind == topology.LinkPCIe || l.State == topology.LinkDown {
			continue
		}
		if kind := other.Kind(); kind != "package" && kind != "numa" {
			out[other] = l
		}
	}
	return out
}

// toSwitches are those of the bundles that end at no accelerator.
func (m machinePart) toSwitches(r topology.Ref) []topology.Link {
	var out []topology.Link
	for other, l := range m.bundles(r) {
		if !slices.ContainsFunc(m.Node.Accelerators, func(a topology.Accelerator) bool { return a.ID == other }) {
			out = append(out, l)
		}
	}
	slices.SortFunc(out, func(a, b topology.Link) int { return topology.CompareRefs(a.A, b.A) })
	return out
}

func (m machinePart) switched() bool {
	return !slices.ContainsFunc(m.Accelerators, func(r topology.Ref) bool { return len(m.toSwitches(r)) == 0 })
}

// atSwitches has one way for each rank: its links to the switches, which join
// all at full rate.
func (m machinePart) atSwitches() (ways []Way, reduces bool) {
	reduces = true
	for _, r := range m.Accelerators {
		links := m.toSwitches(r)
		if len(links) == 0 {
			return append(ways, unknown(NVLink, 1, "%s has no link to a switch that is up", m.label(r))), false
		}
		var sum int64
		lanes, most := 0, 0
		known := true
		for _, l := range links {
			if l.BytesPerSecond == nil || l.Lanes == nil || *l.Lanes == 0 {
				known = false
				continue
			}
			sum += *l.BytesPerSecond
			lanes += *l.Lanes
			if l.MaxLanes != nil {
				most += *l.MaxLanes
			}
		}
		kind := kindOf[links[0].Kind]
		if !known {
			ways, reduces = append(ways, unknown(kind, 1, "the rate of the %s of %s is not told", linkWord(kind), m.label(r))), false
			continue
		}
		name := fmt.Sprintf("%s of %s", linkWord(kind), m.label(r))
		if lanes < most {
			name += fmt.Sprintf(", %d of %d up", lanes, most)
		}
		reduces = reduces && kind == NVLink && sum/int64(lanes) >= reducingLane
		ways = append(ways, Way{Name: name, Kind: kind, Ranks: 1, BytesPerSecond: new(sum)})
	}
	return ways, reduces
}

func linkWord(k Kind) string {
	switch k {
	case NVLink:
		return "NVLinks"
	case XGMI:
		return "XGMI links"
	case XeLink:
		return "Xe links"
	}
	return "C2C links"
}

// islands are the ranks that bundled links join, each in the order of the
// machine, the first with the first rank.
func (m machinePart) islands() [][]topology.Ref {
	island := map[topology.Ref]int{}
	var out [][]topology.Ref
	for _, r := range m.Accelerators {
		if _, seen := island[r]; seen {
			continue
		}
		k := len(out)
		out = append(out, nil)
		todo := []topology.Ref{r}
		for len(todo) > 0 {
			x := todo[0]
			todo = todo[1:]
			if _, seen := island[x]; seen {
				continue
			}
			island[x] = k
			for other := range m.bundles(x) {
				todo = append(todo, m.behind(other, x)...)
			}
		}
	}
	for _, r := range m.Accelerators {
		out[island[r]] = append(out[island[r]], r)
	}
	return slices.DeleteFunc(out, func(i []topology.Ref) bool { return len(i) == 0 })
}

// behind lists the ranks at the other end of a bundle: one, or all that meet at
// a switch.
func (m machinePart) behind(other, from topology.Ref) []topology.Ref {
	if slices.Contains(m.Accelerators, other) {
		return []topology.Ref{other}
	}
	if slices.ContainsFunc(m.Node.Accelerators, func(a topology.Accelerator) bool { return a.ID == other }) {
		return nil // an accelerator that the gang does not have forwards nothing
	}
	var out []topology.Ref
	for _, r := range m.Accelerators {
		if _, ok := m.bundles(r)[other]; ok && r != from {
			out = append(out, r)
		}
	}
	return out
}

// mesh has the narrowest cuts of directly linked ranks.
func (m machinePart) mesh(island []topology.Ref) []Way {
	n := len(island)
	if n < 2 {
		return nil
	}
	if n > maxMesh {
		return []Way{unknown(NVLink, 1, "%d directly linked accelerators of %s are more than the model looks at (%d)", n, m.Node.Name, maxMesh)}
	}
	kind := NVLink
	rates := make([][]int64, n)
	for i, r := range island {
		rates[i] = make([]int64, n)
		bundles := m.bundles(r)
		for j, s := range island {
			l, ok := bundles[s]
			if !ok {
				continue
			}
			kind = kindOf[l.Kind]
			if l.BytesPerSecond == nil {
				return []Way{unknown(kind, 1, "the rate of the link from %s to %s is not told", m.labels[r], m.label(s))}
			}
			rates[i][j] = *l.BytesPerSecond
		}
	}
	var ways []Way
	for size, c := range narrowest(rates) {
		var names []string
		for i, r := range island {
			if c.members>>i&1 == 1 {
				names = append(names, m.labels[r])
			}
		}
		name := fmt.Sprintf("%s of %s of %s", linkWord(kind), strings.Join(names, ", "), m.Node.Name)
		ways = append(ways, Way{Name: name, Kind: kind, Ranks: size + 1, BytesPerSecond: new(c.capacity)})
	}
	return ways
}
