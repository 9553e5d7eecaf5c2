// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"slices"
	"strings"

	"tarsia.dev/tarsia/finding"
	"tarsia.dev/tarsia/topology"
)

// place is a rack, or what the site calls the place of nodes; clusters are the
// multi-node NVLink domains in it.
type place struct {
	Name     string
	Clusters []*cluster
}

type cluster struct {
	Domain string // "" for nodes that share none
	Tiles  []tile
}

// tile is one node on the map. Accelerators are a run of signs, of which only
// those that are not well get an element of their own: five thousand of them
// stay a few hundred elements.
type tile struct {
	Name    string
	Shape   string
	Arch    string
	State   finding.State
	Sign    string
	Batch   string // "agrees", "differs", "none"
	Devices []run
	Label   string // all of it, for screen readers and tooltips
	Facts   string
}

// run is neighbours of one condition.
type run struct{ Class, Signs string }

// fleetMap places the nodes by the site's first tree and by NVLink domain.
func fleetMap(f *topology.Fleet, r finding.Report, all []*shape) []place {
	where, domain := map[string]string{}, map[string]string{}
	for _, t := range f.Trees {
		leaves := t.Leaves()
		switch {
		case t.Name == string(topology.LinkNVLink):
			for node, id := range leaves {
				if !strings.HasPrefix(id, "node/") {
					domain[node] = id
				}
			}
		case t.Name == "rack" || len(where) == 0 && t.Name != string(topology.LinkXGMI):
			where = leaves
		}
	}
	shapeOf := map[string]string{}
	for _, s := range all {
		for _, name := range s.Names {
			shapeOf[name] = s.ID
		}
	}
	state := worstByNode(f, r)
	batch := batchByNode(f)
	var out []place
	for _, n := range f.Nodes {
		name := where[n.Name]
		i := slices.IndexFunc(out, func(p place) bool { return p.Name == name })
		if i < 0 {
			i = len(out)
			out = append(out, place{Name: name})
		}
		d := domain[n.Name]
		j := slices.IndexFunc(out[i].Clusters, func(c *cluster) bool { return c.Domain == d })
		if j < 0 {
			j = len(out[i].Clusters)
			out[i].Clusters = append(out[i].Clusters, &cluster{Domain: d})
		}
		c := out[i].Clusters[j]
		c.Tiles = append(c.Tiles, newTile(n, state[n.Name], batch[n.Name], shapeOf[n.Name]))
	}
	// Named places first, by name as people count; nodes without one come last.
	slices.SortStableFunc(out, func(a, b place) int {
		if (a.Name == "") != (b.Name == "") {
			return strings.Compare(b.Name, a.Name)
		}
		return topology.CompareNames(a.Name, b.Name)
	})
	return out
}

func newTile(n *topology.Node, s finding.State, batch, shapeID string) tile {
	t := tile{Name: n.Name, Shape: shapeID, Arch: n.Architecture, State: s, Sign: sign(s), Batch: batch}
	if batch == "" {
		t.Batch = "none"
	}
	ill := map[topology.Ref]bool{}
	for _, l := range n.Links {
		if l.State == topology.LinkDegraded || l.State == topology.LinkDown {
			ill[l.A], ill[l.B] = true, true
		}
	}
	counts := map[string]int{}
	lost, degraded, unknown := 0, 0, 0
	for _, a := range n.Accelerators {
		class, sign := "", "■"
		switch {
		case a.State == topology.DeviceLost:
			class, sign = "FAIL", "✕"
			lost++
		case ill[a.ID]:
			class, sign = "WARN", "▲"
			degraded++
		case a.State == topology.DeviceUnknown:
			class, sign = "UNKNOWN", "?"
			unknown++
		}
		counts[a.ShortModel()]++
		if last := len(t.Devices) - 1; last >= 0 && t.Devices[last].Class == class {
			t.Devices[last].Signs += sign
		} else {
			t.Devices = append(t.Devices, run{class, sign})
		}
	}
	words := []string{n.Name, s.String(), n.Architecture}
	for _, c := range byCount(counts) {
		words = append(words, fmt.Sprintf("%d %s", c.Count, c.Name))
	}
	for _, c := range []counted{{"lost", lost}, {"with a link degraded or down", degraded}, {"of unknown state", unknown}} {
		if c.Count > 0 {
			words = append(words, fmt.Sprintf("%d %s", c.Count, c.Name))
		}
	}
	t.Label = strings.Join(words, ", ")
	var facts []string
	for _, fact := range []string{n.System.Product, strings.TrimSpace("kernel " + n.Kernel.Release)} {
		if fact != "" && fact != "kernel" {
			facts = append(facts, fact)
		}
	}
	for _, a := range n.Accelerators {
		if v := strings.TrimSpace(a.Driver + " " + a.DriverVersion); v != "" && !slices.Contains(facts, v) {
			facts = append(facts, v)
		}
	}
	t.Facts = strings.Join(facts, " · ")
	return t
}

// worstByNode is the worst finding of each node. A node of which nothing was
// found is well if anything was checked at all.
func worstByNode(f *topology.Fleet, r finding.Report) map[string]finding.State {
	out := map[string]finding.State{}
	for _, n := range f.Nodes {
		if len(r.Findings) > 0 {
			out[n.Name] = finding.Pass
		}
	}
	for _, fd := range r.Findings {
		for _, name := range fd.Nodes() {
			out[name] = finding.Worst(out[name], fd.State)
		}
	}
	return out
}

// batchByNode tells who differs from its peers in firmware, driver or kernel.
func batchByNode(f *topology.Fleet) map[string]string {
	out := map[string]string{}
	for _, g := range f.BatchGroups("") {
		if !strings.HasPrefix(g.Topic, topology.TopicFirmware) && g.Topic != topology.TopicDriver && g.Topic != topology.TopicKernel {
			continue
		}
		for _, name := range g.Nodes() {
			if out[name] == "" {
				out[name] = "agrees"
			}
		}
		for _, name := range g.Differ() {
			out[name] = "differs"
		}
		if _, ok := g.Majority(); !ok {
			for _, name := range g.Nodes() {
				out[name] = "differs"
			}
		}
	}
	return out
}
