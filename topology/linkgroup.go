// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// LinkGroup is a number of links that people would tell as one: "8 links GPU -
// NVSwitch of 18 lanes". All members have the kind, widths, rates and state of
// the first.
type LinkGroup struct {
	A, B    string // what the ends are: GPU, NIC, CPU, NVSwitch, port; with a number where the group has one link
	Members []Link // never empty
}

// Width is what nvidia-smi would call the bundle: NV18, XG4, x16; "17 of 18
// NVLinks" where some are down; "" when not known.
func (g LinkGroup) Width() string {
	l := g.Members[0]
	word := map[LinkKind]string{LinkNVLink: "NV", LinkXGMI: "XG", LinkXe: "XE", LinkPCIe: "x"}[l.Kind]
	switch {
	case l.Lanes == nil:
		return ""
	case l.MaxLanes != nil && *l.Lanes < *l.MaxLanes:
		return fmt.Sprintf("%s%d of %s%d", word, *l.Lanes, word, *l.MaxLanes)
	case l.Kind == LinkC2C && *l.Lanes == 1:
		return "C2C"
	case l.Kind == LinkC2C:
		return "C2C x" + strconv.Itoa(*l.Lanes)
	}
	return word + strconv.Itoa(*l.Lanes)
}

// LinkGroups folds the links of the node: kinds other than PCIe first, within a
// kind those that are not up first, then the widest.
func (n *Node) LinkGroups() []LinkGroup {
	var groups []LinkGroup
	index := map[string]int{}
	names := n.Labels()
	for _, l := range n.Links {
		a, b := n.endWord(l.A, names), n.endWord(l.B, names)
		if a > b {
			a, b = b, a
		}
		key := fmt.Sprint(l.Kind, " ", a, " ", b, " ", number(l.Lanes), " ", number(l.MaxLanes), " ", number(l.BytesPerSecond), " ", l.Coherent, " ", l.State, " ", l.DownLanes)
		i, ok := index[key]
		if !ok {
			i = len(groups)
			index[key] = i
			groups = append(groups, LinkGroup{A: a, B: b})
		}
		groups[i].Members = append(groups[i].Members, l)
	}
	for i, g := range groups {
		if len(g.Members) == 1 {
			l := g.Members[0]
			a, b := n.EndLabel(l.A, names), n.EndLabel(l.B, names)
			// The order of the words, as in groups of several.
			if n.endWord(l.A, names) > n.endWord(l.B, names) {
				a, b = b, a
			}
			groups[i].A, groups[i].B = a, b
		}
	}
	slices.SortStableFunc(groups, func(a, b LinkGroup) int {
		x, y := a.Members[0], b.Members[0]
		return cmp.Or(
			cmp.Compare(kindOrder(x.Kind), kindOrder(y.Kind)),
			cmp.Compare(stateOrder(x.State), stateOrder(y.State)),
			cmp.Compare(rate(y), rate(x)),
			CompareRefs(x.A, y.A), CompareRefs(x.B, y.B))
	})
	return groups
}

func kindOrder(k LinkKind) int {
	return slices.Index([]LinkKind{LinkNVLink, LinkXGMI, LinkXe, LinkC2C, LinkPCIe}, k)
}

func stateOrder(s LinkState) int {
	return slices.Index([]LinkState{LinkDown, LinkDegraded, LinkStateUnknown, LinkUp}, s)
}

func rate(l Link) int64 {
	if l.BytesPerSecond == nil {
		return -1
	}
	return *l.BytesPerSecond
}

// Labels are the short names of accelerators, NICs and linked processors by
// reference, as in the matrix.
func (n *Node) Labels() map[Ref]string {
	labels := map[Ref]string{}
	for i, a := range n.Accelerators {
		labels[a.ID] = n.AcceleratorLabel(i)
	}
	paths, nics := n.Paths(), 0
	for _, c := range n.NICs {
		if labels[c.Device] == "" && !paths.isVirtual(c.Device) {
			labels[c.Device] = "NIC" + strconv.Itoa(nics)
			nics++
		}
	}
	for _, r := range paths.linkedCPUs() {
		labels[r] = "CPU" + r.ID()
	}
	return labels
}

// EndLabel is the short name of a link's end: its label, or what it is.
func (n *Node) EndLabel(r Ref, labels map[Ref]string) string {
	if label := labels[r]; label != "" {
		return label
	}
	if _, isPCI := r.PCI(); isPCI {
		return r.ID()
	}
	return n.endWord(r, labels)
}

// endWord is what an end is, without its number.
func (n *Node) endWord(r Ref, labels map[Ref]string) string {
	if label := labels[r]; label != "" {
		return strings.TrimRight(label, "0123456789")
	}
	switch r.Kind() {
	case "nvswitch":
		return "NVSwitch"
	case "package", "numa":
		return "CPU"
	case "pci":
		i := slices.IndexFunc(n.PCI, func(f PCIFunction) bool { return PCIRef(f.Address) == r })
		if i >= 0 && n.PCI[i].Class.Sub() == 0x0680 {
			return "NVSwitch"
		}
		if i >= 0 && n.PCI[i].Class.Base() == 0x06 {
			return "port"
		}
		return "device"
	}
	return r.Kind()
}
