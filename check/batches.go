// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"slices"
	"strings"

	"tarsia.dev/tarsia/finding"
	"tarsia.dev/tarsia/topology"
)

// batchStates is what the batch checks answer; they differ in what they compare.
const batchStates = `
PASS: all that ought to be alike are.
WARN: they differ; where most agree, the finding names those that do not.
UNKNOWN: some do not tell their version while others like them do.

One finding stands for one component of one kind of device or machine, however
many differ. With nothing alike to compare there is no finding. Devices that are
lost or that nobody could ask are not counted: TAR-GPU-001 and TAR-GPU-004 tell
of them.`

func batchChecks() []Check {
	return []Check{{
		ID: "TAR-FW-001", Area: AreaHomogeneity, Title: "Like devices run one firmware", Run: batchCheck(topology.TopicFirmware, "firmware"),
		Explain: `
Compares the firmware of accelerators by vendor and model (VBIOS, GSP, ...), of
machines by product (BIOS) and of processors by kind (microcode).
` + batchStates,
		Cost: "A fault or a slowness that only one batch has is hunted in software; attestation and support refuse mixed fleets.",
		Fix:  "Read the release notes of both versions, then bring the smaller batch to the version of the larger in a maintenance window.",
	}, {
		ID: "TAR-DRV-001", Area: AreaHomogeneity, Title: "Like accelerators run one driver", Run: batchCheck(topology.TopicDriver, "driver"),
		Explain: `
Compares the driver version of accelerators of one vendor and model.
` + batchStates,
		Cost: "A container that works on one node fails on the next; collective libraries refuse mixed driver branches.",
		Fix:  "Roll the driver of the majority out to the nodes that differ, after draining them.",
	}, {
		ID: "TAR-KRN-001", Area: AreaHomogeneity, Title: "Like machines run one kernel", Run: batchCheck(topology.TopicKernel, "kernel"),
		Explain: `
Compares the running kernel release of machines of one architecture, vendor and
product.
` + batchStates,
		Cost: "Out-of-tree modules are built for one release only; the next reboot decides which nodes come back without their driver.",
		Fix:  "Reboot the nodes that differ into the kernel of the majority, after checking that their modules are built for it.",
	}}
}

// place is one object of one node.
type place struct {
	node   *topology.Node
	object topology.Ref
	source string
	value  string
}

func batchCheck(topic, noun string) func(*topology.Fleet) []finding.Finding {
	return func(f *topology.Fleet) []finding.Finding { return batches(f, topic, noun) }
}

// batches answers for all groups of a topic, or of a prefix of topics that ends
// in a slash.
func batches(f *topology.Fleet, topic, noun string) []finding.Finding {
	type key struct{ topic, group string }
	groups := f.BatchGroups(topic)
	tracked := map[key]bool{}
	for _, g := range groups {
		tracked[key{g.Topic, g.Group}] = true
	}
	members := map[key][]place{}
	for _, n := range f.Nodes {
		for _, b := range n.BatchFacts() {
			if k := (key{b.Topic, b.Group}); tracked[k] {
				members[k] = append(members[k], place{n, b.Object, b.Source, b.Value})
			}
		}
	}
	silent := silentMembers(f, topic)

	var out []finding.Finding
	alike, nodes := 0, map[string]bool{}
	for _, g := range groups {
		what := strings.TrimPrefix(g.Topic, topology.TopicFirmware)
		if topic != topology.TopicFirmware {
			what = noun
		} else {
			what = noun + " " + what
		}
		told := members[key{g.Topic, g.Group}]
		if len(g.Batches) > 1 {
			out = append(out, differing(f, g, told, what))
		} else if all := g.Nodes(); len(all) > 1 {
			alike++
			for _, n := range all {
				nodes[n] = true
			}
		}
		if s := silentIn(silent[memberKey{machineTopic(g.Topic), g.Group}], told); len(s) > 0 {
			out = append(out, silence(g, s, what))
		}
	}
	if len(out) == 0 && alike > 0 {
		return pass(noun+" of like devices and machines", count(alike, "group")+" alike",
			fmt.Sprintf("%s: alike on %s (%s compared)", noun, count(len(nodes), "node"), count(alike, "kind")))
	}
	return out
}

// differing tells of a group with several values.
func differing(f *topology.Fleet, g topology.BatchGroup, told []place, what string) finding.Finding {
	fd := finding.Finding{State: finding.Warn, Summary: fmt.Sprintf("%s of %s: %s", what, g.Group, g.Summary())}
	wanted := "one version"
	most, ok := g.Majority()
	if ok {
		wanted = most.Value
		fd.Summary = fmt.Sprintf("%s of %s: %s, with %s instead of %s", what, g.Group, g.Summary(), values(g.Batches[1:]), most.Value)
		if len(f.Nodes) == 1 || len(g.Nodes()) == 1 {
			fd.Summary = fmt.Sprintf("%s of %s: devices of %s differ", what, g.Group, g.Nodes()[0])
		}
	} else if len(g.Nodes()) == 1 {
		fd.Summary = fmt.Sprintf("%s of %s: devices of %s differ: %s", what, g.Group, g.Nodes()[0], values(g.Batches))
	}
	var names []string
	for _, p := range told {
		if ok && p.value == most.Value {
			continue
		}
		fd.Evidence = append(fd.Evidence, finding.Evidence{Node: p.node.Name, Source: p.source, Found: p.value, Wanted: wanted})
		if p.object != topology.NodeRef {
			fd.Subjects = append(fd.Subjects, subject(p.node, p.object))
		}
		names = append(names, "node/"+p.node.Name)
	}
	fd.Subjects = append(fd.Subjects, slices.Compact(names)...)
	fd.Evidence = capEvidence(fd.Evidence)
	return fd
}

// silence tells of members that do not tell their version.
func silence(g topology.BatchGroup, s []place, what string) finding.Finding {
	fd := finding.Finding{State: finding.Unknown}
	var names []string
	for _, p := range s {
		fd.Evidence = append(fd.Evidence, absence(p.node, p.object, absentFact(g.Topic), p.source, "a version, as "+g.Batches[0].Value))
		if p.object != topology.NodeRef {
			fd.Subjects = append(fd.Subjects, subject(p.node, p.object))
		}
		names = append(names, p.node.Name)
	}
	names = slices.Compact(names)
	for _, n := range names {
		fd.Subjects = append(fd.Subjects, "node/"+n)
	}
	fd.Evidence = capEvidence(fd.Evidence)
	fd.Summary = fmt.Sprintf("%s of %s: not known on %s", what, g.Group, topology.NameRange(names))
	fd.Fix = "Find out why the source says nothing there (a driver that is not loaded, a right that is missing): tarsia topo lists what is not known."
	return fd
}

// absentFact is the name under which readers list the absence of a topic's fact.
func absentFact(topic string) string {
	switch topic {
	case topology.TopicKernel:
		return "kernel.release"
	case topology.TopicDriver:
		return "driverVersion"
	}
	return strings.Replace(topic, "/", ".", 1) // firmware.bios
}

func values(b []topology.Batch) string {
	var parts []string
	for _, v := range b {
		parts = append(parts, v.Value)
	}
	return strings.Join(parts, ", ")
}

// memberKey is a group of those who could tell a version: machineTopic of the
// topic, and the group.
type memberKey struct{ kind, group string }

// machineTopic is the topic where the machine itself tells, "device" where a
// device does. Firmware of the machine can be of any component, so that a board
// without a microcode is not asked for one.
func machineTopic(topic string) string {
	switch topic {
	case topology.TopicKernel, topology.TopicFirmware + topology.Microcode:
		return topic
	}
	return "any"
}

// silentMembers lists what could tell a version: every accelerator that
// answers, every machine, every processor kind.
func silentMembers(f *topology.Fleet, topic string) map[memberKey][]place {
	could := map[memberKey][]place{}
	add := func(kind, group string, p place) {
		if group != "" {
			could[memberKey{kind, group}] = append(could[memberKey{kind, group}], p)
		}
	}
	for _, n := range f.Nodes {
		switch topic {
		case topology.TopicKernel:
			add(topic, n.MachineGroup(), place{node: n, object: topology.NodeRef, source: "proc/sys/kernel/osrelease"})
			continue
		case topology.TopicFirmware:
			add(topic+topology.Microcode, n.ProcessorGroup(), place{node: n, object: topology.NodeRef, source: "proc/cpuinfo"})
			add("any", n.MachineGroup(), place{node: n, object: topology.NodeRef, source: "sys/class/dmi/id"})
		}
		for _, a := range n.Accelerators {
			if a.State == topology.DeviceOK {
				add("any", n.AcceleratorGroup(a), place{node: n, object: a.ID, source: a.Source})
			}
		}
	}
	return could
}

// silentIn returns those of could that told nothing.
func silentIn(could, told []place) []place {
	type key struct {
		node   *topology.Node
		object topology.Ref
	}
	spoke := map[key]bool{}
	for _, p := range told {
		spoke[key{p.node, p.object}] = true
	}
	return slices.DeleteFunc(slices.Clone(could), func(p place) bool { return spoke[key{p.node, p.object}] })
}

func laneCounts(f *topology.Fleet) []finding.Finding {
	return batches(f, topology.TopicLinks, "lanes")
}
