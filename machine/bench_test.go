// SPDX-License-Identifier: Apache-2.0

package machine_test

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"tarsia.dev/tarsia/machine"
)

// fleet is a snapshot of as many hosts as asked for, each of some 4,000 entries,
// shaped as a two-package machine is: many short files, a few long ones.
func fleet(t testing.TB, hosts int) *machine.Snapshot {
	t.Helper()
	s := &machine.Snapshot{}
	for h := range hosts {
		f := machine.NewFiles()
		for cpu := range 128 {
			dir := fmt.Sprintf("sys/devices/system/cpu/cpu%d", cpu)
			for i, name := range []string{"core_id", "die_id", "cluster_id", "physical_package_id", "thread_siblings_list", "core_cpus_list"} {
				must(t, f.AddFile(dir+"/topology/"+name, fmt.Appendf(nil, "%d\n", cpu/(i+1))))
			}
			for index := range 4 {
				for _, name := range []string{"level", "type", "size", "shared_cpu_list"} {
					must(t, f.AddFile(fmt.Sprintf("%s/cache/index%d/%s", dir, index, name), fmt.Appendf(nil, "%dK\n", 32<<index)))
				}
			}
		}
		for fn := range 100 {
			address := fmt.Sprintf("0000:%02x:00.0", fn)
			dir := "sys/devices/pci0000:00/" + address
			for _, name := range []string{"vendor", "device", "class", "numa_node", "local_cpulist", "current_link_speed", "max_link_speed"} {
				must(t, f.AddFile(dir+"/"+name, fmt.Appendf(nil, "0x%04x\n", fn*h)))
			}
			must(t, f.AddFile(dir+"/config", bytes.Repeat([]byte{byte(fn), 0xff, 0, byte(h)}, 64)),
				f.AddLink("sys/bus/pci/devices/"+address, "../../../devices/pci0000:00/"+address))
		}
		must(t, f.AddFile("proc/cpuinfo", bytes.Repeat([]byte("flags\t\t: fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov\n"), 3000)))
		s.Hosts = append(s.Hosts, machine.Host{Name: fmt.Sprintf("host-%02d", h), Files: f})
	}
	return s
}

func BenchmarkReadSnapshot40Hosts(b *testing.B) {
	data := packed(b, fleet(b, 40))
	b.SetBytes(int64(len(unpacked(b, data))))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := machine.ReadSnapshot(bytes.NewReader(data)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWriteSnapshot40Hosts(b *testing.B) {
	s := fleet(b, 40)
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Write(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFilesRead reads every PCI function's files through their links.
func BenchmarkFilesRead(b *testing.B) {
	m := fleet(b, 1).Hosts[0].Files.Machine()
	names, err := m.ReadDir("sys/bus/pci/devices")
	must(b, err)
	b.ReportAllocs()
	for b.Loop() {
		for _, name := range names {
			if _, err := m.ReadString("sys/bus/pci/devices/" + name + "/vendor"); err != nil {
				b.Fatal(err)
			}
		}
	}
}
