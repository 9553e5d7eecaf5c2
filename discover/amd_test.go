// SPDX-License-Identifier: Apache-2.0

package discover_test

import (
	"fmt"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/topology"
)

const kfdNodes = "sys/class/kfd/kfd/topology/nodes/"

// kfdCPU and kfdGPU add a node of the compute topology.
func (b board) kfdCPU(id int) {
	b.file(fmt.Sprintf("%s%d/properties", kfdNodes, id), "cpu_cores_count 2\nsimd_count 0")
}

func (b board) kfdGPU(id int, location uint32, unique uint64, more string) {
	b.file(fmt.Sprintf("%s%d/properties", kfdNodes, id), fmt.Sprintf(
		"cpu_cores_count 0\nsimd_count 304\nvendor_id 4098\ndevice_id 29857\ndomain 0\nlocation_id %d\nunique_id %d\nhive_id 99\n%s", location, unique, more))
}

func (b board) kfdLink(from, index, kind, to, low, high, flags int) {
	b.file(fmt.Sprintf("%s%d/io_links/%d/properties", kfdNodes, from, index), fmt.Sprintf(
		"type %d\nnode_from %d\nnode_to %d\nweight 15\nmin_bandwidth %d\nmax_bandwidth %d\nflags %d", kind, from, to, low, high, flags))
}

func TestAMDGPU(t *testing.T) {
	b := newBoard(t)
	dir := b.pci("pci0000:00/0000:05:00.0", mi300x)
	for name, text := range map[string]string{
		"unique_id": "e3a1b2c3d4e5f607", "product_name": "AMD Instinct MI300X", "vbios_version": "113-M3000100-102",
		"mem_info_vram_total": "206141652992", "current_compute_partition": "SPX", "xgmi_hive_info/xgmi_hive_id": "99",
		"fw_version/smc_fw_version": "0x00553e00", "fw_version/uvd_fw_version": "0x00000000",
		"ras/features": "feature mask: 0x1", "ras/umc_err_count": "ue: 1\nce: 7\nde: 0\n", "ras/gfx_err_count": "not now\n",
	} {
		b.file(dir+"/"+name, text)
	}
	b.file("sys/module/amdgpu/version", "6.12.12")
	b.kfdCPU(0)
	b.kfdCPU(1)
	b.kfdGPU(2, 0x500, 0xe3a1b2c3d4e5f607, "num_xcc 8")
	n := b.read()
	want := topology.Accelerator{
		ID: "pci/0000:05:00.0", Vendor: "amd", Model: "AMD Instinct MI300X", UUID: "e3a1b2c3d4e5f607", NUMANode: new(0),
		MemoryBytes: new(int64(206141652992)), MemoryNodes: []int{}, Driver: "amdgpu", DriverVersion: "6.12.12", State: topology.DeviceOK,
		XGMIHive: "99", PartitionMode: "SPX", Partitions: []topology.Partition{}, Source: dir,
		ErrorCounts: []topology.ErrorCount{{Block: "umc", Uncorrectable: 1, Correctable: 7, Deferred: new(int64(0)), Source: dir + "/ras/umc_err_count"}},
	}
	if a, ok := n.AbsenceOf(want.ID, "errorCounts"); !ok || a.Kind != topology.Unreadable {
		t.Errorf("the counters of gfx: %+v, want them unreadable", a)
	}
	if diff := gocmp.Diff(want, accelerator(t, n, want.ID)); diff != "" {
		t.Errorf("accelerator (-want +got):\n%s", diff)
	}
	if diff := gocmp.Diff([]topology.Firmware{
		{Device: want.ID, Component: "smc", Version: "0x00553e00", Source: dir + "/fw_version/smc_fw_version"},
		{Device: want.ID, Component: "vbios", Version: "113-M3000100-102", Source: dir + "/vbios_version"},
	}, n.Firmware); diff != "" {
		t.Errorf("firmware (-want +got):\n%s", diff)
	}
}

func TestPartitions(t *testing.T) {
	for _, c := range []struct {
		name     string
		location func(part int) uint32
		missing  int
	}{
		{"in the function bits", func(p int) uint32 { return 0x500 | uint32(p) }, 3},
		{"in bits 28 to 31", func(p int) uint32 { return 0x500 | uint32(p)<<28 }, 3},
		{"the last, which only the peer shows", func(p int) uint32 { return 0x500 | uint32(p)<<28 }, 7},
		{"the first", func(p int) uint32 { return 0x500 | uint32(p) }, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBoard(t)
			b.pci("pci0000:00/0000:05:00.0", mi300x)
			b.pci("pci0000:00/0000:26:00.0", mi300x)
			id := 1
			for p := range 8 {
				if p != c.missing {
					b.kfdGPU(id, c.location(p), 77, "num_xcc 1\nlocal_mem_size 1000")
					id++
				}
			}
			for p := range 8 {
				b.kfdGPU(id, c.location(p)-0x500+0x2600, 78, "num_xcc 1\nlocal_mem_size 1000")
				id++
			}
			n := b.read()
			if len(n.Accelerators) != 2 {
				t.Fatalf("%d accelerators, want 2", len(n.Accelerators))
			}
			a := accelerator(t, n, "pci/0000:05:00.0")
			if len(a.Partitions) != 7 || a.ExpectedPartitions == nil || *a.ExpectedPartitions != 8 || a.PartitionMode != "CPX" || a.MemoryBytes != nil {
				t.Errorf("%+v", a)
			}
			whole := accelerator(t, n, "pci/0000:26:00.0")
			if len(whole.Partitions) != 8 || *whole.ExpectedPartitions != 8 || *whole.MemoryBytes != 8000 || whole.Index != 1 {
				t.Errorf("%+v", whole)
			}
		})
	}
}

func TestXGMI(t *testing.T) {
	b := newBoard(t)
	b.kfdCPU(0)
	b.kfdCPU(1)
	for i := range 4 {
		b.pci(fmt.Sprintf("pci0000:00/0000:%d5:00.0", i), mi300x)
		b.kfdGPU(2+i, uint32(i<<12|0x500), uint64(70+i), "")
	}
	b.kfdLink(0, 0, 1, 1, 0, 0, 0)            // between CPUs: none here
	b.kfdLink(2, 0, 2, 0, 0, 64000, 1)        // PCIe: the PCI tree has it
	b.kfdLink(2, 1, 11, 3, 50000, 200000, 1)  // four links
	b.kfdLink(3, 0, 11, 2, 50000, 200000, 1)  // the same from the other side
	b.kfdLink(2, 2, 11, 4, 0, 0, 1)           // bandwidth not told: still a link
	b.kfdLink(3, 1, 11, 5, 50000, 50000, 0)   // not enabled
	b.kfdLink(5, 0, 11, 1, 100000, 100000, 1) // CPU and GPU in one package
	b.kfdLink(4, 0, 11, 99, 50000, 50000, 1)  // leads nowhere
	got := b.read().Links
	want := []topology.Link{
		{A: "numa/1", B: "pci/0000:35:00.0", Lanes: new(1), MaxLanes: new(1), BytesPerSecond: new(int64(100e9)), MaxBytesPerSecond: new(int64(100e9)), State: topology.LinkUp, Source: kfdNodes + "5/io_links/0/properties"},
		{A: "pci/0000:05:00.0", B: "pci/0000:15:00.0", Lanes: new(4), MaxLanes: new(4), BytesPerSecond: new(int64(200e9)), MaxBytesPerSecond: new(int64(200e9)), State: topology.LinkUp, Source: kfdNodes + "2/io_links/1/properties"},
		{A: "pci/0000:05:00.0", B: "pci/0000:25:00.0", State: topology.LinkUp, Source: kfdNodes + "2/io_links/2/properties"},
		{A: "pci/0000:15:00.0", B: "pci/0000:35:00.0", MaxBytesPerSecond: new(int64(50e9)), State: topology.LinkStateUnknown, Source: kfdNodes + "3/io_links/1/properties"},
	}
	for i := range want {
		want[i].Kind, want[i].Coherent = topology.LinkXGMI, true
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
}

func TestKFDWithoutPCITree(t *testing.T) {
	b := newBoard(t)
	b.kfdCPU(0)
	b.kfdGPU(1, 0x1900, 5, "")
	b.kfdGPU(2, 0x1900, 6, "")
	b.kfdGPU(3, 0, 7, "")
	b.kfdLink(1, 0, 2, 0, 0, 32000, 1)
	n := b.read()
	var ids []topology.Ref
	for _, a := range n.Accelerators {
		ids = append(ids, a.ID)
	}
	if diff := gocmp.Diff([]topology.Ref{"kfd/2", "kfd/3", "pci/0000:19:00.0"}, ids); diff != "" {
		t.Errorf("accelerators (-want +got):\n%s", diff)
	}
	if a := absence(t, n, "kfd/2", "address"); a.Kind != topology.Unknown {
		t.Errorf("%+v", a)
	}
	// One CPU node and two NUMA nodes: which is which is not known.
	if l := linkOf(t, n, topology.LinkPCIe, "0000:19:00.0"); l.A != "kfd/0" || l.State != topology.LinkStateUnknown || *l.MaxBytesPerSecond != 32e9 {
		t.Errorf("%+v", l)
	}
}

func TestOtherVendors(t *testing.T) {
	b := newBoard(t)
	b.pci("pci0000:00/0000:00:04.0", attrs{"class": "0x120000", "vendor": "0x1b36", "device": "0x0005", "driver": "fake", "config": config(0)})
	b.pci("pci0000:00/0000:00:05.0", attrs{"class": "0x120000", "vendor": "0x1b36", "device": "0x0005", "driver": "fake"})
	b.pci("pci0000:00/0000:00:06.0", attrs{"class": "0x120000", "vendor": "0x1b36", "device": "0x0005", "driver": "fake", "config": config(0), "power_state": "D3cold"})
	n := b.read()
	for i, want := range []topology.DeviceState{topology.DeviceOK, topology.DeviceUnknown, topology.DeviceUnknown} {
		if a := n.Accelerators[i]; a.State != want || a.Vendor != "unknown" || a.Model != "1b36:0005" || a.Index != i {
			t.Errorf("%d: %+v", i, a)
		}
	}
	if got := n.Accelerators[2].StateReason; got != "asleep in D3cold; reading would wake it" {
		t.Errorf("reason %q", got)
	}
}
