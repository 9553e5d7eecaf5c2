// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"

	"tarsia.dev/tarsia/placement"
)

// read is one thing that an expression looks at: a variable, or one key of it.
type read struct {
	variable string
	key      string
	keyed    bool
}

// sorted lists what was read, without keys of what was read whole.
func (r *reader) sorted() []read {
	out := slices.Collect(maps.Keys(r.seen))
	out = slices.DeleteFunc(out, func(x read) bool { return x.keyed && r.seen[read{variable: x.variable}] })
	slices.SortFunc(out, func(a, b read) int { return cmp.Or(cmp.Compare(a.variable, b.variable), cmp.Compare(a.key, b.key)) })
	return out
}

// values are what one evaluation is given. Parts that an expression cannot speak
// of are nil.
type values struct {
	gang   *placement.Gang
	waited int64 // seconds
	set    *placement.PodSet
	node   *nodeValues
}

// nodeValues is a node as expressions see it.
type nodeValues struct {
	*placement.Node
	model  string
	levels map[string]string
}

func newNodeValues(n *placement.Node) *nodeValues {
	v := &nodeValues{Node: n, model: modelOf(n), levels: make(map[string]string, len(n.Domains))}
	for _, d := range n.Domains {
		v.levels[d.Level] = d.ID
	}
	return v
}

// modelLabels are where the vendors' feature discovery says what a node's
// accelerators are: NVIDIA GPU feature discovery, AMD node labeller, Intel GPU
// plugin.
var modelLabels = []string{"nvidia.com/gpu.product", "amd.com/gpu.product-name", "beta.amd.com/gpu.product-name", "gpu.intel.com/product"}

// modelOf is the model of a node's accelerators where there is one; "" where
// there are several, none, or nobody said.
func modelOf(n *placement.Node) string {
	model := ""
	for _, l := range modelLabels {
		switch m := n.Labels[l]; {
		case m == "":
		case model == "":
			model = m
		case m != model:
			return ""
		}
	}
	return model
}

// architecture is the node's, "" where it is unknown.
func (n *nodeValues) architecture() string {
	if n.Architecture == "unknown" {
		return ""
	}
	return n.Architecture
}

// ResolveName gives a variable its value.
func (v *values) ResolveName(name string) (any, bool) {
	switch name {
	case "job.name":
		return types.String(v.gang.Name), true
	case "job.labels":
		return textMapOf(v.gang.Labels), true
	case "job.priority":
		return types.Int(v.gang.Priority), true
	case "job.pods":
		return types.Int(podsOf(v.gang)), true
	case "job.requests":
		return numberMapOf(requestsOf(v.gang)), true
	case "job.waited":
		return types.String(strconv.FormatInt(v.waited, 10) + "s").ConvertToType(types.DurationType), true
	case "pod.set":
		return types.String(v.set.Name), true
	case "pod.requests":
		return numberMapOf(v.set.Shape.Requests), true
	case "pod.architectures":
		return types.NewStringList(types.DefaultTypeAdapter, v.set.Shape.Architectures), true
	case "node.name":
		return types.String(v.node.Name), true
	case "node.architecture":
		return types.String(v.node.architecture()), true
	case "node.model":
		return types.String(v.node.model), true
	case "node.labels":
		return textMapOf(v.node.Labels), true
	case "node.levels":
		return textMapOf(v.node.levels), true
	case "node.allocatable":
		return numberMapOf(v.node.Allocatable), true
	}
	return nil, false
}

// Parent is none: all variables are here.
func (v *values) Parent() cel.Activation { return nil }

// lenient is a map in which a key that is not there reads as a zero value.
type lenient struct {
	traits.Mapper
	absent ref.Val
}

// Find is what an index looks up.
func (m lenient) Find(key ref.Val) (ref.Val, bool) {
	if v, ok := m.Mapper.Find(key); ok {
		return v, true
	}
	return m.absent, true
}

// Get is Find for callers that expect an error.
func (m lenient) Get(key ref.Val) ref.Val {
	v, _ := m.Find(key)
	return v
}

func textMapOf(m map[string]string) ref.Val {
	return lenient{types.NewStringStringMap(types.DefaultTypeAdapter, m), types.String("")}
}

func numberMapOf(r placement.Resources) ref.Val {
	m := make(map[ref.Val]ref.Val, len(r))
	for name := range r {
		m[types.String(name)] = types.Double(number(r, name))
	}
	return lenient{types.NewRefValMap(types.DefaultTypeAdapter, m), types.Double(0)}
}

// number is a quantity in the unit of expressions: cores, bytes, devices.
func number(r placement.Resources, name string) float64 {
	if name == placement.CPU {
		return float64(r[name]) / 1000
	}
	return float64(r[name])
}

func podsOf(g *placement.Gang) int {
	n := 0
	for _, s := range g.PodSets {
		n += s.Count
	}
	return n
}

// requestsOf sums what all pods of a gang ask for; a sum beyond what can be
// counted stays at the most.
func requestsOf(g *placement.Gang) placement.Resources {
	total := placement.Resources{}
	for _, s := range g.PodSets {
		for name, v := range s.Shape.Requests {
			total[name] = plus(total[name], times(v, int64(s.Count)))
		}
	}
	return total
}

// appendTo writes what was read of the values, so that equal texts mean equal
// results.
func (r read) appendTo(b []byte, v *values) []byte {
	switch r.variable {
	case "job.name":
		return strconv.AppendQuote(b, v.gang.Name)
	case "job.labels":
		return r.text(b, v.gang.Labels)
	case "job.priority":
		return strconv.AppendInt(b, int64(v.gang.Priority), 10)
	case "job.pods":
		return strconv.AppendInt(b, int64(podsOf(v.gang)), 10)
	case "job.requests":
		return r.numbers(b, requestsOf(v.gang))
	case "job.waited":
		return strconv.AppendInt(b, v.waited, 10)
	case "pod.set":
		return strconv.AppendQuote(b, v.set.Name)
	case "pod.requests":
		return r.numbers(b, v.set.Shape.Requests)
	case "pod.architectures":
		return fmt.Appendf(b, "%q", v.set.Shape.Architectures)
	case "node.name":
		return strconv.AppendQuote(b, v.node.Name)
	case "node.architecture":
		return strconv.AppendQuote(b, v.node.architecture())
	case "node.model":
		return strconv.AppendQuote(b, v.node.model)
	case "node.labels":
		return r.text(b, v.node.Labels)
	case "node.levels":
		return r.text(b, v.node.levels)
	case "node.allocatable":
		return r.numbers(b, v.node.Allocatable)
	}
	panic("policy: unknown variable " + r.variable) // the environment declares no other
}

// text writes one key of a map, which may be absent, or all of it.
func (r read) text(b []byte, m map[string]string) []byte {
	if r.keyed {
		value, has := m[r.key]
		return strconv.AppendQuote(strconv.AppendBool(b, has), value)
	}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		b = strconv.AppendQuote(strconv.AppendQuote(b, k), m[k])
	}
	return b
}

func (r read) numbers(b []byte, m placement.Resources) []byte {
	if r.keyed {
		value, has := m[r.key]
		return strconv.AppendInt(strconv.AppendBool(b, has), value, 10)
	}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		b = strconv.AppendInt(strconv.AppendQuote(b, k), m[k], 10)
	}
	return b
}

// keyOf writes what expressions read of some subjects.
func (v *values) keyOf(reads []read, subjects ...subject) string {
	var b []byte
	for _, r := range reads {
		if slices.Contains(subjects, subjectOf(r.variable)) {
			b = append(r.appendTo(b, v), '|')
		}
	}
	return string(b)
}

// matchesGlob tells whether text fits a pattern in which * stands for anything,
// letters in either case.
func matchesGlob(pattern, text string) bool {
	parts := strings.Split(strings.ToLower(pattern), "*")
	text = strings.ToLower(text)
	if len(parts) == 1 {
		return parts[0] == text
	}
	text, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	for _, p := range parts[1 : len(parts)-1] {
		_, after, ok := strings.Cut(text, p)
		if !ok {
			return false
		}
		text = after
	}
	return strings.HasSuffix(text, parts[len(parts)-1])
}
