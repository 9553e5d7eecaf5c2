// SPDX-License-Identifier: Apache-2.0

package sysfs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"

	"tarsia.dev/tarsia/machine"
)

// PCIConfig is what discovery wants from a function's configuration space: the
// file config, of which an ordinary user sees the first 64 bytes only.
type PCIConfig struct {
	Gone    bool // every byte reads 0xff: nothing answers at this address
	Bridge  bool // header type 1
	PCIe    bool // the PCI Express capability was seen
	Partial bool // capabilities lie beyond what could be read
	// PortType is the Device/Port Type field of the PCI Express Capabilities
	// register (Base Specification 6.0, section 7.5.3.2); only with PCIe.
	PortType PCIPortType
	Extended PCIExtended
}

// PCIPortType is the code of what a PCI Express function is.
type PCIPortType uint8

// Codes of the Device/Port Type field.
const (
	PortEndpoint           PCIPortType = 0x0
	PortLegacyEndpoint     PCIPortType = 0x1
	PortRoot               PCIPortType = 0x4
	PortUpstream           PCIPortType = 0x5
	PortDownstream         PCIPortType = 0x6
	PortToPCIBridge        PCIPortType = 0x7
	PortFromPCIBridge      PCIPortType = 0x8
	PortIntegratedEndpoint PCIPortType = 0x9
	PortEventCollector     PCIPortType = 0xa
)

// Offsets and bits of the configuration header (Base Specification 6.0,
// section 7.5.1).
const (
	configHeader    = 64
	offStatus       = 0x06
	statusCapList   = 1 << 4
	offHeaderType   = 0x0e
	offCapPointer   = 0x34
	capPCIe         = 0x10
	maxCapabilities = 48 // of four bytes at least, between 64 and 256
)

// errShortConfig is returned for less than the header.
var errShortConfig = errors.New("config: found less than 64 bytes")

// ParsePCIConfig reads configuration space. The error says that there is less
// than a header; a capability list that loops or leads nowhere ends there.
func ParsePCIConfig(data []byte) (PCIConfig, error) {
	if len(data) < configHeader {
		return PCIConfig{}, errShortConfig
	}
	c := PCIConfig{Gone: true}
	for _, b := range data[:configHeader] {
		if b != 0xff {
			c.Gone = false
			break
		}
	}
	if c.Gone {
		return c, nil
	}
	c.Bridge = data[offHeaderType]&0x7f == 1
	c.Extended = ParsePCIExtended(data)
	if binary.LittleEndian.Uint16(data[offStatus:])&statusCapList == 0 {
		return c, nil
	}
	at := int(data[offCapPointer] &^ 3)
	for range maxCapabilities {
		if at < configHeader {
			return c, nil
		}
		if at+4 > len(data) {
			c.Partial = true
			return c, nil
		}
		if data[at] == capPCIe {
			c.PCIe = true
			c.PortType = PCIPortType(data[at+2] >> 4)
			return c, nil
		}
		at = int(data[at+1] &^ 3)
	}
	return c, nil
}

// ReadPCIConfig reads a function's configuration space. A function that sleeps
// in D3cold is not read, because reading wakes it (power_state; kernel
// Documentation/power/pci.rst): the error is then ErrAsleep.
func ReadPCIConfig(m *machine.Machine, f *PCIFunction) (PCIConfig, error) {
	name := f.Dir + "/config"
	r := pciReader{m, f}
	if !r.has("config") {
		return PCIConfig{}, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	}
	if r.has("power_state") {
		if state, err := Text(m, f.Dir+"/power_state"); err == nil && state == "D3cold" {
			return PCIConfig{}, fmt.Errorf("read %s: %w", name, ErrAsleep)
		}
	}
	data, err := m.ReadFile(name)
	if err != nil {
		return PCIConfig{}, err
	}
	c, err := ParsePCIConfig(data)
	if err != nil {
		return PCIConfig{}, fmt.Errorf("parse %s: %w", name, err)
	}
	return c, nil
}

// ErrAsleep is returned for a function that would have to be woken.
var ErrAsleep = errors.New("function sleeps in D3cold")
