// SPDX-License-Identifier: Apache-2.0

// Package sysfs reads /sys: CPUs, caches, NUMA nodes, the PCI tree and device
// classes, each as the kernel's own attributes with their kernel spelling. It
// joins nothing and decides nothing; package discover does.
//
// Every function takes the machine and a path relative to its root, without a
// leading slash. A file that is not there gives an error for which
// errors.Is(err, fs.ErrNotExist) holds; a file that holds something else than
// its document promises gives a *ParseError.
package sysfs

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"tarsia.dev/tarsia/cpuset"
	"tarsia.dev/tarsia/machine"
)

// ParseError says that an attribute was read and not understood.
type ParseError struct {
	Path  string // relative to the root
	Found string // cut short
	Want  string // as in "a whole number"
}

// Error names the path, what was found and what was wanted.
func (e *ParseError) Error() string {
	return fmt.Sprintf("parse %s: found %q, want %s", e.Path, e.Found, e.Want)
}

// Text returns the attribute without the white space and NUL bytes at its ends.
func Text(m *machine.Machine, name string) (string, error) { return m.ReadString(name) }

// Int reads a decimal attribute. -1 is a value like others here: what it means
// is said by the attribute's document.
func Int(m *machine.Machine, name string) (int, error) {
	v, err := Int64(m, name)
	if err == nil && int64(int(v)) != v {
		return 0, &ParseError{name, strconv.FormatInt(v, 10), "a smaller number"}
	}
	return int(v), err
}

// Int64 reads a decimal attribute.
func Int64(m *machine.Machine, name string) (int64, error) {
	text, err := m.ReadString(name)
	if err != nil {
		return 0, err
	}
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, &ParseError{name, clip(text), "a whole number"}
	}
	return v, nil
}

// Hex reads a hexadecimal attribute with or without "0x", of at most bits bits.
func Hex(m *machine.Machine, name string, bits int) (uint64, error) {
	text, err := m.ReadString(name)
	if err != nil {
		return 0, err
	}
	v, err := strconv.ParseUint(strings.TrimPrefix(text, "0x"), 16, bits)
	if err != nil {
		return 0, &ParseError{name, clip(text), "a hexadecimal number"}
	}
	return v, nil
}

// CPUList reads an attribute in list form, "0-3,8": CPUs or NUMA nodes.
func CPUList(m *machine.Machine, name string) (cpuset.Set, error) {
	text, err := m.ReadString(name)
	if err != nil {
		return cpuset.Set{}, err
	}
	s, err := cpuset.Parse(text)
	if err != nil {
		return cpuset.Set{}, &ParseError{name, clip(text), "a list like 0-3,8"}
	}
	return s, nil
}

// CPUMask reads an attribute in mask form, "00000000,0000000f".
func CPUMask(m *machine.Machine, name string) (cpuset.Set, error) {
	text, err := m.ReadString(name)
	if err != nil {
		return cpuset.Set{}, err
	}
	s, err := cpuset.ParseMask(text)
	if err != nil {
		return cpuset.Set{}, &ParseError{name, clip(text), "a mask like 00000000,0000000f"}
	}
	return s, nil
}

// LinkBase returns the last part of a link's target: the driver's name of
// ".../driver", the group's number of ".../iommu_group".
func LinkBase(m *machine.Machine, name string) (string, error) {
	target, err := m.ReadLink(name)
	if err != nil {
		return "", err
	}
	return path.Base(target), nil
}

func clip(text string) string {
	if len(text) > 40 {
		return text[:40] + "..."
	}
	return text
}
