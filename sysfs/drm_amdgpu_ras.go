// SPDX-License-Identifier: Apache-2.0

package sysfs

import (
	"errors"
	"strconv"
	"strings"

	"tarsia.dev/tarsia/machine"
)

// AMDGPURAS is one file ras/*_err_count: the errors of a block since the driver
// was loaded (kernel Documentation/gpu/amdgpu/ras.rst).
type AMDGPURAS struct {
	Block         string // "umc", "gfx": the file's name without _err_count
	Uncorrectable int64
	Correctable   int64
	Deferred      *int64 // nil where the kernel is too old to tell them apart
	Path          string
}

// maxRASBlocks bounds the files that are read; the driver knows some twenty.
const maxRASBlocks = 64

// readAMDGPURAS returns the blocks by name. A block whose counters the device
// does not support is left out: its file reads as EINVAL or EOPNOTSUPP, or says
// so, and the error names every such file.
func readAMDGPURAS(m *machine.Machine, dir string) ([]AMDGPURAS, error) {
	names, err := m.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []AMDGPURAS
	var failed []error
	for _, name := range names {
		block, ok := strings.CutSuffix(name, "_err_count")
		if !ok || len(out) == maxRASBlocks {
			continue
		}
		path := dir + "/" + name
		data, err := m.ReadFile(path)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		r, err := ParseAMDGPURAS(path, data)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		r.Block, r.Path = block, path
		out = append(out, r)
	}
	return out, errors.Join(failed...)
}

// ParseAMDGPURAS reads the lines "ue: 0", "ce: 3" and, since Linux 6.8, "de: 0".
// Without both of the first there is no count.
func ParseAMDGPURAS(path string, data []byte) (AMDGPURAS, error) {
	seen := map[string]*int64{}
	for line := range strings.Lines(strings.TrimRight(string(data), "\x00")) {
		key, value, _ := strings.Cut(line, ":")
		key = strings.TrimSpace(key)
		if key != "ue" && key != "ce" && key != "de" {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
		if err != nil || n < 0 || seen[key] != nil {
			return AMDGPURAS{}, &ParseError{path, clip(strings.TrimSpace(line)), "one line ue: and one ce:, each with a count"}
		}
		seen[key] = &n
	}
	if seen["ue"] == nil || seen["ce"] == nil {
		return AMDGPURAS{}, &ParseError{path, clip(string(data)), "lines ue: and ce:, each with a count"}
	}
	return AMDGPURAS{Uncorrectable: *seen["ue"], Correctable: *seen["ce"], Deferred: seen["de"]}, nil
}
