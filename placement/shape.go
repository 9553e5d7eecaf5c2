// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"tarsia.dev/tarsia/device"
	"tarsia.dev/tarsia/topologymanager"
)

// need is one resource of a shape.
type need struct {
	res int32
	qty int64
	// spread: the resource is not tied to a NUMA zone (pods, ephemeral storage).
	spread bool
}

// shape is a Shape against one fleet: its demands as dense indices.
type shape struct {
	Shape
	key     string
	needs   []need // extended resources, then CPU, memory, the others, pods
	foreign []string
	pod     topologymanager.Pod // what a kubelet sees of it
	asks    []tableAsk          // by table of the fleet, as they are asked for
}

// compileShape checks a shape and numbers its resources. Every pod also needs
// one of "pods".
func compileShape(f *Fleet, s Shape) (*shape, error) {
	if err := checkQuantities(s.Requests); err != nil {
		return nil, err
	}
	for _, t := range slices.Concat(append(slices.Clone(s.AnyOf), s.Selector)...) {
		if err := t.check(); err != nil {
			return nil, err
		}
	}
	if err := device.CheckRequests(s.Devices); err != nil {
		return nil, err
	}
	for _, p := range s.Preferences {
		if p.Weight < 1 || p.Weight > maxWeight {
			return nil, fmt.Errorf("a preference has weight %d, want 1 to %d", p.Weight, maxWeight)
		}
		for _, t := range p.Terms {
			if err := t.check(); err != nil {
				return nil, err
			}
		}
	}
	if err := checkClaims(s.Claims); err != nil {
		return nil, err
	}
	pod, err := s.compileContainers()
	if err != nil {
		return nil, err
	}
	c := &shape{Shape: s, key: s.Key(), pod: pod}
	names := slices.SortedFunc(maps.Keys(s.Requests), func(a, b string) int {
		return cmp.Or(cmp.Compare(resourceRank(a), resourceRank(b)), cmp.Compare(a, b))
	})
	if _, said := s.Requests[Pods]; !said {
		c.needs = append(c.needs, need{res: resPods, qty: 1, spread: true})
	}
	for _, name := range names {
		if s.Requests[name] == 0 {
			continue
		}
		r, ok := f.resIndex[name]
		if !ok {
			c.foreign = append(c.foreign, name)
			continue
		}
		c.needs = append(c.needs, need{res: r, qty: s.Requests[name], spread: resourceRank(name) > 2})
	}
	slices.SortStableFunc(c.needs, func(a, b need) int {
		return cmp.Compare(resourceRank(f.res[a.res]), resourceRank(f.res[b.res]))
	})
	return c, nil
}

// resourceRank orders resources by how much it tells that one is short. Those
// up to rank 2 live in a NUMA zone.
func resourceRank(name string) int {
	switch {
	case strings.Contains(name, "/"):
		return 0
	case name == CPU:
		return 1
	case name == Memory, strings.HasPrefix(name, "hugepages-"):
		return 2
	case name == Pods:
		return 4
	}
	return 3
}

// Key is the same text for shapes that mean the same, and for no others.
func (s Shape) Key() string {
	var b []byte
	for _, name := range slices.Sorted(maps.Keys(s.Requests)) {
		b = fmt.Appendf(b, "%q=%d,", name, s.Requests[name])
	}
	if len(s.Devices) > 0 {
		b = append(append(b, '|'), device.RequestKey(s.Devices)...)
	}
	if s.QoS != "" || len(s.Containers) > 0 || s.FewestZones {
		b = append(append(b, '|'), s.containersKey()...)
	}
	if len(s.Claims) > 0 {
		b = append(append(b, '|'), s.claimsKey()...)
	}
	b = fmt.Appendf(b, "|%t|%q|", s.AlignNUMA, slices.Sorted(slices.Values(s.Architectures)))
	var anyOf []string
	for _, all := range s.AnyOf {
		anyOf = append(anyOf, fmt.Sprintf("%q", termKeys(all)))
	}
	slices.Sort(anyOf)
	tolerations := make([]string, len(s.Tolerations))
	for i, t := range s.Tolerations {
		tolerations[i] = fmt.Sprintf("%q", t)
	}
	slices.Sort(tolerations)
	b = fmt.Appendf(b, "%q|%q|%q", termKeys(s.Selector), anyOf, tolerations)
	if len(s.ISA) > 0 || len(s.Images) > 0 {
		b = append(b, isaKey(s)...)
	}
	if len(s.Preferences) > 0 {
		preferences := make([]string, len(s.Preferences))
		for i, p := range s.Preferences {
			preferences[i] = fmt.Sprintf("%d %q", p.Weight, termKeys(p.Terms))
		}
		slices.Sort(preferences)
		b = fmt.Appendf(b, "|%q", preferences)
	}
	return string(append(b, barKey(s.Bars)...))
}

// termKeys writes terms so that their order does not matter.
func termKeys(terms []Term) []string {
	keys := make([]string, len(terms))
	for i, t := range terms {
		keys[i] = fmt.Sprintf("%q %q %q", t.Key, t.Operator, slices.Sorted(slices.Values(t.Values)))
	}
	slices.Sort(keys)
	return keys
}

func (t Term) check() error {
	switch t.Operator {
	case "In", "NotIn":
		if len(t.Values) == 0 {
			return fmt.Errorf("label term %q %s has no values, want at least one", t.Key, t.Operator)
		}
	case "Exists", "DoesNotExist":
		if len(t.Values) > 0 {
			return fmt.Errorf("label term %q %s has values, want none", t.Key, t.Operator)
		}
	case "Gt", "Lt":
		if len(t.Values) != 1 {
			return fmt.Errorf("label term %q %s has %d values, want one", t.Key, t.Operator, len(t.Values))
		}
		if _, err := strconv.ParseInt(t.Values[0], 10, 64); err != nil {
			return fmt.Errorf("label term %q %s has value %q, want a whole number", t.Key, t.Operator, t.Values[0])
		}
	default:
		return fmt.Errorf("label term %q has operator %q, want In, NotIn, Exists, DoesNotExist, Gt or Lt", t.Key, t.Operator)
	}
	return nil
}

// Matches tells whether labels satisfy the term, as node affinity does: NotIn
// and DoesNotExist hold where the label is absent; Gt and Lt never hold for a
// label that is no whole number.
func (t Term) Matches(labels map[string]string) bool {
	value, has := labels[t.Key]
	switch t.Operator {
	case "In":
		return has && slices.Contains(t.Values, value)
	case "NotIn":
		return !has || !slices.Contains(t.Values, value)
	case "Exists":
		return has
	case "DoesNotExist":
		return !has
	case "Gt", "Lt":
		v, err := strconv.ParseInt(value, 10, 64)
		if !has || err != nil || len(t.Values) != 1 {
			return false
		}
		w, err := strconv.ParseInt(t.Values[0], 10, 64)
		return err == nil && (t.Operator == "Gt" && v > w || t.Operator == "Lt" && v < w)
	}
	return false
}

// String writes the term as people read it: "disk In [ssd nvme]".
func (t Term) String() string {
	if len(t.Values) == 0 {
		return t.Key + " " + t.Operator
	}
	return fmt.Sprintf("%s %s %v", t.Key, t.Operator, t.Values)
}

// String writes the taint as kubectl does: key=value:Effect.
func (t Taint) String() string {
	if t.Value == "" {
		return t.Key + ":" + t.Effect
	}
	return t.Key + "=" + t.Value + ":" + t.Effect
}

// Tolerates tells whether the toleration matches the taint (core/v1: an empty
// effect matches every effect, an empty key with Exists every key).
func (t Toleration) Tolerates(taint Taint) bool {
	if t.Effect != "" && t.Effect != taint.Effect || t.Key != "" && t.Key != taint.Key {
		return false
	}
	switch t.Operator {
	case "Exists":
		return true
	case "", "Equal":
		return t.Key != "" && t.Value == taint.Value
	}
	return false
}

func (s *shape) tolerates(t Taint) bool {
	return slices.ContainsFunc(s.Tolerations, func(x Toleration) bool { return x.Tolerates(t) })
}

// unschedulableTaint stands for a cordon: who tolerates the taint that the node
// controller puts beside it may still come.
var unschedulableTaint = Taint{Key: "node.kubernetes.io/unschedulable", Effect: "NoSchedule"}

// lack says what a node lacks for a shape.
type lack struct{ constraint, wanted, found string }

// standing returns what keeps the shape off a node whatever runs there, and
// false when nothing does.
func (s *shape) standing(n *Node) (lack, bool) {
	if n.NotReady != "" {
		return lack{"not ready", "a ready node", n.NotReady}, true
	}
	if n.Unschedulable && !s.tolerates(unschedulableTaint) {
		return lack{"unschedulable", "a schedulable node", "cordoned"}, true
	}
	for _, t := range n.Taints {
		if t.Effect != "PreferNoSchedule" && !s.tolerates(t) {
			return lack{"taint " + t.String(), "no such taint, or a toleration", "taint " + t.String()}, true
		}
	}
	if len(s.Architectures) > 0 && (n.Architecture == "" || n.Architecture == "unknown" || !slices.Contains(s.Architectures, n.Architecture)) {
		return lack{"architecture", strings.Join(s.Architectures, " or "), cmp.Or(n.Architecture, "unknown")}, true
	}
	if l, lacking := s.lacksISA(n); lacking {
		return l, true
	}
	for _, t := range s.Selector {
		if !t.Matches(n.Labels) {
			found := "no such label"
			if v, has := n.Labels[t.Key]; has {
				found = t.Key + "=" + v
			}
			return lack{"label " + t.Key, t.String(), found}, true
		}
	}
	if len(s.AnyOf) > 0 && !slices.ContainsFunc(s.AnyOf, func(all []Term) bool {
		return !slices.ContainsFunc(all, func(t Term) bool { return !t.Matches(n.Labels) })
	}) {
		return lack{"node affinity", anyOfText(s.AnyOf), "none of them"}, true
	}
	if l, ok := s.barred(n); ok {
		return l, true
	}
	if len(s.foreign) > 0 {
		return lack{s.foreign[0], amount(s.foreign[0], s.Requests[s.foreign[0]]) + " a pod", "no node lists it"}, true
	}
	return lack{}, false
}

func anyOfText(anyOf [][]Term) string {
	var ways []string
	for _, all := range anyOf {
		var terms []string
		for _, t := range all {
			terms = append(terms, t.String())
		}
		ways = append(ways, strings.Join(terms, " and "))
	}
	return strings.Join(ways, ", or ")
}

// softTaints counts the PreferNoSchedule taints of a node that the shape does
// not tolerate.
func (s *shape) softTaints(n *Node) int64 {
	var c int64
	for _, t := range n.Taints {
		if t.Effect == "PreferNoSchedule" && !s.tolerates(t) {
			c++
		}
	}
	return c
}

// maxWeight is the largest weight of a preference (core/v1
// PreferredSchedulingTerm).
const maxWeight = 100

// gap is the weight of the preferences that a node does not meet.
func (s *shape) gap(n *Node) int64 {
	var sum int64
	for _, p := range s.Preferences {
		if slices.ContainsFunc(p.Terms, func(t Term) bool { return !t.Matches(n.Labels) }) {
			sum += int64(p.Weight)
		}
	}
	return sum
}

// mostGap is the largest gap that a node could have.
func (s *shape) mostGap() int64 {
	var sum int64
	for _, p := range s.Preferences {
		sum += int64(p.Weight)
	}
	return sum
}

// amount writes a quantity in the unit of its resource: cores, binary bytes,
// otherwise a number.
func amount(resource string, v int64) string {
	switch {
	case resource == CPU && v%1000 == 0:
		return strconv.FormatInt(v/1000, 10)
	case resource == CPU:
		return strconv.FormatInt(v, 10) + "m"
	case resource == Memory || strings.HasPrefix(resource, "hugepages-") || strings.Contains(resource, "storage"):
		for i, unit := range []string{"Ti", "Gi", "Mi", "Ki"} {
			if size := int64(1) << (10 * (4 - i)); v >= size || -v >= size {
				return strconv.FormatFloat(float64(v)/float64(size), 'f', -1, 32) + unit
			}
		}
	}
	return strconv.FormatInt(v, 10)
}
