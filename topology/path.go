// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"slices"
	"strconv"

	"tarsia.dev/tarsia/cpuset"
	"tarsia.dev/tarsia/pci"
)

// Path is how two devices of a node reach each other, by the best way there is.
type Path struct {
	// Code is the word of `nvidia-smi topo -m`, so that everybody can read it:
	// X, NV18, PIX, PXB, PHB, NODE, SYS; XG4 and XE8 for bundled XGMI and Xe
	// links (NV, XG, XE followed by ? when the number of links is not known);
	// C2C for a coherent chip-to-chip link; ? when nobody can tell.
	Code string `json:"code"`
	// BytesPerSecond is one direction of the narrowest part. Nil when a part
	// does not tell, and through the host (PHB, NODE, SYS), whose inner rate no
	// machine tells.
	BytesPerSecond *int64 `json:"bytesPerSecond"`
	// Rank orders paths for scores: larger is closer, 0 is not known.
	Rank int `json:"rank"`
}

// Ranks have the spacing that device scores commonly have: a bundled link
// weighs more than any way over PCIe, and each of its lanes counts.
const (
	rankSYS  = 10
	rankNODE = 20
	rankPHB  = 30
	rankPXB  = 40
	rankPIX  = 50
	rankLane = 100
	rankSelf = 1 << 20
)

// Path returns how a and b reach each other. Whoever asks for many pairs asks
// Paths once instead.
func (n *Node) Path(a, b Ref) Path { return n.Paths().Between(a, b) }

// Paths answers Path questions about one node. It holds indices into the node,
// which must not change meanwhile.
type Paths struct {
	node      *Node
	functions map[pci.Address]int // index into node.PCI
	numa      map[Ref]int
	bundles   map[Ref][]int  // up links that are not PCIe, as indices into node.Links, by end
	pcie      map[[2]Ref]int // index into node.Links, ends in CompareRefs order
	joint     map[Ref]bool   // ends that others meet at: switches, not accelerators or processors
}

// Paths indexes the node once, in time linear in its size.
func (n *Node) Paths() *Paths {
	p := &Paths{
		node:      n,
		functions: make(map[pci.Address]int, len(n.PCI)),
		numa:      map[Ref]int{},
		bundles:   map[Ref][]int{},
		pcie:      map[[2]Ref]int{},
		joint:     map[Ref]bool{},
	}
	know := func(r Ref, node *int) {
		if _, known := p.numa[r]; !known && node != nil {
			p.numa[r] = *node
		}
	}
	accelerators := make(map[Ref]bool, len(n.Accelerators))
	for _, a := range n.Accelerators {
		accelerators[a.ID] = true
		know(a.ID, a.NUMANode)
	}
	for _, c := range n.NICs {
		know(c.Device, c.NUMANode)
	}
	for i, f := range n.PCI {
		p.functions[f.Address] = i
		know(PCIRef(f.Address), f.NUMANode)
	}
	for i, l := range n.Links {
		if l.Kind == LinkPCIe {
			p.pcie[[2]Ref{l.A, l.B}] = i
			continue
		}
		if l.State == LinkDown || l.Lanes != nil && *l.Lanes == 0 {
			continue
		}
		for _, end := range []Ref{l.A, l.B} {
			p.bundles[end] = append(p.bundles[end], i)
			if kind := end.Kind(); !accelerators[end] && kind != "package" && kind != "numa" {
				p.joint[end] = true
			}
		}
	}
	return p
}

// Between returns how a and b reach each other.
func (p *Paths) Between(a, b Ref) Path {
	if a == b {
		return Path{Code: "X", Rank: rankSelf}
	}
	if path, ok := p.bundled(a, b); ok {
		return path
	}
	if isCPU(a) || isCPU(b) {
		return p.toCPU(a, b)
	}
	if path, ok := p.belowOneBridge(a, b); ok {
		return path
	}
	if c := p.rootComplex(a); c != "" && c == p.rootComplex(b) {
		return Path{Code: "PHB", Rank: rankPHB}
	}
	x, knownX := p.numa[a]
	y, knownY := p.numa[b]
	switch {
	case knownX && knownY && x != y:
		return Path{Code: "SYS", Rank: rankSYS}
	// A machine of one NUMA node has nothing else to cross, whatever its
	// firmware leaves unsaid.
	case knownX && knownY, len(p.node.NUMANodes) == 1:
		return Path{Code: "NODE", Rank: rankNODE}
	}
	return Path{Code: "?"}
}

// bundled finds the best direct link that is not PCIe, or the switches where
// links of both meet: there each pair of ends carries what the narrower has.
func (p *Paths) bundled(a, b Ref) (Path, bool) {
	best, found := Path{}, false
	offer := func(path Path) {
		if !found || path.Rank > best.Rank {
			best, found = path, true
		}
	}
	type joined struct {
		kind  LinkKind
		joint Ref
	}
	far := map[joined]int{}
	for _, i := range p.bundles[b] {
		l := p.node.Links[i]
		if other, _ := l.Other(b); p.joint[other] {
			far[joined{l.Kind, other}] = i
		}
	}
	var via []bundle
	for _, i := range p.bundles[a] {
		l := p.node.Links[i]
		other, _ := l.Other(a)
		if other == b {
			offer(bundle{kind: l.Kind, lanes: l.Lanes, bytes: l.BytesPerSecond}.path())
			continue
		}
		j, ok := far[joined{l.Kind, other}]
		if !ok {
			continue
		}
		m := p.node.Links[j]
		hop := bundle{kind: l.Kind, lanes: least(l.Lanes, m.Lanes), bytes: least(l.BytesPerSecond, m.BytesPerSecond)}
		k := slices.IndexFunc(via, func(b bundle) bool { return b.kind == l.Kind })
		if k < 0 {
			via = append(via, hop)
			continue
		}
		via[k].lanes, via[k].bytes = sum(via[k].lanes, hop.lanes), sum(via[k].bytes, hop.bytes)
	}
	for _, v := range via {
		offer(v.path())
	}
	return best, found
}

// bundle is what links of one kind carry together.
type bundle struct {
	kind  LinkKind
	lanes *int
	bytes *int64
}

func (b bundle) path() Path {
	code := map[LinkKind]string{LinkNVLink: "NV", LinkXGMI: "XG", LinkXe: "XE"}[b.kind]
	path := Path{BytesPerSecond: b.bytes, Rank: rankLane}
	if b.lanes != nil {
		path.Rank *= *b.lanes
	}
	switch {
	case b.kind == LinkC2C:
		path.Code = "C2C"
	case code == "":
		path.Code = string(b.kind)
	case b.lanes == nil:
		path.Code = code + "?"
	default:
		path.Code = code + strconv.Itoa(*b.lanes)
	}
	return path
}

func least[T int | int64](a, b *T) *T {
	if a == nil || b == nil {
		return nil
	}
	return new(min(*a, *b))
}

func sum[T int | int64](a, b *T) *T {
	if a == nil || b == nil {
		return nil
	}
	return new(*a + *b)
}

func isCPU(r Ref) bool { return r.Kind() == "package" || r.Kind() == "numa" }

// toCPU says whether a device hangs at a processor (through its host bridge)
// or at another one.
func (p *Paths) toCPU(a, b Ref) Path {
	if isCPU(a) && isCPU(b) {
		return Path{Code: "SYS", Rank: rankSYS}
	}
	if isCPU(a) {
		a, b = b, a
	}
	here, there := p.CPUs(a), p.CPUs(b)
	switch {
	case here.IsEmpty() || there.IsEmpty():
		return Path{Code: "?"}
	case here.Overlaps(there):
		return Path{Code: "PHB", Rank: rankPHB}
	}
	return Path{Code: "SYS", Rank: rankSYS}
}

// CPUs returns the CPUs next to a device, or of a package or NUMA node. It is
// empty when that is not known: a device of no known NUMA node is said to be
// local to every CPU, which says nothing.
func (p *Paths) CPUs(r Ref) cpuset.Set {
	n := p.node
	switch r.Kind() {
	case "package":
		i := slices.IndexFunc(n.Packages, func(k Package) bool { return PackageRef(k.ID) == r })
		if i >= 0 {
			return n.Packages[i].CPUs
		}
		return cpuset.Set{}
	case "numa":
		return p.cpusOfNUMANode(r)
	}
	local := cpuset.Set{}
	if i := slices.IndexFunc(n.Accelerators, func(a Accelerator) bool { return a.ID == r }); i >= 0 {
		local = n.Accelerators[i].LocalCPUs
	}
	if a, ok := r.PCI(); ok && local.IsEmpty() {
		if i, known := p.functions[a]; known {
			local = n.PCI[i].LocalCPUs
		}
	}
	node, known := p.numa[r]
	switch {
	case known && local.IsEmpty():
		return p.cpusOfNUMANode(NUMARef(node))
	case !known && len(n.NUMANodes) > 1 && local.Contains(n.OnlineCPUs):
		return cpuset.Set{}
	}
	return local
}

func (p *Paths) cpusOfNUMANode(r Ref) cpuset.Set {
	i := slices.IndexFunc(p.node.NUMANodes, func(k NUMANode) bool { return NUMARef(k.ID) == r })
	if i < 0 {
		return cpuset.Set{}
	}
	return p.node.NUMANodes[i].CPUs
}
