// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"cmp"
	"maps"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// NodeDomain is the id of the domain that lies within one node: "node/NAME".
func NodeDomain(node string) string { return "node/" + node }

// NewFleet joins nodes into a fleet: sorted by name, with the domain trees that
// the nodes and the site tell of, and the batches of what ought to be alike.
// It is pure: equal nodes in any order give an equal fleet. The nodes are
// shared, not copied, and must not change afterwards.
func NewFleet(name string, nodes []*Node, site Site) *Fleet {
	f := &Fleet{APIVersion: APIVersion, Kind: KindFleet, Name: name, Nodes: slices.Clone(nodes), Images: slices.Clone(site.Images)}
	slices.SortStableFunc(f.Nodes, func(a, b *Node) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortStableFunc(f.Images, func(a, b Image) int { return cmp.Compare(a.Reference, b.Reference) })
	if f.Nodes == nil {
		f.Nodes = []*Node{}
	}
	if f.Images == nil {
		f.Images = []Image{}
	}
	f.Trees = trees(f.Nodes, site)
	f.Batches = batches(f.Nodes)
	return f
}

// Node returns the node of that name.
func (f *Fleet) Node(name string) (*Node, bool) {
	i, ok := sort.Find(len(f.Nodes), func(i int) int { return cmp.Compare(name, f.Nodes[i].Name) })
	if !ok {
		return nil, false
	}
	return f.Nodes[i], true
}

// Tree returns the domain tree of that name.
func (f *Fleet) Tree(name string) (DomainTree, bool) {
	i := slices.IndexFunc(f.Trees, func(t DomainTree) bool { return t.Name == name })
	if i < 0 {
		return DomainTree{}, false
	}
	return f.Trees[i], true
}

// Leaves tells for each node the innermost domain that it lies in; a node
// outside the tree has no entry. Where a node lies in several (its devices are
// in different NVLink domains), it is the first by id.
func (t DomainTree) Leaves() map[string]string {
	inner := map[string]bool{}
	for _, d := range t.Domains {
		inner[d.Parent] = true
	}
	leaves := map[string]string{}
	for _, d := range t.Domains {
		// A node placed on an inner domain itself is in none of its children, so
		// children, which sort after their parent, are asked later and win.
		for _, n := range d.Nodes {
			if old, ok := leaves[n]; !ok || inner[old] {
				leaves[n] = d.ID
			}
		}
	}
	return leaves
}

// treeBuilder collects the members of one tree's domains.
type treeBuilder struct {
	source  string
	parent  map[string]string
	members map[string]map[string]bool
}

func (b *treeBuilder) add(id, parent, node string) {
	if b.members[id] == nil {
		b.members[id] = map[string]bool{}
	}
	b.members[id][node] = true
	b.parent[id] = parent
}

// trees builds a tree per accelerator interconnect that the nodes tell of, and
// one per tree of the site. A tree that the machines tell of themselves is not
// replaced by the site's of the same name: what was read beats what was
// written down.
func trees(nodes []*Node, site Site) []DomainTree {
	byName := map[string]*treeBuilder{}
	at := func(name, source string) *treeBuilder {
		if byName[name] == nil {
			byName[name] = &treeBuilder{source, map[string]string{}, map[string]map[string]bool{}}
		}
		return byName[name]
	}
	for _, n := range nodes {
		for _, kind := range []LinkKind{LinkNVLink, LinkXGMI, LinkXe} {
			for _, id := range n.Domains(kind) {
				at(string(kind), "links and fabric membership of the nodes").add(id, "", n.Name)
			}
		}
	}
	read := slices.Collect(maps.Keys(byName))
	for _, n := range nodes {
		for _, p := range site.Places[n.Name] {
			if slices.Contains(read, p.Tree) {
				continue
			}
			parent := ""
			for i := range p.Path {
				id := strings.Join(p.Path[:i+1], "/")
				at(p.Tree, "site "+site.Name).add(id, parent, n.Name)
				parent = id
			}
		}
	}

	out := []DomainTree{}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		b := byName[name]
		t := DomainTree{Name: name, Source: strings.TrimSpace(b.source)}
		for _, id := range slices.Sorted(maps.Keys(b.members)) {
			t.Domains = append(t.Domains, Domain{ID: id, Parent: b.parent[id], Nodes: slices.Sorted(maps.Keys(b.members[id]))})
		}
		out = append(out, t)
	}
	return out
}

// Domains returns the ids of the domains of one interconnect in which the
// node's accelerators lie, sorted; none where it has no such links. For NVLink
// it is "<ClusterUUID>.<CliqueID>" once the fabric has completed, as NVIDIA's
// gpu.clique label has it; otherwise the links end within the node.
func (n *Node) Domains(kind LinkKind) []string {
	var ids []string
	if kind == LinkNVLink {
		for _, a := range n.Accelerators {
			if id := a.Fabric.Domain(); id != "" {
				ids = append(ids, id)
			}
		}
	}
	if len(ids) == 0 && slices.ContainsFunc(n.Links, func(l Link) bool { return l.Kind == kind }) {
		ids = append(ids, NodeDomain(n.Name))
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// FabricCompleted is the State of a GPU that has joined its fabric.
const FabricCompleted = "completed"

// Domain returns "<ClusterUUID>.<CliqueID>", or "" for a device that is in no
// multi-node domain: not registered, or a fabric whose cluster UUID is all
// zero, as NVSwitch systems of a single node report.
func (m *FabricMember) Domain() string {
	if m == nil || m.State != FabricCompleted || strings.Trim(m.ClusterUUID, "0-") == "" {
		return ""
	}
	return m.ClusterUUID + "." + strconv.Itoa(m.CliqueID)
}
