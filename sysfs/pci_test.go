// SPDX-License-Identifier: Apache-2.0

package sysfs_test

import (
	"errors"
	"io/fs"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/machine"
	"tarsia.dev/tarsia/pci"
	"tarsia.dev/tarsia/sysfs"
)

func TestParsePCIPlace(t *testing.T) {
	for dir, want := range map[string]sysfs.PCIPlace{
		"sys/devices/pci0000:00/0000:00:02.0":                            {Root: "pci0000:00", Above: []pci.Address{}},
		"sys/devices/pci0000:3a/0000:3a:00.0/0000:3b:00.0":               {Root: "pci0000:3a", Above: []pci.Address{{Bus: 0x3a}}},
		"sys/devices/pci10000:00/10000:00:04.0":                          {Root: "pci10000:00", Above: []pci.Address{}},
		"sys/devices/platform/soc/40000000.pcie/pci0002:00/0002:00:00.0": {Root: "pci0002:00", Above: []pci.Address{}},
		"sys/devices/pci0000:64/0000:64:00.5/pci10000:e0/10000:e0:02.0/10000:e1:00.0": {Root: "pci10000:e0",
			Above: []pci.Address{{Domain: 0x10000, Bus: 0xe0, Device: 2}}},
		"sys/bus/pci/devices/0000:01:00.0": {},
		"sys/devices/pciexpress/x":         {},
		"":                                 {},
	} {
		if diff := cmp.Diff(want, sysfs.ParsePCIPlace(dir)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", dir, diff)
		}
	}
}

// space makes configuration space of size bytes with a capability list.
func space(size int, at map[int][4]byte) []byte {
	c := make([]byte, size)
	c[0x06], c[0x34] = 0x10, 0x40
	for offset, b := range at {
		copy(c[offset:], b[:])
	}
	return c
}

func TestParsePCIConfig(t *testing.T) {
	ones := make([]byte, 64)
	for i := range ones {
		ones[i] = 0xff
	}
	bridge := space(256, map[int][4]byte{0x40: {0x01, 0x50}, 0x50: {0x10, 0, 0x42}})
	bridge[0x0e] = 0x81
	for _, c := range []struct {
		name string
		data []byte
		want sysfs.PCIConfig
	}{
		{"endpoint", space(256, map[int][4]byte{0x40: {0x10, 0, 0x02}}), sysfs.PCIConfig{PCIe: true}},
		{"root port, multi-function, second capability", bridge, sysfs.PCIConfig{Bridge: true, PCIe: true, PortType: sysfs.PortRoot}},
		{"no capability list", make([]byte, 64), sysfs.PCIConfig{}},
		{"an ordinary user's 64 bytes", space(64, nil), sysfs.PCIConfig{Partial: true}},
		{"loop", space(256, map[int][4]byte{0x40: {0x05, 0x40}}), sysfs.PCIConfig{}},
		{"pointer into the header", space(256, map[int][4]byte{0x40: {0x05, 0x10}}), sysfs.PCIConfig{}},
		{"at the very end", space(256, map[int][4]byte{0x40: {0x05, 0xfc}, 0xfc: {0x10, 0, 0x62}}), sysfs.PCIConfig{PCIe: true, PortType: sysfs.PortDownstream}},
		{"gone", ones, sysfs.PCIConfig{Gone: true}},
	} {
		got, err := sysfs.ParsePCIConfig(c.data)
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", c.name, err, diff)
		}
	}
	if _, err := sysfs.ParsePCIConfig(make([]byte, 63)); err == nil {
		t.Error("63 bytes were taken for a header")
	}
}

func FuzzParsePCIConfig(f *testing.F) {
	f.Add(space(256, map[int][4]byte{0x40: {0x01, 0x50}, 0x50: {0x10, 0, 0x42}}))
	f.Add(space(64, nil))
	f.Add(space(256, map[int][4]byte{0x40: {0x05, 0x40}}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := sysfs.ParsePCIConfig(data)
		if err != nil && c != (sysfs.PCIConfig{}) {
			t.Errorf("a value and an error: %+v, %v", c, err)
		}
		if c.Gone && c.PCIe || c.PCIe && c.Partial || !c.PCIe && c.PortType != 0 {
			t.Errorf("contradiction: %+v", c)
		}
	})
}

func TestParseUevent(t *testing.T) {
	got := sysfs.ParseUevent([]byte("DRIVER=nvme\r\nPCI_ID=144D:A80A\nPCI_ID=0:0\nnonsense\n=x\nEMPTY=\n\x00\x00"))
	want := map[string]string{"DRIVER": "nvme", "PCI_ID": "144D:A80A", "EMPTY": ""}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func FuzzParseUevent(f *testing.F) {
	f.Add([]byte("DRIVER=amdgpu\nPCI_CLASS=30000\nPCI_ID=1002:679A\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if got := sysfs.ParseUevent(data); len(got) > 256 {
			t.Errorf("%d variables", len(got))
		}
	})
}

func TestReadPCIFunction(t *testing.T) {
	files := machine.NewFiles()
	add := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	const dir = "sys/devices/pci0000:00/0000:00:01.0"
	add(files.AddLink(sysfs.PCIDevices+"/0000:00:01.0", "../../../devices/pci0000:00/0000:00:01.0"))
	for name, text := range map[string]string{
		"class": "0x030200\n", "vendor": "0x10de\n", "device": "zz\n", "numa_node": "-1\n",
		"local_cpus": "0000,0000000f\n", "local_cpulist": "0-7\n", "current_link_width": "255\n", "max_link_width": "16\x00\x00\n", "current_link_speed": "Unknown speed\n",
		"sriov_totalvfs": "99999999\n", "power_state": "D3cold\n", "config": "x",
	} {
		add(files.AddFile(dir+"/"+name, []byte(text)))
	}
	add(files.AddLink(dir+"/iommu_group", "../../../kernel/iommu_groups/x"))
	add(files.AddLink(dir+"/virtfn1", "../0000:00:01.2"))
	add(files.AddLink(dir+"/virtfn0", "../0000:00:01.1"))
	add(files.AddLink(dir+"/virtfn99999999", "../0000:00:01.3"))
	m := files.Machine()
	f, err := sysfs.ReadPCIFunction(m, pci.Address{Device: 1})
	if err != nil {
		t.Fatal(err)
	}
	if f.Dir != dir || f.Class.Value != 0x030200 || f.Vendor.Value != pci.VendorNVIDIA || f.NUMANode.Value != -1 || f.NUMANode.Err != nil ||
		f.LocalCPUs.Value.String() != "0-3" || *f.MaxWidth.Ptr() != 16 {
		t.Errorf("%+v", f)
	}
	if f.Device.Err == nil || f.Device.Ptr() != nil || f.Device.Text != "zz" || f.TotalVFs.Err == nil || f.IOMMUGroup.Err == nil {
		t.Errorf("what was not understood was taken: %+v", f)
	}
	if !errors.Is(f.SubVendor.Err, fs.ErrNotExist) || !errors.Is(f.CurrentWidth.Err, pci.ErrNoLink) || !errors.Is(f.CurrentSpeed.Err, pci.ErrNoLink) {
		t.Errorf("three kinds of absence: %v, %v, %v", f.SubVendor.Err, f.CurrentWidth.Err, f.CurrentSpeed.Err)
	}
	if diff := cmp.Diff([]pci.Address{{Device: 1, Function: 1}, {Device: 1, Function: 2}}, f.VirtFns); diff != "" {
		t.Errorf("virtual functions (-want +got):\n%s", diff)
	}
	if _, err := sysfs.ReadPCIConfig(m, &f); !errors.Is(err, sysfs.ErrAsleep) {
		t.Errorf("a function in D3cold was woken: %v", err)
	}
	if _, err := sysfs.ReadPCIFunction(m, pci.Address{Device: 2}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a function that is not there: %v", err)
	}
}
