// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// NotKnown stands in a Difference for a fact that one side does not tell. That
// is a difference from any value; where both sides do not tell it, there is
// nothing to compare.
const NotKnown = "not known"

// NotThere stands in a Difference for an object that one side does not have.
const NotThere = "not there"

// Difference is one fact of one object that two nodes, or one node at two
// times, do not share. Between fleets it is what some nodes have in common:
// then Object is "nodes/" and their names folded as NameRange does, and the
// last three fields are set.
type Difference struct {
	Object  Ref      `json:"object"`
	Fact    string   `json:"fact"` // the model's field: driverVersion, lanes, firmware/vbios
	A       string   `json:"a"`
	B       string   `json:"b"`
	Nodes   []string `json:"nodes,omitempty"`   // those that differ so, by name
	Of      int      `json:"of,omitempty"`      // nodes that both fleets have
	Objects int      `json:"objects,omitempty"` // objects of those nodes that differ so
}

// Where says what differs so: the object, or "17 of 42 nodes: hgx-[01-17]".
func (d Difference) Where() string {
	switch {
	case len(d.Nodes) == 0:
		return string(d.Object)
	case d.Of == 0:
		return NameRange(d.Nodes)
	}
	return fmt.Sprintf("%d of %d nodes: %s", len(d.Nodes), d.Of, NameRange(d.Nodes))
}

// Diff lists what differs between two nodes in what matters to whoever runs
// them, by object and fact: hardware, links, firmware, driver, kernel, trust.
// Names are not compared, and identities (UUIDs) only when both are of one name,
// that is one node at two times. The list is empty, not nil, for alike nodes.
func Diff(a, b *Node) []Difference {
	x, y := facts(a, a.Name == b.Name), facts(b, a.Name == b.Name)
	out := []Difference{}
	// An object that is on one side only is one difference, not one per fact.
	for k, v := range x.values {
		if y.objects[k.object] {
			out = append(out, Difference{Object: k.object, Fact: k.fact, A: v, B: y.get(k)})
		}
	}
	for k, w := range y.values {
		if _, both := x.values[k]; !both && x.objects[k.object] {
			out = append(out, Difference{Object: k.object, Fact: k.fact, A: x.get(k), B: w})
		}
	}
	for o := range x.objects {
		if !y.objects[o] {
			out = append(out, Difference{Object: o, Fact: "present", A: x.label(o), B: NotThere})
		}
	}
	for o := range y.objects {
		if !x.objects[o] {
			out = append(out, Difference{Object: o, Fact: "present", A: NotThere, B: y.label(o)})
		}
	}
	out = slices.DeleteFunc(out, func(d Difference) bool { return d.A == d.B })
	slices.SortFunc(out, func(a, b Difference) int {
		return cmp.Or(CompareRefs(a.Object, b.Object), cmp.Compare(a.Fact, b.Fact))
	})
	return out
}

// parameterFact begins the facts of the kernel command line.
const parameterFact = "parameter "

type factKey struct {
	object Ref
	fact   string
}

// factTable is a node as a flat table of facts.
type factTable struct {
	values  map[factKey]string
	objects map[Ref]bool
}

func (t *factTable) set(object Ref, fact, value string) {
	t.objects[object] = true
	t.values[factKey{object, fact}] = cmp.Or(value, NotKnown)
}

// get returns the value, or what its absence means: a kernel parameter that is
// not on the command line is not set, everything else is not known.
func (t *factTable) get(k factKey) string {
	if v, ok := t.values[k]; ok {
		return v
	}
	if strings.HasPrefix(k.fact, parameterFact) {
		return "not set"
	}
	return NotKnown
}

// label says what an object is, for the side that has it.
func (t *factTable) label(object Ref) string {
	for _, fact := range []string{"model", "ids", "lanes", "cpus"} {
		if v, ok := t.values[factKey{object, fact}]; ok && v != NotKnown {
			return v
		}
	}
	return "there"
}

func facts(n *Node, identity bool) *factTable {
	t := &factTable{map[factKey]string{}, map[Ref]bool{NodeRef: true}}
	t.machine(n)
	for _, p := range n.Packages {
		t.set(PackageRef(p.ID), "cpus", p.CPUs.String())
	}
	for _, m := range n.NUMANodes {
		r := NUMARef(m.ID)
		t.set(r, "cpus", "["+m.CPUs.String()+"]")
		t.set(r, "memory", gibibytes(m.MemoryBytes))
		t.set(r, "distances", distances(m.Distances))
	}
	for _, f := range n.PCI {
		r := PCIRef(f.Address)
		t.set(r, "ids", fmt.Sprintf("%04x:%04x", uint16(f.Vendor), uint16(f.Device)))
		t.set(r, "driver", cmp.Or(f.Driver, "none"))
		t.set(r, "numaNode", number(f.NUMANode))
		t.set(r, "iommuGroup", number(f.IOMMUGroup))
		if f.SRIOV != nil {
			t.set(r, "virtualFunctions", strconv.Itoa(f.SRIOV.NumVFs))
		}
	}
	for _, a := range n.Accelerators {
		t.accelerator(a, identity)
	}
	for _, l := range n.Links {
		r := Ref(string(l.Kind) + "/" + string(l.A) + "~" + string(l.B))
		t.set(r, "state", string(l.State))
		t.set(r, "lanes", number(l.Lanes))
		t.set(r, "maxLanes", number(l.MaxLanes))
	}
	ports := map[Ref]int{}
	for _, c := range n.NICs {
		r := cmp.Or(c.Device, Ref("nic/"+c.Name))
		ports[r]++
		t.nic(r, ports[r], c)
	}
	for _, f := range n.Firmware {
		t.set(cmp.Or(f.Device, NodeRef), TopicFirmware+f.Component, f.Version)
	}
	return t
}

func (t *factTable) machine(n *Node) {
	t.set(NodeRef, "architecture", n.Architecture)
	t.set(NodeRef, "system", strings.TrimSpace(n.System.Vendor+" "+n.System.Product))
	t.set(NodeRef, "isa.level", n.ISA.Level)
	t.set(NodeRef, "isa.extensions", strings.Join(n.ISA.Extensions, " "))
	t.set(NodeRef, "isa.vendorVector", cmp.Or(n.ISA.VendorVector, "none"))
	t.set(NodeRef, "packages", strconv.Itoa(n.Summary.Packages))
	t.set(NodeRef, "cores", strconv.Itoa(n.Summary.Cores))
	t.set(NodeRef, "onlineCPUs", n.OnlineCPUs.String())
	t.set(NodeRef, "memory", gibibytes(n.Summary.MemoryBytes))
	var kinds []string
	for _, k := range n.CPUKinds {
		kinds = append(kinds, k.Name)
	}
	t.set(NodeRef, "cpuKinds", strings.Join(kinds, ", "))
	t.set(NodeRef, "kernel", n.Kernel.Release)
	for k, v := range n.Kernel.Parameters {
		t.set(NodeRef, parameterFact+k, "set to "+strconv.Quote(v))
	}
	t.set(NodeRef, "efi", truth(n.Boot.EFI))
	t.set(NodeRef, "secureBoot", truth(n.Boot.SecureBoot))
	t.set(NodeRef, "lockdown", n.Boot.Lockdown)
	t.set(NodeRef, "sigEnforce", truth(n.Boot.SigEnforce))
	for _, m := range n.Modules {
		r := Ref("module/" + m.Name)
		// Modules of the kernel tree have no version of their own.
		t.set(r, "version", cmp.Or(m.Version, "the kernel's"))
		t.set(r, "taint", cmp.Or(m.Taint, "none"))
	}
}

func (t *factTable) accelerator(a Accelerator, identity bool) {
	t.set(a.ID, "model", strings.TrimSpace(a.Vendor+" "+a.Model))
	t.set(a.ID, "accelerator.numaNode", number(a.NUMANode))
	t.set(a.ID, "memory", gibibytes(a.MemoryBytes))
	t.set(a.ID, "accelerator.driver", cmp.Or(a.Driver, "none"))
	t.set(a.ID, "driverVersion", a.DriverVersion)
	t.set(a.ID, "state", string(a.State))
	t.set(a.ID, "partitionMode", cmp.Or(a.PartitionMode, "none"))
	t.set(a.ID, "partitions", strconv.Itoa(len(a.Partitions)))
	t.set(a.ID, "moduleID", number(a.ModuleID))
	fabric := "none"
	if a.Fabric != nil {
		fabric = strings.TrimSpace(a.Fabric.State + " " + a.Fabric.Domain())
	}
	t.set(a.ID, "fabric", fabric)
	if identity {
		t.set(a.ID, "uuid", a.UUID)
	}
}

// nic notes one port. Several ports of one device are told apart by their
// order: an interface's name is the system's choice, not the machine's.
func (t *factTable) nic(r Ref, port int, c NIC) {
	prefix := "nic."
	if port > 1 {
		prefix = "nic" + strconv.Itoa(port) + "."
	}
	t.set(r, prefix+"linkUp", truth(c.LinkUp))
	t.set(r, prefix+"speedMbps", number(c.SpeedMbps))
	if c.RDMA != nil {
		t.set(r, prefix+"rdma", strings.TrimSpace(c.RDMA.State+" "+c.RDMA.LinkLayer+" "+c.RDMA.Rate))
	}
}

func number[T int | int64](v *T) string {
	if v == nil {
		return NotKnown
	}
	return strconv.FormatInt(int64(*v), 10)
}

func truth(v *bool) string {
	if v == nil {
		return NotKnown
	}
	return strconv.FormatBool(*v)
}

// gibibytes rounds to 0.1 GiB: what the firmware keeps for itself makes like
// machines differ by some pages.
func gibibytes(v *int64) string {
	if v == nil {
		return NotKnown
	}
	return strconv.FormatFloat(float64(*v)/(1<<30), 'f', 1, 64) + " GiB"
}

func distances(d map[int]int) string {
	var parts []string
	for _, to := range slices.Sorted(maps.Keys(d)) {
		parts = append(parts, fmt.Sprintf("%d:%d", to, d[to]))
	}
	return strings.Join(parts, " ")
}
