// SPDX-License-Identifier: Apache-2.0

package discover_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/emulation"
	"tarsia.dev/tarsia/topology"
)

// TestEmulation shows what proves emulation, what only hints at it, and what
// refutes it. The texts are those that QEMU 7.2 to 10 and the kernel write.
func TestEmulation(t *testing.T) {
	answer := func(text string) map[string]string {
		return map[string]string{emulation.Path: `{"version":1,"goarch":` + text + `,"processes":[],"leftOut":0,"unreadable":0}`}
	}
	const dmi = "sys/class/dmi/id/"
	x86 := map[string]string{"proc/cpuinfo": "processor : 0\ncpu family : 15\nmodel name : QEMU Virtual CPU version 2.5+\nflags : fpu lm hypervisor\n"}
	q35 := map[string]string{dmi + "sys_vendor": "QEMU\n", dmi + "product_name": "Standard PC (Q35 + ICH9, 2009)\n"}
	arm := func(implementer, part, bogo string) map[string]string {
		return map[string]string{"proc/cpuinfo": "processor : 0\nBogoMIPS : " + bogo + "\nFeatures : fp asimd\nCPU implementer : " + implementer + "\nCPU part : " + part + "\n"}
	}
	armBoard := func(product string) map[string]string {
		return map[string]string{dmi + "sys_vendor": "QEMU\n", dmi + "product_name": product + "\n"}
	}
	riscv := func(isa string) map[string]string {
		return map[string]string{"proc/cpuinfo": "processor : 0\nisa : " + isa + "\n"}
	}
	tree := func(compatible string, more ...string) map[string]string {
		out := map[string]string{"sys/firmware/devicetree/base/compatible": compatible + "\x00"}
		for _, m := range more {
			out["sys/firmware/devicetree/base/"+m] = ""
		}
		return out
	}
	for _, tt := range []struct {
		name  string
		parts []map[string]string
		kind  string
		maybe bool // an absence says that nobody knows
	}{
		{"silicon", []map[string]string{arm("0x41", "0xd4f", "2000.00"), answer(`"arm64"`)}, "", false},
		{"x86 by its CPUID leaf", []map[string]string{x86, q35, answer(`"amd64","hypervisor":"TCGTCGTCGTCG"`)}, "tcg", false},
		{"x86 on KVM by its CPUID leaf", []map[string]string{x86, q35, answer(`"amd64","hypervisor":"KVMKVMKVM"`)}, "", false},
		{"x86 on KVM by its clock", []map[string]string{x86, q35, {"sys/devices/system/clocksource/clocksource0/available_clocksource": "kvm-clock tsc acpi_pm \n"}}, "", false},
		{"x86, nothing tells", []map[string]string{x86, q35}, "", true},
		{"x86 -cpu max", []map[string]string{{"proc/cpuinfo": "processor : 0\ncpu family : 6\nmodel name : QEMU TCG CPU version 2.5+\nflags : fpu lm\n"}}, "tcg", false},
		{"arm64 -cpu max", []map[string]string{arm("0x00", "0x051", "2000.00")}, "tcg", false},
		{"arm64 -cpu cortex-a72", []map[string]string{arm("0x41", "0xd08", "125.00"), armBoard("QEMU Virtual Machine")}, "tcg", false},
		{"arm64 on Apple's hypervisor", []map[string]string{arm("0x61", "0x000", "48.00"), armBoard("QEMU Virtual Machine")}, "", true},
		{"arm64 on KVM", []map[string]string{arm("0x41", "0xd0c", "50.00"), armBoard("KVM Virtual Machine")}, "", false},
		{"arm64 on KVM of a tree", []map[string]string{arm("0x41", "0xd0c", "50.00"), tree("linux,dummy-virt")}, "", true},
		{"riscv64 with AIA", []map[string]string{riscv("rv64imafdch_smaia_ssaia"), tree("riscv-virtio")}, "tcg", false},
		{"riscv64 with a CLINT", []map[string]string{riscv("rv64imafdc"), tree("riscv-virtio", "soc/clint@2000000/")}, "tcg", false},
		{"riscv64 on KVM or not", []map[string]string{riscv("rv64imafdc_ssaia"), tree("riscv-virtio", "soc/imsics@28000000/")}, "", true},
		{"spike", []map[string]string{riscv("rv64imafdc"), tree("ucbbar,spike-bare-dev")}, "spike", false},
		{"fvp", []map[string]string{arm("0x41", "0xd0f", "200.00"), tree("arm,fvp-base-revc\x00arm,vexpress")}, "fvp", false},
		{"the reader under QEMU", []map[string]string{x86, answer(`"riscv64","executable":"qemu-riscv64-static","hypervisor":"TCGTCGTCGTCG"`)}, "qemu-user", true},
		{"the reader under something", []map[string]string{arm("0x41", "0xd4f", "2000.00"), answer(`"amd64"`)}, "user-mode", false},
		{"a 32-bit reader", []map[string]string{arm("0x41", "0xd4f", "2000.00"), answer(`"arm"`)}, "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := node(t, rootOf(t, tt.parts...))
			if got := n.EmulationKind(); got != tt.kind {
				t.Errorf("kind %q, want %q: %+v", got, tt.kind, n.Emulation)
			}
			if a, ok := n.AbsenceOf(topology.NodeRef, "emulation"); ok != tt.maybe {
				t.Errorf("absence %+v, %v; want one: %v", a, ok, tt.maybe)
			}
		})
	}
}

func TestEmulatedProcesses(t *testing.T) {
	n := node(t, rootOf(t, map[string]string{
		"proc/cpuinfo":                        "processor : 0\n",
		"proc/sys/fs/binfmt_misc/qemu-arm":    "enabled\ninterpreter /usr/bin/qemu-arm-static\n",
		"proc/sys/fs/binfmt_misc/qemu-mips64": "disabled\ninterpreter /usr/bin/qemu-mips64-static\n",
		emulation.Path:                        `{"version":1,"goarch":"amd64","processes":[{"pid":7,"image":"qemu-arm-static"}],"leftOut":2,"unreadable":0}`,
	}))
	want := &topology.Emulation{
		Evidence: []topology.EmulationEvidence{}, Interpreters: []string{"qemu-arm"},
		Processes: []topology.EmulatedProcess{{PID: 7, Image: "qemu-arm-static"}}, ProcessesLeftOut: 2,
	}
	if d := cmp.Diff(want, n.Emulation); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	n = node(t, rootOf(t, map[string]string{"proc/cpuinfo": "processor : 0\n", emulation.Path: `{"version":9}`}))
	if a, ok := n.AbsenceOf(topology.NodeRef, "emulation.answer"); !ok || a.Kind != topology.Unreadable {
		t.Errorf("an answer of another version: %+v, want it unreadable", a)
	}
}
