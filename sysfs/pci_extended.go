// SPDX-License-Identifier: Apache-2.0

package sysfs

import "encoding/binary"

// PCIExtended is what discovery wants from a function's extended configuration
// space, which only root reads.
type PCIExtended struct {
	Seen bool // it was there to be read
	// ACSCapability and ACSControl are the registers of Access Control Services
	// (Base Specification 6.0, section 7.7.11); zero without the capability.
	ACSCapability, ACSControl uint16
}

const (
	configExtended  = 256
	configSize      = 4096
	extendedACS     = 0x000d
	maxExtended     = (configSize - configExtended) / 8
	extendedNothing = 0xffffffff
)

// extendedCapabilities yields id and offset of each extended capability. A list
// that loops or leads out of the data ends there.
func extendedCapabilities(data []byte, yield func(id uint16, at int)) {
	at := configExtended
	for range maxExtended {
		if at < configExtended || at+8 > len(data) {
			return
		}
		header := binary.LittleEndian.Uint32(data[at:])
		if header == 0 || header == extendedNothing {
			return
		}
		yield(uint16(header), at)
		at = int(header>>20) &^ 3
	}
}

// ParsePCIExtended reads the extended part of configuration space, if the data
// has one.
func ParsePCIExtended(data []byte) PCIExtended {
	e := PCIExtended{Seen: len(data) >= configSize}
	if !e.Seen {
		return e
	}
	extendedCapabilities(data, func(id uint16, at int) {
		if id == extendedACS {
			e.ACSCapability = binary.LittleEndian.Uint16(data[at+4:])
			e.ACSControl = binary.LittleEndian.Uint16(data[at+6:])
		}
	})
	return e
}
