// SPDX-License-Identifier: Apache-2.0

package discover

import "tarsia.dev/tarsia/machine"

// recorded are facts that a recording keeps although Node does not read them
// yet: what later readers and a person who looks into a fault will want. None
// names a person, and reading none changes a device.
var recorded = []string{
	"proc/meminfo",
	"sys/bus/pci/devices/*/aer_dev_correctable",
	"sys/bus/pci/devices/*/aer_dev_fatal",
	"sys/bus/pci/devices/*/aer_dev_nonfatal",
	"sys/bus/pci/devices/*/config",
	"sys/bus/pci/devices/*/d3cold_allowed",
	"sys/bus/pci/devices/*/modalias",
	"sys/bus/pci/devices/*/power_state",
	"sys/bus/pci/devices/*/reset_method",
	"sys/bus/pci/devices/*/uevent",
	"sys/class/drm/card*/device/current_compute_partition",
	"sys/class/drm/card*/device/current_memory_partition",
	"sys/class/drm/card*/device/gpu_metrics",
	"sys/class/drm/card*/device/pp_dpm_*",
}

// Record keeps everything that Node reads of a machine, and some facts more, so
// that Node gives the same of the recording. The host is named as Node names
// the node. The error is ErrNoMachine or one of machine.Record.
func Record(name string, m *machine.Machine) (machine.Host, error) {
	if name == "" {
		name = hostname(m)
	}
	return machine.Record(name, m, func(m *machine.Machine) error {
		_, err := Node(name, m)
		return err
	}, recorded)
}
