// SPDX-License-Identifier: Apache-2.0

package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tarsia.dev/tarsia/finding"
	"tarsia.dev/tarsia/topology"
)

func deviceChecks() []Check {
	return []Check{{
		ID: "TAR-GPU-001", Area: AreaDevices, Title: "No accelerator is lost", Run: lostAccelerators,
		Explain: `
Looks at the state of every accelerator: whether the vendor's library says that
the device is lost (NVML: GPU_IS_LOST, which the kernel logs as Xid 79) or its
PCI configuration space reads as all ones.

PASS: every accelerator whose state is known answers.
FAIL: an accelerator is on the bus list but no longer answers.

A device of unknown state is TAR-GPU-004, one that is not listed at all
TAR-GPU-002. What a lost device no longer tells (link, firmware, NUMA node) is
not counted as a fault of its own.`,
		Cost: "Jobs on this device have died; a gang that needs every accelerator of the node cannot start.",
		Fix:  "Drain the node, power-cycle it (a warm reboot often does not bring the device back), and replace the board if it is lost again.",
	}, {
		ID: "TAR-GPU-002", Area: AreaDevices, Title: "Like machines have as many accelerators", Run: acceleratorCounts,
		Explain: `
Compares how many accelerators machines of one architecture, vendor and product
have on the bus. A device that is listed but lost still counts: TAR-GPU-001
tells of it.

PASS: all machines of a product have as many.
FAIL: a machine has fewer than most machines of its product (three at least).
WARN: counts differ, and no majority says which is right, or a machine has
more than most.

With one machine of each product there is nothing to compare and no finding.`,
		Cost: "The machine is scheduled as smaller than it is paid for, or a job that asks for all of its accelerators waits for ever.",
		Fix:  "On the machine that differs, look for the missing function in lspci and the firmware's slot list; reseat or replace the board.",
	}, {
		ID: "TAR-GPU-003", Area: AreaDevices, Title: "No partition is missing", Run: missingPartitions,
		Explain: `
Compares the partitions (AMD XCP, NVIDIA MIG) that the driver offers with those
that the device's partition mode promises.

PASS: every partitioned accelerator offers what its mode promises.
FAIL: partitions are missing: 63 of 64.

Accelerators without partitions, or whose mode promises no number, are not
looked at.`,
		Cost: "Capacity is missing, and numbering after the gap is shifted: tools that count on by index reach the wrong device.",
		Fix:  "Drain the node and set the partition mode again; if the partition stays away, reset the accelerator.",
	}, {
		ID: "TAR-GPU-004", Area: AreaDevices, Title: "The state of every accelerator is known", Run: unknownStates,
		Explain: `
Looks for accelerators that nobody could ask: no driver is bound, or the
vendor's library or driver gave no answer.

PASS: every accelerator has answered, or is known to be lost.
UNKNOWN: the state of an accelerator cannot be told. Machines of one product
with the same devices share one finding.`,
		Cost: "A dead device looks like an idle one.",
		Fix:  "Install or load the vendor's driver, then look again with tarsia topo.",
	}}
}

func lostAccelerators(f *topology.Fleet) []finding.Finding {
	var troubles []trouble
	known := 0
	for _, n := range f.Nodes {
		t := trouble{node: n, key: n.Name, state: finding.Fail}
		var names []string
		for _, a := range n.Accelerators {
			switch a.State {
			case topology.DeviceOK:
				known++
			case topology.DeviceLost:
				names = append(names, deviceName(a))
				t.subjects = append(t.subjects, a.ID)
				t.evidence = append(t.evidence, finding.Evidence{Node: n.Name, Source: a.Source,
					Found: string(a.ID) + ": " + cmp.Or(a.StateReason, "lost"), Wanted: "an answer"})
			}
		}
		if len(names) > 0 {
			t.text = fmt.Sprintf("%d of %s lost: %s", len(names), count(len(n.Accelerators), "accelerator"), strings.Join(names, ", "))
			troubles = append(troubles, t)
		}
	}
	if len(troubles) == 0 && known > 0 {
		return pass("state of every accelerator", count(known, "answer"), count(known, "accelerator")+" asked, all answer")
	}
	return findings(troubles)
}

func acceleratorCounts(f *topology.Fleet) []finding.Finding {
	var out []finding.Finding
	compared, groups := 0, 0
	for _, g := range f.BatchGroups(topology.TopicAccelerators) {
		nodes := g.Nodes()
		if len(g.Batches) == 1 {
			if len(nodes) > 1 {
				compared, groups = compared+len(nodes), groups+1
			}
			continue
		}
		state, wanted := finding.Warn, "one count"
		differ := g.Differ()
		if most, ok := g.Majority(); ok && 2*len(most.Nodes) > len(nodes) && len(nodes) >= 3 {
			wanted = most.Value
			full := accelerators(f, most.Nodes[0])
			if slices.ContainsFunc(differ, func(name string) bool { return accelerators(f, name) < full }) {
				state = finding.Fail
			}
		} else {
			differ = nodes
		}
		fd := finding.Finding{State: state, Summary: "accelerators of " + g.Group + ": " + g.Summary()}
		for _, b := range g.Batches {
			for _, name := range b.Nodes {
				if slices.Contains(differ, name) {
					fd.Subjects = append(fd.Subjects, "node/"+name)
					fd.Evidence = append(fd.Evidence, finding.Evidence{Node: name, Source: "sys/bus/pci/devices", Found: b.Value, Wanted: wanted})
				}
			}
		}
		fd.Evidence = capEvidence(fd.Evidence)
		out = append(out, fd)
	}
	if len(out) == 0 && groups > 0 {
		return pass("sys/bus/pci/devices", count(compared, "machine")+" compared",
			fmt.Sprintf("%s of %s: like machines have as many accelerators", count(compared, "machine"), count(groups, "product")))
	}
	return out
}

func accelerators(f *topology.Fleet, node string) int {
	n, _ := f.Node(node)
	return len(n.Accelerators)
}

func missingPartitions(f *topology.Fleet) []finding.Finding {
	var troubles []trouble
	looked := 0
	for _, n := range f.Nodes {
		t := trouble{node: n, key: n.Name, state: finding.Fail}
		have, want := 0, 0
		for _, a := range n.Accelerators {
			if a.ExpectedPartitions == nil || a.State == topology.DeviceLost {
				continue
			}
			looked++
			have, want = have+len(a.Partitions), want+*a.ExpectedPartitions
			if len(a.Partitions) < *a.ExpectedPartitions {
				t.subjects = append(t.subjects, a.ID)
				t.evidence = append(t.evidence, finding.Evidence{Node: n.Name, Source: a.Source,
					Found:  fmt.Sprintf("%s: %d partitions", a.ID, len(a.Partitions)),
					Wanted: strings.TrimSpace(fmt.Sprintf("%d %s", *a.ExpectedPartitions, a.PartitionMode))})
			}
		}
		if len(t.subjects) > 0 {
			t.text = fmt.Sprintf("%d of %d accelerator partitions: %s short", have, want, list(t.subjects))
			troubles = append(troubles, t)
		}
	}
	if len(troubles) == 0 && looked > 0 {
		return pass("partitions of every accelerator", count(looked, "partitioned accelerator"), count(looked, "partitioned accelerator")+" offer all partitions of their mode")
	}
	return findings(troubles)
}

func unknownStates(f *topology.Fleet) []finding.Finding {
	var troubles []trouble
	known := 0
	for _, n := range f.Nodes {
		byKind := map[string]*trouble{}
		var order []string
		for _, a := range n.Accelerators {
			if a.State == topology.DeviceOK || a.State == topology.DeviceLost {
				known++
				continue
			}
			key := cmp.Or(n.AcceleratorGroup(a), a.Vendor+" accelerator")
			t := byKind[key]
			if t == nil {
				t = &trouble{node: n, key: key, state: finding.Unknown}
				byKind[key] = t
				order = append(order, key)
			}
			t.subjects = append(t.subjects, a.ID)
			e := absence(n, a.ID, "state", cmp.Or(a.Source, "sys/bus/pci/devices/"+a.ID.ID()), "an answer")
			if a.StateReason != "" {
				e.Found = a.StateReason
			}
			t.evidence = append(t.evidence, e)
		}
		for _, key := range order {
			t := byKind[key]
			t.text = fmt.Sprintf("state of %s %s not known: %s", count(len(t.subjects), "device"), key, t.evidence[0].Found)
			troubles = append(troubles, *t)
		}
	}
	if len(troubles) == 0 && known > 0 {
		return pass("state of every accelerator", count(known, "state")+" known", count(known, "accelerator")+" of known state")
	}
	return findings(troubles)
}
