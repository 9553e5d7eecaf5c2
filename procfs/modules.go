// SPDX-License-Identifier: Apache-2.0

package procfs

import (
	"strings"

	"tarsia.dev/tarsia/machine"
)

// Module is one line of /proc/modules (kernel/module/procfs.c). Taint holds the
// letters in parentheses at its end, without the "+" and "-" of a module that
// is just coming or going: P proprietary, O out of tree, E unsigned.
type Module struct {
	Name  string
	Taint string
}

// ReadModules reads proc/modules, in its order: the newest first.
func ReadModules(m *machine.Machine) ([]Module, error) {
	data, err := m.ReadFile("proc/modules")
	if err != nil {
		return nil, err
	}
	return ParseModules(data)
}

// ParseModules reads lines of name, size, references, users, state, address and
// taint. The address, and what follows it, may be missing.
func ParseModules(data []byte) ([]Module, error) {
	var modules []Module
	for n, line := range lines(data) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if len(words) < 3 || strings.Contains(words[0], "/") {
			return nil, lineError("proc/modules", n, line, "name, size, references, users")
		}
		mod := Module{Name: words[0]}
		if last := words[len(words)-1]; len(words) > 3 && strings.HasPrefix(last, "(") && strings.HasSuffix(last, ")") {
			mod.Taint = strings.Trim(last, "()+-")
		}
		modules = append(modules, mod)
	}
	return modules, nil
}
