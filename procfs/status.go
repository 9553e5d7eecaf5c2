// SPDX-License-Identifier: Apache-2.0

package procfs

import (
	"fmt"
	"strings"

	"tarsia.dev/tarsia/cpuset"
	"tarsia.dev/tarsia/machine"
)

// Status is what /proc/self/status says of where the process may run and
// allocate (proc_pid_status(5), "Cpus_allowed_list" and "Mems_allowed_list"):
// its affinity within its cpuset. A field is nil when the file has no such line.
type Status struct {
	CPUs      *cpuset.Set
	NUMANodes *cpuset.Set
}

// ReadStatus reads proc/self/status.
func ReadStatus(m *machine.Machine) (Status, error) {
	data, err := m.ReadFile("proc/self/status")
	if err != nil {
		return Status{}, err
	}
	return ParseStatus(data)
}

// ParseStatus reads the two lines and skips all others.
func ParseStatus(data []byte) (Status, error) {
	var s Status
	for n, line := range lines(data) {
		key, value, _ := strings.Cut(line, ":")
		var to **cpuset.Set
		switch key {
		case "Cpus_allowed_list":
			to = &s.CPUs
		case "Mems_allowed_list":
			to = &s.NUMANodes
		default:
			continue
		}
		set, err := cpuset.Parse(value)
		if err != nil {
			return Status{}, fmt.Errorf("parse proc/self/status:%d: %w", n, err)
		}
		*to = &set
	}
	return s, nil
}
