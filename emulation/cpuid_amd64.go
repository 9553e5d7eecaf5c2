// SPDX-License-Identifier: Apache-2.0

package emulation

import (
	"encoding/binary"
	"strings"
)

// cpuid executes the instruction (Intel SDM volume 2A, CPUID).
func cpuid(leaf, subleaf uint32) (eax, ebx, ecx, edx uint32)

// hypervisor returns the signature of the hypervisor leaf, "" without one. Bit 31
// of ECX of leaf 1 says whether it is there (Linux
// Documentation/virt/kvm/x86/cpuid.rst).
func hypervisor() string {
	const present = 1 << 31
	if _, _, ecx, _ := cpuid(1, 0); ecx&present == 0 {
		return ""
	}
	_, ebx, ecx, edx := cpuid(0x4000_0000, 0)
	var text []byte
	for _, word := range []uint32{ebx, ecx, edx} {
		text = binary.LittleEndian.AppendUint32(text, word)
	}
	signature := strings.TrimRight(string(text), "\x00")
	if !printable(signature) {
		return ""
	}
	return signature
}
