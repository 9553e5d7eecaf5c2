// SPDX-License-Identifier: Apache-2.0

// Package uefi reads UEFI variables as Linux shows them in
// /sys/firmware/efi/efivars. It leaves out the signature databases and every
// variable that names a disk or a person.
package uefi

import (
	"encoding/binary"
	"fmt"

	"tarsia.dev/tarsia/machine"
)

// GlobalGUID is EFI_GLOBAL_VARIABLE (UEFI Specification 2.10, section 3.3).
const GlobalGUID = "8be4df61-93ca-11d2-aa0d-00e098032b8c"

// Dir is where the kernel shows that the machine booted through EFI.
const Dir = "sys/firmware/efi"

// SecureBootPath is the file of the variable SecureBoot.
const SecureBootPath = Dir + "/efivars/SecureBoot-" + GlobalGUID

// Variable is one file of efivarfs (kernel Documentation/filesystems/efivarfs.rst):
// four bytes of attributes, little-endian, then the data.
type Variable struct {
	Attributes uint32
	Data       []byte
}

// ParseVariable splits the bytes of one file. Data shares the bytes given.
func ParseVariable(data []byte) (Variable, error) {
	if len(data) < 4 {
		return Variable{}, fmt.Errorf("efi variable of %d bytes, want 4 of attributes and data", len(data))
	}
	return Variable{binary.LittleEndian.Uint32(data), data[4:]}, nil
}

// ParseSecureBoot reads the variable SecureBoot: one byte, 1 when the firmware
// booted in secure mode (UEFI Specification 2.10, section 3.3, table 3.1).
func ParseSecureBoot(data []byte) (bool, error) {
	v, err := ParseVariable(data)
	if err != nil {
		return false, err
	}
	if len(v.Data) != 1 || v.Data[0] > 1 {
		return false, fmt.Errorf("efi variable SecureBoot holds % x, want one byte 0 or 1", v.Data[:min(len(v.Data), 8)])
	}
	return v.Data[0] == 1, nil
}

// ReadSecureBoot reads SecureBootPath. Where efivarfs is not mounted, the error
// is fs.ErrNotExist.
func ReadSecureBoot(m *machine.Machine) (bool, error) {
	data, err := m.ReadFile(SecureBootPath)
	if err != nil {
		return false, err
	}
	return ParseSecureBoot(data)
}
