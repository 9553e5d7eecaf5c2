// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tarsia.dev/tarsia/finding"
	"tarsia.dev/tarsia/topology"
)

func linkChecks() []Check {
	return []Check{{
		ID: "TAR-LINK-001", Area: AreaLinks, Title: "No PCIe link is narrower than both its ends", Run: narrowLinks,
		Explain: `
Compares the present width of every PCIe link with what both of its ends could
do (current_link_width and max_link_width of the port above and the device
below).

PASS: every PCIe link of known width is as wide as both ends can be.
FAIL: a link runs with fewer lanes: x8 of x16.

Speed is not looked at: an idle link runs slower on purpose. A link of a lost
device is not looked at; one of unknown width is TAR-LINK-003.`,
		Cost: "Host-to-device copies and RDMA run at a fraction of the speed, without an error anywhere; one slow link slows a whole gang.",
		Fix:  "Drain the node, reseat the board or cable of this link, and look again; if the width stays, replace the riser, cable or board.",
	}, {
		ID: "TAR-LINK-002", Area: AreaLinks, Title: "No accelerator link is down", Run: downLinks,
		Explain: `
Looks at the links between accelerators, switches and processors (NVLink, XGMI,
C2C, Xe Link) and at PCIe links that are down altogether.

PASS: every lane of every such link of known state is up.
FAIL: links or lanes of a bundle are down; the indices are the vendor's.

Links that end at a lost device are not looked at.`,
		Cost: "Collectives fall back to fewer lanes or to PCIe, many times slower, and nothing reports an error.",
		Fix:  "Drain the node and reset the accelerators or restart the fabric manager; if the same link stays down, replace the cable, board or switch at its end.",
	}, {
		ID: "TAR-LINK-003", Area: AreaLinks, Title: "The state of every device's link is known", Run: unknownLinks,
		Explain: `
Looks for links of accelerators and network devices whose state nobody tells:
the kernel has no width for either end, or the vendor's library gave no answer.

PASS: every such link has a known state.
UNKNOWN: a link's state cannot be told. Machines of one product with the same
links share one finding. Links of lost devices are not looked at.`,
		Cost: "A link that is slow or down looks like one that is fine.",
		Fix:  "Look at the link with lspci -vv as root (LnkSta); a virtual machine often does not show it, then ask on the host.",
	}, {
		ID: "TAR-LINK-004", Area: AreaLinks, Title: "Like accelerators have as many lanes", Run: laneCounts,
		Explain: `
Compares how many NVLink, XGMI, C2C and Xe Link lanes like accelerators in like
machines are built with, whether up or down.

PASS: like accelerators have as many.
WARN: they differ: a bridge, cable or tray is missing, or a link was
switched off.

With one machine of each product there is nothing to compare and no finding.`,
		Cost: "A gang over these machines is as slow as the one with the fewest lanes.",
		Fix:  "Compare with tarsia topo of a machine of the majority; check bridges and cables of the one that differs.",
	}, {
		ID: "TAR-LINK-005", Area: AreaLinks, Title: "Every accelerator has joined its fabric", Run: fabricMembership,
		Explain: `
Looks at the registration of NVIDIA GPUs with the NVLink fabric, its state and
its health mask (nvmlDeviceGetGpuFabricInfo).

PASS: every GPU that belongs to a fabric has completed registration, and its
health mask names no trouble.
FAIL: registration has not completed, or the mask says degraded bandwidth,
route recovery, unhealthy route, access timeout or wrong configuration.

GPUs that report no fabric are not looked at; nor are lost ones.`,
		Cost: "CUDA fails to start on the GPU, or traffic leaves NVLink for slower paths.",
		Fix:  "Check that the fabric manager (nvidia-fabricmanager, nvidia-imex) runs on the node and the switches; then reset the GPU.",
	}}
}

// pcieDevice is the end of a PCIe link that hangs below the other.
func pcieDevice(n *topology.Node, l topology.Link) topology.Ref {
	a, okA := l.A.PCI()
	b, okB := l.B.PCI()
	if !okA || !okB {
		return l.B
	}
	for _, f := range n.PCI {
		if f.Address == a && f.Parent != nil && *f.Parent == b {
			return l.A
		}
	}
	return l.B
}

func lanes(v *int) string {
	if v == nil {
		return "?"
	}
	return strconv.Itoa(*v)
}

func narrowLinks(f *topology.Fleet) []finding.Finding {
	var troubles []trouble
	full := 0
	for _, n := range f.Nodes {
		lost := lostDevices(n)
		for _, l := range n.Links {
			if l.Kind != topology.LinkPCIe || lost[l.A] || lost[l.B] {
				continue
			}
			if l.State == topology.LinkUp {
				full++
			}
			if l.State != topology.LinkDegraded {
				continue
			}
			device := pcieDevice(n, l)
			port, _ := l.Other(device)
			troubles = append(troubles, trouble{node: n, key: n.Name, state: finding.Fail,
				text:     fmt.Sprintf("PCIe link of %s at x%s of x%s", device, lanes(l.Lanes), lanes(l.MaxLanes)),
				subjects: []topology.Ref{device, port},
				evidence: []finding.Evidence{{Node: n.Name, Source: l.Source, Found: "x" + lanes(l.Lanes), Wanted: "x" + lanes(l.MaxLanes)}}})
		}
	}
	if len(troubles) == 0 && full > 0 {
		return pass("widths at both ends of every PCIe link", count(full, "link")+" at full width", count(full, "PCIe link")+" of known width, all as wide as both ends can be")
	}
	return findings(troubles)
}

func downLinks(f *topology.Fleet) []finding.Finding {
	var troubles []trouble
	up := 0
	for _, n := range f.Nodes {
		lost := lostDevices(n)
		byKind := map[topology.LinkKind][]topology.Link{}
		for _, l := range n.Links {
			bad := l.State == topology.LinkDown || l.State == topology.LinkDegraded && l.Kind != topology.LinkPCIe
			switch {
			case lost[l.A] || lost[l.B]:
			case bad:
				byKind[l.Kind] = append(byKind[l.Kind], l)
			case l.State == topology.LinkUp && l.Kind != topology.LinkPCIe:
				up++
			}
		}
		for _, kind := range []topology.LinkKind{topology.LinkNVLink, topology.LinkXGMI, topology.LinkC2C, topology.LinkXe, topology.LinkPCIe} {
			if len(byKind[kind]) > 0 {
				troubles = append(troubles, downOfKind(n, kind, byKind[kind]))
			}
		}
	}
	if len(troubles) == 0 && up > 0 {
		return pass("state of every accelerator link", count(up, "link")+" up", count(up, "accelerator link")+" of known state, all lanes up")
	}
	return findings(troubles)
}

// downOfKind tells of all links of one kind that are down on one node: when a
// switch dies, every accelerator loses lanes, and that is one fault.
func downOfKind(n *topology.Node, kind topology.LinkKind, down []topology.Link) trouble {
	t := trouble{node: n, key: n.Name, state: finding.Fail}
	var parts []string
	devices := devicesOf(n)
	for _, l := range down {
		ends := []topology.Ref{l.A, l.B}
		if !devices[l.A] && devices[l.B] {
			slices.Reverse(ends)
		}
		what := "all lanes down"
		if l.Lanes != nil && l.MaxLanes != nil {
			what = fmt.Sprintf("%d of %d lanes down", *l.MaxLanes-*l.Lanes, *l.MaxLanes)
		}
		if len(l.DownLanes) > 0 {
			what += " (link " + joinInts(l.DownLanes) + ")"
		}
		text := fmt.Sprintf("%s to %s: %s", ends[0], ends[1], what)
		parts = append(parts, text)
		for _, r := range ends {
			if !slices.Contains(t.subjects, r) {
				t.subjects = append(t.subjects, r)
			}
		}
		t.evidence = append(t.evidence, finding.Evidence{Node: n.Name, Source: l.Source,
			Found: text, Wanted: lanes(l.MaxLanes) + " lanes up"})
	}
	t.text = fmt.Sprintf("%s %s", kindName(kind), parts[0])
	if len(parts) > 1 {
		t.text = fmt.Sprintf("%s %ss with lanes down, first %s", strconv.Itoa(len(parts)), kindName(kind), parts[0])
	}
	return t
}

func joinInts(v []int) string {
	var parts []string
	for _, i := range v {
		parts = append(parts, strconv.Itoa(i))
	}
	return strings.Join(parts, ", ")
}

// kindName is the vendor's spelling of a link kind.
func kindName(kind topology.LinkKind) string {
	switch kind {
	case topology.LinkPCIe:
		return "PCIe link"
	case topology.LinkNVLink:
		return "NVLink"
	case topology.LinkXGMI:
		return "XGMI link"
	case topology.LinkC2C:
		return "C2C link"
	case topology.LinkXe:
		return "Xe Link"
	}
	return string(kind) + " link"
}

func unknownLinks(f *topology.Fleet) []finding.Finding {
	var troubles []trouble
	known := 0
	for _, n := range f.Nodes {
		lost := lostDevices(n)
		devices := devicesOf(n)
		t := trouble{node: n, state: finding.Unknown}
		var keys []string
		for _, l := range n.Links {
			switch {
			case lost[l.A] || lost[l.B] || !devices[l.A] && !devices[l.B]:
				continue
			case l.State != topology.LinkStateUnknown:
				known++
				continue
			}
			device := l.A
			if l.Kind == topology.LinkPCIe {
				device = pcieDevice(n, l)
			}
			keys = append(keys, string(l.Kind)+" "+string(device))
			t.subjects = append(t.subjects, device)
			e := absence(n, device, "link", l.Source, "a state")
			t.evidence = append(t.evidence, e)
		}
		if len(keys) > 0 {
			t.key = strings.Join(keys, ",")
			t.text = fmt.Sprintf("state of %s not known: %s", count(len(keys), "link"), list(t.subjects))
			troubles = append(troubles, t)
		}
	}
	if len(troubles) == 0 && known > 0 {
		return pass("links of accelerators and network devices", count(known, "state")+" known", count(known, "device link")+" of known state")
	}
	return findings(troubles)
}
