// SPDX-License-Identifier: Apache-2.0

package topology

import "slices"

// belowOneBridge tells PIX from PXB. A switch shows itself as an upstream port
// with downstream ports below, so one more bridge on either side of the common
// one is still the same switch.
func (p *Paths) belowOneBridge(a, b Ref) (Path, bool) {
	up, other := p.chain(a), p.chain(b)
	for i, f := range up {
		j := slices.Index(other, f)
		if i == 0 || j < 1 {
			continue // the common one must be a bridge above both
		}
		path := Path{Code: "PXB", Rank: rankPXB, BytesPerSecond: p.narrowest(up[:i+1], other[:j+1])}
		if i <= 2 && j <= 2 {
			path.Code, path.Rank = "PIX", rankPIX
		}
		return path, true
	}
	return Path{}, false
}

// chain returns the function of r and the bridges above it up to the root bus,
// as indices into node.PCI; empty when r is no PCI function of this node.
func (p *Paths) chain(r Ref) []int {
	address, ok := r.PCI()
	if !ok {
		return nil
	}
	var out []int
	for {
		i, known := p.functions[address]
		if !known || slices.Contains(out, i) {
			return out
		}
		out = append(out, i)
		parent := p.node.PCI[i].Parent
		if parent == nil {
			return out
		}
		address = *parent
	}
}

// narrowest is the least rate of the links along chains of functions. Ports
// inside a switch have no link between them and do not count.
func (p *Paths) narrowest(chains ...[]int) *int64 {
	var out *int64
	for _, c := range chains {
		for k := 1; k < len(c); k++ {
			x, y := PCIRef(p.node.PCI[c[k-1]].Address), PCIRef(p.node.PCI[c[k]].Address)
			if CompareRefs(x, y) > 0 {
				x, y = y, x
			}
			i, ok := p.pcie[[2]Ref{x, y}]
			if !ok {
				continue
			}
			rate := p.node.Links[i].BytesPerSecond
			if rate == nil {
				return nil
			}
			if out == nil || *rate < *out {
				out = rate
			}
		}
	}
	return out
}

func (p *Paths) rootComplex(r Ref) string {
	if a, ok := r.PCI(); ok {
		if i, known := p.functions[a]; known {
			return p.node.PCI[i].RootComplex
		}
	}
	return ""
}
