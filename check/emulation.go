// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"slices"
	"strings"

	"tarsia.dev/tarsia/finding"
	"tarsia.dev/tarsia/topology"
)

func emulationChecks() []Check {
	return []Check{{
		ID: "TAR-EMU-001", Area: AreaTopology, Title: "Hardware executes what was looked at", Run: emulated,
		Explain: `
Looks for proof that software executes instructions in place of the hardware:
the reading process under a user-mode emulator (QEMU by binfmt_misc, FEX, box64,
Rosetta), a machine that QEMU translates (TCG), and boards that are simulators.

PASS: is never said, for that nothing shows it is no proof.
WARN: a machine, or the process that read it, is emulated. Machines of one
product share one finding.

A fleet without any such sign gets no finding. A QEMU board that may as well run
on KVM is listed among the facts that are not told, and is no finding.`,
		Cost: "Every rate and time measured there is the emulator's, often a hundredth of the hardware's, and some facts are the emulator's too.",
		Fix:  "Take no measurement of it for one of hardware; run the native build of tarsia, or the guest on KVM.",
	}, {
		ID: "TAR-EMU-002", Area: AreaTopology, Title: "No process runs under a user-mode emulator", Run: emulatedProcesses,
		Explain: `
Looks at the executables of the processes of a machine that tarsia read live: a
program of another architecture runs under an emulator that the kernel started
by itself (binfmt_misc), and nothing else tells its owner. Processes that the
reader may not look at are not judged.

PASS: is never said, for not every process may be looked at.
WARN: there are such processes; the evidence lists their ids and the emulator.

A fleet without any gets no finding.`,
		Cost: "Such a program runs 5 to 50 times slower than one of the machine's own architecture, and holds CPUs for it.",
		Fix:  "Give the job an image that has this machine's architecture (tarsia images), or send it to a machine of its own.",
	}}
}

func emulated(f *topology.Fleet) []finding.Finding {
	var troubles []trouble
	for _, n := range f.Nodes {
		if n.EmulationKind() == "" {
			continue
		}
		t := trouble{node: n, key: n.Emulation.Kind, state: finding.Warn,
			text: "emulated: " + EmulationText(n.Emulation), subjects: []topology.Ref{topology.NodeRef}}
		for _, e := range n.Emulation.Evidence {
			t.evidence = append(t.evidence, finding.Evidence{Node: n.Name, Source: e.Source, Found: e.Found, Wanted: "no sign of an emulator"})
		}
		troubles = append(troubles, t)
	}
	return findings(troubles)
}

// EmulationText names the kinds of a node's emulation in words.
func EmulationText(e *topology.Emulation) string {
	var words []string
	for _, s := range e.Evidence {
		var word string
		switch s.Kind {
		case "tcg":
			word = "the machine by QEMU without KVM (tcg)"
		case "fvp", "spike":
			word = "the machine is a simulator (" + s.Kind + ")"
		default:
			word = "the process that read it (" + s.Kind + ")"
		}
		if !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	return strings.Join(words, ", ")
}

func emulatedProcesses(f *topology.Fleet) []finding.Finding {
	var troubles []trouble
	for _, n := range f.Nodes {
		e := n.Emulation
		if e == nil || len(e.Processes) == 0 {
			continue
		}
		t := trouble{node: n, key: "processes", state: finding.Warn, subjects: []topology.Ref{topology.NodeRef},
			text: emulatedCount(len(e.Processes)+e.ProcessesLeftOut) + " under a user-mode emulator"}
		for _, p := range e.Processes {
			t.evidence = append(t.evidence, finding.Evidence{Node: n.Name, Source: fmt.Sprintf("proc/%d/exe", p.PID), Found: p.Image, Wanted: "a program of the machine's own architecture"})
		}
		troubles = append(troubles, t)
	}
	return findings(troubles)
}

func emulatedCount(n int) string {
	if n == 1 {
		return "1 process runs"
	}
	return fmt.Sprintf("%d processes run", n)
}
