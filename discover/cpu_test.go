// SPDX-License-Identifier: Apache-2.0

package discover_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/cpuset"
	"tarsia.dev/tarsia/discover"
	"tarsia.dev/tarsia/machine"
	"tarsia.dev/tarsia/topology"
)

// rootOf makes a machine of names and texts; a text "!EIO" is a read error,
// "->x" a link, and a name that ends in "/" a directory.
func rootOf(t testing.TB, parts ...map[string]string) *machine.Machine {
	t.Helper()
	files := machine.NewFiles()
	all := map[string]string{}
	for _, p := range parts {
		maps.Copy(all, p)
	}
	for name, text := range all {
		var err error
		switch {
		case strings.HasSuffix(name, "/"):
			err = files.AddDir(strings.TrimSuffix(name, "/"))
		case text == "!EIO":
			err = files.AddError(name, syscall.EIO)
		case text == "!EACCES":
			err = files.AddError(name, syscall.EACCES)
		case strings.HasPrefix(text, "->"):
			err = files.AddLink(name, text[2:])
		default:
			err = files.AddFile(name, []byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return files.Machine()
}

// cpus makes n CPUs of one file each below topology/.
func cpus(n int, file string, value func(cpu int) string) map[string]string {
	out := map[string]string{}
	for i := range n {
		out[fmt.Sprintf("sys/devices/system/cpu/cpu%d/topology/%s", i, file)] = value(i)
	}
	return out
}

func always(value string) func(int) string { return func(int) string { return value } }

func number(cpu int) string { return fmt.Sprint(cpu) }

func mask(cpu int) string { return fmt.Sprintf("%x", 1<<cpu) }

func TestCPUs(t *testing.T) {
	type want struct{ packages, cores, online, offline string }
	for _, tt := range []struct {
		name   string
		parts  []map[string]string
		want   want
		absent []string // facts of the node
	}{
		{"core_id is -1 for all: four cores stay four",
			[]map[string]string{cpus(4, "core_id", always("-1")), cpus(4, "physical_package_id", always("0"))},
			want{"0:0-3", "0 1 2 3", "0-3", ""}, []string{"cores"}},
		{"ids alone",
			[]map[string]string{cpus(4, "core_id", func(c int) string { return fmt.Sprint(c / 2) }), cpus(4, "physical_package_id", always("3"))},
			want{"3:0-3", "0-1 2-3", "0-3", ""}, nil},
		{"core ids come again in the next package",
			[]map[string]string{cpus(4, "core_id", func(c int) string { return fmt.Sprint(c % 2) }), cpus(4, "physical_package_id", func(c int) string { return fmt.Sprint(c / 2) })},
			want{"0:0-1 1:2-3", "0 1 2 3", "0-3", ""}, nil},
		{"masks before ids",
			[]map[string]string{cpus(4, "core_siblings", func(c int) string { return []string{"3", "c"}[c/2] }), cpus(4, "thread_siblings", mask), cpus(4, "physical_package_id", always("-1"))},
			want{"0:0-1 1:2-3", "0 1 2 3", "0-3", ""}, []string{"packages.id"}},
		{"two packages with one id",
			[]map[string]string{cpus(4, "core_siblings", func(c int) string { return []string{"3", "c"}[c/2] }), cpus(4, "thread_siblings", mask), cpus(4, "physical_package_id", always("0"))},
			want{"0:0-1 1:2-3", "0 1 2 3", "0-3", ""}, []string{"packages.id"}},
		{"CPU 3 says that it is with the others, who say that it is not",
			[]map[string]string{cpus(4, "core_siblings", func(c int) string { return []string{"3", "3", "c", "f"}[c] }), cpus(4, "thread_siblings", mask), cpus(4, "physical_package_id", always("0"))},
			want{"0:0-1", "0 1 2 3", "0-3", ""}, []string{"packages"}},
		{"a CPU that says nothing is taken in by its siblings",
			[]map[string]string{cpus(2, "core_siblings", always("7")), cpus(3, "thread_siblings", mask), cpus(3, "physical_package_id", always("1"))},
			want{"1:0-2", "0 1 2", "0-2", ""}, nil},
		{"siblings with other core ids are cores of their own",
			[]map[string]string{cpus(4, "core_siblings", always("f")), cpus(4, "thread_siblings", func(c int) string { return []string{"3", "c"}[c/2] }), cpus(4, "core_id", number), cpus(4, "physical_package_id", always("0"))},
			want{"0:0-3", "0 1 2 3", "0-3", ""}, nil},
		{"siblings without core ids are one core",
			[]map[string]string{cpus(2, "core_siblings", always("3")), cpus(2, "thread_siblings", always("3")), cpus(2, "core_id", always("-1"))},
			want{"0:0-1", "0-1", "0-1", ""}, []string{"packages.id"}},
		{"the file online is believed before directories",
			[]map[string]string{cpus(4, "core_siblings", always("f")), cpus(4, "thread_siblings", mask), cpus(4, "physical_package_id", always("0")),
				{"sys/devices/system/cpu/online": "0,2\n", "sys/devices/system/cpu/present": "0-4\n", "sys/devices/system/cpu/possible": "0-63\n"}},
			want{"0:0,2", "0 2", "0,2", "1,3-4"}, nil},
		{"without it, each CPU's own file",
			[]map[string]string{cpus(4, "core_siblings", always("f")), cpus(4, "thread_siblings", mask), cpus(4, "physical_package_id", always("0")),
				{"sys/devices/system/cpu/cpu1/online": "0\n", "sys/devices/system/cpu/cpu2/online": "1\n", "sys/devices/system/cpu/cpu4/online": "1\n"}},
			want{"0:0,2-3", "0 2 3", "0,2-3", "1,4"}, nil},
		{"cpuinfo alone",
			[]map[string]string{{"proc/cpuinfo": "processor : 0\nphysical id : 0\ncore id : 5\n\nprocessor : 1\nphysical id : 0\ncore id : 5\n"}},
			want{"0:0-1", "0-1", "0-1", ""}, nil},
		{"cpuinfo without ids",
			[]map[string]string{{"proc/cpuinfo": "processor : 0\n\nprocessor : 2\n"}},
			want{"", "0 2", "0,2", ""}, []string{"packages", "cores"}},
		{"half readable",
			[]map[string]string{cpus(2, "core_siblings", always("!EIO")), cpus(2, "thread_siblings", mask), cpus(2, "physical_package_id", always("0"))},
			want{"0:0-1", "0 1", "0-1", ""}, []string{"cpuTopology"}},
		{"no CPU at all", []map[string]string{{"sys/": "", "proc/x": ""}}, want{"", "", "", ""}, []string{"onlineCPUs"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := node(t, rootOf(t, tt.parts...))
			invariants(t, n)
			got := want{online: n.OnlineCPUs.String(), offline: n.OfflineCPUs.String()}
			var packages, cores []string
			for _, p := range n.Packages {
				packages = append(packages, fmt.Sprintf("%d:%s", p.ID, p.CPUs))
			}
			for _, c := range n.Cores {
				cores = append(cores, c.CPUs.String())
			}
			got.packages, got.cores = strings.Join(packages, " "), strings.Join(cores, " ")
			if d := cmp.Diff(tt.want, got, cmp.AllowUnexported(want{})); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			for _, fact := range []string{"packages", "packages.id", "cores", "cpuTopology", "onlineCPUs"} {
				a, ok := n.AbsenceOf(topology.NodeRef, fact)
				if wanted := strings.Contains(" "+strings.Join(tt.absent, " ")+" ", " "+fact+" "); ok != wanted {
					t.Errorf("absence of %s: %v %+v, wanted %v", fact, ok, a, wanted)
				}
			}
		})
	}
}

func TestUnreadableFileIsNamed(t *testing.T) {
	n := node(t, rootOf(t, cpus(2, "core_id", always("!EACCES"))))
	a, ok := n.AbsenceOf(topology.NodeRef, "cpuTopology")
	if !ok || a.Kind != topology.Unreadable || !strings.Contains(a.Detail, "cpu0/topology/core_id") || !strings.Contains(a.Detail, "permission denied") {
		t.Errorf("got %+v", a)
	}
}

func TestNothingToRead(t *testing.T) {
	if n, err := discover.Node("", rootOf(t, map[string]string{"etc/passwd": ""})); !errors.Is(err, discover.ErrNoMachine) || n != nil {
		t.Errorf("got %v, %v", n, err)
	}
	if _, err := discover.Record("", rootOf(t, map[string]string{"etc/passwd": ""})); !errors.Is(err, discover.ErrNoMachine) {
		t.Errorf("recording: %v", err)
	}
}

func TestName(t *testing.T) {
	for host, want := range map[string]string{"node7\n": "node7", "(none)\n": "localhost", "": "localhost"} {
		n, err := discover.Node("", rootOf(t, map[string]string{"proc/sys/kernel/hostname": host}))
		if err != nil || n.Name != want {
			t.Errorf("hostname %q: %q, %v", host, n.Name, err)
		}
	}
}

func TestCachesOnce(t *testing.T) {
	parts := []map[string]string{cpus(4, "core_siblings", always("f")), cpus(4, "thread_siblings", mask)}
	for i := range 4 {
		dir := fmt.Sprintf("sys/devices/system/cpu/cpu%d/cache/", i)
		parts = append(parts, map[string]string{
			dir + "index0/level": "1", dir + "index0/type": "Data", dir + "index0/size": []string{"48K", "32K"}[i/2], dir + "index0/shared_cpu_map": mask(i),
			dir + "index3/level": "3", dir + "index3/type": "Unified", dir + "index3/size": "8M", dir + "index3/shared_cpu_list": "0-7",
		})
	}
	parts = append(parts, map[string]string{"proc/cpuinfo": "processor : 0\ncpu family : 6\nflags : lm\nmodel name : Mixed\n\n" +
		"processor : 1\nmodel name : Mixed\n\nprocessor : 2\nmodel name : Mixed\n\nprocessor : 3\nmodel name : Mixed\n"})
	n := node(t, rootOf(t, parts...))
	want := []topology.Cache{
		{Level: 1, Type: "Data", SizeBytes: new(int64(48 << 10)), CPUs: cpuset.Of(0)},
		{Level: 1, Type: "Data", SizeBytes: new(int64(48 << 10)), CPUs: cpuset.Of(1)},
		{Level: 1, Type: "Data", SizeBytes: new(int64(32 << 10)), CPUs: cpuset.Of(2)},
		{Level: 1, Type: "Data", SizeBytes: new(int64(32 << 10)), CPUs: cpuset.Of(3)},
		{Level: 3, Type: "Unified", SizeBytes: new(int64(8 << 20)), CPUs: cpuset.Range(0, 3)},
	}
	if d := cmp.Diff(want, n.Caches, cmp.Comparer(cpuset.Set.Equal)); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	kinds := []topology.CPUKind{{Name: "Mixed (48 KiB Data)", CPUs: cpuset.Of(0, 1)}, {Name: "Mixed (32 KiB Data)", CPUs: cpuset.Of(2, 3)}}
	if d := cmp.Diff(kinds, n.CPUKinds, cmp.Comparer(cpuset.Set.Equal)); d != "" {
		t.Errorf("kinds, -want +got:\n%s", d)
	}
	parts = append(parts, map[string]string{"sys/devices/cpu_core/cpus": "0-1", "sys/devices/cpu_atom/cpus": "2-3"})
	n = node(t, rootOf(t, parts...))
	if len(n.CPUKinds) != 2 || n.CPUKinds[0].Name != "Mixed (cpu_core)" || n.CPUKinds[1].CPUs.String() != "2-3" {
		t.Errorf("kinds by event source: %+v", n.CPUKinds)
	}
	n = node(t, rootOf(t, append(parts, map[string]string{"sys/devices/cpu_lowpower/cpus": "four"})...))
	if a, ok := n.AbsenceOf(topology.NodeRef, "cpuKinds"); !ok || a.Kind != topology.Unreadable {
		t.Errorf("an event source that cannot be read leaves %+v, want it named", a)
	}
}
