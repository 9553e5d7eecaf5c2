// SPDX-License-Identifier: Apache-2.0

package sysfs

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"tarsia.dev/tarsia/machine"
	"tarsia.dev/tarsia/pci"
)

// PlatformGPU is a GPU without a bus address: one that the device tree names.
type PlatformGPU struct {
	Name       string   // of the platform device: "17000000.gpu"
	Dir        string   // without links: sys/devices/platform/17000000.gpu
	Driver     string   // "" when none is bound
	Compatible []string // of the device tree, most specific first: "nvidia,ga10b"
	Found      string   // the path by which it was found
}

// maxCompatible bounds the OF_COMPATIBLE_<n> lines that are looked at.
const maxCompatible = 16

// PlatformGPUs returns the GPUs of the system on chip, by name. They stand in
// three places, and no driver fills all of them: class devfreq names the clock
// of an NVIDIA Jetson's GPU, the platform bus its device, class drm the render
// node of Arm, Imagination, Qualcomm and Broadcom GPUs.
func PlatformGPUs(m *machine.Machine) []PlatformGPU {
	byDir := map[string]PlatformGPU{}
	add := func(found, dir string) {
		real, err := m.RealPath(dir)
		if err != nil {
			return
		}
		if _, ok := byDir[real]; ok {
			return
		}
		if g, ok := readPlatformGPU(m, real); ok {
			g.Found = found
			byDir[real] = g
		}
	}
	for _, dir := range []string{"sys/bus/platform/devices", "sys/devices/platform"} {
		for _, name := range list(m, dir) {
			if isGPUName(name) {
				add(dir+"/"+name, dir+"/"+name)
			}
		}
	}
	for _, name := range list(m, "sys/class/devfreq") {
		if isGPUName(name) {
			add("sys/class/devfreq/"+name, "sys/class/devfreq/"+name+"/device")
		}
	}
	for _, name := range list(m, "sys/class/drm") {
		number, ok := strings.CutPrefix(name, "renderD")
		if _, err := strconv.Atoi(number); ok && err == nil {
			add("sys/class/drm/"+name, "sys/class/drm/"+name+"/device")
		}
	}
	out := make([]PlatformGPU, 0, len(byDir))
	for _, g := range byDir {
		out = append(out, g)
	}
	slices.SortFunc(out, func(a, b PlatformGPU) int { return strings.Compare(a.Dir, b.Dir) })
	return out
}

// isGPUName tells whether a platform device is named as a GPU: "17000000.gpu"
// (the node's name in the device tree), or as NVIDIA's older trees have it by
// chip, gp10b, gv11b, ga10b.
func isGPUName(name string) bool {
	address, kind, ok := strings.Cut(name, ".")
	if _, err := strconv.ParseUint(address, 16, 64); !ok || err != nil {
		return false
	}
	return slices.Contains([]string{"gpu", "gm20b", "gp10b", "gv11b", "ga10b", "gb10b"}, kind)
}

// readPlatformGPU refuses PCI functions, which the PCI tree has, and devices
// that only software made: vgem and vkms have a render node and no device tree
// entry.
func readPlatformGPU(m *machine.Machine, dir string) (PlatformGPU, bool) {
	if _, err := pci.ParseAddress(path.Base(dir)); err == nil || ParsePCIPlace(dir).Root != "" {
		return PlatformGPU{}, false
	}
	g := PlatformGPU{Name: path.Base(dir), Dir: dir}
	g.Driver, _ = LinkBase(m, dir+"/driver")
	if data, err := m.ReadFile(dir + "/uevent"); err == nil {
		u := ParseUevent(data)
		if g.Driver == "" {
			g.Driver = u["DRIVER"]
		}
		for i := range maxCompatible {
			v, ok := u["OF_COMPATIBLE_"+strconv.Itoa(i)]
			if !ok {
				break
			}
			g.Compatible = append(g.Compatible, v)
		}
	}
	if len(g.Compatible) == 0 {
		if text, err := Text(m, dir+"/of_node/compatible"); err == nil && text != "" {
			parts := strings.Split(text, "\x00")
			g.Compatible = parts[:min(len(parts), maxCompatible)]
		}
	}
	return g, isGPUName(g.Name) || len(g.Compatible) > 0
}

// list returns the names in a directory, none where there is no such directory.
func list(m *machine.Machine, dir string) []string {
	names, err := m.ReadDir(dir)
	if err != nil {
		return nil
	}
	return names
}
