// SPDX-License-Identifier: Apache-2.0

package text

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"tarsia.dev/tarsia/placement"
	"tarsia.dev/tarsia/topology"
)

// Fits writes for each pod set which nodes take its pods and what keeps the
// others off. Nodes that say the same share a line unless All is set.
func Fits(w io.Writer, gangs []placement.GangFit, notes []string, opt Options) error {
	p := newPrinter(opt)
	for i, g := range gangs {
		for k, s := range g.Sets {
			if i+k > 0 {
				p.blank()
			}
			p.fit(g.Gang, s)
		}
	}
	for _, n := range notes {
		p.wrap("note  ", 6, n)
	}
	return p.flush(w)
}

// fit writes one pod set.
func (p *printer) fit(gang string, s placement.SetFit) {
	yes := 0
	for _, n := range s.Nodes {
		if n.Fits {
			yes++
		}
	}
	name := gang
	if s.PodSet != "" && !strings.HasSuffix(gang, "/"+s.PodSet) {
		name += " " + s.PodSet
	}
	verb := "take"
	if yes == 1 {
		verb = "takes"
	}
	p.line("%s: %d of %s %s its pods: room for %d, %d wanted", name, yes, plural(len(s.Nodes), "node"), verb, s.Room, s.Pods)
	rows := p.fitRows(s.Nodes)
	node, now, empty := len("node"), len("now"), len("empty")
	for _, r := range rows {
		node, now, empty = max(node, columns(r.nodes)), max(now, len(r.now)), max(empty, len(r.empty))
	}
	p.line("  fits  %s  %s  %s  why not", pad("node", node), pad("now", now), pad("empty", empty))
	for _, r := range rows {
		word := "no"
		if r.fits {
			word = "yes"
		}
		first := fmt.Sprintf("  %s  %s  %*s  %*s  ", pad(word, 4), pad(r.nodes, node), now, r.now, empty, r.empty)
		p.wrap(first, columns(first), r.why)
	}
	if len(s.Needs) > 0 {
		p.line("  what the pod could say")
	}
	for _, n := range s.Needs {
		p.wrap("    - ", 6, n.Text+": "+topology.NameRange(n.Nodes))
		for _, l := range podSpec(n) {
			p.line("        %s", l)
		}
	}
}

// podSpec is a need as lines of YAML for the pod spec.
func podSpec(n placement.Need) []string {
	switch {
	case n.Toleration != nil:
		line := fmt.Sprintf("tolerations: [{key: %s, operator: %s", strconv.Quote(n.Toleration.Key), n.Toleration.Operator)
		if n.Toleration.Value != "" {
			line += ", value: " + strconv.Quote(n.Toleration.Value)
		}
		if n.Toleration.Effect != "" {
			line += ", effect: " + n.Toleration.Effect
		}
		return []string{line + "}]"}
	case len(n.Term.Values) == 1:
		return []string{fmt.Sprintf("nodeSelector: {%s: %s}", strconv.Quote(n.Term.Key), strconv.Quote(n.Term.Values[0]))}
	}
	values := make([]string, len(n.Term.Values))
	for i, v := range n.Term.Values {
		values[i] = strconv.Quote(v)
	}
	return []string{
		"affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [",
		fmt.Sprintf("  {matchExpressions: [{key: %s, operator: In, values: [%s]}]}]}}}", strconv.Quote(n.Term.Key), strings.Join(values, ", ")),
	}
}

// fitRow is nodes of which the same is said.
type fitRow struct {
	fits              bool
	nodes, now, empty string
	why               string
}

// fitRows joins nodes that say the same, in the order of the first of each; those
// that fit go before those that do not.
func (p *printer) fitRows(nodes []placement.NodeFit) []fitRow {
	var rows []fitRow
	var names [][]string
	index := map[fitRow]int{}
	for _, fits := range []bool{true, false} {
		for _, n := range nodes {
			if n.Fits != fits {
				continue
			}
			r := fitRow{fits: fits, now: strconv.FormatInt(n.Now, 10), empty: strconv.FormatInt(n.Empty, 10), why: strings.Join(n.Why, "; ")}
			at, ok := index[r]
			if !ok || p.opt.All {
				at = len(rows)
				index[r] = at
				rows, names = append(rows, r), append(names, nil)
			}
			names[at] = append(names[at], n.Node)
		}
	}
	for i := range rows {
		rows[i].nodes = topology.NameRange(names[i])
	}
	return rows
}
