// SPDX-License-Identifier: Apache-2.0

package collective_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/collective"
	"tarsia.dev/tarsia/topology"
	"tarsia.dev/tarsia/topology/topologytest"
)

// first takes the first accelerators of a node, all of them for 0.
func first(n *topology.Node, count int) collective.Part {
	p := collective.Part{Node: n}
	for _, a := range n.Accelerators {
		if count == 0 || len(p.Accelerators) < count {
			p.Accelerators = append(p.Accelerators, a.ID)
		}
	}
	return p
}

func nodes(names ...string) []collective.Part {
	var parts []collective.Part
	for _, name := range names {
		parts = append(parts, first(topologytest.HGX(name), 0))
	}
	return parts
}

var racks = []topology.DomainTree{{Name: "rack", Domains: []topology.Domain{
	{ID: "hall", Nodes: []string{"h1", "h2", "h3"}},
	{ID: "hall/r1", Parent: "hall", Nodes: []string{"h1", "h2"}},
	{ID: "hall/r2", Parent: "hall", Nodes: []string{"h3"}},
}}}

const gib = 1 << 30

func TestSentences(t *testing.T) {
	degraded := topologytest.HGX("h1")
	for i := range degraded.Links {
		if l := &degraded.Links[i]; l.Kind == topology.LinkNVLink && l.B == degraded.Accelerators[2].ID {
			l.Lanes, l.BytesPerSecond, l.State = new(9), new(*l.BytesPerSecond/2), topology.LinkDegraded
		}
	}
	silent := topologytest.HGX("h1")
	for i := range silent.Links {
		if l := &silent.Links[i]; l.Kind == topology.LinkNVLink {
			l.BytesPerSecond, l.Lanes = nil, nil
		}
	}
	box := func() *topology.Node { // PCIe only
		n := topologytest.HGX("h1")
		n.Links = slices.DeleteFunc(n.Links, func(l topology.Link) bool { return l.Kind == topology.LinkNVLink })
		return n
	}
	flat := collective.Declared{Tiers: []collective.Tier{}}
	for _, c := range []struct {
		name     string
		parts    []collective.Part
		declared collective.Declared
		want     string
	}{
		{"one machine", nodes("h1"), collective.Declared{},
			"all-reduce of 1 GiB among 8 accelerators: about 4.18 ms, 449 GB/s of bus bandwidth, held up by the NVLinks of GPU0 of h1 and"},
		{"few of it", []collective.Part{first(topologytest.HGX("h1"), 2)}, collective.Declared{},
			"all-reduce of 1 GiB among 2 accelerators: about 2.91 ms, 369 GB/s of bus bandwidth, held up by the NVLinks of GPU0 of h1 and"},
		{"one accelerator", []collective.Part{first(topologytest.HGX("h1"), 1)}, collective.Declared{}, ""},
		{"a degraded link", []collective.Part{first(degraded, 0)}, collective.Declared{},
			"all-reduce of 1 GiB among 8 accelerators: about 8.32 ms, 226 GB/s of bus bandwidth, held up by the NVLinks of GPU2 of h1, 9 of 18 up"},
		{"rates not told", []collective.Part{first(silent, 2)}, collective.Declared{},
			"all-reduce of 1 GiB among 2 accelerators: not known: the rate of the NVLinks of GPU0 of h1 is not told; the rate of the NVLinks of GPU1 of h1 is not told"},
		{"several machines of a network that nobody declared", nodes("h1", "h2", "h3"), collective.Declared{},
			"all-reduce of 1 GiB among 24 accelerators: at least"},
		{"of one without oversubscription", nodes("h1", "h2", "h3"), flat,
			"all-reduce of 1 GiB among 24 accelerators: about"},
		{"across oversubscribed racks", nodes("h1", "h2", "h3"), collective.Declared{Tiers: []collective.Tier{{Tree: "rack", Oversubscription: 4}}},
			"held up by the uplinks of rack hall/r2 (4:1)"},
		{"within one rack of them", nodes("h1", "h2"), collective.Declared{Tiers: []collective.Tier{{Tree: "rack", Oversubscription: 8}}},
			"held up by the NVLinks of GPU0 of h1 and"},
		{"a tree that is not there", nodes("h1", "h2"), collective.Declared{Tiers: []collective.Tier{{Tree: "pod", Oversubscription: 8}}},
			`not known: the fleet has no tree "pod"`},
		{"PCIe below one switch", []collective.Part{first(box(), 1)}, collective.Declared{}, ""},
		{"PCIe across the host", []collective.Part{first(box(), 0)}, collective.Declared{},
			"not known: the rate between the NUMA nodes of h1 is not told by the machine and not declared"},
		{"PCIe across a declared host", []collective.Part{first(box(), 0)}, collective.Declared{SocketBytesPerSecond: 22e9},
			"all-reduce of 1 GiB among 8 accelerators: about 85.5 ms, 22 GB/s of bus bandwidth, held up by the way between the NUMA nodes of h1"},
		{"within one NUMA node", []collective.Part{first(box(), 4)}, collective.Declared{HostBytesPerSecond: 40e9},
			"held up by the way between the PCIe root ports of h1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := collective.FromTopology(c.parts, racks, c.declared).Expect(collective.AllReduce, gib).String()
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

// TestHive: XGMI goes as far as the hive; a GPU outside it is reached over the
// host, and one whose NUMA node nobody knows cannot be judged.
func TestHive(t *testing.T) {
	n := topologytest.Hive("hive")
	f := collective.FromTopology([]collective.Part{first(n, 4)}, nil, collective.Declared{})
	var got []string
	for _, w := range f.Domains[0].Ways {
		got = append(got, w.Name)
	}
	want := []string{"XGMI links of AMD0 of hive", "XGMI links of AMD0, AMD1 of hive"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ways (-want +got):\n%s", diff)
	}
	f = collective.FromTopology([]collective.Part{first(n, 0)}, nil, collective.Declared{SocketBytesPerSecond: 1e10})
	if e := f.Expect(collective.AllReduce, gib); len(e.Unknown) == 0 {
		t.Errorf("a GPU of unknown NUMA node: %s", e)
	}
}

// TestNVLinkDomain: trays of one NVLink domain are one domain of the model;
// those of another are reached over their ports.
func TestNVLinkDomain(t *testing.T) {
	tray := func(name, cluster string) collective.Part {
		n := topologytest.Tray(name)
		for i := range n.Accelerators {
			n.Accelerators[i].Fabric = &topology.FabricMember{ClusterUUID: cluster, CliqueID: 1, State: topology.FabricCompleted}
		}
		return first(n, 0)
	}
	f := collective.FromTopology([]collective.Part{tray("t1", "a"), tray("t2", "a"), tray("t3", "b")}, nil, collective.Declared{Tiers: []collective.Tier{}})
	var got []int
	for _, d := range f.Domains {
		got = append(got, d.Ranks)
	}
	if diff := cmp.Diff([]int{8, 4}, got); diff != "" {
		t.Errorf("ranks of the domains (-want +got):\n%s", diff)
	}
}

// TestOrderOfParts: neither the order of machines nor of accelerators matters.
func TestOrderOfParts(t *testing.T) {
	a := nodes("h1", "h2", "h3")
	b := nodes("h3", "h1", "h2")
	for _, p := range b {
		slices.Reverse(p.Accelerators)
	}
	d := collective.Declared{Tiers: []collective.Tier{{Tree: "rack/parent", Oversubscription: 2}, {Tree: "rack", Oversubscription: 2}}}
	if diff := cmp.Diff(collective.FromTopology(a, racks, d), collective.FromTopology(b, racks, d)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
