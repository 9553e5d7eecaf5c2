// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Spec says which machine to boot. The zero Spec of an architecture is the
// small machine: two CPUs, no devices, ready in seconds.
type Spec struct {
	Arch string // GOARCH: amd64, arm64, riscv64
	CPUs int    // logical CPUs; 0 is 2, or 4 with NUMA
	// NUMA is the number of NUMA nodes with CPUs and memory: 0 or 1 (none
	// declared) or 2, with distance 21 between them.
	NUMA int
	// Devices adds the whole tree: an IOMMU, an SR-IOV network card and NVMe,
	// display functions that stand in for GPUs, two of them behind a switch
	// (QEMU's has no ACS), root ports with and without ACS, the edu device, and on
	// amd64 and arm64 a second root complex on NUMA node 1.
	Devices bool
	// HotPlug adds an empty root port named hp0, for Guest.Plug.
	HotPlug bool
	// Modules are kernel modules to load, dependencies first by themselves.
	Modules []string
	// Carry are kernel modules that are put into the guest but not loaded, as
	// CarriedModule says where.
	Carry []string
	// SecureBoot boots through UEFI that can enforce Secure Boot: OVMF on amd64,
	// AAVMF on arm64. Variables is the file that keeps its variables between
	// boots; it is made from the firmware's empty store when it is not there.
	SecureBoot bool
	Variables  string
	// TPM adds a TPM 2.0 (swtpm), whose state ends with the guest.
	TPM bool
	// Files are put into the guest below /tarsia/files.
	Files map[string][]byte
	// Parameters are appended to the kernel command line.
	Parameters []string
	// Timeout ends the guest, whatever it does. 0 is three minutes.
	Timeout time.Duration
}

func (s Spec) timeout() time.Duration {
	if s.Timeout == 0 {
		return 3 * time.Minute
	}
	return s.Timeout
}

func (s Spec) cpus() int {
	switch {
	case s.CPUs > 0:
		return s.CPUs
	case s.NUMA > 1:
		return 4
	}
	return 2
}

// board is what differs between architectures.
type board struct {
	arch     string // Debian's word
	qemu     string // program
	packages []string
	machine  string
	cpu      string
	console  string
	iommu    []string // devices and machine options that add an IOMMU
	kernel   []string // parameters that the IOMMU needs
	pxb      bool     // can have a second root complex with a NUMA node
	uefi     uefi
	tpm      string // device that shows swtpm to the guest
}

// uefi says where a board's UEFI lies in its package.
type uefi struct {
	suite, name      string // suite and package
	plain            string // image for an ACPI boot; "" where the board's own boot is ACPI already
	secure, template string // image that enforces Secure Boot, and its empty variables
}

var boards = map[string]board{
	"amd64": {
		arch: "amd64", qemu: "qemu-system-x86_64", packages: []string{"qemu-system-x86", "seabios"},
		machine: "q35,kernel-irqchip=split", cpu: "qemu64,+x2apic", console: "ttyS0",
		iommu: []string{"-device", "intel-iommu,intremap=on,caching-mode=on"}, kernel: []string{"intel_iommu=on"}, pxb: true, tpm: "tpm-tis",
		uefi: uefi{suite: "bookworm", name: "ovmf", secure: "usr/share/OVMF/OVMF_CODE_4M.secboot.fd", template: "usr/share/OVMF/OVMF_VARS_4M.fd"},
	},
	"arm64": {
		arch: "arm64", qemu: "qemu-system-aarch64", packages: []string{"qemu-system-arm"},
		machine: "virt,gic-version=3", cpu: "cortex-a72", console: "ttyAMA0",
		iommu: []string{"iommu=smmuv3"}, pxb: true, tpm: "tpm-tis-device",
		// An older one counts its variable flash as memory, and the kernel then
		// refuses the NUMA tables.
		uefi: uefi{suite: "trixie", name: "qemu-efi-aarch64", plain: "usr/share/AAVMF/AAVMF_CODE.no-secboot.fd",
			secure: "usr/share/AAVMF/AAVMF_CODE.secboot.fd", template: "usr/share/AAVMF/AAVMF_VARS.fd"},
	},
	"riscv64": {
		arch: "riscv64", qemu: "qemu-system-riscv64", packages: []string{"qemu-system-misc", "opensbi"},
		machine: "virt,aia=aplic-imsic", cpu: "rv64", console: "ttyS0",
		iommu: []string{"-device", "riscv-iommu-pci,addr=1.0"},
	},
}

// arguments returns QEMU's arguments for the machine, without kernel, initramfs
// and command line.
func (s Spec) arguments(b board) []string {
	machine := b.machine
	var iommu []string
	if s.Devices {
		if strings.HasPrefix(b.iommu[0], "-") {
			iommu = b.iommu
		} else {
			machine += "," + b.iommu[0]
		}
	}
	memory := 768
	if s.SecureBoot && s.Arch == "amd64" {
		machine += ",smm=on"
	}
	args := []string{"-accel", "tcg,thread=multi", "-machine", machine, "-cpu", b.cpu,
		"-nographic", "-no-reboot", "-nodefaults", "-serial", "stdio"}
	if s.NUMA > 1 {
		memory = 1024
		half := s.cpus() / 2
		args = append(args, "-smp", fmt.Sprintf("%d,sockets=2,cores=%d", s.cpus(), half),
			"-object", "memory-backend-ram,size=512M,id=m0", "-object", "memory-backend-ram,size=512M,id=m1",
			"-numa", fmt.Sprintf("node,nodeid=0,cpus=0-%d,memdev=m0", half-1),
			"-numa", fmt.Sprintf("node,nodeid=1,cpus=%d-%d,memdev=m1", half, s.cpus()-1),
			"-numa", "dist,src=0,dst=1,val=21")
	} else {
		args = append(args, "-smp", strconv.Itoa(s.cpus()))
	}
	args = append(args, "-m", strconv.Itoa(memory))
	args = append(args, iommu...)
	if s.Devices {
		args = append(args, s.devices(b)...)
	}
	if s.HotPlug {
		args = append(args, "-device", "pcie-root-port,id=hp0,bus=pcie.0,chassis=10,slot=10")
	}
	return args
}

// devices is the tree of a Spec with Devices. Bus and slot numbers are fixed, so
// that a test knows what it looks for.
func (s Spec) devices(b board) []string {
	far := "pcie.0"
	var args []string
	device := func(d string) { args = append(args, "-device", d) }
	if b.pxb && s.NUMA > 1 {
		device("pxb-pcie,id=pxb1,bus=pcie.0,bus_nr=64,numa_node=1")
		far = "pxb1"
	}
	args = append(args, "-netdev", "user,id=n0,restrict=on")
	device("pcie-root-port,id=rp0,bus=pcie.0,chassis=1,slot=1")
	device("igb,romfile=,bus=rp0,netdev=n0")
	device("pcie-root-port,id=rp1,bus=pcie.0,chassis=1,slot=2")
	device("nvme-subsys,id=ss0")
	device("nvme,serial=a,subsys=ss0,bus=rp1,sriov_max_vfs=4,sriov_vq_flexible=8,sriov_vi_flexible=4,max_ioqpairs=16,msix_qsize=17")
	device("pcie-root-port,id=rp2,bus=" + far + ",chassis=2,slot=3")
	device("bochs-display,romfile=,bus=rp2")
	device("pcie-root-port,id=rp3,bus=" + far + ",chassis=2,slot=4")
	device("x3130-upstream,id=up,bus=rp3")
	device("xio3130-downstream,id=d1,bus=up,chassis=3,slot=5")
	device("xio3130-downstream,id=d2,bus=up,chassis=3,slot=6")
	// This port has no ACS, so what is below shares its IOMMU group.
	device("pcie-root-port,id=rp4,bus=pcie.0,chassis=1,slot=8,disable-acs=on")
	device("e1000e,romfile=,bus=rp4")
	device("edu,bus=pcie.0") // a device that does DMA on request
	device("bochs-display,romfile=,bus=d1")
	device("bochs-display,romfile=,bus=d2")
	return args
}

// commandLine is the kernel's command line without the harness's own words.
func (s Spec) commandLine(b board) []string {
	words := []string{"console=" + b.console, "quiet", "panic=1"}
	if s.Devices {
		words = append(words, b.kernel...)
	}
	return append(words, s.Parameters...)
}
