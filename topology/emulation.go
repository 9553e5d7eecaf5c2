// SPDX-License-Identifier: Apache-2.0

package topology

// Emulation is what shows that software executes instructions in place of the
// hardware that a node describes. A node without any such sign has none; a node
// of which it is not known has an Absence of the fact "emulation" as well.
type Emulation struct {
	// Kind is how the programs that looked and measured were executed:
	// "qemu-user" and other names of user-mode emulators for the reading process,
	// "tcg" (QEMU without KVM), "fvp", "spike" for the whole machine. Empty where
	// only other processes are emulated. Whatever is measured under a kind is the
	// emulator's figure, not the hardware's.
	Kind     string              `json:"kind,omitempty"`
	Evidence []EmulationEvidence `json:"evidence"`
	// Processes are other processes that a user-mode emulator executes.
	Processes        []EmulatedProcess `json:"processes"`
	ProcessesLeftOut int               `json:"processesLeftOut"` // beyond those listed
	// Interpreters are the user-mode emulators that the kernel starts by itself
	// for programs of other architectures (binfmt_misc), by registration.
	Interpreters []string `json:"interpreters"`
}

// EmulationEvidence is one sign.
type EmulationEvidence struct {
	Kind   string `json:"kind"`
	Source string `json:"source"`
	Found  string `json:"found"`
}

// EmulatedProcess is one process and the emulator that executes it.
type EmulatedProcess struct {
	PID   int    `json:"pid"`
	Image string `json:"image"` // file name of the emulator, "qemu-aarch64-static"
}

// EmulationKind is the kind of the node's emulation, "" where nothing shows one.
func (n *Node) EmulationKind() string {
	if n.Emulation == nil {
		return ""
	}
	return n.Emulation.Kind
}
