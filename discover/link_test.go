// SPDX-License-Identifier: Apache-2.0

package discover_test

import (
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/pci"
	"tarsia.dev/tarsia/topology"
)

const (
	port = "pci0000:3a/0000:3a:01.0"
	slot = port + "/0000:3b:00.0"
)

func TestPCIeLinkStates(t *testing.T) {
	gone := attrs{"current_link_speed": "Unknown", "current_link_width": "63", "max_link_speed": "64.0 GT/s PCIe",
		"max_link_width": "63", "config": allOnes()}
	arc := attrs{"class": "0x030000", "vendor": "0x8086", "device": "0x56a5",
		"current_link_speed": "2.5 GT/s PCIe", "max_link_speed": "2.5 GT/s PCIe", "current_link_width": "1", "max_link_width": "1"}
	for _, c := range []struct {
		name         string
		port, device attrs
		lanes, most  *int
		rate         *int64
		state        topology.LinkState
	}{
		{"full width", width(16, 16), h100.with(width(16, 16)), new(16), new(16), new(pci.BytesPerSecond(16, 16)), topology.LinkUp},
		{"half width", width(8, 16), h100.with(width(8, 16)), new(8), new(16), new(pci.BytesPerSecond(16, 8)), topology.LinkDegraded},
		{"a slot of x8", width(8, 8), h100.with(width(8, 16)), new(8), new(8), new(pci.BytesPerSecond(16, 8)), topology.LinkUp},
		{"a card of x4", width(4, 16), h100.with(width(4, 4)), new(4), new(4), new(pci.BytesPerSecond(16, 4)), topology.LinkUp},
		{"idle speed", width(16, 16).with(attrs{"current_link_speed": "2.5 GT/s PCIe"}),
			h100.with(width(16, 16), attrs{"current_link_speed": "2.5 GT/s PCIe"}), new(16), new(16), new(pci.BytesPerSecond(16, 16)), topology.LinkUp},
		{"a slower slot", width(16, 16).with(attrs{"max_link_speed": "8.0 GT/s PCIe"}), h100.with(width(16, 16)),
			new(16), new(16), new(pci.BytesPerSecond(8, 16)), topology.LinkUp},
		{"only the port tells", width(8, 16), h100, new(8), new(16), new(pci.BytesPerSecond(16, 8)), topology.LinkDegraded},
		{"only the device tells", attrs{}, h100.with(width(8, 16)), new(8), new(16), new(pci.BytesPerSecond(16, 8)), topology.LinkDegraded},
		{"nobody tells", attrs{}, h100, nil, nil, nil, topology.LinkStateUnknown},
		{"link down", width(0, 16).with(attrs{"current_link_speed": "Unknown"}),
			h100.with(width(0, 16), attrs{"current_link_speed": "Unknown"}), nil, new(16), nil, topology.LinkStateUnknown},
		{"unreadable", attrs{"current_link_width": "EINVAL"}, h100.with(attrs{"current_link_width": "EINVAL", "max_link_width": "16"}),
			nil, new(16), nil, topology.LinkStateUnknown},
		{"width only", attrs{}, h100.with(attrs{"current_link_width": "8", "max_link_speed": "16.0 GT/s PCIe"}),
			new(8), nil, new(pci.BytesPerSecond(16, 8)), topology.LinkStateUnknown},
		{"device gone", width(16, 16), h100.with(gone), nil, new(16), nil, topology.LinkStateUnknown},
		{"device lies, port trained wider", width(16, 16), arc, new(16), new(16), new(pci.BytesPerSecond(16, 16)), topology.LinkUp},
		{"device lies, port degraded", width(8, 16), arc, new(8), new(16), new(pci.BytesPerSecond(16, 8)), topology.LinkDegraded},
		{"any device that claims less than is trained", width(16, 16), nic.with(width(4, 4)), new(16), new(16), new(pci.BytesPerSecond(16, 16)), topology.LinkUp},
		{"bus inside the card", attrs{"current_link_speed": "2.5 GT/s PCIe", "max_link_speed": "2.5 GT/s PCIe",
			"current_link_width": "1", "max_link_width": "1"}, arc, new(1), new(1), nil, topology.LinkUp},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBoard(t)
			b.pci(port, bridge.with(c.port))
			b.pci(slot, c.device)
			l := linkOf(t, b.read(), topology.LinkPCIe, "0000:3b:00.0")
			want := l
			want.A, want.B = "pci/0000:3a:01.0", "pci/0000:3b:00.0"
			want.Lanes, want.MaxLanes, want.BytesPerSecond, want.State = c.lanes, c.most, c.rate, c.state
			if diff := gocmp.Diff(want, l); diff != "" {
				t.Errorf("link (-want +got):\n%s", diff)
			}
		})
	}
}

func allOnes() string {
	c := make([]byte, 256)
	for i := range c {
		c[i] = 0xff
	}
	return string(c)
}

// In most virtual machines a device sits on the root bus and its port is not
// shown; the node stands for it.
func TestLinkWithoutPort(t *testing.T) {
	b := newBoard(t)
	b.pci("pci0000:00/0000:00:05.0", h100.with(width(8, 16)))
	b.pci("pci0000:00/0000:00:05.1", h100.with(width(8, 16)))                                                                                    // same slot
	b.pci("pci0000:00/0000:00:06.0", h100.with(width(16, 16), attrs{"config": config(9)}))                                                       // integrated
	b.pci("pci0000:00/0000:00:02.0", attrs{"class": "0x030000", "vendor": "0x8086", "current_link_width": "0", "current_link_speed": "Unknown"}) // no link at all
	b.pci("pci0000:00/0000:00:07.0", attrs{"class": "0x020000", "vendor": "0x1af4", "device": "0x1000"})                                         // conventional
	n := b.read()
	if len(n.Links) != 1 {
		t.Fatalf("links %+v, want one", n.Links)
	}
	if l := n.Links[0]; l.A != topology.NodeRef || l.B != "pci/0000:00:05.0" || l.State != topology.LinkDegraded {
		t.Errorf("link %+v", l)
	}
	if a := absence(t, n, "pci/0000:00:02.0", "link"); a.Kind != topology.Unknown || a.Detail != "0" {
		t.Errorf("absence %+v", a)
	}
}

// A multi-function device has one link, at function 0.
func TestOneLinkPerDevice(t *testing.T) {
	b := newBoard(t)
	b.pci(port, bridge)
	for _, f := range []string{".0", ".1", ".2"} {
		b.pci(port+"/0000:3b:00"+f, nic.with(width(16, 16)))
	}
	n := b.read()
	if len(n.Links) != 1 || n.Links[0].B != "pci/0000:3b:00.0" {
		t.Errorf("links %+v", n.Links)
	}
}

// Where the physical function cannot be read, its virtual functions are no end
// of the link.
func TestVirtualFunctionIsNoEnd(t *testing.T) {
	b := newBoard(t)
	b.pci(port, bridge.with(width(16, 16)))
	b.link("sys/bus/pci/devices/0000:3b:00.0", "../../../devices/"+port+"/0000:3b:00.0")
	vf := b.pci(port+"/0000:3b:10.0", nic.with(width(16, 16)))
	b.link(vf+"/physfn", "../0000:3b:00.0")
	if n := b.read(); len(n.Links) != 0 {
		t.Errorf("links %+v", n.Links)
	}
}
