// SPDX-License-Identifier: Apache-2.0

// Package emulation holds the signs that software, not silicon, executes what
// runs on a machine: what the reading process found out about itself and its
// neighbours (Ask, kept as one of the machine's answers), and the interpreters
// that the kernel starts for programs of other architectures. What the signs
// prove is left to package discover.
//
// Begin with Read; a program that reads its own machine begins with Ask.
package emulation

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"tarsia.dev/tarsia/machine"
)

// Version is the version of the document.
const Version = 1

// AnswersFile is the document's name, and Path where it lies in a machine.
const (
	AnswersFile = "emulation.json"
	Path        = machine.AnswersDir + "/" + AnswersFile
)

// Bounds of a document.
const (
	maxDocument  = 64 << 10
	maxWord      = 64
	MaxProcesses = 64 // processes that are listed; more are counted
)

// Answer is what a process told of itself and of its neighbours. No path, no
// argument and no user is in it: only names of emulators and process ids.
type Answer struct {
	Version int    `json:"version"`
	GOARCH  string `json:"goarch"` // that the reading program was built for
	// Executable is the emulator that executes the reading process; "" where
	// the kernel names the program itself.
	Executable string `json:"executable,omitempty"`
	// Hypervisor is the signature at CPUID leaf 40000000h, "KVMKVMKVM" or
	// "TCGTCGTCGTCG"; "" where there is no such leaf or no such instruction.
	Hypervisor string    `json:"hypervisor,omitempty"`
	Processes  []Process `json:"processes"`  // at most MaxProcesses, by id
	LeftOut    int       `json:"leftOut"`    // emulated processes beyond those
	Unreadable int       `json:"unreadable"` // processes whose executable the reader may not see
}

// Process is one process that an emulator executes.
type Process struct {
	PID   int    `json:"pid"`
	Image string `json:"image"` // the emulator's file name, "qemu-aarch64-static"
}

// Read returns the answer that a machine holds. Where nobody asked,
// errors.Is(err, fs.ErrNotExist) holds.
func Read(m *machine.Machine) (*Answer, error) {
	data, err := m.ReadFile(Path)
	if err != nil {
		return nil, err
	}
	a, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("parse %s: %w", Path, err)
	}
	return a, nil
}

// Parse reads one document, strictly.
func Parse(data []byte) (*Answer, error) {
	if len(data) > maxDocument {
		return nil, fmt.Errorf("found %d bytes, want at most %d", len(data), maxDocument)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var a Answer
	if err := dec.Decode(&a); err != nil {
		return nil, fmt.Errorf("line %d: %w", 1+bytes.Count(data[:dec.InputOffset()], []byte("\n")), err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("found more after the document")
	}
	return &a, a.check()
}

// check refuses what Ask does not write.
func (a *Answer) check() error {
	switch {
	case a.Version != Version:
		return fmt.Errorf("version: found %d, this reader knows %d", a.Version, Version)
	case !isWord(a.GOARCH):
		return fmt.Errorf("goarch: found %q, want an architecture", clip(a.GOARCH))
	case a.Executable != "" && Emulator(a.Executable) == "":
		return fmt.Errorf("executable: found %q, want the name of an emulator", clip(a.Executable))
	case len(a.Hypervisor) > 12 || !printable(a.Hypervisor):
		return fmt.Errorf("hypervisor: found %q, want at most 12 characters", clip(a.Hypervisor))
	case len(a.Processes) > MaxProcesses:
		return fmt.Errorf("processes: found %d, want at most %d", len(a.Processes), MaxProcesses)
	case a.LeftOut < 0 || a.Unreadable < 0:
		return errors.New("leftOut, unreadable: found a number below 0")
	}
	last := 0
	for i, p := range a.Processes {
		if p.PID <= last || Emulator(p.Image) == "" {
			return fmt.Errorf("process %d: found id %d, image %q, want rising ids and names of emulators", i, p.PID, clip(p.Image))
		}
		last = p.PID
	}
	return nil
}

// emulators are the programs that execute another architecture's programs in
// their stead, by the beginning of their file name.
var emulators = []struct{ prefix, kind string }{
	{"qemu-system-", ""}, // emulates or runs a whole machine, for others
	{"qemu-img", ""}, {"qemu-nbd", ""}, {"qemu-io", ""}, {"qemu-ga", ""}, {"qemu-storage-daemon", ""},
	{"qemu-pr-helper", ""}, {"qemu-bridge-helper", ""}, {"qemu-edid", ""}, {"qemu-keymap", ""}, {"qemu-vmsr-helper", ""},
	{"qemu-", "qemu-user"},
	{"FEXInterpreter", "fex"}, {"FEX", "fex"},
	{"box64", "box64"}, {"box86", "box86"},
	{"rosetta", "rosetta"},
}

// Emulator returns the kind of the emulator whose executable bears this file
// name or path: "qemu-user", "fex", "box64", "box86" or "rosetta"; "" for every
// other program, emulators of whole machines among them: those do not execute
// programs of this machine's kernel.
func Emulator(file string) string {
	base := path.Base(strings.TrimSuffix(file, " (deleted)"))
	if len(base) > maxWord || !isWord(base) {
		return ""
	}
	for _, e := range emulators {
		if strings.HasPrefix(base, e.prefix) {
			return e.kind
		}
	}
	return ""
}

func isWord(s string) bool {
	return s != "" && len(s) <= maxWord && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == ""
}

func printable(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}

func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "..."
	}
	return s
}
