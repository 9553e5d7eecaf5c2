// SPDX-License-Identifier: Apache-2.0

package nvml

import (
	"fmt"
	"strconv"
	"strings"

	"tarsia.dev/tarsia/machine"
	"tarsia.dev/tarsia/pci"
)

// ProcDir is what the NVIDIA driver shows without its library.
const ProcDir = "proc/driver/nvidia"

// Information is /proc/driver/nvidia/gpus/<address>/information. Fields that
// the driver prints as "?" or "N/A", or not at all, are "".
type Information struct {
	Path        string
	Model       string // "NVIDIA H100 80GB HBM3"
	UUID        string // "GPU-..."; older drivers print question marks for what they do not know
	VideoBIOS   string // "96.00.89.00.01"
	GPUFirmware string // GSP firmware, "580.95.05"
	DeviceMinor *int   // of /dev/nvidiaN
}

// maxInformation bounds the lines of one file.
const maxInformation = 256

// ParseInformation reads lines "Key: \t value".
func ParseInformation(data []byte) Information {
	var info Information
	lines := 0
	for line := range strings.SplitSeq(string(data), "\n") {
		if lines++; lines > maxInformation {
			break
		}
		key, value, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		value = strings.Trim(value, " \t\r\x00")
		if strings.ContainsRune(value, '?') || value == "N/A" {
			value = ""
		}
		switch strings.TrimSpace(key) {
		case "Model":
			info.Model = value
		case "GPU UUID":
			info.UUID = value
		case "Video BIOS":
			info.VideoBIOS = value
		case "GPU Firmware":
			info.GPUFirmware = value
		case "Device Minor":
			if n, err := strconv.Atoi(value); err == nil && n >= 0 {
				info.DeviceMinor = &n
			}
		}
	}
	return info
}

// ReadInformation reads the driver's words about one device.
func ReadInformation(m *machine.Machine, a pci.Address) (Information, error) {
	name := ProcDir + "/gpus/" + a.String() + "/information"
	data, err := m.ReadFile(name)
	if err != nil {
		return Information{}, err
	}
	info := ParseInformation(data)
	info.Path = name
	return info, nil
}

// ParseDriverVersion reads /proc/driver/nvidia/version, whose first line is
// "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.95.05  Tue ...", with
// "Open Kernel Module for x86_64" in the open driver: the first word that begins
// with a digit and holds a point.
func ParseDriverVersion(data []byte) (string, error) {
	line, _, _ := strings.Cut(string(data), "\n")
	_, words, ok := strings.Cut(line, "NVRM version:")
	if ok {
		for word := range strings.FieldsSeq(words) {
			if word[0] >= '0' && word[0] <= '9' && strings.Contains(word, ".") && !strings.Contains(word, ":") {
				return word, nil
			}
		}
	}
	return "", fmt.Errorf("found %q, want NVRM version: ... and a version", clip(line))
}

// ReadDriverVersion reads the version of the loaded kernel module.
func ReadDriverVersion(m *machine.Machine) (string, error) {
	data, err := m.ReadFile(ProcDir + "/version")
	if err != nil {
		return "", err
	}
	v, err := ParseDriverVersion(data)
	if err != nil {
		return "", fmt.Errorf("parse %s/version: %w", ProcDir, err)
	}
	return v, nil
}

// ReadNUMAStatus returns the NUMA node that is a device's memory, from
// /proc/driver/nvidia/gpus/<address>/numa_status (POWER9 and the drivers that
// kept it). The error is fs.ErrNotExist for a device without such memory.
func ReadNUMAStatus(m *machine.Machine, a pci.Address) (int, error) {
	name := ProcDir + "/gpus/" + a.String() + "/numa_status"
	data, err := m.ReadFile(name)
	if err != nil {
		return 0, err
	}
	n, err := ParseNUMAStatus(data)
	if err != nil {
		return 0, fmt.Errorf("parse %s: %w", name, err)
	}
	return n, nil
}

// ParseNUMAStatus reads the line "Node: <n>"; the memory must be online.
func ParseNUMAStatus(data []byte) (int, error) {
	node, status := -1, ""
	for line := range strings.Lines(string(data)) {
		key, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch strings.TrimSpace(key) {
		case "Node":
			n, err := strconv.Atoi(value)
			if err != nil {
				return 0, fmt.Errorf("found node %q, want a number", clip(value))
			}
			node = n
		case "Status":
			status = value
		}
	}
	if node < 0 || status != "online" {
		return 0, fmt.Errorf("found node %d %q, want an online node", node, clip(status))
	}
	return node, nil
}
