// SPDX-License-Identifier: Apache-2.0

// Package pci holds the words of PCI Express: addresses, ids, classes, and link
// speeds, each with the kernel's own spelling as its one text form. It reads
// nothing; sysfs does.
package pci

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// Address names one PCI function: "0000:3b:00.0", as in /sys/bus/pci/devices.
// The domain can exceed four hexadecimal digits (VMD, Hyper-V; kernel
// Documentation/ABI/testing/sysfs-bus-pci).
type Address struct {
	Domain   uint32
	Bus      uint8
	Device   uint8 // 0..31
	Function uint8 // 0..7
}

// ParseAddress reads "DDDD:BB:dd.f"; the domain has four to eight digits.
func ParseAddress(text string) (Address, error) {
	bad := func() (Address, error) {
		return Address{}, fmt.Errorf("pci address %q: want domain:bus:device.function, as in 0000:3b:00.0", clip(text))
	}
	domain, rest, ok := strings.Cut(text, ":")
	if !ok || len(domain) < 4 || len(domain) > 8 || len(rest) != 7 || rest[2] != ':' || rest[5] != '.' {
		return bad()
	}
	d, err1 := hex(domain, 32)
	b, err2 := hex(rest[:2], 8)
	dev, err3 := hex(rest[3:5], 8)
	fn, err4 := hex(rest[6:], 8)
	if err1 != nil || err2 != nil || err3 != nil || err4 != nil || dev > 31 || fn > 7 {
		return bad()
	}
	return Address{Domain: uint32(d), Bus: uint8(b), Device: uint8(dev), Function: uint8(fn)}, nil
}

func hex(text string, size int) (uint64, error) {
	if strings.ContainsAny(text, "+-_xX") {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseUint(text, 16, size)
}

func clip(text string) string {
	if len(text) > 40 {
		return text[:40] + "..."
	}
	return text
}

// String returns the kernel's form, lower case, at least four domain digits.
func (a Address) String() string {
	return fmt.Sprintf("%04x:%02x:%02x.%x", a.Domain, a.Bus, a.Device, a.Function)
}

// Compare orders by domain, bus, device, function.
func (a Address) Compare(b Address) int {
	return cmp.Or(cmp.Compare(a.Domain, b.Domain), cmp.Compare(a.Bus, b.Bus),
		cmp.Compare(a.Device, b.Device), cmp.Compare(a.Function, b.Function))
}

// MarshalText writes the kernel's form.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads the kernel's form.
func (a *Address) UnmarshalText(text []byte) error {
	v, err := ParseAddress(string(text))
	if err != nil {
		return err
	}
	*a = v
	return nil
}
