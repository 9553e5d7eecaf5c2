// SPDX-License-Identifier: Apache-2.0

// Package devicetree reads the flattened device tree that the kernel shows
// below /proc/device-tree or /sys/firmware/devicetree/base: what the board is,
// and what it says of its CPUs. It leaves out everything else of the tree.
//
// A machine that boots with ACPI has no tree; every reader then gives an error
// for which errors.Is(err, fs.ErrNotExist) holds.
package devicetree

import (
	"io/fs"
	"slices"
	"strings"

	"tarsia.dev/tarsia/machine"
)

// roots are where the tree may stand: the first is a link to the second on
// kernels since 3.14, captures may hold either.
var roots = []string{"proc/device-tree", "sys/firmware/devicetree/base"}

// Root returns the directory of the tree, or fs.ErrNotExist.
func Root(m *machine.Machine) (string, error) {
	for _, root := range roots {
		if m.Exists(root) {
			return root, nil
		}
	}
	return "", &fs.PathError{Op: "open", Path: roots[0], Err: fs.ErrNotExist}
}

// Model returns the root's property "model", the board's name (Devicetree
// Specification 0.4, section 2.3.2), and the path that told it.
func Model(m *machine.Machine) (model, source string, err error) {
	root, err := Root(m)
	if err != nil {
		return "", "", err
	}
	source = root + "/model"
	data, err := m.ReadFile(source)
	if err != nil {
		return "", "", err
	}
	return strings.Join(Strings(data), " "), source, nil
}

// Strings reads a property of type stringlist: strings that each end in NUL.
// Bytes that are not printable ASCII are dropped, for the result is shown.
func Strings(data []byte) []string {
	var out []string
	for s := range strings.SplitSeq(string(data), "\x00") {
		s = strings.TrimSpace(strings.Map(func(r rune) rune {
			if r < ' ' || r > '~' {
				return -1
			}
			return r
		}, s))
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

// CPU is one node below /cpus whose device_type is "cpu" (kernel
// Documentation/devicetree/bindings/riscv/cpus.yaml and extensions.yaml).
type CPU struct {
	Name          string   // "cpu@0"; the number is the hart id on RISC-V, not the CPU number
	ISA           string   // riscv,isa; empty when there is none
	ISABase       string   // riscv,isa-base
	ISAExtensions []string // riscv,isa-extensions, sorted
}

// CPUs returns the CPU nodes by name. Nodes whose status is "disabled" or
// "fail" are no harts that the kernel may run on and are left out.
func CPUs(m *machine.Machine) ([]CPU, error) {
	root, err := Root(m)
	if err != nil {
		return nil, err
	}
	names, err := m.ReadDir(root + "/cpus")
	if err != nil {
		return nil, err
	}
	var cpus []CPU
	for _, name := range names {
		dir := root + "/cpus/" + name
		if !strings.HasPrefix(name, "cpu@") || !enabled(m, dir) {
			continue
		}
		cpu := CPU{Name: name}
		cpu.ISAExtensions = list(m, dir+"/riscv,isa-extensions")
		slices.Sort(cpu.ISAExtensions)
		cpu.ISA = strings.Join(list(m, dir+"/riscv,isa"), "")
		cpu.ISABase = strings.Join(list(m, dir+"/riscv,isa-base"), "")
		cpus = append(cpus, cpu)
	}
	return cpus, nil
}

func enabled(m *machine.Machine, dir string) bool {
	status := strings.Join(list(m, dir+"/status"), "")
	return status == "" || status == "okay" || status == "ok"
}

// list reads an optional property: one that is not there is empty.
func list(m *machine.Machine, name string) []string {
	data, err := m.ReadFile(name)
	if err != nil {
		return nil
	}
	return Strings(data)
}
