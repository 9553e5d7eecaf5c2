// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"strconv"

	"tarsia.dev/tarsia/cpuset"
)

const cpuDir = "sys/devices/system/cpu/"

// writeCPUs writes topology and caches of every CPU (kernel,
// Documentation/admin-guide/cputopology.rst and
// Documentation/ABI/stable/sysfs-devices-system-cpu).
func (h *host) writeCPUs(o *out) {
	all := h.all().String()
	for _, name := range []string{"online", "possible", "present"} {
		o.file(cpuDir+name, all)
	}
	o.file(cpuDir+"offline", "")
	c := h.facts.CPU
	for pkg := range c.Packages {
		pkgCPUs := h.cores(pkg, 0, c.Cores).String()
		for core := range c.Cores {
			for t := range c.Threads {
				h.writeTopology(o, pkg, core, h.cpu(pkg, core, t), pkgCPUs)
			}
		}
	}
	for i, cache := range c.Caches {
		h.writeCache(o, i, cache)
	}
}

func (h *host) writeTopology(o *out, pkg, core, cpu int, pkgCPUs string) {
	c := h.facts.CPU
	dir := cpuDir + "cpu" + strconv.Itoa(cpu) + "/"
	topo := dir + "topology/"
	siblings := h.cores(pkg, core, 1).String()
	o.file(topo+"physical_package_id", strconv.Itoa(pkg))
	o.file(topo+"core_id", strconv.Itoa(core))
	if h.facts.Architecture == "amd64" {
		// The other two architectures define no die, and show no die files.
		o.file(topo+"die_id", "0")
		o.file(topo+"die_cpus_list", pkgCPUs)
	}
	o.file(topo+"core_cpus_list", siblings)
	o.file(topo+"thread_siblings_list", siblings)
	o.file(topo+"package_cpus_list", pkgCPUs)
	o.file(topo+"core_siblings_list", pkgCPUs)
	if n := c.ClusterCores; n > 0 {
		o.file(topo+"cluster_id", strconv.Itoa(core/n))
		o.file(topo+"cluster_cpus_list", h.cores(pkg, core/n*n, n).String())
	}
	if cpu > 0 {
		o.file(dir+"online", "1")
	}
	if a := c.Arm; a != nil {
		o.file(dir+"regs/identification/midr_el1", fmt.Sprintf("0x%016x", a.midr()))
	}
}

// writeCache writes cache number index of every CPU.
func (h *host) writeCache(o *out, index int, cache Cache) {
	c := h.facts.CPU
	size := strconv.FormatInt(int64(cache.Size)>>10, 10) + "K"
	level := strconv.Itoa(cache.Level)
	dir := "/cache/index" + strconv.Itoa(index) + "/"
	for pkg := range c.Packages {
		for first := 0; first < c.Cores; first += cache.Cores {
			cpus := h.cores(pkg, first, cache.Cores)
			shared := cpus.String()
			for cpu := range cpus.All() {
				at := cpuDir + "cpu" + strconv.Itoa(cpu) + dir
				o.file(at+"level", level)
				o.file(at+"type", cache.Type)
				o.file(at+"size", size)
				o.file(at+"shared_cpu_list", shared)
			}
		}
	}
}

// midr is the register as Arm lays it out (Arm ARM, MIDR_EL1).
func (a *Arm) midr() uint64 {
	return uint64(a.Implementer)<<24 | uint64(a.Variant)<<20 | 0xf<<16 | uint64(a.Part)<<4 | uint64(a.Revision)
}

// nodesWithCPUs is the NUMA nodes that have CPUs.
func (h *host) nodesWithCPUs() cpuset.Set {
	return cpuset.Range(0, h.facts.CPU.Packages*h.facts.CPU.NodesPerPackage-1)
}
