// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"cmp"
	"slices"
	"sync"

	"tarsia.dev/tarsia/placement"
)

// Bound is a policy over the nodes of a fleet. It keeps what it computed: nodes
// that an expression cannot tell apart are one kind to it, and it is evaluated
// once a kind, not once a node; jobs that no expression can tell apart share
// what they get. It may be used by any number of goroutines.
type Bound struct {
	policy *Policy
	nodes  []*nodeValues
	at     map[string]int32 // by name
	priced *kinds           // by the price lines that fit
	prices []nodePrice      // by kind of priced
	shared *barred          // nodes that give no pod cores of its own
	all    *barred
	within map[string]int // by level: nodes that lie in a domain of it
	joins  []string       // levels of which some domain joins nodes, those with fewer domains first

	mu      sync.Mutex
	kinds   map[*expression]*kinds
	bars    map[string]*barred
	costs   map[string]*costTable
	classes map[string]int // by what the matches read of the job; -1 is none
}

// maxKept bounds each of the memories of a Bound; a full one begins anew.
const maxKept = 4096

// kinds are the nodes sorted by what some expressions can see of them.
type kinds struct {
	of    []int32 // by node
	first []int32 // by kind: a node of it
}

// verdict is the answer of a bool expression; why is what kept it from one.
type verdict struct {
	yes bool
	why string
}

// Bind looks at the nodes. A price that cannot be evaluated on a node is unknown
// there, and a demand that cannot be evaluated does not hold.
func (p *Policy) Bind(nodes []placement.Node) *Bound {
	b := &Bound{
		policy: p, at: make(map[string]int32, len(nodes)), within: map[string]int{},
		kinds: map[*expression]*kinds{}, bars: map[string]*barred{}, costs: map[string]*costTable{}, classes: map[string]int{},
	}
	for i := range nodes {
		b.nodes = append(b.nodes, newNodeValues(&nodes[i]))
		b.at[nodes[i].Name] = int32(i)
	}
	b.bindLevels()
	b.bindPrices()
	b.bindExclusive()
	return b
}

// bindLevels counts the nodes and the domains of each level.
func (b *Bound) bindLevels() {
	domains := map[string]map[string]bool{}
	for _, n := range b.nodes {
		for level, id := range n.levels {
			b.within[level]++
			if domains[level] == nil {
				domains[level] = map[string]bool{}
			}
			domains[level][id] = true
		}
	}
	for level, ids := range domains {
		if len(ids) < b.within[level] {
			b.joins = append(b.joins, level)
		}
	}
	slices.SortFunc(b.joins, func(x, y string) int { return cmp.Or(cmp.Compare(len(domains[x]), len(domains[y])), cmp.Compare(x, y)) })
}

// bindExclusive finds the nodes that give pods cores of their own.
func (b *Bound) bindExclusive() {
	e := b.policy.exclusive
	if e == nil {
		return
	}
	k := b.sort(e.reads)
	no, all := make([]bool, len(k.first)), make([]bool, len(k.first))
	for kind, n := range k.first {
		no[kind], all[kind] = !ask(e, &values{node: b.nodes[n]}).yes, true
	}
	b.shared = b.gather(k, no, "shared cores: "+e.at.String()+" does not hold")
	b.all = b.gather(k, all, "")
}

// ask evaluates a bool expression; one that fails does not hold, and says why.
func ask(e *expression, v *values) verdict {
	yes, err := e.holds(v)
	if err != nil {
		return verdict{why: err.Error()}
	}
	return verdict{yes: yes}
}

// sort sorts the nodes by what reads can see of them.
func (b *Bound) sort(reads []read) *kinds {
	k := &kinds{of: make([]int32, len(b.nodes))}
	reads = slices.DeleteFunc(slices.Clone(reads), func(r read) bool { return subjectOf(r.variable) != ofNode })
	index := map[string]int32{}
	var buf []byte
	for i, n := range b.nodes {
		v := values{node: n}
		buf = buf[:0]
		for _, r := range reads {
			buf = append(r.appendTo(buf, &v), '|')
		}
		at, ok := index[string(buf)]
		if !ok {
			at = int32(len(k.first))
			index[string(buf)] = at
			k.first = append(k.first, int32(i))
		}
		k.of[i] = at
	}
	return k
}

// kindsOf sorts the nodes for one expression, once. b.mu is held.
func (b *Bound) kindsOf(e *expression) *kinds {
	k, ok := b.kinds[e]
	if !ok {
		k = b.sort(e.reads)
		b.kinds[e] = k
	}
	return k
}

// barred are the nodes that a rule keeps a pod off.
type barred struct {
	nodes *placement.NodeSet
	count int
	found string // what was found instead
}

// keptOff finds the nodes on which a rule does not hold for a pod set. b.mu is
// held.
func (b *Bound) keptOff(e *expression, v values) *barred {
	id := e.at.String() + e.text + v.keyOf(e.reads, ofJob, ofPod)
	if known, ok := b.bars[id]; ok {
		return known
	}
	k := b.kindsOf(e)
	no := make([]bool, len(k.first))
	found := "a node that does not meet it"
	for kind, n := range k.first {
		v.node = b.nodes[n]
		answer := ask(e, &v)
		no[kind] = !answer.yes
		if answer.why != "" {
			found = "a node on which it cannot be evaluated: " + answer.why
		}
	}
	out := b.gather(k, no, found)
	if len(b.bars) >= maxKept {
		clear(b.bars)
	}
	b.bars[id] = out
	return out
}

// gather collects the nodes of some kinds.
func (b *Bound) gather(k *kinds, no []bool, found string) *barred {
	var names []string
	for i, n := range b.nodes {
		if no[k.of[i]] {
			names = append(names, n.Name)
		}
	}
	return &barred{placement.NewNodeSet(names), len(names), found}
}
