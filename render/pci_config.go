// SPDX-License-Identifier: Apache-2.0

package render

import (
	"bytes"
	"encoding/binary"

	"tarsia.dev/tarsia/pci"
)

// Where the capabilities lie in the config space that config makes up.
const (
	capPM   = 0x40
	capPCIe = 0x60
)

// config is the first 256 bytes of config space, as root reads them: the header
// and a list of two capabilities, power management and PCI Express (PCI Express
// Base Specification 6.0, sections 7.5.1, 7.5.2, 7.5.3). It agrees with the
// attributes. A device that is gone answers with ones.
func (fn *function) config() []byte {
	if fn.lost {
		return bytes.Repeat([]byte{0xff}, 256)
	}
	c := make([]byte, 256)
	put16 := func(at, v int) { binary.LittleEndian.PutUint16(c[at:], uint16(v)) }
	put16(0x00, int(fn.device.ID.Vendor))
	put16(0x02, int(fn.device.ID.Device))
	put16(0x04, 0x0406) // command: memory, bus master, no INTx
	put16(0x06, 0x0010) // status: capability list
	c[0x08] = byte(fn.device.Revision)
	c[0x09], c[0x0a], c[0x0b] = byte(fn.class), byte(fn.class>>8), byte(fn.class>>16)
	if fn.class.Sub() == pci.SubPCIBridge {
		c[0x0e] = 1
		c[0x18], c[0x19], c[0x1a] = fn.address.Bus, byte(fn.secondary), byte(fn.last)
	} else if s := fn.device.Subsystem; s != nil {
		put16(0x2c, int(s.Vendor))
		put16(0x2e, int(s.Device))
	}
	c[0x34] = capPM
	c[capPM] = 0x01
	put16(capPM+2, 0x0003) // power management version 3
	if fn.link == nil {
		return c
	}
	c[capPM+1] = capPCIe
	c[capPCIe] = 0x10
	put16(capPCIe+2, 2|fn.port<<4) // capability version 2
	put16(capPCIe+0x04, 0x8001)    // device capabilities: 256-byte payload, role-based errors
	built := speedCode(fn.link.GTPerSec)
	binary.LittleEndian.PutUint32(c[capPCIe+0x0c:], uint32(built|fn.link.Lanes<<4))
	status := speedCode(fn.gtPerSec) | fn.lanes<<4
	if fn.port == portRoot || fn.port == portDownstream {
		status |= 1 << 13 // data link layer active
	}
	if fn.vfOf == nil {
		put16(capPCIe+0x12, status)
	}
	binary.LittleEndian.PutUint32(c[capPCIe+0x2c:], uint32(1<<(built+1)-2)) // supported speeds, from bit 1
	return c
}
