// SPDX-License-Identifier: Apache-2.0

package procfs

import (
	"strconv"
	"strings"

	"tarsia.dev/tarsia/machine"
)

// ReadMemTotal reads MemTotal of a file in the form of /proc/meminfo, which is
// also that of /sys/devices/system/node/nodeN/meminfo, in bytes: the memory
// that the kernel manages, without what firmware and kernel image took.
func ReadMemTotal(m *machine.Machine, name string) (int64, error) {
	data, err := m.ReadFile(name)
	if err != nil {
		return 0, err
	}
	return ParseMemTotal(name, data)
}

// ParseMemTotal finds the line "MemTotal:  16331824 kB" or
// "Node 0 MemTotal:  2096684 kB"; name is for its errors.
func ParseMemTotal(name string, data []byte) (int64, error) {
	n := 0
	for i, line := range lines(data) {
		n = i
		key, value, ok := strings.Cut(line, ":")
		words := strings.Fields(key)
		if !ok || len(words) == 0 || words[len(words)-1] != "MemTotal" {
			continue
		}
		kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err != nil || kib < 0 || kib > 1<<50 {
			return 0, lineError(name, i, line, "a number of kB")
		}
		return kib << 10, nil
	}
	return 0, lineError(name, n, "", "a line MemTotal")
}
