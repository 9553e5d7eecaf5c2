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

// Topics of batches. Firmware and links carry the component or kind after the
// slash.
const (
	TopicFirmware     = "firmware/"    // + component: like devices run one version
	TopicDriver       = "driver"       // like accelerators run one driver version
	TopicKernel       = "kernel"       // like machines run one release
	TopicAccelerators = "accelerators" // like machines have as many
	TopicLinks        = "links/"       // + kind: like accelerators in like machines have as many lanes
)

// NoAccelerators is the value of TopicAccelerators for a machine without any.
const NoAccelerators = "none"

// Microcode is the Firmware component that goes with the processors of a
// machine rather than with its board.
const Microcode = "microcode"

// BatchFact is one thing in which an object of a node ought to agree with
// others of its Group, with the source it was read from.
type BatchFact struct {
	Topic  string
	Group  string
	Value  string
	Object Ref
	Source string
}

// BatchFacts lists what the node brings to the batches of a fleet, by topic,
// group and object. A fact that the node does not tell is not in it: an unknown
// version is no version. A lost device tells nothing but that it is there.
func (n *Node) BatchFacts() []BatchFact {
	var facts []BatchFact
	add := func(topic, group, value string, object Ref, source string) {
		if group != "" && value != "" {
			facts = append(facts, BatchFact{topic, group, value, object, source})
		}
	}
	machine := n.MachineGroup()
	add(TopicKernel, machine, n.Kernel.Release, NodeRef, "proc/sys/kernel/osrelease")
	add(TopicAccelerators, machine, n.acceleratorCount(), NodeRef, "sys/bus/pci/devices")

	anyLost := false
	groups := map[Ref]string{}
	for _, a := range n.Accelerators {
		if a.State == DeviceLost {
			anyLost = true
			continue
		}
		groups[a.ID] = n.AcceleratorGroup(a)
		if a.DriverVersion != "" {
			add(TopicDriver, groups[a.ID], strings.TrimSpace(a.Driver+" "+a.DriverVersion), a.ID, a.Source)
		}
	}
	for _, f := range n.Firmware {
		add(TopicFirmware+f.Component, n.firmwareGroup(f, groups), f.Version, cmp.Or(f.Device, NodeRef), f.Source)
	}
	// With a device lost, the links of the devices that it was joined to are gone
	// too; that is one fault, not a batch.
	if machine != "" && !anyLost {
		for _, a := range n.Accelerators {
			for _, kind := range []LinkKind{LinkNVLink, LinkXGMI, LinkC2C, LinkXe} {
				if lanes, source, ok := n.maxLanes(a.ID, kind); ok && groups[a.ID] != "" {
					add(TopicLinks+string(kind), groups[a.ID]+" in "+machine, strconv.Itoa(lanes)+" lanes", a.ID, source)
				}
			}
		}
	}
	slices.SortStableFunc(facts, func(a, b BatchFact) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Group, b.Group), CompareRefs(a.Object, b.Object))
	})
	return facts
}

// MachineGroup names the machines that ought to be like this one: its
// architecture, vendor and product. It is "" where the product is not known.
func (n *Node) MachineGroup() string {
	if n.System.Product == "" {
		return ""
	}
	return strings.Join(slices.DeleteFunc([]string{n.Architecture, n.System.Vendor, n.System.Product}, func(s string) bool { return s == "" }), " ")
}

// AcceleratorGroup names the accelerators that ought to be like this one: its
// vendor and model, or the PCI ids where no model is known; "" without either.
func (n *Node) AcceleratorGroup(a Accelerator) string {
	if a.Model != "" {
		return a.Vendor + " " + a.Model
	}
	if i := slices.IndexFunc(n.PCI, func(f PCIFunction) bool { return PCIRef(f.Address) == a.ID }); i >= 0 {
		return fmt.Sprintf("%s %04x:%04x", a.Vendor, uint16(n.PCI[i].Vendor), uint16(n.PCI[i].Device))
	}
	return ""
}

// ProcessorGroup names the processors that ought to run the same microcode:
// architecture and kinds of CPU; "" where no kind is known.
func (n *Node) ProcessorGroup() string {
	var kinds []string
	for _, k := range n.CPUKinds {
		kinds = append(kinds, k.Name)
	}
	if len(kinds) == 0 {
		return ""
	}
	return n.Architecture + " " + strings.Join(kinds, " + ")
}

// firmwareGroup names who ought to run the same version of a component.
func (n *Node) firmwareGroup(f Firmware, accelerators map[Ref]string) string {
	switch {
	case f.Device == "" && f.Component == Microcode:
		return n.ProcessorGroup()
	case f.Device == "":
		return n.MachineGroup()
	case accelerators[f.Device] != "":
		return accelerators[f.Device]
	case slices.ContainsFunc(n.Accelerators, func(a Accelerator) bool { return a.ID == f.Device }):
		return "" // lost, or of no known kind
	}
	return n.AcceleratorGroup(Accelerator{ID: f.Device, Vendor: "device"})
}

// acceleratorCount says how many accelerators of each vendor are there, lost
// ones too: "8 nvidia".
func (n *Node) acceleratorCount() string {
	count := map[string]int{}
	for _, a := range n.Accelerators {
		count[a.Vendor]++
	}
	if len(count) == 0 {
		return NoAccelerators
	}
	var parts []string
	for _, v := range slices.Sorted(maps.Keys(count)) {
		parts = append(parts, strconv.Itoa(count[v])+" "+v)
	}
	return strings.Join(parts, ", ")
}

// maxLanes sums the lanes that a device could have on its links of one kind;
// false where it has none or where one is not known.
func (n *Node) maxLanes(device Ref, kind LinkKind) (int, string, bool) {
	sum, source := 0, ""
	for _, l := range n.Links {
		if _, ok := l.Other(device); !ok || l.Kind != kind {
			continue
		}
		if l.MaxLanes == nil {
			return 0, "", false
		}
		sum, source = sum+*l.MaxLanes, l.Source
	}
	return sum, source, sum > 0
}

// batches groups the facts of all nodes by value.
func batches(nodes []*Node) []Batch {
	type key struct{ topic, group, value string }
	members := map[key][]string{}
	for _, n := range nodes {
		for _, f := range n.BatchFacts() {
			k := key{f.Topic, f.Group, f.Value}
			// Nodes come by name, so a node's own repeats stand at the end.
			if names := members[k]; len(names) == 0 || names[len(names)-1] != n.Name {
				members[k] = append(names, n.Name)
			}
		}
	}
	out := make([]Batch, 0, len(members))
	for k, names := range members {
		out = append(out, Batch{Topic: k.topic, Group: k.group, Value: k.value, Nodes: names})
	}
	slices.SortFunc(out, func(a, b Batch) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Group, b.Group),
			cmp.Compare(len(b.Nodes), len(a.Nodes)), cmp.Compare(a.Value, b.Value))
	})
	// A group of machines that have no accelerators at all says nothing.
	alone := func(i int) bool {
		b := out[i]
		return b.Topic == TopicAccelerators && b.Value == NoAccelerators &&
			(i == 0 || out[i-1].Topic != b.Topic || out[i-1].Group != b.Group) &&
			(i == len(out)-1 || out[i+1].Topic != b.Topic || out[i+1].Group != b.Group)
	}
	kept := make([]Batch, 0, len(out))
	for i := range out {
		if !alone(i) {
			kept = append(kept, out[i])
		}
	}
	return kept
}

// BatchGroup is all batches of one topic and group: those who ought to agree.
type BatchGroup struct {
	Topic   string
	Group   string
	Batches []Batch // larger first, never empty
}

// BatchGroups returns the batches whose topic is, or for a prefix that ends in
// a slash begins with, the one given; "" is all.
func (f *Fleet) BatchGroups(topic string) []BatchGroup {
	var groups []BatchGroup
	for _, b := range f.Batches {
		if topic != "" && b.Topic != topic && !(strings.HasSuffix(topic, "/") && strings.HasPrefix(b.Topic, topic)) {
			continue
		}
		if last := len(groups) - 1; last >= 0 && groups[last].Topic == b.Topic && groups[last].Group == b.Group {
			groups[last].Batches = append(groups[last].Batches, b)
			continue
		}
		groups = append(groups, BatchGroup{b.Topic, b.Group, []Batch{b}})
	}
	return groups
}

// Nodes returns the names of all members, sorted.
func (g BatchGroup) Nodes() []string {
	var names []string
	for _, b := range g.Batches {
		names = append(names, b.Nodes...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Majority returns the batch that is larger than every other one; false where
// the largest two are equally large, so that nobody can say who differs.
func (g BatchGroup) Majority() (Batch, bool) {
	if len(g.Batches) > 1 && len(g.Batches[0].Nodes) == len(g.Batches[1].Nodes) {
		return Batch{}, false
	}
	return g.Batches[0], true
}

// Differ returns the names of the nodes with a value other than the majority's,
// sorted; nil without a majority.
func (g BatchGroup) Differ() []string {
	if _, ok := g.Majority(); !ok {
		return nil
	}
	return BatchGroup{Batches: g.Batches[1:]}.Nodes()
}

// Summary says in one line how far the group agrees: "2 of 12 differ:
// hgx-[03-04]", "12 alike", or "no majority: A on n1, B on n2".
func (g BatchGroup) Summary() string {
	all := len(g.Nodes())
	if len(g.Batches) == 1 {
		return strconv.Itoa(all) + " alike"
	}
	if differ := g.Differ(); differ != nil {
		return fmt.Sprintf("%d of %d differ: %s", len(differ), all, NameRange(differ))
	}
	var parts []string
	for _, b := range g.Batches {
		parts = append(parts, b.String())
	}
	return "no majority: " + strings.Join(parts, ", ")
}

// String is "VALUE on NODES".
func (b Batch) String() string { return b.Value + " on " + NameRange(b.Nodes) }
