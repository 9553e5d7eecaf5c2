// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"tarsia.dev/tarsia/cpuset"
	"tarsia.dev/tarsia/isa"
	"tarsia.dev/tarsia/machine"
	"tarsia.dev/tarsia/procfs"
	"tarsia.dev/tarsia/sysfs"
	"tarsia.dev/tarsia/topology"
)

// readKinds groups the online CPUs by design. A machine of one design has one
// kind; CPUs of which nothing tells the design are in none.
func readKinds(m *machine.Machine, n *topology.Node, info *procfs.CPUInfo) {
	blocks := make(map[int]procfs.Processor, len(info.CPUs))
	for _, p := range info.CPUs {
		blocks[p.Number] = p
	}
	x86 := n.Architecture == "amd64" || n.Architecture == "386"
	var types []sysfs.CPUType
	var caches map[int]string
	if x86 {
		var err error
		if types, err = sysfs.CPUTypes(m); err != nil {
			absent(n, topology.NodeRef, "cpuKinds", "sys/devices/cpu_*/cpus", err)
		}
		caches = firstLevel(n)
	}
	names := map[int]string{}
	for number := range n.OnlineCPUs.All() {
		name := kindName(m, n.Architecture, number, blocks[number].Fields, info.Common)
		if name != "" && x86 {
			name += hybridSuffix(number, types, caches)
		}
		names[number] = name
	}
	members := map[string][]int{}
	for number := range n.OnlineCPUs.All() {
		if name := names[number]; name != "" {
			members[name] = append(members[name], number)
		}
	}
	for name, numbers := range members {
		n.CPUKinds = append(n.CPUKinds, topology.CPUKind{Name: name, CPUs: cpuset.Of(numbers...)})
	}
	slices.SortFunc(n.CPUKinds, func(a, b topology.CPUKind) int { return cmp.Compare(a.CPUs.First(), b.CPUs.First()) })
	if len(n.CPUKinds) == 0 && !n.OnlineCPUs.IsEmpty() {
		absent(n, topology.NodeRef, "cpuKinds", "proc/cpuinfo", fs.ErrNotExist)
	}
}

// kindName names the design of one CPU, from its own block of /proc/cpuinfo or
// from the fields of all.
func kindName(m *machine.Machine, arch string, number int, own, common []procfs.Field) string {
	get := func(key string) string {
		v, ok := procfs.Get(own, key)
		if !ok {
			v, _ = procfs.Get(common, key)
		}
		return v
	}
	switch arch {
	case "arm64", "arm":
		if midr, err := sysfs.CPUIdentity(m, number); err == nil {
			return isa.ArmPart(isa.MIDR(midr).Implementer(), isa.MIDR(midr).Part())
		}
		implementer, err1 := strconv.ParseUint(strings.TrimPrefix(get("CPU implementer"), "0x"), 16, 8)
		part, err2 := strconv.ParseUint(strings.TrimPrefix(get("CPU part"), "0x"), 16, 12)
		if err1 != nil || err2 != nil {
			return ""
		}
		return isa.ArmPart(int(implementer), int(part))
	case "riscv64", "riscv":
		if name := cmp.Or(get("model name"), get("uarch")); name != "" {
			return name
		}
		if vendor, arch := get("mvendorid"), get("marchid"); vendor != "" && arch != "" {
			return fmt.Sprintf("mvendorid %s marchid %s", vendor, arch)
		}
		return ""
	case "ppc64", "ppc64le", "ppc":
		return get("cpu")
	case "s390x":
		// "version = FF,  identification = 133EDF,  machine = 2964"
		for part := range strings.SplitSeq(get("processor"), ",") {
			if machine, ok := strings.CutPrefix(strings.TrimSpace(part), "machine = "); ok {
				return "machine " + machine
			}
		}
		return ""
	}
	return cmp.Or(get("model name"), get("Model Name"), get("cpu model"))
}

// hybridSuffix tells the core types of a hybrid x86 machine apart, whose model
// name is the same: by the kernel's event sources, else, where a capture or an
// old kernel has none, by the sizes of the first-level caches.
func hybridSuffix(number int, types []sysfs.CPUType, caches map[int]string) string {
	if len(types) > 1 {
		for _, t := range types {
			if t.CPUs.Has(number) {
				return " (" + t.Name + ")"
			}
		}
	}
	if len(types) == 0 && caches[number] != "" {
		return " (" + caches[number] + ")"
	}
	return ""
}

// firstLevel describes the first-level caches of each CPU, as "48 KiB Data, 32
// KiB Instruction". It is nil when all CPUs have the same: nothing is told apart
// then.
func firstLevel(n *topology.Node) map[int]string {
	of := map[int]string{}
	// By type, not by CPU: of an instruction cache that two cores share, the
	// second core would else be told in another order (Opteron 6276).
	byType := slices.SortedStableFunc(slices.Values(n.Caches), func(a, b topology.Cache) int { return cmp.Compare(a.Type, b.Type) })
	for _, c := range byType {
		if c.Level != 1 || c.SizeBytes == nil {
			continue
		}
		for number := range c.CPUs.All() {
			if of[number] != "" {
				of[number] += ", "
			}
			of[number] += fmt.Sprintf("%d KiB %s", *c.SizeBytes>>10, c.Type)
		}
	}
	first := of[n.OnlineCPUs.First()]
	for number := range n.OnlineCPUs.All() {
		if of[number] == "" {
			return nil // one CPU does not tell: no ground to tell others apart
		}
	}
	for number := range n.OnlineCPUs.All() {
		if of[number] != first {
			return of
		}
	}
	return nil
}
