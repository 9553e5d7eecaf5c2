// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"encoding/binary"
	"slices"
)

// stateKey is the same for machines whose free states are alike; which GPU has
// how much left does not matter.
func stateKey(key []byte, m *machine) []byte {
	key = binary.AppendUvarint(key, uint64(m.like))
	key = binary.AppendVarint(key, m.cpu)
	key = binary.AppendVarint(key, m.memory)
	at := len(key)
	for _, g := range m.gpus {
		key = binary.BigEndian.AppendUint16(key, uint16(g))
	}
	left := key[at:]
	// Insertion sort of pairs of bytes: few, and mostly in order.
	for i := 2; i < len(left); i += 2 {
		for j := i; j >= 2 && slices.Compare(left[j-2:j], left[j:j+2]) > 0; j -= 2 {
			left[j-2], left[j-1], left[j], left[j+1] = left[j], left[j+1], left[j-2], left[j-1]
		}
	}
	return key
}
