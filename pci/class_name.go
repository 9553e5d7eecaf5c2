// SPDX-License-Identifier: Apache-2.0

package pci

// classNames are the subclasses that people look for, in the words that they
// use (PCI Code and ID Assignment Specification 1.15, section 1).
var classNames = map[uint16]string{
	0x0100: "SCSI", 0x0101: "IDE", 0x0104: "RAID", 0x0106: "SATA", 0x0107: "SAS", 0x0108: "NVMe",
	0x0200: "Ethernet", 0x0207: "InfiniBand", 0x0280: "network",
	0x0300: "VGA", 0x0302: "3D controller", 0x0380: "display",
	0x0403: "audio", 0x0502: "CXL memory",
	0x0600: "host bridge", 0x0601: "ISA bridge", 0x0604: "PCI bridge", 0x0680: "bridge",
	0x0c03: "USB", 0x0c05: "SMBus", 0x0c07: "IPMI",
	0x1000: "crypto", 0x1180: "signal processing", 0x1200: "accelerator",
}

var baseNames = map[uint8]string{
	0x00: "unclassified", 0x01: "storage", 0x02: "network", 0x03: "display", 0x04: "multimedia", 0x05: "memory", 0x06: "bridge",
	0x07: "communication", 0x08: "system peripheral", 0x09: "input", 0x0b: "processor", 0x0c: "serial bus", 0x0d: "wireless",
	0x10: "crypto", 0x11: "signal processing", 0x12: "accelerator", 0x13: "instrumentation", 0xff: "other",
}

// Name is a short word for the class, the base class where the subclass has
// none here, and "class 0xAABBCC" for one that is not in the specification.
func (c Class) Name() string {
	if w := classNames[c.Sub()]; w != "" {
		return w
	}
	if w := baseNames[c.Base()]; w != "" {
		return w
	}
	return "class " + c.String()
}
