// SPDX-License-Identifier: Apache-2.0

package emulation

import (
	"fmt"
	"slices"
	"strings"

	"tarsia.dev/tarsia/machine"
)

// BinfmtDir is where the kernel lists the interpreters that it starts for
// programs of a foreign kind (kernel Documentation/admin-guide/binfmt-misc.rst).
const BinfmtDir = "proc/sys/fs/binfmt_misc"

// maxInterpreters bounds what is read of BinfmtDir.
const maxInterpreters = 256

// Interpreter is one registered interpreter that is an emulator.
type Interpreter struct {
	Name    string // of the registration: "qemu-aarch64"
	Image   string // the emulator's file name
	Enabled bool
}

// ReadInterpreters returns the emulators that are registered, by name;
// interpreters of another kind are left out. A machine without binfmt_misc gives
// an error for which errors.Is(err, fs.ErrNotExist) holds.
func ReadInterpreters(m *machine.Machine) ([]Interpreter, error) {
	names, err := m.ReadDir(BinfmtDir)
	if err != nil {
		return nil, err
	}
	var out []Interpreter
	names = slices.DeleteFunc(names, func(n string) bool { return n == "register" || n == "status" || !isWord(n) })
	for _, name := range names[:min(len(names), maxInterpreters)] {
		data, err := m.ReadFile(BinfmtDir + "/" + name)
		if err != nil {
			return out, err
		}
		file, enabled, err := ParseInterpreter(data)
		if err != nil {
			return out, fmt.Errorf("parse %s: %w", BinfmtDir+"/"+name, err)
		}
		if Emulator(file) != "" {
			out = append(out, Interpreter{Name: name, Image: image(file), Enabled: enabled})
		}
	}
	return out, nil
}

// ParseInterpreter reads one entry: the first line says enabled or disabled, a
// later one names the interpreter (fs/binfmt_misc.c, entry_status).
func ParseInterpreter(data []byte) (file string, enabled bool, err error) {
	line := 0
	for text := range strings.Lines(string(data)) {
		line++
		text = strings.TrimSpace(text)
		switch rest, ok := strings.CutPrefix(text, "interpreter "); {
		case line == 1 && text != "enabled" && text != "disabled":
			return "", false, fmt.Errorf("line 1: found %q, want enabled or disabled", clip(text))
		case line == 1:
			enabled = text == "enabled"
		case ok:
			return strings.TrimSpace(rest), enabled, nil
		}
	}
	return "", false, fmt.Errorf("line %d: found the end, want an interpreter", line)
}
