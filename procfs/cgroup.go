// SPDX-License-Identifier: Apache-2.0

package procfs

import (
	"path"
	"slices"
	"strings"

	"tarsia.dev/tarsia/machine"
)

// Mount is one line of /proc/mounts (fstab(5)), its octal escapes undone.
type Mount struct {
	Point   string
	Type    string
	Options []string
}

// ReadMounts reads proc/self/mounts or, where it is missing, proc/mounts.
func ReadMounts(m *machine.Machine) ([]Mount, error) {
	data, err := m.ReadFile("proc/self/mounts")
	if err != nil {
		if data, err = m.ReadFile("proc/mounts"); err != nil {
			return nil, err
		}
	}
	return ParseMounts(data)
}

// ParseMounts reads lines of device, point, type and options.
func ParseMounts(data []byte) ([]Mount, error) {
	var mounts []Mount
	for n, line := range lines(data) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if len(words) < 4 {
			return nil, lineError("proc/mounts", n, line, "device, point, type, options")
		}
		mounts = append(mounts, Mount{unescape(words[1]), words[2], strings.Split(words[3], ",")})
	}
	return mounts, nil
}

// unescape undoes \040 and its like.
func unescape(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+3 < len(text) && isOctal(text[i+1:i+4]) {
			b.WriteByte((text[i+1]-'0')<<6 | (text[i+2]-'0')<<3 | (text[i+3] - '0'))
			i += 3
			continue
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

func isOctal(text string) bool { return strings.Trim(text, "01234567") == "" }

// Cpuset is the directory of the cpuset that the process is in, relative to the
// root of the machine, and the names of its two files. They differ by the age
// of the interface: cgroup v2 (cgroup-v2.rst, "cpuset.cpus.effective"), cgroup
// v1 (cgroup-v1/cpusets.rst), and the cpuset file system before it.
type Cpuset struct {
	Dir  string
	CPUs string
	Mems string
}

// Cpusets returns where the cpuset called name may stand, the best first:
// name is the content of /proc/self/cpuset, as "/slurm/job_1". A cpuset that a
// hierarchy does not have is found by its files not being there.
func Cpusets(mounts []Mount, name string) []Cpuset {
	var sets []Cpuset
	add := func(mnt Mount, cpus, mems string) {
		// A name from outside must not climb out of the mount point.
		dir := strings.TrimPrefix(path.Join("/", mnt.Point, path.Clean("/"+name)), "/")
		if dir != "" {
			sets = append(sets, Cpuset{dir, cpus, mems})
		}
	}
	for _, mnt := range mounts {
		switch {
		case mnt.Type == "cgroup2":
			add(mnt, "cpuset.cpus.effective", "cpuset.mems.effective")
		case mnt.Type == "cgroup" && slices.Contains(mnt.Options, "cpuset"):
			if slices.Contains(mnt.Options, "noprefix") {
				add(mnt, "cpus", "mems")
				continue
			}
			add(mnt, "cpuset.effective_cpus", "cpuset.effective_mems")
			add(mnt, "cpuset.cpus", "cpuset.mems")
		case mnt.Type == "cpuset":
			add(mnt, "cpus", "mems")
		}
	}
	return sets
}
