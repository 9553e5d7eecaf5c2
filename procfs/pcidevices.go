// SPDX-License-Identifier: Apache-2.0

package procfs

import (
	"strconv"
	"strings"

	"tarsia.dev/tarsia/machine"
	"tarsia.dev/tarsia/pci"
)

// PCIDevice is one line of /proc/bus/pci/devices (kernel drivers/pci/proc.c,
// "show_device"). It has neither the domain of the function nor its class: on a
// machine with several domains no address can be made of it.
type PCIDevice struct {
	Bus      uint8
	Device   uint8
	Function uint8
	Vendor   pci.ID
	DeviceID pci.ID
}

// ReadPCIDevices reads proc/bus/pci/devices.
func ReadPCIDevices(m *machine.Machine) ([]PCIDevice, error) {
	data, err := m.ReadFile("proc/bus/pci/devices")
	if err != nil {
		return nil, err
	}
	return ParsePCIDevices(data)
}

// ParsePCIDevices reads the first two columns, "bbdf" and "vvvvdddd" in
// hexadecimal.
func ParsePCIDevices(data []byte) ([]PCIDevice, error) {
	var devices []PCIDevice
	for n, line := range lines(data) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if len(words) < 2 || len(words[0]) != 4 || len(words[1]) != 8 {
			return nil, lineError("proc/bus/pci/devices", n, line, "bus and function of 4 digits, ids of 8")
		}
		place, err1 := strconv.ParseUint(words[0], 16, 16)
		ids, err2 := strconv.ParseUint(words[1], 16, 32)
		if err1 != nil || err2 != nil {
			return nil, lineError("proc/bus/pci/devices", n, line, "hexadecimal digits")
		}
		devices = append(devices, PCIDevice{Bus: uint8(place >> 8), Device: uint8(place>>3) & 31, Function: uint8(place) & 7,
			Vendor: pci.ID(ids >> 16), DeviceID: pci.ID(ids & 0xffff)})
	}
	return devices, nil
}
