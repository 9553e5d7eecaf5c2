// SPDX-License-Identifier: Apache-2.0

package isa

import "fmt"

// MIDR is the Arm Main ID Register as the kernel shows it in
// cpuN/regs/identification/midr_el1 (Arm Architecture Reference Manual,
// MIDR_EL1): implementer in bits 31..24, part number in bits 15..4.
type MIDR uint64

// Implementer is who designed the core: 0x41 Arm, 0x4e NVIDIA, 0x48 HiSilicon.
func (r MIDR) Implementer() int { return int(r >> 24 & 0xff) }

// Part is the implementer's number of the design.
func (r MIDR) Part() int { return int(r >> 4 & 0xfff) }

// Arm designs of servers, accelerator hosts and edge boards, by implementer and
// part as in the kernel's arch/arm64/include/asm/cputype.h.
var armParts = map[[2]int]string{
	{0x41, 0xc07}: "Cortex-A7",
	{0x41, 0xc09}: "Cortex-A9",
	{0x41, 0xc0f}: "Cortex-A15",
	{0x41, 0xd03}: "Cortex-A53",
	{0x41, 0xd04}: "Cortex-A35",
	{0x41, 0xd05}: "Cortex-A55",
	{0x41, 0xd07}: "Cortex-A57",
	{0x41, 0xd08}: "Cortex-A72",
	{0x41, 0xd09}: "Cortex-A73",
	{0x41, 0xd0a}: "Cortex-A75",
	{0x41, 0xd0b}: "Cortex-A76",
	{0x41, 0xd0c}: "Neoverse-N1",
	{0x41, 0xd0d}: "Cortex-A77",
	{0x41, 0xd40}: "Neoverse-V1",
	{0x41, 0xd41}: "Cortex-A78",
	{0x41, 0xd42}: "Cortex-A78AE",
	{0x41, 0xd44}: "Cortex-X1",
	{0x41, 0xd46}: "Cortex-A510",
	{0x41, 0xd47}: "Cortex-A710",
	{0x41, 0xd48}: "Cortex-X2",
	{0x41, 0xd49}: "Neoverse-N2",
	{0x41, 0xd4d}: "Cortex-A715",
	{0x41, 0xd4e}: "Cortex-X3",
	{0x41, 0xd4f}: "Neoverse-V2",
	{0x41, 0xd80}: "Cortex-A520",
	{0x41, 0xd81}: "Cortex-A720",
	{0x41, 0xd82}: "Cortex-X4",
	{0x41, 0xd83}: "Neoverse-V3AE",
	{0x41, 0xd84}: "Neoverse-V3",
	{0x41, 0xd85}: "Cortex-X925",
	{0x41, 0xd87}: "Cortex-A725",
	{0x41, 0xd8e}: "Neoverse-N3",
	{0x42, 0x516}: "ThunderX2",
	{0x43, 0x0af}: "ThunderX2",
	{0x46, 0x001}: "A64FX",
	{0x48, 0xd01}: "TSV110",
	{0x4e, 0x004}: "Carmel",
	{0xc0, 0xac3}: "Ampere-1",
	{0xc0, 0xac4}: "Ampere-1a",
}

// ArmPart names a design: "Neoverse-V2", or "implementer 0x41 part 0xd99" for
// one that is not in the table.
func ArmPart(implementer, part int) string {
	if name, ok := armParts[[2]int{implementer, part}]; ok {
		return name
	}
	return fmt.Sprintf("implementer 0x%02x part 0x%03x", implementer, part)
}
