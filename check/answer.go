// SPDX-License-Identifier: Apache-2.0

package check

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tarsia.dev/tarsia/finding"
	"tarsia.dev/tarsia/topology"
)

// maxEvidence bounds the evidence of one finding; the rest is counted.
const maxEvidence = 16

// fleetSubject names the whole of what was looked at.
func fleetSubject(f *topology.Fleet) string {
	if len(f.Nodes) == 1 {
		return "node/" + f.Nodes[0].Name
	}
	return "fleet/" + f.Name
}

// subject names an object of a node as findings do: "node/gpu-01/pci/...".
func subject(n *topology.Node, r topology.Ref) string {
	if r == topology.NodeRef {
		return "node/" + n.Name
	}
	return "node/" + n.Name + "/" + string(r)
}

// pass is the one finding of a check that found nothing wrong.
func pass(source, found, summary string) []finding.Finding {
	return []finding.Finding{{State: finding.Pass, Summary: summary, Evidence: []finding.Evidence{{Source: source, Found: found}}}}
}

// trouble is what one node shows of one fault. Nodes that ought to be alike and
// show it under the same key share one finding.
type trouble struct {
	node     *topology.Node
	key      string
	state    finding.State
	text     string // what is wrong, without the node's name
	subjects []topology.Ref
	evidence []finding.Evidence
	cost     string
	fix      string
}

// findings folds alike troubles of alike machines into one finding each, in the
// order in which they came.
func findings(troubles []trouble) []finding.Finding {
	type key struct{ machine, key, text string }
	index := map[key][]trouble{}
	var order []key
	for _, t := range troubles {
		k := key{cmp.Or(t.node.MachineGroup(), "node "+t.node.Name), t.key, t.text}
		if len(index[k]) == 0 {
			order = append(order, k)
		}
		index[k] = append(index[k], t)
	}
	var out []finding.Finding
	for _, k := range order {
		alike := index[k]
		first := alike[0]
		f := finding.Finding{State: first.state, Cost: first.cost, Fix: first.fix}
		var names, nodes []string
		for _, t := range alike {
			names = append(names, t.node.Name)
			nodes = append(nodes, subject(t.node, topology.NodeRef))
			for _, r := range t.subjects {
				if r != topology.NodeRef {
					f.Subjects = append(f.Subjects, subject(t.node, r))
				}
			}
			f.Evidence = append(f.Evidence, t.evidence...)
		}
		f.Subjects = append(f.Subjects, nodes...)
		f.Evidence = capEvidence(f.Evidence)
		f.Summary = topology.NameRange(names) + ": " + first.text
		out = append(out, f)
	}
	return out
}

// capEvidence keeps the first pieces and says how many more there are.
func capEvidence(e []finding.Evidence) []finding.Evidence {
	if len(e) <= maxEvidence {
		return e
	}
	kept := slices.Clone(e[:maxEvidence-1])
	return append(kept, finding.Evidence{Source: e[maxEvidence-1].Source, Found: fmt.Sprintf("and %d more like these", len(e)-maxEvidence+1)})
}

// lostDevices are the accelerators of a node that no longer answer.
func lostDevices(n *topology.Node) map[topology.Ref]bool {
	lost := map[topology.Ref]bool{}
	for _, a := range n.Accelerators {
		if a.State == topology.DeviceLost {
			lost[a.ID] = true
		}
	}
	return lost
}

// deviceName is how people call an accelerator: its index and its place.
func deviceName(a topology.Accelerator) string {
	return fmt.Sprintf("%s accelerator %d (%s)", a.Vendor, a.Index, a.ID.ID())
}

// count is "1 node" or "3 nodes".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// list joins refs by comma, folded after eight.
func list(refs []topology.Ref) string {
	var parts []string
	for _, r := range refs[:min(len(refs), 8)] {
		parts = append(parts, string(r))
	}
	if more := len(refs) - len(parts); more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(parts, ", ")
}

// absence is the evidence that a fact of an object is missing: where the reader
// looked and what it found there.
func absence(n *topology.Node, object topology.Ref, fact, fallback, wanted string) finding.Evidence {
	e := finding.Evidence{Node: n.Name, Source: fallback, Found: "not told", Wanted: wanted}
	if a, ok := n.AbsenceOf(object, fact); ok {
		e.Source = cmp.Or(a.Source, fallback)
		e.Found = string(a.Kind)
		if a.Detail != "" {
			e.Found += ": " + a.Detail
		}
	}
	return e
}
