// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"encoding/binary"
	"errors"
	"path"
	"strings"
)

// ErrWithheld is the answer about a file that names one machine and decides
// nothing here. It is the same on a live machine and in a recording.
var ErrWithheld = errors.New("withheld: it names one machine and no decision needs it")

// withheld tells whether a file is such a one, by the end of its path: devices
// are reached under many. Addresses of InfiniBand ports and UUIDs of
// accelerators are not among them, for fabrics and partitions are joined by them.
func withheld(name string) bool {
	dir, base := path.Split(name)
	dir = strings.TrimSuffix(dir, "/")
	switch base {
	case "address", "broadcast", "phys_port_id": // of a network interface
		return path.Base(path.Dir(dir)) == "net"
	case "perm_hwaddr", "wwid", "nguid", "eui", "serial", "vpd", "vpd_pg80", "vpd_pg83", "serial-number", "machine-id":
		return true
	case "uuid": // of a file system, a disk or a mapped volume, not of an accelerator
		parent := path.Base(dir)
		return parent == "dm" || parent == "md" || parent == "random" || strings.HasPrefix(parent, "nvme")
	case "boot_id":
		return path.Base(dir) == "random"
	case "cmdline", "environ": // of a process
		return dir != "proc"
	}
	return strings.HasSuffix(dir, "dmi/id") && (strings.HasSuffix(base, "_serial") ||
		strings.HasSuffix(base, "_uuid") || strings.HasSuffix(base, "_asset_tag"))
}

// redact leaves out of a file what is nobody's business. The data is the
// caller's own.
func redact(name string, data []byte) []byte {
	switch {
	case data == nil:
	case name == "proc/cmdline":
		return keepParameters(data)
	case path.Base(name) == "config" && isPCI(path.Base(path.Dir(name))):
		blankSerial(data)
	}
	return data
}

// isPCI tells whether a directory is named as that of a PCI function.
func isPCI(base string) bool {
	return strings.Count(base, ":") == 2 && strings.Count(base, ".") == 1
}

// blankSerial clears the device serial number in a PCI Express configuration
// space: that of a network card is its hardware address (PCIe base
// specification 6.0, section 7.9.3: extended capability 0003h, number at offset 4).
func blankSerial(config []byte) {
	const first, serialNumber = 0x100, 0x0003
	// Each step goes forward or ends, so a loop of capabilities ends, too.
	for at := first; at+12 <= len(config); {
		header := binary.LittleEndian.Uint32(config[at:])
		if header&0xffff == serialNumber {
			clear(config[at+4 : at+12])
		}
		next := int(header>>20) &^ 3
		if next <= at {
			return
		}
		at = next
	}
}

// parameters are those of the kernel command line that change what hardware
// does, or who may use which part of it (kernel-parameters.txt), with "-" for
// "_". One that ends in "." or "-" stands for all that begin so: they belong to a
// driver. All else, such as root=, the name of an encrypted volume or the token
// of an installer, is left out.
var parameters = []string{
	"acpi", "amd-iommu", "amd-pstate", "amdgpu.", "apparmor", "arm-smmu.", "arm64.",
	"cgroup-disable", "cgroup-no-v1", "cpuidle.", "crashkernel", "default-hugepagesz",
	"efi", "hugepages", "hugepagesz", "hugetlb-cma", "i915.", "idle", "idxd.",
	"intel-idle.", "intel-iommu", "intel-pstate", "iommu", "iommu.", "irqaffinity",
	"isolcpus", "kernelcore", "kthread-cpus", "kvm.", "kvm-amd.", "kvm-intel.",
	"lockdown", "lsm", "maxcpus", "mem", "mitigations", "mlx5-core.", "module.",
	"module-blacklist", "modprobe.blacklist", "movable-node", "movablecore",
	"nohz", "nohz-full", "noiommu", "nokaslr", "nosmt", "nouveau.", "nr-cpus",
	"numa", "numa-balancing", "numa-zonelist-order", "nvidia.", "nvidia-",
	"nvme.", "nvme-core.", "pci", "pcie-acs-override", "pcie-aspm", "pcie-port-pm",
	"pcie-ports", "pcie-bus-perf", "preempt", "processor.", "rcu-nocb-poll",
	"rcu-nocbs", "rd.driver.blacklist", "realloc", "riscv-isa-fallback", "security",
	"skew-tick", "swiotlb", "systemd.unified-cgroup-hierarchy", "transparent-hugepage",
	"tsc", "vfio-pci.", "vfio-iommu-type1.", "xe.",
}

// keepParameters keeps the parameters of the table as they are written, one
// space between them. What follows "--" is for the init process and left out.
func keepParameters(line []byte) []byte {
	var kept []string
	for _, word := range splitParameters(strings.TrimSpace(string(line))) {
		if word == "--" {
			break
		}
		key, _, _ := strings.Cut(word, "=")
		key = strings.ReplaceAll(key, "_", "-") // the kernel holds them for equal
		for _, p := range parameters {
			if key == p || strings.HasPrefix(key, p) && strings.ContainsAny(p[len(p)-1:], ".-") {
				kept = append(kept, word)
				break
			}
		}
	}
	return []byte(strings.Join(kept, " ") + "\n")
}

// splitParameters splits at spaces that are not within double quotes, as the
// kernel's next_arg does (lib/cmdline.c).
func splitParameters(line string) []string {
	quoted := false
	return strings.FieldsFunc(line, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return !quoted && (r == ' ' || r == '\t' || r == '\n')
	})
}
