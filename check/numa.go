// SPDX-License-Identifier: Apache-2.0

package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tarsia.dev/tarsia/cpuset"
	"tarsia.dev/tarsia/finding"
	"tarsia.dev/tarsia/topology"
)

func numaTables(f *topology.Fleet) []finding.Finding {
	var troubles []trouble
	good := 0
	for _, n := range f.Nodes {
		if len(n.NUMANodes) == 0 {
			continue
		}
		found := slices.Concat(numaMembers(n), numaDistances(n), numaUnread(n))
		if len(found) == 0 {
			good++
			continue
		}
		troubles = append(troubles, merge(found))
	}
	if len(troubles) == 0 && good > 0 {
		return pass("sys/devices/system/node", count(good, "machine"), count(good, "machine")+": NUMA tables are consistent")
	}
	return findings(troubles)
}

// merge makes one trouble of all that one node shows, since one broken table
// shows itself in several ways. The worst comes first and gives the text.
func merge(found []trouble) trouble {
	slices.SortStableFunc(found, func(a, b trouble) int {
		return finding.Compare(finding.Finding{State: a.state}, finding.Finding{State: b.state})
	})
	t := found[0]
	for _, other := range found[1:] {
		for _, r := range other.subjects {
			if !slices.Contains(t.subjects, r) {
				t.subjects = append(t.subjects, r)
			}
		}
		t.evidence = append(t.evidence, other.evidence...)
	}
	if more := len(found) - 1; more > 0 {
		t.text = fmt.Sprintf("%s, and %d more", t.text, more)
	}
	return t
}

// numaUnread tells of tables that the reader could not make sense of.
func numaUnread(n *topology.Node) []trouble {
	t := trouble{node: n, state: finding.Unknown}
	for _, a := range n.Absences {
		if a.Kind != topology.Unreadable || a.Object.Kind() != "numa" && !(a.Object == topology.NodeRef && strings.HasPrefix(a.Fact, "numa")) {
			continue
		}
		if t.text == "" {
			t.text = fmt.Sprintf("NUMA tables not understood, first %s of %s: %s", a.Fact, a.Object, cmp.Or(a.Detail, string(a.Kind)))
		}
		if !slices.Contains(t.subjects, a.Object) {
			t.subjects = append(t.subjects, a.Object)
		}
		t.evidence = append(t.evidence, finding.Evidence{Node: n.Name, Source: a.Source, Found: cmp.Or(a.Detail, string(a.Kind)), Wanted: "a consistent table"})
	}
	if t.text == "" {
		return nil
	}
	return []trouble{t}
}

// numaMembers finds CPUs in two nodes or in none.
func numaMembers(n *topology.Node) []trouble {
	var out []trouble
	var seen, twice cpuset.Set
	for _, m := range n.NUMANodes {
		twice = twice.Or(seen.And(m.CPUs))
		seen = seen.Or(m.CPUs)
	}
	tell := func(cpus cpuset.Set, state finding.State, what string) {
		if cpus.IsEmpty() {
			return
		}
		out = append(out, trouble{node: n, key: what, state: state,
			text:     fmt.Sprintf("CPUs %s are in %s", cpus, what),
			subjects: []topology.Ref{topology.NodeRef},
			evidence: []finding.Evidence{{Node: n.Name, Source: "sys/devices/system/node/node*/cpulist", Found: "CPUs " + cpus.String() + " in " + what, Wanted: "each CPU in one node"}}})
	}
	tell(twice, finding.Fail, "several NUMA nodes")
	if numaUntold(n) {
		tell(n.OnlineCPUs.Minus(seen), finding.Unknown, "a NUMA node that is not known")
	} else {
		tell(n.OnlineCPUs.Minus(seen), finding.Warn, "no NUMA node")
	}
	return out
}

// numaUntold says whether a NUMA node does not tell its CPUs: then a CPU of none
// may be one of them.
func numaUntold(n *topology.Node) bool {
	return slices.ContainsFunc(n.NUMANodes, func(m topology.NUMANode) bool {
		_, absent := n.AbsenceOf(topology.NUMARef(m.ID), "cpus")
		return absent
	})
}

// numaDistances applies what the kernel itself demands of a SLIT
// (drivers/acpi/numa/srat.c, slit_valid): 10 to itself, more to all others.
// Tables in which all nodes are equally near (10) are let pass: old firmware
// writes them for memory that is interleaved.
func numaDistances(n *topology.Node) []trouble {
	var out []trouble
	for _, m := range n.NUMANodes {
		for _, to := range n.NUMANodes {
			d, ok := m.Distances[to.ID]
			if !ok || to.ID == m.ID && d == 10 || to.ID != m.ID && d >= 10 {
				continue
			}
			wanted := "at least 10"
			if to.ID == m.ID {
				wanted = "10"
			}
			source := fmt.Sprintf("sys/devices/system/node/node%d/distance", m.ID)
			out = append(out, trouble{node: n, key: source, state: finding.Warn,
				text:     fmt.Sprintf("distance of NUMA node %d to %d is %d", m.ID, to.ID, d),
				subjects: []topology.Ref{topology.NUMARef(m.ID)},
				evidence: []finding.Evidence{{Node: n.Name, Source: source, Found: fmt.Sprint(d), Wanted: wanted}}})
			break
		}
	}
	return out
}
