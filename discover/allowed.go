// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"cmp"
	"io/fs"

	"tarsia.dev/tarsia/cpuset"
	"tarsia.dev/tarsia/machine"
	"tarsia.dev/tarsia/procfs"
	"tarsia.dev/tarsia/sysfs"
	"tarsia.dev/tarsia/topology"
)

// readAllowed fills what the process that reads, or that recorded, may use: its
// affinity in /proc/self/status, else its cpuset.
func readAllowed(m *machine.Machine, n *topology.Node) {
	var nodes []int
	for _, node := range n.NUMANodes {
		nodes = append(nodes, node.ID)
	}
	all := cpuset.Of(nodes...)
	n.Allowed = topology.Allowed{CPUs: n.OnlineCPUs, NUMANodes: all}
	cpus, mems, source, err := allowed(m)
	if source == "" {
		absent(n, topology.NodeRef, "allowed", "proc/self/status", cmp.Or(err, fs.ErrNotExist))
		return
	}
	n.Allowed.Source = source
	if cpus != nil {
		n.Allowed.CPUs = within(*cpus, n.OnlineCPUs)
	}
	if mems != nil {
		n.Allowed.NUMANodes = within(*mems, all)
	}
	n.Allowed.Restricted = !n.Allowed.CPUs.Contains(n.OnlineCPUs) || !n.Allowed.NUMANodes.Contains(all)
}

// within cuts a set to what there is; a machine that tells of none cuts
// nothing.
func within(set, all cpuset.Set) cpuset.Set {
	if all.IsEmpty() {
		return set
	}
	return set.And(all)
}

// allowed returns what is allowed and the path that told it, or the reason why
// /proc/self/status does not tell it. A nil set is one that nobody told.
func allowed(m *machine.Machine) (cpus, mems *cpuset.Set, source string, err error) {
	status, err := procfs.ReadStatus(m)
	if err == nil && status.CPUs != nil {
		return status.CPUs, status.NUMANodes, "proc/self/status", nil
	}
	name, nameErr := m.ReadString("proc/self/cpuset")
	mounts, mountErr := procfs.ReadMounts(m)
	if nameErr != nil || mountErr != nil {
		return nil, nil, "", err
	}
	for _, set := range procfs.Cpusets(mounts, name) {
		if c, err := sysfs.CPUList(m, set.Dir+"/"+set.CPUs); err == nil && !c.IsEmpty() {
			cpus, source = &c, set.Dir
		}
		if c, err := sysfs.CPUList(m, set.Dir+"/"+set.Mems); err == nil && !c.IsEmpty() {
			mems, source = &c, set.Dir
		}
		if source != "" {
			return cpus, mems, source, nil
		}
	}
	return nil, nil, "", err
}
