// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"errors"
	"path"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/machine"
	"tarsia.dev/tarsia/render"
)

// small has a little of everything: two packages, a switch, a root port of a
// vendor's own, virtual functions, and an NVIDIA GPU with memory nodes.
const small = `vendor: Tarsia demo
product: small
architecture: amd64
cpu:
  model: Small CPU
  packages: 2
  cores: 4
  threads: 2
  clusterCores: 2
  mhz: 2000
  x86: {vendor: GenuineIntel, family: 6, model: 143, stepping: 8, microcode: 0x2b}
  features: fpu lm sse2
  caches:
  - {level: 1, type: Data, size: 48 KiB}
  - {level: 3, type: Unified, size: 8192 KiB, cores: 4}
memory: {perNode: 16 GiB, far: 21}
kernel: {release: 6.12.0, cmdline: intel_iommu=on}
boot: {efi: true, secureBoot: true, lockdown: integrity, sigEnforce: true}
iommu: DMA-FQ
modules:
- {name: nvidia, version: "580.1", taint: OE}
- {name: mlx5_core}
devices:
  port: {id: 8086:352a, class: 0x060400, driver: pcieport, link: 32 x16}
  switch: {id: 1000:c030, class: 0x060400, driver: pcieport, link: 32 x16}
  gpu: {id: 10de:2330, subsystem: 10de:16c1, class: 0x030200, revision: 0xa1, driver: nvidia, link: 16 x16}
  nic:
    id: 15b3:1021
    class: 0x020700
    driver: mlx5_core
    link: 32 x8
    net: {prefix: ib, mbps: 400000}
    rdma: {layer: InfiniBand, rate: 400 Gb/sec (4X NDR)}
    sriov: {total: 8, on: 2, vf: 15b3:101e}
  eth: {id: 8086:1572, class: 0x020000, link: 8 x8, net: {prefix: eth, mbps: 0}}
  vga: {id: 1a03:2000, class: 0x030000, driver: ast}
pci:
- {bus: 0x10, numa: 1, slot: 1, ports: [switch(gpu nic), eth], builtin: [vga]}
- {domain: 0x10000, bus: 0x00, ports: [gpu]}
nvidia:
  device: gpu
  driver: "580.1"
  model: Small GPU
  memory: 80 GiB
  vbios: "1.2"
  gsp: "580.1"
  modules: [2, 1]
  memoryNodes: 2
  nvlink: {links: 4, version: 4, mbps: 26562, to: peers}
  c2c: {links: 5, mbps: 44712}
`

func parse(t testing.TB, text string) render.Facts {
	t.Helper()
	f, err := render.ParseFacts("small.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// tree is every path of a machine: a file's content, "-> " and a link's target.
func tree(t testing.TB, files *machine.Files) map[string]string {
	t.Helper()
	m := files.Machine()
	out := map[string]string{}
	var walk func(dir string)
	walk = func(dir string) {
		names, err := m.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		if len(names) == 0 {
			out[dir] = "empty directory"
		}
		for _, name := range names {
			at := path.Join(dir, name)
			if target, err := m.ReadLink(at); err == nil {
				out[at] = "-> " + target
				continue
			}
			switch data, err := m.ReadFile(at); {
			case errors.Is(err, syscall.EISDIR):
				walk(at)
			case err != nil:
				t.Fatal(err)
			default:
				out[at] = string(data)
			}
		}
	}
	walk(".")
	return out
}

func renderTree(t testing.TB, facts render.Facts) map[string]string {
	t.Helper()
	files, err := render.Machine("small-01", facts)
	if err != nil {
		t.Fatal(err)
	}
	return tree(t, files)
}

const (
	gpuDir  = "sys/devices/pci0000:10/0000:10:01.0/0000:11:00.0/0000:12:00.0/0000:13:00.0"
	nicDir  = "sys/devices/pci0000:10/0000:10:01.0/0000:11:00.0/0000:12:01.0/0000:14:00.0"
	downDir = "sys/devices/pci0000:10/0000:10:01.0/0000:11:00.0/0000:12:00.0"
)

// TestFiles holds the exact text of the kernel's files; the paths are named one
// by one, since each is read by somebody.
func TestFiles(t *testing.T) {
	got := renderTree(t, parse(t, small))
	want := map[string]string{
		"proc/sys/kernel/hostname":                 "small-01\n",
		"proc/sys/kernel/osrelease":                "6.12.0\n",
		"proc/cmdline":                             "intel_iommu=on\n",
		"proc/modules":                             "nvidia 16384 0 - Live 0x0000000000000000 (OE)\nmlx5_core 16384 0 - Live 0x0000000000000000\n",
		"sys/class/dmi/id/sys_vendor":              "Tarsia demo\n",
		"sys/module/nvidia/version":                "580.1\n",
		"sys/module/module/parameters/sig_enforce": "Y\n",
		"sys/kernel/security/lockdown":             "none [integrity] confidentiality\n",
		"sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c": "\x06\x00\x00\x00\x01",

		"sys/devices/system/cpu/online":                                       "0-15\n",
		"sys/devices/system/cpu/cpu5/topology/physical_package_id":            "1\n",
		"sys/devices/system/cpu/cpu5/topology/core_id":                        "1\n",
		"sys/devices/system/cpu/cpu5/topology/die_id":                         "0\n",
		"sys/devices/system/cpu/cpu5/topology/core_cpus_list":                 "5,13\n",
		"sys/devices/system/cpu/cpu13/topology/thread_siblings_list":          "5,13\n",
		"sys/devices/system/cpu/cpu5/topology/package_cpus_list":              "4-7,12-15\n",
		"sys/devices/system/cpu/cpu7/topology/cluster_id":                     "1\n",
		"sys/devices/system/cpu/cpu7/topology/cluster_cpus_list":              "6-7,14-15\n",
		"sys/devices/system/cpu/cpu5/cache/index0/size":                       "48K\n",
		"sys/devices/system/cpu/cpu5/cache/index0/shared_cpu_list":            "5,13\n",
		"sys/devices/system/cpu/cpu13/cache/index1/shared_cpu_list":           "4-7,12-15\n",
		"sys/devices/system/node/online":                                      "0-5\n",
		"sys/devices/system/node/has_cpu":                                     "0-1\n",
		"sys/devices/system/node/has_memory":                                  "0-2,4\n",
		"sys/devices/system/node/node1/cpulist":                               "4-7,12-15\n",
		"sys/devices/system/node/node2/cpulist":                               "\n",
		"sys/devices/system/node/node1/distance":                              "21 10 80 80 80 80\n",
		"sys/bus/pci/devices/0000:13:00.0":                                    "-> ../../../" + strings.TrimPrefix(gpuDir, "sys/"),
		"sys/bus/pci/devices/10000:01:00.0":                                   "-> ../../../devices/pci10000:00/10000:00:00.0/10000:01:00.0",
		gpuDir + "/class":                                                     "0x030200\n",
		gpuDir + "/vendor":                                                    "0x10de\n",
		gpuDir + "/subsystem_device":                                          "0x16c1\n",
		gpuDir + "/revision":                                                  "0xa1\n",
		gpuDir + "/numa_node":                                                 "1\n",
		gpuDir + "/local_cpulist":                                             "4-7,12-15\n",
		gpuDir + "/current_link_speed":                                        "16.0 GT/s PCIe\n",
		gpuDir + "/current_link_width":                                        "16\n",
		downDir + "/current_link_speed":                                       "16.0 GT/s PCIe\n",
		downDir + "/max_link_speed":                                           "32.0 GT/s PCIe\n",
		gpuDir + "/driver":                                                    "-> ../../../../../../bus/pci/drivers/nvidia",
		gpuDir + "/iommu_group":                                               "-> ../../../../../../kernel/iommu_groups/6",
		"sys/kernel/iommu_groups/6/type":                                      "DMA-FQ\n",
		"sys/kernel/iommu_groups/6/devices/0000:13:00.0":                      "-> ../../../../" + strings.TrimPrefix(gpuDir, "sys/"),
		nicDir + "/max_link_width":                                            "8\n",
		nicDir + "/sriov_numvfs":                                              "2\n",
		nicDir + "/virtfn1":                                                   "-> ../0000:14:00.2",
		path.Dir(nicDir) + "/max_link_width":                                  "8\n",
		path.Dir(nicDir) + "/0000:14:00.2/physfn":                             "-> ../0000:14:00.0",
		path.Dir(nicDir) + "/0000:14:00.2/device":                             "0x101e\n",
		path.Dir(nicDir) + "/0000:14:00.2/current_link_width":                 "0\n",
		"sys/class/net/ib0":                                                   "-> ../../" + strings.TrimPrefix(nicDir, "sys/") + "/net/ib0",
		nicDir + "/net/ib0/device":                                            "-> ../../../0000:14:00.0",
		nicDir + "/net/ib0/speed":                                             "400000\n",
		nicDir + "/infiniband/mlx5_0/ports/1/state":                           "4: ACTIVE\n",
		"sys/devices/pci0000:10/0000:10:02.0/0000:15:00.0/net/eth0/operstate": "down\n",
		"sys/devices/pci10000:00/10000:00:00.0/10000:01:00.0/numa_node":       "-1\n",
		"sys/devices/pci10000:00/10000:00:00.0/10000:01:00.0/local_cpulist":   "0-15\n",
	}
	for name, text := range want {
		if diff := cmp.Diff(text, got[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for _, name := range []string{
		"sys/devices/pci0000:10/0000:10:03.0/current_link_speed", // a VGA of conventional PCI has no link
		path.Dir(nicDir) + "/0000:14:00.1/infiniband",
		"proc/device-tree",
	} {
		if text, ok := got[name]; ok {
			t.Errorf("%s is there: %q", name, text)
		}
	}
	if !strings.Contains(got["proc/self/status"], "Cpus_allowed_list:\t0-15\nMems_allowed_list:\t0-5\n") {
		t.Errorf("proc/self/status: %q", got["proc/self/status"])
	}
	if !strings.Contains(got["sys/devices/system/node/node2/meminfo"], "Node 2 MemTotal:       83886080 kB\n") {
		t.Errorf("memory of the GPU: %q", got["sys/devices/system/node/node2/meminfo"])
	}
}

// TestLinksLead follows every link of a machine but those to driver folders
// that only hold links back.
func TestLinksLead(t *testing.T) {
	files, err := render.Machine("small-01", parse(t, small))
	if err != nil {
		t.Fatal(err)
	}
	m := files.Machine()
	links := 0
	for name, text := range tree(t, files) {
		if !strings.HasPrefix(text, "-> ") {
			continue
		}
		links++
		if !m.Exists(name) {
			t.Errorf("%s leads nowhere: %s", name, text)
		}
	}
	if links < 50 {
		t.Errorf("found %d links, want all of a machine", links)
	}
}

// TestConfig walks config space as lspci does and compares it with the
// attributes beside it.
func TestConfig(t *testing.T) {
	got := renderTree(t, parse(t, small))
	for _, c := range []struct {
		name, dir                  string
		port, speed, lanes, bridge int
	}{
		{"root port", "sys/devices/pci0000:10/0000:10:01.0", 4, 5, 16, 1},
		{"upstream port", path.Dir(downDir), 5, 5, 16, 1},
		{"downstream port", downDir, 6, 4, 16, 1},
		{"endpoint", gpuDir, 0, 4, 16, 0},
		{"narrow endpoint", nicDir, 0, 5, 8, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := []byte(got[c.dir+"/config"])
			if len(config) != 256 {
				t.Fatalf("found %d bytes, want 256", len(config))
			}
			at := int(config[0x34])
			for steps := 0; config[at] != 0x10; at = int(config[at+1]) {
				if at == 0 || steps > 48 {
					t.Fatal("no PCI Express capability in the list")
				}
				steps++
			}
			status := int(config[at+0x12]) | int(config[at+0x13])<<8
			type view struct{ Port, Speed, Lanes, Bridge int }
			want := view{c.port, c.speed, c.lanes, c.bridge}
			if diff := cmp.Diff(want, view{int(config[at+2] >> 4), status & 0xf, status >> 4 & 0x3f, int(config[0x0e])}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	root := got["sys/devices/pci0000:10/0000:10:01.0/config"]
	if buses := []byte(root[0x18:0x1b]); buses[0] != 0x10 || buses[1] != 0x11 || buses[2] != 0x14 {
		t.Errorf("bus numbers of the root port: % x, want 10 11 14", buses)
	}
}
