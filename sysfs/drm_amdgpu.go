// SPDX-License-Identifier: Apache-2.0

package sysfs

import (
	"errors"
	"strconv"
	"strings"

	"tarsia.dev/tarsia/machine"
)

// AMDGPU is what the amdgpu driver adds to the directory of a PCI function
// (kernel Documentation/gpu/amdgpu/driver-misc.rst and xgmi.rst). An attribute
// that the driver does not have for this device is nil or "".
type AMDGPU struct {
	UniqueID         string // 16 hexadecimal digits; the same for every partition of a device
	Product          string // product_name
	VBIOS            string // vbios_version, "113-D65209-073"
	VRAMBytes        *int64 // mem_info_vram_total
	ComputePartition string // current_compute_partition: SPX, DPX, TPX, QPX, CPX
	XGMIHive         string // xgmi_hive_info/xgmi_hive_id, decimal; "" for none
	Firmware         []AMDGPUFirmware
	RAS              []AMDGPURAS // nil for a device without error counters
	RASErr           error       // what of them is there and could not be read
	Answers          bool        // at least one attribute of the driver could be read
}

// AMDGPUFirmware is one file of fw_version.
type AMDGPUFirmware struct {
	Component string // "smc", "mec", "sos": the file's name without _fw_version
	Version   string // as the driver writes it: "0x00320c00"
	Path      string
}

// ReadAMDGPU reads the driver's attributes of one function. The error joins what
// is there and could not be read; the rest is filled beside it. xgmi_error is
// never touched, because reading it clears it.
func ReadAMDGPU(m *machine.Machine, f *PCIFunction) (AMDGPU, error) {
	var g AMDGPU
	var failed []error
	r := pciReader{m, f}
	text := func(name string) string {
		if !r.has(name) {
			return ""
		}
		v, err := Text(m, f.Dir+"/"+name)
		if err != nil {
			failed = append(failed, err)
			return ""
		}
		g.Answers = true
		return v
	}
	g.UniqueID = text("unique_id")
	g.Product = text("product_name")
	g.VBIOS = text("vbios_version")
	g.ComputePartition = text("current_compute_partition")
	if v := text("mem_info_vram_total"); v != "" {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n < 0 {
			failed = append(failed, &ParseError{f.Dir + "/mem_info_vram_total", clip(v), "a number of bytes"})
		} else {
			g.VRAMBytes = &n
		}
	}
	if r.has("xgmi_hive_info") {
		v, err := Text(m, f.Dir+"/xgmi_hive_info/xgmi_hive_id")
		switch {
		case err != nil:
			failed = append(failed, err)
		case v != "0":
			g.XGMIHive = v
		}
	}
	if r.has("fw_version") {
		fw, err := readAMDGPUFirmware(m, f.Dir+"/fw_version")
		failed = append(failed, err)
		g.Firmware = fw
		g.Answers = g.Answers || len(fw) > 0
	}
	if r.has("ras") {
		g.RAS, g.RASErr = readAMDGPURAS(m, f.Dir+"/ras")
	}
	return g, errors.Join(failed...)
}

// readAMDGPUFirmware leaves out components whose version is 0: the driver lists
// every block that it knows, also those that this device lacks.
func readAMDGPUFirmware(m *machine.Machine, dir string) ([]AMDGPUFirmware, error) {
	names, err := m.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []AMDGPUFirmware
	var failed []error
	for _, name := range names {
		component, ok := strings.CutSuffix(name, "_fw_version")
		if !ok {
			continue
		}
		path := dir + "/" + name
		v, err := Text(m, path)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		n, err := strconv.ParseUint(strings.TrimPrefix(v, "0x"), 16, 64)
		if err != nil {
			failed = append(failed, &ParseError{path, clip(v), "a version like 0x00320c00"})
			continue
		}
		if n != 0 {
			out = append(out, AMDGPUFirmware{Component: component, Version: v, Path: path})
		}
	}
	return out, errors.Join(failed...)
}
