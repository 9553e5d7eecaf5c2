// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"tarsia.dev/tarsia/devicetree"
	"tarsia.dev/tarsia/isa"
	"tarsia.dev/tarsia/machine"
	"tarsia.dev/tarsia/procfs"
	"tarsia.dev/tarsia/topology"
)

// readISA fills what every online CPU can do.
func readISA(m *machine.Machine, n *topology.Node, info *procfs.CPUInfo) {
	switch n.Architecture {
	case "amd64":
		readWords(n, info, "flags")
		n.ISA.Base = "x86-64"
		n.ISA.Level = isa.LevelX8664(n.ISA.Extensions)
	case "386":
		readWords(n, info, "flags")
		n.ISA.Base = "x86"
	case "arm64":
		readWords(n, info, "Features")
		n.ISA.Base = "ARMv8-A"
	case "arm":
		readWords(n, info, "Features")
		if v, ok := info.First("CPU architecture"); ok {
			n.ISA.Base = "ARMv" + v
		}
	case "s390x":
		readWords(n, info, "features")
		n.ISA.Base = "z/Architecture"
	case "loong64":
		readWords(n, info, "Features")
		n.ISA.Base = "loongarch64"
	case "riscv64", "riscv":
		readRISCV(m, n, info)
	}
	if len(n.ISA.Extensions) == 0 && len(info.CPUs) > 0 {
		absent(n, topology.NodeRef, "isa.extensions", "proc/cpuinfo", fs.ErrNotExist)
	}
}

// readWords keeps the words that each processor's field has, the common field
// standing for processors without one.
func readWords(n *topology.Node, info *procfs.CPUInfo, key string) {
	var lists [][]string
	seen := map[string]bool{}
	common, _ := procfs.Get(info.Common, key)
	for _, p := range info.CPUs {
		text, ok := p.Get(key)
		if !ok {
			text = common
		}
		if !seen[text] {
			seen[text] = true
			lists = append(lists, strings.Fields(text))
		}
	}
	if words := isa.Common(lists...); len(words) > 0 {
		n.ISA.Extensions, n.ISA.Source = words, "proc/cpuinfo"
	}
}

// readRISCV joins /proc/cpuinfo and the device tree. Since Linux 6.7 "isa" is
// what all harts have and "hart isa" what this one has; before, "isa" is the
// hart's own (kernel Documentation/arch/riscv/uabi.rst), so the common part of
// all of them is right for both.
func readRISCV(m *machine.Machine, n *topology.Node, info *procfs.CPUInfo) {
	var lists [][]string
	seen := map[string]bool{}
	for _, p := range info.CPUs {
		text, ok := p.Get("isa")
		if !ok {
			continue
		}
		draft := draftVector(p)
		if key := text + "\x00" + draft; seen[key] {
			continue
		} else {
			seen[key] = true
		}
		r, err := isa.ParseRISCV(text)
		if err != nil {
			absent(n, topology.NodeRef, "isa.extensions", "proc/cpuinfo", err)
			continue
		}
		if draft != "" && slices.Contains(r.Extensions, "v") {
			r.Extensions = slices.DeleteFunc(r.Extensions, func(e string) bool { return e == "v" })
			n.ISA.VendorVector = draft
		}
		n.ISA.Base = r.Base
		lists = append(lists, r.Extensions)
	}
	extensions, source := isa.Common(lists...), "proc/cpuinfo"
	if base, tree, from := treeExtensions(m); len(tree) > 0 {
		if slices.Contains(tree, "xtheadvector") && n.ISA.VendorVector == "" {
			n.ISA.VendorVector = draftTHead
		}
		switch {
		case len(extensions) == 0:
			n.ISA.Base = base
			extensions, source = tree, from
		default:
			extensions = enrich(extensions, tree)
		}
	}
	if len(extensions) == 0 {
		return
	}
	n.ISA.Extensions, n.ISA.Source = extensions, source
	level, maybe, unproven := isa.ProfileRISCV(extensions)
	n.ISA.Level = level
	if maybe != "" {
		unknown(n, topology.NodeRef, "isa.level", n.ISA.Source,
			fmt.Sprintf("%s is neither proved nor refused: nothing tells of %s", maybe, strings.Join(unproven, " ")))
	}
}

const draftTHead = "0.7.1 (T-Head)"

// draftVector names a vector unit that is not RVV 1.0: vendor kernels of
// T-Head cores say so in a field of their own, others by the core's ids.
func draftVector(p procfs.Processor) string {
	if v, ok := p.Get("cpu-vector"); ok && strings.HasPrefix(v, "0.") {
		return v + " (T-Head)"
	}
	vendor, ok1 := p.Get("mvendorid")
	arch, ok2 := p.Get("marchid")
	v, err1 := strconv.ParseUint(vendor, 0, 64)
	a, err2 := strconv.ParseUint(arch, 0, 64)
	if ok1 && ok2 && err1 == nil && err2 == nil && isa.DraftVectorRISCV(v, a) {
		return draftTHead
	}
	return ""
}

// treeExtensions returns what every hart of the device tree has, from
// riscv,isa-extensions or, in older trees, riscv,isa.
func treeExtensions(m *machine.Machine) (base string, extensions []string, source string) {
	cpus, err := devicetree.CPUs(m)
	if err != nil {
		return "", nil, ""
	}
	var lists [][]string
	for _, c := range cpus {
		switch {
		case len(c.ISAExtensions) > 0:
			base = strings.TrimSuffix(strings.TrimSuffix(c.ISABase, "i"), "e")
			source = "riscv,isa-extensions"
			lists = append(lists, c.ISAExtensions)
		case c.ISA != "":
			r, err := isa.ParseRISCV(c.ISA)
			if err != nil {
				continue
			}
			base, source = r.Base, "riscv,isa"
			lists = append(lists, r.Extensions)
		}
	}
	return base, isa.Common(lists...), "device tree " + source
}

// enrich adds what only a device tree tells: properties that the kernel does
// not print. An extension that the kernel prints when it has it, and does not
// print, is one that it has refused, and stays out.
func enrich(extensions, tree []string) []string {
	out := slices.Clone(extensions)
	for _, e := range tree {
		if isa.Unprinted(e) {
			out = append(out, e)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
