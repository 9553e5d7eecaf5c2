// SPDX-License-Identifier: Apache-2.0

package pci

import (
	"fmt"
	"strings"
)

// ID is a 16-bit vendor, device or subsystem id; text form "0x10de", as in
// /sys/bus/pci/devices/*/vendor.
type ID uint16

// ParseID reads up to four hexadecimal digits with or without "0x".
func ParseID(text string) (ID, error) {
	v, err := hex(strings.TrimPrefix(strings.TrimSpace(text), "0x"), 16)
	if err != nil {
		return 0, fmt.Errorf("pci id %q: want a form like 0x10de", clip(text))
	}
	return ID(v), nil
}

// String returns "0x" and four digits.
func (id ID) String() string { return fmt.Sprintf("0x%04x", uint16(id)) }

// MarshalText writes the text form.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads the text form.
func (id *ID) UnmarshalText(text []byte) error {
	v, err := ParseID(string(text))
	if err != nil {
		return err
	}
	*id = v
	return nil
}

// Vendor ids that the product speaks of by name.
const (
	VendorNVIDIA   ID = 0x10de
	VendorAMD      ID = 0x1002
	VendorAMDCPU   ID = 0x1022
	VendorIntel    ID = 0x8086
	VendorMellanox ID = 0x15b3
	VendorASPEED   ID = 0x1a03
	VendorMatrox   ID = 0x102b
)

// Class is base class, subclass and programming interface; text form
// "0x030200", as in /sys/bus/pci/devices/*/class (PCI Code and ID Assignment).
type Class uint32

// ParseClass reads up to six hexadecimal digits with or without "0x".
func ParseClass(text string) (Class, error) {
	v, err := hex(strings.TrimPrefix(strings.TrimSpace(text), "0x"), 32)
	if err != nil || v > 0xffffff {
		return 0, fmt.Errorf("pci class %q: want a form like 0x030200", clip(text))
	}
	return Class(v), nil
}

// Base is the base class: 0x03 display, 0x12 processing accelerator, 0x06 bridge.
func (c Class) Base() uint8 { return uint8(c >> 16) }

// Sub is base class and subclass: 0x0604 PCI-to-PCI bridge.
func (c Class) Sub() uint16 { return uint16(c >> 8) }

// String returns "0x" and six digits.
func (c Class) String() string { return fmt.Sprintf("0x%06x", uint32(c)) }

// MarshalText writes the text form.
func (c Class) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads the text form.
func (c *Class) UnmarshalText(text []byte) error {
	v, err := ParseClass(string(text))
	if err != nil {
		return err
	}
	*c = v
	return nil
}

// Base classes and subclasses that discovery tells apart.
const (
	BaseStorage     uint8  = 0x01
	BaseNetwork     uint8  = 0x02
	BaseDisplay     uint8  = 0x03
	BaseBridge      uint8  = 0x06
	BaseAccelerator uint8  = 0x12
	SubHostBridge   uint16 = 0x0600
	SubPCIBridge    uint16 = 0x0604
	SubOtherBridge  uint16 = 0x0680 // NVSwitch shows itself as this
	SubInfiniBand   uint16 = 0x0207
	SubVGA          uint16 = 0x0300
	Sub3D           uint16 = 0x0302
)
