// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/render"
)

const arm = `architecture: arm64
cpu:
  packages: 1
  cores: 2
  arm: {implementer: 0x41, variant: 3, part: 0xd0c, revision: 1}
  features: fp asimd
memory: {perNode: 1 GiB}
deviceTree: {model: Small board, compatible: ["small,board", "small,soc"]}
boot: {sigEnforce: false}
platform:
- {name: 17000000.gpu, compatible: "nvidia,ga10b", driver: gk20a, devfreq: true, drm: true}
- {name: 6800000.ethernet, compatible: "nvidia,nvethernet", driver: nvethernet, net: {prefix: eth, mbps: 1000}}
`

const riscv = `architecture: riscv64
cpu:
  packages: 1
  cores: 2
  riscv: {isa: rv64imafdc_zicsr_zba, mmu: sv48, uarch: "sifive,p550", mvendorid: "0x489", marchid: "0x8000000000000008", mimpid: "0x1", firstHart: 1}
memory: {perNode: 1 GiB}
deviceTree: {model: Small board, compatible: ["small,board"]}
`

func TestCPUInfo(t *testing.T) {
	x86 := strings.Replace(small, "cores: 4\n  threads: 2\n  clusterCores: 2", "cores: 1", 1)
	x86 = strings.Replace(x86, ", cores: 4}", "}", 1)
	for _, c := range []struct{ name, facts, want string }{
		{"amd64", x86, "processor\t: 1\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 143\nmodel name\t: Small CPU\nstepping\t: 8\n" +
			"microcode\t: 0x2b\ncpu MHz\t\t: 2000.000\ncache size\t: 8192 KB\nphysical id\t: 1\nsiblings\t: 1\ncore id\t\t: 0\ncpu cores\t: 1\n" +
			"apicid\t\t: 1\ninitial apicid\t: 1\nfpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: 31\nwp\t\t: yes\nflags\t\t: fpu lm sse2\nbugs\t\t: \n" +
			"bogomips\t: 4000.00\nclflush size\t: 64\ncache_alignment\t: 64\naddress sizes\t: 52 bits physical, 57 bits virtual\npower management:\n\n"},
		{"arm64", arm, "processor\t: 1\nBogoMIPS\t: 2000.00\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\nCPU architecture: 8\n" +
			"CPU variant\t: 0x3\nCPU part\t: 0xd0c\nCPU revision\t: 1\n\n"},
		{"riscv64", riscv, "processor\t: 1\nhart\t\t: 2\nisa\t\t: rv64imafdc_zicsr_zba\nmmu\t\t: sv48\nuarch\t\t: sifive,p550\n" +
			"mvendorid\t: 0x489\nmarchid\t\t: 0x8000000000000008\nmimpid\t\t: 0x1\nhart isa\t: rv64imafdc_zicsr_zba\n\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := renderTree(t, parse(t, c.facts))["proc/cpuinfo"]
			_, second, _ := strings.Cut(got, "\n\n")
			if diff := cmp.Diff(c.want, second); diff != "" {
				t.Errorf("second CPU (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBoard(t *testing.T) {
	got := renderTree(t, parse(t, riscv))
	for name, want := range map[string]string{
		"proc/device-tree":                                                   "-> /sys/firmware/devicetree/base",
		"sys/firmware/devicetree/base/model":                                 "Small board\x00",
		"sys/firmware/devicetree/base/cpus/cpu@2/riscv,isa-base":             "rv64i\x00",
		"sys/firmware/devicetree/base/cpus/cpu@2/riscv,isa-extensions":       "i\x00m\x00a\x00f\x00d\x00c\x00zicsr\x00zba\x00",
		"sys/firmware/devicetree/base/cpus/cpu@1/compatible":                 "sifive,p550\x00riscv\x00",
		"sys/class/dmi/id/product_name":                                      "",
		"sys/devices/system/cpu/cpu1/topology/die_id":                        "",
		"sys/firmware/efi/efivars":                                           "",
		"sys/devices/system/cpu/cpu0/regs/identification/midr_el1":           "",
		"sys/module/module/parameters/sig_enforce":                           "",
		"sys/kernel/security/lockdown":                                       "",
		"run/tarsia/answers/nvml.json":                                       "",
		"sys/class/kfd/kfd/topology/generation_id":                           "",
		"sys/devices/system/cpu/cpu1/topology/cluster_id":                    "",
		"sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098": "",
	} {
		if diff := cmp.Diff(want, got[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	got = renderTree(t, parse(t, arm))
	for name, want := range map[string]string{
		"sys/devices/system/cpu/cpu1/regs/identification/midr_el1": "0x00000000413fd0c1\n",
		"sys/devices/platform/17000000.gpu/driver":                 "-> ../../../bus/platform/drivers/gk20a",
		"sys/devices/platform/17000000.gpu/of_node":                "-> ../../../firmware/devicetree/base/bus@0/17000000.gpu",
		"sys/class/devfreq/17000000.gpu":                           "-> ../../devices/platform/17000000.gpu/devfreq/17000000.gpu",
		"sys/class/drm/renderD128":                                 "-> ../../devices/platform/17000000.gpu/drm/renderD128",
		"sys/class/net/eth0":                                       "-> ../../devices/platform/6800000.ethernet/net/eth0",
		"sys/module/module/parameters/sig_enforce":                 "N\n",
	} {
		if diff := cmp.Diff(want, got[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

const mi300 = `architecture: amd64
cpu: {packages: 2, cores: 2, x86: {vendor: AuthenticAMD}}
memory: {perNode: 8 GiB, far: 32}
devices:
  port: {id: 1022:14ab, class: 0x060400, link: 32 x16}
  gpu: {id: 1002:74a1, class: 0x120000, driver: amdgpu, link: 32 x16, drm: true}
pci:
- {bus: 0x20, numa: 0, ports: [gpu]}
- {bus: 0x40, numa: 1, ports: [gpu]}
amd: {device: gpu, model: AMD Instinct MI300X, memory: 192 GiB, vbios: 113-X, firmware: {smc: "0x1"}, target: 90402, units: 304, xcc: 8, partition: SPX, xgmi: {mbps: 64000}}
`

func TestAMD(t *testing.T) {
	got := renderTree(t, parse(t, mi300))
	const dir = "sys/devices/pci0000:40/0000:40:00.0/0000:41:00.0/"
	const link = "version_major 0\nversion_minor 0\nnode_from 3\nnode_to %to\nweight 15\n"
	for name, want := range map[string]string{
		dir + "vbios_version":             "113-X\n",
		dir + "fw_version/smc_fw_version": "0x1\n",
		dir + "mem_info_vram_total":       "206158430208\n",
		dir + "current_compute_partition": "SPX\n",
		"sys/class/drm/card1":             "-> ../../devices/pci0000:40/0000:40:00.0/0000:41:00.0/drm/card1",
		"sys/class/drm/renderD129":        "-> ../../devices/pci0000:40/0000:40:00.0/0000:41:00.0/drm/renderD129",
		"sys/class/kfd/kfd/topology/nodes/3/io_links/0/properties": "type 2\nversion_major 0\nversion_minor 0\nnode_from 3\nnode_to 1\nweight 20\n" +
			"min_latency 0\nmax_latency 0\nmin_bandwidth 312\nmax_bandwidth 64000\nrecommended_transfer_size 0\nflags 1\n",
		"sys/class/kfd/kfd/topology/nodes/3/io_links/1/properties": "type 11\n" + strings.Replace(link, "%to", "2", 1) +
			"min_latency 0\nmax_latency 0\nmin_bandwidth 64000\nmax_bandwidth 64000\nrecommended_transfer_size 0\nflags 1\n",
		"sys/class/kfd/kfd/topology/nodes/0/io_links/0/properties": "type 1\nversion_major 0\nversion_minor 0\nnode_from 0\nnode_to 1\nweight 32\n" +
			"min_latency 0\nmax_latency 0\nmin_bandwidth 0\nmax_bandwidth 0\nrecommended_transfer_size 0\nflags 1\n",
	} {
		if diff := cmp.Diff(want, got[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for _, line := range []string{"cpu_cores_count 0\n", "simd_count 1216\n", "location_id 16640\n", "device_id 29857\n", "num_xcc 8\n", "drm_render_minor 129\n"} {
		if text := got["sys/class/kfd/kfd/topology/nodes/3/properties"]; !strings.Contains(text, line) {
			t.Errorf("KFD node 3 has no %q: %s", line, text)
		}
	}
}

// TestMachinesDiffer shows that what must differ between machines does, and nothing
// else of a GPU.
func TestMachinesDiffer(t *testing.T) {
	facts := parse(t, mi300)
	var trees [2]map[string]string
	for i, name := range []string{"a", "b"} {
		files, err := render.Machine(name, facts)
		if err != nil {
			t.Fatal(err)
		}
		trees[i] = tree(t, files)
	}
	var differ []string
	for name, text := range trees[0] {
		if trees[1][name] != text {
			differ = append(differ, name[strings.LastIndexByte(name, '/')+1:])
		}
	}
	want := map[string]int{"hostname": 1, "unique_id": 2, "xgmi_hive_id": 2, "properties": 2, "gpu_id": 2}
	got := map[string]int{}
	for _, name := range differ {
		got[name]++
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files that differ between two machines (-want +got):\n%s", diff)
	}
}
