// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"errors"
	"io/fs"
	"slices"
	"strings"

	"tarsia.dev/tarsia/devicetree"
	"tarsia.dev/tarsia/emulation"
	"tarsia.dev/tarsia/machine"
	"tarsia.dev/tarsia/procfs"
	"tarsia.dev/tarsia/topology"
)

// tcg is QEMU's own translation of instructions, as opposed to KVM.
const tcg = "tcg"

// readEmulation fills Node.Emulation. Only what proves emulation makes a kind; a
// QEMU board that may as well run on KVM is an absence.
func readEmulation(m *machine.Machine, n *topology.Node, info *procfs.CPUInfo) {
	e := topology.Emulation{
		Evidence: []topology.EmulationEvidence{}, Processes: []topology.EmulatedProcess{}, Interpreters: []string{},
	}
	answer, err := emulation.Read(m)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, machine.ErrNotRecorded) {
		absent(n, topology.NodeRef, "emulation.answer", emulation.Path, err)
	}
	if err != nil {
		answer = &emulation.Answer{}
	}
	readerSigns(&e, n, answer)
	s := signs{m: m, n: n, info: info}
	s.read(answer, len(e.Evidence) > 0)
	e.Evidence = append(e.Evidence, s.found...)
	if len(e.Evidence) > 0 {
		e.Kind = e.Evidence[0].Kind
	}
	if len(s.found) == 0 && s.perhaps != "" {
		unknown(n, topology.NodeRef, "emulation", s.source, s.perhaps+": emulated or on KVM, nothing tells which")
	}
	for _, p := range answer.Processes {
		e.Processes = append(e.Processes, topology.EmulatedProcess{PID: p.PID, Image: p.Image})
	}
	e.ProcessesLeftOut = answer.LeftOut
	interpreters, err := emulation.ReadInterpreters(m)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, machine.ErrNotRecorded) {
		absent(n, topology.NodeRef, "emulation.interpreters", emulation.BinfmtDir, err)
	}
	for _, i := range interpreters {
		if i.Enabled {
			e.Interpreters = append(e.Interpreters, i.Name)
		}
	}
	if len(e.Evidence)+len(e.Processes)+e.ProcessesLeftOut+len(e.Interpreters) > 0 {
		n.Emulation = &e
	}
}

// readerSigns tells whether the process that read the machine was emulated.
func readerSigns(e *topology.Emulation, n *topology.Node, a *emulation.Answer) {
	add := func(kind, source, found string) {
		e.Evidence = append(e.Evidence, topology.EmulationEvidence{Kind: kind, Source: source, Found: found})
	}
	if a.Executable != "" {
		add(emulation.Emulator(a.Executable), "proc/thread-self/exe", a.Executable)
	}
	// A 64-bit kernel runs 32-bit programs of its own kind without emulation.
	own := a.GOARCH == n.Architecture ||
		a.GOARCH == "386" && n.Architecture == "amd64" || a.GOARCH == "arm" && n.Architecture == "arm64"
	if a.GOARCH != "" && n.Architecture != "unknown" && !own && a.Executable == "" {
		add("user-mode", emulation.Path, "a program for "+a.GOARCH+" runs on a kernel for "+n.Architecture)
	}
}

// signs collects what tells of the whole machine.
type signs struct {
	m       *machine.Machine
	n       *topology.Node
	info    *procfs.CPUInfo
	found   []topology.EmulationEvidence
	perhaps string // a board of QEMU, which may run on KVM
	source  string
	refuted bool // KVM was seen
}

func (s *signs) prove(kind, source, found string) {
	s.found = append(s.found, topology.EmulationEvidence{Kind: kind, Source: source, Found: found})
}

func (s *signs) suspect(source, found string) {
	if s.perhaps == "" {
		s.source, s.perhaps = source, found
	}
}

// read asks every source. Under a user-mode emulator the CPUID instruction is
// the emulator's, and says nothing of the machine.
func (s *signs) read(a *emulation.Answer, userMode bool) {
	if a.Hypervisor != "" && !userMode {
		if strings.HasPrefix(a.Hypervisor, "TCGTCGTCG") {
			s.prove(tcg, "CPUID 40000000h", a.Hypervisor)
		} else {
			s.refuted = true
		}
	}
	s.clock()
	s.processor()
	s.board()
	s.tree()
	if s.refuted {
		s.perhaps = ""
	}
}

// clock looks for the clock that KVM gives its x86 guests
// (Linux arch/x86/kernel/kvmclock.c).
func (s *signs) clock() {
	text, err := s.m.ReadString("sys/devices/system/clocksource/clocksource0/available_clocksource")
	if err == nil && slices.Contains(strings.Fields(text), "kvm-clock") {
		s.refuted = true
	}
}

// processor reads how CPUs call themselves.
func (s *signs) processor() {
	const source = "proc/cpuinfo"
	name, _ := s.info.First("model name")
	switch {
	case strings.HasPrefix(name, "QEMU TCG CPU"):
		// target/i386: the name of "-cpu max" without a hypervisor; with one it
		// is the host's.
		s.prove(tcg, source, name)
	case strings.HasPrefix(name, "QEMU Virtual CPU"):
		s.suspect(source, name)
	}
	if s.n.Architecture != "arm64" && s.n.Architecture != "arm" || len(s.info.CPUs) == 0 {
		return
	}
	for _, p := range s.info.CPUs {
		implementer, _ := p.Get("CPU implementer")
		part, _ := p.Get("CPU part")
		// target/arm/tcg/cpu64.c, aarch64_max_tcg_initfn: implementer 0 is
		// reserved for software, part 0x51 is the letter Q.
		if implementer != "0x00" && implementer != "0x0" || part != "0x051" {
			return
		}
	}
	s.prove(tcg, source, "CPU implementer 0x00, part 0x051")
}

// board reads what QEMU's firmware tables say.
func (s *signs) board() {
	vendor, _ := s.m.ReadString(dmiDir + "/sys_vendor")
	if vendor != "QEMU" {
		return
	}
	const source = dmiDir + "/product_name"
	product, _ := s.m.ReadString(source)
	bogo, _ := s.info.First("BogoMIPS")
	switch {
	// hw/arm/virt.c, virt_build_smbios, names the product after its accelerator.
	case product == "KVM Virtual Machine":
		s.refuted = true
	// Without KVM it may still run on Apple's hypervisor, whose counter has 24 MHz
	// or 1 GHz; 62.5 MHz is the counter of QEMU's own (target/arm/cpu.h,
	// GTIMER_SCALE).
	case product == "QEMU Virtual Machine" && bogo == "125.00":
		s.prove(tcg, source, product+", a counter of 62.5 MHz")
	default:
		s.suspect(source, "QEMU "+product)
	}
}

// simulators are the boards that exist in software only, by the beginning of
// the root's "compatible".
var simulators = []struct{ compatible, kind string }{
	{"ucbbar,spike", "spike"}, {"arm,fvp-base", "fvp"}, {"arm,foundation-aarch64", "fvp"}, {"arm,rtsm_ve", "fvp"},
}

// machineMode are devices and an extension of RISC-V's machine mode, which QEMU
// makes only where it executes that mode itself: a guest of KVM has none
// (hw/riscv/virt.c, create_fdt_sockets).
var machineMode = []string{"soc/clint@2000000", "soc/imsics@24000000"}

// tree reads the device tree.
func (s *signs) tree() {
	root, err := devicetree.Root(s.m)
	if err != nil {
		return
	}
	source := root + "/compatible"
	data, err := s.m.ReadFile(source)
	if err != nil {
		// The model is the one of "riscv-virtio,qemu" that is read anyhow.
		if source = root + "/model"; s.n.System.Product != "riscv-virtio,qemu" {
			return
		}
		data = []byte("riscv-virtio")
	}
	for _, c := range devicetree.Strings(data) {
		for _, sim := range simulators {
			if strings.HasPrefix(c, sim.compatible) {
				s.prove(sim.kind, source, c)
				return
			}
		}
		switch c {
		case "riscv-virtio":
			s.machineMode(root, source)
			return
		case "linux,dummy-virt":
			s.suspect(source, c)
			return
		}
	}
}

func (s *signs) machineMode(root, source string) {
	for _, device := range machineMode {
		if s.m.Exists(root + "/" + device) {
			s.prove(tcg, root+"/"+device, "QEMU's RISC-V board with the interrupt controller of machine mode")
			return
		}
	}
	if slices.Contains(s.n.ISA.Extensions, "smaia") {
		s.prove(tcg, "proc/cpuinfo", "QEMU's RISC-V board with smaia, an extension of machine mode")
		return
	}
	s.suspect(source, "riscv-virtio")
}
