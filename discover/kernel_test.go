// SPDX-License-Identifier: Apache-2.0

package discover_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/topology"
)

const efiVar = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

func TestBoot(t *testing.T) {
	pc := cpuinfo([]string{"cpu family: 6", "flags: lm"})
	arm := cpuinfo([]string{"CPU implementer: 0x41", "Features: asimd"})
	for _, tt := range []struct {
		name   string
		parts  []map[string]string
		want   topology.Boot
		absent map[string]topology.AbsenceKind
	}{
		{"secure and locked", []map[string]string{pc, {efiVar: "\x06\x00\x00\x00\x01", "sys/kernel/security/lockdown": "none [integrity] confidentiality\n",
			"sys/module/module/parameters/sig_enforce": "Y\n"}},
			topology.Boot{EFI: new(true), SecureBoot: new(true), Lockdown: "integrity", SigEnforce: new(true)}, nil},
		{"efi without Secure Boot", []map[string]string{pc, {efiVar: "\x06\x00\x00\x00\x00", "sys/kernel/security/lockdown": "[none] integrity confidentiality\n",
			"sys/module/module/parameters/sig_enforce": "N\n"}},
			topology.Boot{EFI: new(true), SecureBoot: new(false), Lockdown: "none", SigEnforce: new(false)}, nil},
		{"efivarfs is not mounted", []map[string]string{pc, {"sys/firmware/efi/efivars/": "", "sys/kernel/security/lockdown": "!EACCES", "sys/module/module/parameters/sig_enforce": "maybe\n"}},
			topology.Boot{EFI: new(true)},
			map[string]topology.AbsenceKind{"boot.secureBoot": topology.Missing, "boot.lockdown": topology.Unreadable, "boot.sigEnforce": topology.Unreadable}},
		{"a variable that is none", []map[string]string{pc, {efiVar: "\x06", "sys/kernel/security/lockdown": "integrity\n"}},
			topology.Boot{EFI: new(true)},
			map[string]topology.AbsenceKind{"boot.secureBoot": topology.Unreadable, "boot.lockdown": topology.Unreadable, "boot.sigEnforce": topology.Missing}},
		{"a PC BIOS", []map[string]string{pc, {"sys/firmware/acpi/": ""}},
			topology.Boot{EFI: new(false), SecureBoot: new(false)},
			map[string]topology.AbsenceKind{"boot.lockdown": topology.Missing, "boot.sigEnforce": topology.Missing}},
		{"a board of another kind may have a secure boot of its own", []map[string]string{arm, {"sys/firmware/devicetree/base/model": "B\x00"}},
			topology.Boot{EFI: new(false)},
			map[string]topology.AbsenceKind{"boot.lockdown": topology.Missing, "boot.sigEnforce": topology.Missing, "boot.secureBoot": topology.Missing}},
		{"no /sys", []map[string]string{pc}, topology.Boot{},
			map[string]topology.AbsenceKind{"boot.efi": topology.Missing, "boot.secureBoot": topology.Missing, "boot.lockdown": topology.Missing, "boot.sigEnforce": topology.Missing}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := node(t, rootOf(t, tt.parts...))
			if d := cmp.Diff(tt.want, n.Boot); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			for _, fact := range []string{"boot.efi", "boot.secureBoot", "boot.lockdown", "boot.sigEnforce"} {
				a, _ := n.AbsenceOf(topology.NodeRef, fact)
				if a.Kind != tt.absent[fact] {
					t.Errorf("absence of %s: %+v, want %q", fact, a, tt.absent[fact])
				}
			}
		})
	}
}

func TestKernelAndModules(t *testing.T) {
	n := node(t, rootOf(t, map[string]string{
		"proc/sys/kernel/osrelease": "6.18.1-1-amd64\n",
		"proc/cmdline":              "root=UUID=1-2 isolcpus=1-3 hugepagesz=1G hugepages=4 hugepagesz=2M hugepages=512 nokaslr\n",
		"proc/modules":              "nvidia 1 0 - Live 0x0 (POE)\namdgpu 1 0 - Live 0x0\n",
		"sys/module/nvidia/version": "580.95.05\n", "sys/module/nvidia/taint": "PO\n", "sys/module/amdgpu/taint": "\n",
	}))
	want := topology.Kernel{Release: "6.18.1-1-amd64", Parameters: map[string]string{
		"isolcpus": "1-3", "hugepagesz": "1G,2M", "hugepages": "4,512", "nokaslr": ""}}
	if d := cmp.Diff(want, n.Kernel); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	modules := []topology.Module{{Name: "amdgpu"}, {Name: "nvidia", Version: "580.95.05", Taint: "PO"}}
	if d := cmp.Diff(modules, n.Modules); d != "" {
		t.Errorf("modules, -want +got:\n%s", d)
	}
	n = node(t, rootOf(t, map[string]string{"proc/modules": "!EACCES", "proc/cmdline": "!EIO"}))
	for _, fact := range []string{"modules", "kernel.parameters"} {
		if a, ok := n.AbsenceOf(topology.NodeRef, fact); !ok || a.Kind != topology.Unreadable || a.Detail == "" {
			t.Errorf("absence of %s: %+v", fact, a)
		}
	}
}

func TestSystemAndFirmware(t *testing.T) {
	const dmi = "sys/class/dmi/id/"
	for _, tt := range []struct {
		name     string
		parts    []map[string]string
		system   topology.System
		firmware []topology.Firmware
		absent   string
	}{
		{"dmi", []map[string]string{{dmi + "sys_vendor": "Maker Inc.\n", dmi + "product_name": "Box 9\n", dmi + "bios_version": "1.2\n", dmi + "product_serial": "secret"},
			cpuinfo([]string{"microcode: 0x43"}, []string{"microcode: 0x43"})},
			topology.System{Vendor: "Maker Inc.", Product: "Box 9", Source: "sys/class/dmi/id"},
			[]topology.Firmware{{Component: "bios", Version: "1.2", Source: dmi + "bios_version"}, {Component: "microcode", Version: "0x43", Source: "proc/cpuinfo"}}, ""},
		{"CPUs of different microcode", []map[string]string{{dmi + "product_name": "Box 9\n"}, cpuinfo([]string{"microcode: 0x44"}, []string{"microcode: 0x43"})},
			topology.System{Product: "Box 9", Source: "sys/class/dmi/id"},
			[]topology.Firmware{{Component: "microcode", Version: "0x43, 0x44", Source: "proc/cpuinfo"}}, "firmware.bios"},
		{"device tree", []map[string]string{{"sys/firmware/devicetree/base/model": "Board 9\x00"}},
			topology.System{Product: "Board 9", Source: "sys/firmware/devicetree/base/model"}, []topology.Firmware{}, ""},
		{"nothing", []map[string]string{{"proc/x": ""}}, topology.System{}, []topology.Firmware{}, "system"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := node(t, rootOf(t, tt.parts...))
			if d := cmp.Diff(tt.system, n.System); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			if d := cmp.Diff(tt.firmware, n.Firmware); d != "" {
				t.Errorf("firmware, -want +got:\n%s", d)
			}
			for _, fact := range []string{"system", "firmware.bios"} {
				if _, ok := n.AbsenceOf(topology.NodeRef, fact); ok != (fact == tt.absent) {
					t.Errorf("absence of %s: %v", fact, ok)
				}
			}
		})
	}
}
