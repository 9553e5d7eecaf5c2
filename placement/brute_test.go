// SPDX-License-Identifier: Apache-2.0

package placement_test

import (
	"cmp"
	"fmt"
	"slices"

	"tarsia.dev/tarsia/placement"
)

// truth is the state of a fleet as plain values, for the tests' own arithmetic.
// It shares no code with the engine.
type truth struct {
	nodes   []placement.Node // in natural order of name
	running []placement.Running
}

func newTruth(w world) *truth {
	t := &truth{nodes: slices.Clone(w.nodes), running: slices.Clone(w.running)}
	number := func(n placement.Node) (v int) { fmt.Sscanf(n.Name, "n%d", &v); return v }
	slices.SortFunc(t.nodes, func(a, b placement.Node) int { return cmp.Compare(number(a), number(b)) })
	return t
}

func (t *truth) with(pods ...placement.Running) *truth {
	return &truth{t.nodes, slices.Concat(t.running, pods)}
}

func (t *truth) node(name string) *placement.Node {
	return &t.nodes[slices.IndexFunc(t.nodes, func(n placement.Node) bool { return n.Name == name })]
}

// listed tells whether a node lists devices of a resource.
func listed(n *placement.Node, res string) bool {
	return slices.ContainsFunc(n.Devices, func(d placement.Device) bool { return d.Resource == res })
}

// unnamed counts devices held by pods that do not say which.
func (t *truth) unnamed(n *placement.Node, res string) int64 {
	var sum int64
	for _, p := range t.running {
		if p.Node != n.Name || !listed(n, res) {
			continue
		}
		named := int64(0)
		for _, id := range p.Devices {
			for _, d := range n.Devices {
				if d.ID == id && d.Resource == res {
					named++
				}
			}
		}
		sum += max(0, p.Requests[res]-named)
	}
	return sum
}

// freeDevices lists indices in n.Devices.
func (t *truth) freeDevices(n *placement.Node, res string) []int {
	var out []int
	for i, d := range n.Devices {
		held := slices.ContainsFunc(t.running, func(p placement.Running) bool { return p.Node == n.Name && slices.Contains(p.Devices, d.ID) })
		if d.Resource == res && d.Unusable == "" && !held {
			out = append(out, i)
		}
	}
	return out
}

// free is what a node has left of a resource.
func (t *truth) free(n *placement.Node, res string) int64 {
	v, said := n.Allocatable[res]
	if res == placement.Pods && !said {
		v = 1 << 40
	}
	for _, p := range t.running {
		if p.Node == n.Name {
			v -= p.Requests[res]
			if res == placement.Pods {
				v--
			}
		}
	}
	if listed(n, res) {
		v = min(v, int64(len(t.freeDevices(n, res)))-t.unnamed(n, res))
	}
	return max(v, 0)
}

func (t *truth) zoneFree(n *placement.Node, z placement.Zone, res string) (int64, bool) {
	lists := slices.ContainsFunc(n.Zones, func(z placement.Zone) bool { _, ok := z.Allocatable[res]; return ok })
	v := z.Allocatable[res]
	for _, p := range t.running {
		if p.Node == n.Name && p.Zone != nil && *p.Zone == z.ID {
			v -= p.Requests[res]
		}
	}
	return max(v, 0), lists
}

// admits tells whether a node may take pods of a shape at all.
func admits(n *placement.Node, s placement.Shape) bool {
	tolerates := func(key string) bool {
		return slices.ContainsFunc(s.Tolerations, func(t placement.Toleration) bool { return t.Key == key })
	}
	if n.NotReady != "" || n.Unschedulable {
		return false
	}
	for _, t := range n.Taints {
		if t.Effect == "NoSchedule" && !tolerates(t.Key) {
			return false
		}
	}
	for _, term := range s.Selector {
		if !slices.Contains(term.Values, n.Labels[term.Key]) {
			return false
		}
	}
	return len(s.Architectures) == 0 || n.Architecture != "" && slices.Contains(s.Architectures, n.Architecture)
}

// option is one way to put one pod on a node.
type option struct {
	zone    *int
	devices []int // indices in n.Devices, of all resources
	named   bool
}

// options lists every way to put one more pod of a shape on a node: every zone,
// every set of devices. It knows shapes of CPU and one device resource.
func (t *truth) options(n *placement.Node, s placement.Shape) []option {
	if !admits(n, s) || t.free(n, placement.Pods) < 1 {
		return nil
	}
	for res, q := range s.Requests {
		if q > 0 && t.free(n, res) < q {
			return nil
		}
	}
	k := int(s.Requests[gpu])
	if !s.AlignNUMA {
		if k == 0 || !listed(n, gpu) || t.unnamed(n, gpu) > 0 {
			return []option{{}}
		}
		return choices(nil, t.freeDevices(n, gpu), k)
	}
	if k > 0 && (!listed(n, gpu) || t.unnamed(n, gpu) > 0) {
		return nil
	}
	var out []option
	for _, z := range n.Zones {
		if have, lists := t.zoneFree(n, z, placement.CPU); s.Requests[placement.CPU] > 0 && (!lists || have < s.Requests[placement.CPU]) {
			continue
		}
		if k == 0 {
			out = append(out, option{zone: new(z.ID)})
			continue
		}
		in := slices.DeleteFunc(t.freeDevices(n, gpu), func(i int) bool { return n.Devices[i].Zone == nil || *n.Devices[i].Zone != z.ID })
		out = append(out, choices(new(z.ID), in, k)...)
	}
	return out
}

func choices(zone *int, from []int, k int) []option {
	var out []option
	for mask := range 1 << len(from) {
		var set []int
		for i, d := range from {
			if mask>>i&1 == 1 {
				set = append(set, d)
			}
		}
		if len(set) == k {
			out = append(out, option{zone, set, true})
		}
	}
	return out
}

func (o option) running(n *placement.Node, s placement.Shape, name string) placement.Running {
	p := placement.Running{Name: name, Node: n.Name, Requests: s.Requests, Zone: o.zone}
	for _, d := range o.devices {
		p.Devices = append(p.Devices, n.Devices[d].ID)
	}
	return p
}

func score(n *placement.Node, set []int) int64 {
	var sum int64
	if len(n.LinkScore) == 0 {
		return 0
	}
	for i, a := range set {
		for _, b := range set[:i] {
			sum += int64(n.LinkScore[a][b])
		}
	}
	return sum
}

// partition is the best total of sets of size k and a smaller one, which
// together are all.
func partition(n *placement.Node, from []int, k int) int64 {
	if len(from) <= k {
		return score(n, from)
	}
	var best int64
	for _, o := range choices(nil, from, k) {
		rest := slices.DeleteFunc(slices.Clone(from), func(i int) bool { return slices.Contains(o.devices, i) })
		best = max(best, score(n, o.devices)+partition(n, rest, k))
	}
	return best
}

// whole is how good the free devices are in sets, within zones when aligned.
func (t *truth) whole(n *placement.Node, s placement.Shape) int64 {
	free, k := t.freeDevices(n, gpu), max(2, int(s.Requests[gpu]))
	if !s.AlignNUMA {
		return partition(n, free, k)
	}
	var sum int64
	for _, z := range n.Zones {
		sum += partition(n, inZone(n, free, z.ID), k)
	}
	return sum
}

func inZone(n *placement.Node, from []int, zone int) []int {
	return slices.DeleteFunc(slices.Clone(from), func(i int) bool { return n.Devices[i].Zone == nil || *n.Devices[i].Zone != zone })
}

// bestSet is the best score of one set on the empty node.
func bestSet(n *placement.Node, s placement.Shape) int64 {
	empty := &truth{nodes: []placement.Node{*n}}
	free := empty.freeDevices(n, gpu)
	var best int64
	if !s.AlignNUMA {
		for _, o := range choices(nil, free, int(s.Requests[gpu])) {
			best = max(best, score(n, o.devices))
		}
		return best
	}
	for _, z := range n.Zones {
		for _, o := range choices(nil, inZone(n, free, z.ID), int(s.Requests[gpu])) {
			best = max(best, score(n, o.devices))
		}
	}
	return best
}

// untouched tells whether nothing is bound to a zone.
func (t *truth) untouched(n *placement.Node, zone int) bool {
	for _, p := range t.running {
		if p.Node != n.Name {
			continue
		}
		if p.Zone != nil && *p.Zone == zone && p.Requests[placement.CPU] > 0 {
			return false
		}
		for _, d := range n.Devices {
			if slices.Contains(p.Devices, d.ID) && d.Zone != nil && *d.Zone == zone {
				return false
			}
		}
	}
	return true
}

// fits counts how many pods of a shape fit on a node, by trying.
func (t *truth) fits(n *placement.Node, s placement.Shape) int64 {
	var best int64
	seen := map[string]bool{}
	for _, o := range t.options(n, s) {
		// How many more fit depends on the zone alone, not on which devices.
		key := "any"
		if o.zone != nil {
			key = fmt.Sprint(*o.zone)
		}
		if !seen[key] {
			seen[key] = true
			best = max(best, 1+t.with(o.running(n, s, "x")).fits(n, s))
		}
	}
	return best
}
