// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"io/fs"
	"slices"
	"strings"

	"tarsia.dev/tarsia/devicetree"
	"tarsia.dev/tarsia/machine"
	"tarsia.dev/tarsia/procfs"
	"tarsia.dev/tarsia/topology"
)

const dmiDir = "sys/class/dmi/id"

// readArchitecture tells the architecture from the dialect of /proc/cpuinfo,
// which a kernel of no other architecture writes, else from
// /proc/sys/kernel/arch (since Linux 6.1).
func readArchitecture(m *machine.Machine, n *topology.Node, info *procfs.CPUInfo) {
	n.Architecture = dialect(info)
	uname, err := m.ReadString("proc/sys/kernel/arch")
	if n.Architecture == "" && err == nil {
		n.Architecture = goarch[uname]
	}
	if n.Architecture == "ppc64" && littleEndian(m, uname) {
		n.Architecture = "ppc64le"
	}
	if n.Architecture == "" {
		n.Architecture = "unknown"
		absent(n, topology.NodeRef, "architecture", "proc/cpuinfo", fs.ErrNotExist)
	}
}

// goarch translates what uname -m prints.
var goarch = map[string]string{
	"x86_64": "amd64", "i686": "386", "i586": "386", "i486": "386", "i386": "386",
	"aarch64": "arm64", "armv7l": "arm", "armv6l": "arm", "armv8l": "arm",
	"riscv64": "riscv64", "riscv32": "riscv", "ppc64": "ppc64", "ppc64le": "ppc64le", "ppc": "ppc",
	"s390x": "s390x", "loongarch64": "loong64", "ia64": "ia64", "mips64": "mips64", "sparc64": "sparc64",
}

// dialect returns the GOARCH word, or "" for a text of no known dialect.
func dialect(info *procfs.CPUInfo) string {
	has := func(key string) bool { _, ok := info.First(key); return ok }
	value := func(key string) string { v, _ := info.First(key); return v }
	words := func(key string) []string { return strings.Fields(value(key)) }
	switch {
	case value("vendor_id") == "IBM/S390":
		return "s390x"
	case strings.HasPrefix(value("arch"), "IA-64"):
		return "ia64"
	case has("flags") && has("cpu family"):
		// "lm" is long mode: the CPU, and so the kernel, may be 64 bits wide.
		if slices.Contains(words("flags"), "lm") {
			return "amd64"
		}
		return "386"
	case strings.HasPrefix(value("isa"), "rv64"):
		return "riscv64"
	case strings.HasPrefix(value("isa"), "rv32"):
		return "riscv"
	case slices.Contains(words("ISA"), "loongarch64"):
		return "loong64"
	case has("CPU implementer"):
		// A 64-bit kernel always has "fp" and "asimd"; 32-bit ones have "half".
		if slices.Contains(words("Features"), "asimd") || strings.HasPrefix(value("CPU architecture"), "AArch64") {
			return "arm64"
		}
		return "arm"
	case has("cpu") && strings.Contains(value("revision"), "pvr"):
		for _, wide := range []string{"POWER", "PPC970", "Cell", "A2"} {
			if strings.HasPrefix(value("cpu"), wide) {
				return "ppc64"
			}
		}
		return "ppc"
	}
	return ""
}

// littleEndian tells whether a POWER kernel is: /proc/cpuinfo does not.
func littleEndian(m *machine.Machine, uname string) bool {
	order, _ := m.ReadString("sys/kernel/cpu_byteorder") // since Linux 6.2
	return order == "little" || uname == "ppc64le"
}

// readSystem fills what the board calls itself and its firmware.
func readSystem(m *machine.Machine, n *topology.Node, info *procfs.CPUInfo) {
	vendor, err1 := m.ReadString(dmiDir + "/sys_vendor")
	product, err2 := m.ReadString(dmiDir + "/product_name")
	switch {
	case err1 == nil && vendor != "" || err2 == nil && product != "":
		n.System = topology.System{Vendor: vendor, Product: product, Source: dmiDir}
	default:
		model, source, err := devicetree.Model(m)
		if err == nil && model != "" {
			n.System = topology.System{Product: model, Source: source}
			break
		}
		if err1 == nil {
			err1 = fs.ErrNotExist
		}
		absent(n, topology.NodeRef, "system", dmiDir+"/sys_vendor", err1)
	}
	readBIOS(m, n)
	readMicrocode(n, info)
}

func readBIOS(m *machine.Machine, n *topology.Node) {
	source := dmiDir + "/bios_version"
	version, err := m.ReadString(source)
	if err == nil && version != "" {
		n.Firmware = append(n.Firmware, topology.Firmware{Component: "bios", Version: version, Source: source})
		return
	}
	// A board without DMI has no BIOS to speak of.
	if n.System.Source == dmiDir {
		if err == nil {
			err = fs.ErrNotExist
		}
		absent(n, topology.NodeRef, "firmware.bios", source, err)
	}
}

// readMicrocode notes the revision of the CPUs' microcode (x86 only). CPUs that
// differ are all named, for that is a fault to be seen.
func readMicrocode(n *topology.Node, info *procfs.CPUInfo) {
	var revisions []string
	for _, p := range info.CPUs {
		if v, ok := p.Get("microcode"); ok && !slices.Contains(revisions, v) {
			revisions = append(revisions, v)
		}
	}
	if len(revisions) == 0 {
		return
	}
	slices.Sort(revisions)
	n.Firmware = append(n.Firmware, topology.Firmware{Component: "microcode", Version: strings.Join(revisions, ", "), Source: "proc/cpuinfo"})
}
