// SPDX-License-Identifier: Apache-2.0

package discover_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/cpuset"
	"tarsia.dev/tarsia/topology"
)

// numa makes one memory node.
func numa(id int, cpus, distances, kib string) map[string]string {
	dir := fmt.Sprintf("sys/devices/system/node/node%d/", id)
	out := map[string]string{dir + "cpulist": cpus}
	if distances != "" {
		out[dir+"distance"] = distances
	}
	if kib != "" {
		out[dir+"meminfo"] = fmt.Sprintf("Node %d MemTotal: %s kB\n", id, kib)
	}
	return out
}

var fourCPUs = map[string]string{"sys/devices/system/cpu/online": "0-3", "sys/devices/system/cpu/present": "0-5"}

func TestNUMANodes(t *testing.T) {
	kib := func(n int64) *int64 { return new(n << 10) }
	for _, tt := range []struct {
		name   string
		parts  []map[string]string
		want   []topology.NUMANode
		absent []string // "object fact kind"
	}{
		{"two, one without CPUs, numbers with a gap",
			[]map[string]string{fourCPUs, numa(0, "0-5", "10 17", "1000"), numa(5, "", "17 10", "2000")},
			[]topology.NUMANode{
				{ID: 0, CPUs: cpuset.Range(0, 3), MemoryBytes: kib(1000), Distances: map[int]int{0: 10, 5: 17}},
				{ID: 5, MemoryBytes: kib(2000), Distances: map[int]int{0: 17, 5: 10}},
			}, nil},
		{"emulated nodes are one",
			[]map[string]string{fourCPUs, numa(0, "0-1", "10 10 20", "1000"), numa(1, "0-1", "10 10 20", "1000"), numa(2, "2-3", "20 20 10", "4000")},
			[]topology.NUMANode{
				{ID: 0, CPUs: cpuset.Range(0, 1), MemoryBytes: kib(2000), Distances: map[int]int{0: 10, 2: 20}},
				{ID: 2, CPUs: cpuset.Range(2, 3), MemoryBytes: kib(4000), Distances: map[int]int{0: 20, 2: 10}},
			}, []string{"numa/1 cpus unreadable"}},
		{"a bridge joins what it touches",
			[]map[string]string{fourCPUs, numa(0, "0", "10 10 10", "1"), numa(1, "1", "10 10 10", "1"), numa(2, "0-3", "10 10 10", "1")},
			[]topology.NUMANode{{ID: 0, CPUs: cpuset.Range(0, 3), MemoryBytes: kib(3), Distances: map[int]int{0: 10}}},
			[]string{"numa/1 cpus unreadable", "numa/2 cpus unreadable"}},
		{"memory and distances not told",
			[]map[string]string{fourCPUs, numa(0, "0-3", "", "")},
			[]topology.NUMANode{{ID: 0, CPUs: cpuset.Range(0, 3), Distances: map[int]int{}}},
			[]string{"numa/0 distances missing", "numa/0 memoryBytes missing"}},
		{"a row for another number of nodes",
			[]map[string]string{fourCPUs, numa(1, "0-3", "21 10", "1")},
			[]topology.NUMANode{{ID: 1, CPUs: cpuset.Range(0, 3), MemoryBytes: kib(1), Distances: map[int]int{}}},
			[]string{"numa/1 distances unreadable"}},
		{"half readable",
			[]map[string]string{fourCPUs, numa(0, "!EIO", "10", "1")},
			[]topology.NUMANode{{ID: 0, MemoryBytes: kib(1), Distances: map[int]int{0: 10}}},
			[]string{"numa/0 cpus unreadable"}},
		{"no node directory: the machine is one",
			[]map[string]string{fourCPUs, {"proc/meminfo": "MemTotal: 7 kB\n"}},
			[]topology.NUMANode{{ID: 0, CPUs: cpuset.Range(0, 3), MemoryBytes: kib(7), Distances: map[int]int{}}},
			[]string{"node numaNodes missing"}},
		{"neither nodes nor CPUs",
			[]map[string]string{{"proc/meminfo": "MemTotal: 7 kB\n"}},
			[]topology.NUMANode{}, []string{"node numaNodes missing"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := node(t, rootOf(t, tt.parts...))
			invariants(t, n)
			if d := cmp.Diff(tt.want, n.NUMANodes, cmp.Comparer(cpuset.Set.Equal)); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			var got []string
			for _, a := range n.Absences {
				if a.Object.Kind() == "numa" || a.Fact == "numaNodes" {
					got = append(got, fmt.Sprintf("%s %s %s", a.Object, a.Fact, a.Kind))
				}
			}
			if d := cmp.Diff(tt.absent, got); d != "" {
				t.Errorf("absences, -want +got:\n%s", d)
			}
			if n.Summary.NUMANodes != len(tt.want) {
				t.Errorf("summary says %d", n.Summary.NUMANodes)
			}
		})
	}
}

func TestMemoryOfTheMachine(t *testing.T) {
	both := []map[string]string{fourCPUs, numa(0, "0-1", "10 20", "1000"), numa(1, "2-3", "20 10", "24")}
	if n := node(t, rootOf(t, both...)); n.Summary.MemoryBytes == nil || *n.Summary.MemoryBytes != 1<<20 {
		t.Errorf("sum of nodes: %v", n.Summary.MemoryBytes)
	}
	if n := node(t, rootOf(t, append(both, map[string]string{"proc/meminfo": "MemTotal: 5 kB\n"})...)); *n.Summary.MemoryBytes != 5<<10 {
		t.Errorf("proc/meminfo comes first: %v", *n.Summary.MemoryBytes)
	}
	if n := node(t, rootOf(t, append(both, numa(2, "", "", ""))...)); n.Summary.MemoryBytes != nil {
		t.Errorf("one node does not tell: %d", *n.Summary.MemoryBytes)
	}
}

func TestAllowed(t *testing.T) {
	base := []map[string]string{fourCPUs, numa(0, "0-1", "10 20", "1"), numa(1, "2-3", "20 10", "1")}
	for _, tt := range []struct {
		name  string
		more  map[string]string
		want  string // cpus nodes restricted source
		noted bool
	}{
		{"nobody tells", nil, "0-3 0-1 false ", true},
		{"affinity", map[string]string{"proc/self/status": "Cpus_allowed_list:\t1\nMems_allowed_list:\t0-1\n"},
			"1 0-1 true proc/self/status", false},
		{"everything is allowed, and more", map[string]string{"proc/self/status": "Cpus_allowed_list:\t0-63\nMems_allowed_list:\t0-7\n"},
			"0-3 0-1 false proc/self/status", false},
		{"memory alone is restricted", map[string]string{"proc/self/status": "Cpus_allowed_list:\t0-3\nMems_allowed_list:\t1\n"},
			"0-3 1 true proc/self/status", false},
		{"cgroup v2", map[string]string{"proc/self/cpuset": "/job\n", "proc/mounts": "none /sys/fs/cgroup cgroup2 rw 0 0\n",
			"sys/fs/cgroup/job/cpuset.cpus.effective": "2-3\n", "sys/fs/cgroup/job/cpuset.mems.effective": "1\n"},
			"2-3 1 true sys/fs/cgroup/job", false},
		{"cgroup v1 beside a v2 without cpuset", map[string]string{"proc/self/cpuset": "/job\n",
			"proc/mounts":       "none /u cgroup2 rw 0 0\nnone /c cgroup rw,cpuset 0 0\n",
			"c/job/cpuset.cpus": "0\n", "c/job/cpuset.mems": "0\n"},
			"0 0 true c/job", false},
		{"an empty file is no answer", map[string]string{"proc/self/cpuset": "/job\n", "proc/mounts": "none /dev/cpuset cpuset rw 0 0\n",
			"dev/cpuset/job/cpus": "\n", "dev/cpuset/job/mems": "\n"}, "0-3 0-1 false ", true},
		{"unreadable", map[string]string{"proc/self/status": "!EACCES"}, "0-3 0-1 false ", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := node(t, rootOf(t, append(base, tt.more)...))
			a := n.Allowed
			if got := fmt.Sprintf("%s %s %v %s", a.CPUs, a.NUMANodes, a.Restricted, a.Source); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if _, ok := n.AbsenceOf(topology.NodeRef, "allowed"); ok != tt.noted {
				t.Errorf("absence noted: %v", ok)
			}
			if n.Summary.Threads != 4 || n.Summary.NUMANodes != 2 {
				t.Errorf("what is allowed has changed what there is: %+v", n.Summary)
			}
		})
	}
	// A root with no more than /proc still tells what is allowed.
	n := node(t, rootOf(t, map[string]string{"proc/self/status": "Cpus_allowed_list:\t1,5\nMems_allowed_list:\t1\n"}))
	if n.Allowed.CPUs.String() != "1,5" || n.Allowed.NUMANodes.String() != "1" || strings.Contains(n.Allowed.Source, "cgroup") {
		t.Errorf("without CPUs: %+v", n.Allowed)
	}
}
