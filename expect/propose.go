// SPDX-License-Identifier: Apache-2.0

package expect

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tarsia.dev/tarsia/topology"
)

// Proposal writes an expectation from what is there: a group for each kind of
// machine, and for each fact the value that most of its nodes have. Who reads the
// file decides whether most are right.
type Proposal struct {
	groups map[string]*proposed
}

type proposed struct {
	nodes  []string
	values map[string]map[string][]string // word -> value -> nodes
}

// proposedWords are the facts that a proposal states, besides the families that
// the nodes have.
var proposedWords = []string{"architecture", "isa.level", "packages", "cores", "threads", "numaNodes", "memory", "kernel", "secureBoot", "accelerators", "model", "driver", "nics"}

// Add takes one node into account and keeps nothing of it but its facts.
func (p *Proposal) Add(n *topology.Node, about *About) {
	name := cmp.Or(n.MachineGroup(), n.Architecture+" of no known product")
	g := p.groups[name]
	if g == nil {
		g = &proposed{values: map[string]map[string][]string{}}
		if p.groups == nil {
			p.groups = map[string]*proposed{}
		}
		p.groups[name] = g
	}
	g.nodes = append(g.nodes, n.Name)
	s := subject{n, about}
	for _, word := range proposable(n) {
		value := joined(s, word)
		if value == "" {
			continue
		}
		if g.values[word] == nil {
			g.values[word] = map[string][]string{}
		}
		g.values[word][value] = append(g.values[word][value], n.Name)
	}
}

// proposable lists the facts that are stated of a node.
func proposable(n *topology.Node) []string {
	out := slices.Clone(proposedWords)
	for _, f := range n.Firmware {
		out = append(out, "firmware/"+f.Component)
	}
	for _, l := range n.Links {
		if l.Kind != topology.LinkPCIe {
			out = append(out, "links/"+string(l.Kind))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// joined is the node's values of a fact as a Wanted; "" where one is not known,
// or where there is none.
func joined(s subject, word string) string {
	l, _ := lookup(word)
	var texts []string
	for _, v := range l(s) {
		switch {
		case v.why != "":
			return ""
		case v.text != none && v.text != string(topology.DeviceLost):
			texts = append(texts, literal(v.text))
		}
	}
	slices.Sort(texts)
	return strings.Join(slices.Compact(texts), " | ")
}

// literal is the text of a Wanted that only this value matches.
func literal(text string) string {
	if w, err := ParseWanted(text); err == nil && len(w.any) == 1 && w.any[0].operator == "=" && w.any[0].a == text {
		return text
	}
	return "=" + text
}

// YAML is the file: the same nodes in any order give the same text.
func (p *Proposal) YAML(name string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: %s\nkind: %s\nname: %s\ngroups:\n", topology.APIVersion, Kind, quote(name))
	used := map[string]bool{}
	for _, key := range slices.Sorted(maps.Keys(p.groups)) {
		g := p.groups[key]
		nodes := sorted(g.nodes)
		fmt.Fprintf(&b, "- name: %s\n", quote(unused(used, key)))
		if text := topology.NameRange(nodes); spellable(text, len(nodes)) {
			fmt.Fprintf(&b, "  nodes: %s\n", quote(text))
		} else {
			fmt.Fprintf(&b, "  select: {architecture: \"*\"} # these names cannot be written as a range\n")
		}
		fmt.Fprintf(&b, "  count: %d\n", len(nodes))
		g.facts(&b, len(nodes))
	}
	return []byte(b.String())
}

func spellable(text string, count int) bool {
	names, err := topology.ParseNameRange(text)
	return err == nil && len(names) == count
}

func unused(used map[string]bool, key string) string {
	name := key
	for i := 2; used[name]; i++ {
		name = fmt.Sprintf("%s (%d)", key, i)
	}
	used[name] = true
	return name
}

func (g *proposed) facts(b *strings.Builder, of int) {
	if len(g.values) > 0 {
		b.WriteString("  facts:\n")
	}
	for _, word := range slices.Sorted(maps.Keys(g.values)) {
		values := g.values[word]
		best, told := "", 0
		for _, v := range slices.Sorted(maps.Keys(values)) {
			told += len(values[v])
			if best == "" || len(values[v]) > len(values[best]) {
				best = v
			}
		}
		if word == "memory" {
			if r, ok := memoryRange(values); ok {
				fmt.Fprintf(b, "    %s: %s\n", word, quote(r))
				continue
			}
		}
		var differ []string
		for v, names := range values {
			if v != best {
				differ = append(differ, names...)
			}
		}
		if len(differ) > 0 {
			fmt.Fprintf(b, "    # %d of %d differ: %s\n", len(differ), of, topology.NameRange(differ))
		}
		if silent := of - told; silent > 0 {
			fmt.Fprintf(b, "    # %d of %d do not tell it\n", silent, of)
		}
		fmt.Fprintf(b, "    %s: %s\n", wordKey(word), quote(best))
	}
}

// memoryRange is a range for machines whose memory differs by less than 3 %:
// what firmware keeps for itself differs from boot to boot.
func memoryRange(values map[string][]string) (string, bool) {
	if len(values) < 2 {
		return "", false
	}
	all := slices.SortedFunc(maps.Keys(values), func(a, b string) int {
		order, _ := compare(a, b)
		return cmp.Or(order, cmp.Compare(a, b))
	})
	low, ok1 := amount(all[0])
	high, ok2 := amount(all[len(all)-1])
	if !ok1 || !ok2 || low.value <= 0 || high.value/low.value > 1.03 {
		return "", false
	}
	return all[0] + ".." + all[len(all)-1], true
}

// wordKey is a word as a YAML key.
func wordKey(word string) string {
	if strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./_-") == "" {
		return word
	}
	return quote(word)
}

// quote writes a YAML scalar that is a string whatever it looks like. A JSON
// string is one.
func quote(text string) string {
	out, err := json.Marshal(text)
	if err != nil {
		return `""` // a Go string always has JSON
	}
	return string(out)
}
