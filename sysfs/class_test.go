// SPDX-License-Identifier: Apache-2.0

package sysfs_test

import (
	"errors"
	"io/fs"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/machine"
	"tarsia.dev/tarsia/sysfs"
)

func TestRateMbps(t *testing.T) {
	for rate, want := range map[string]int64{"400 Gb/sec (4X NDR)": 400000, "2.5 Gb/sec (1X SDR)": 2500} {
		if got, err := sysfs.RateMbps(rate); err != nil || got != want {
			t.Errorf("%q: %d, %v, want %d", rate, got, err, want)
		}
	}
	for _, rate := range []string{"", "400", "NaN Gb/sec", "-1 Gb/sec", "1e300 Gb/sec"} {
		if got, err := sysfs.RateMbps(rate); err == nil {
			t.Errorf("%q: %d", rate, got)
		}
	}
}

func FuzzRateMbps(f *testing.F) {
	f.Add("400 Gb/sec (4X NDR)")
	f.Add("Inf Gb/sec")
	f.Fuzz(func(t *testing.T, rate string) {
		if v, err := sysfs.RateMbps(rate); v < 0 || err != nil && v != 0 {
			t.Errorf("%d, %v", v, err)
		}
	})
}

// Each class list gives what it has, beside the error of what it has not.
func TestHalfReadableClasses(t *testing.T) {
	files := machine.NewFiles()
	add := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	add(files.AddFile("sys/devices/pci0000:00/0000:00:01.0/class", nil))
	add(files.AddLink("sys/class/infiniband/mlx5_0/device", "/sys/devices/pci0000:00/0000:00:01.0"))
	add(files.AddError("sys/class/infiniband/mlx5_0/ports/1/state", syscall.EIO))
	add(files.AddFile("sys/class/infiniband/mlx5_0/ports/1/link_layer", []byte("Ethernet\n")))
	add(files.AddFile("sys/class/infiniband/mlx5_0/ports/x/state", nil))
	add(files.AddLink("sys/class/infiniband/mlx5_1/device", "/sys/devices/pci0000:00/0000:00:01.0"))
	add(files.AddLink("sys/class/net/loop/device", "device"))
	add(files.AddFile("sys/class/net/lo/operstate", nil))
	add(files.AddError("sys/kernel/iommu_groups/3/type", syscall.EACCES))
	add(files.AddDir("sys/kernel/iommu_groups/1/devices"))
	m := files.Machine()

	ports, err := sysfs.RDMAPorts(m)
	if len(ports) != 1 || ports[0].LinkLayer != "Ethernet" || ports[0].State != "" || !errors.Is(err, syscall.EIO) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("ports %+v, %v", ports, err)
	}
	nets, err := sysfs.NetInterfaces(m)
	if len(nets) != 0 || !errors.Is(err, syscall.ELOOP) {
		t.Errorf("nets %+v, %v", nets, err)
	}
	groups, err := sysfs.ReadIOMMUGroups(m)
	want := []sysfs.IOMMUGroup{{ID: 1, Devices: nil}, {ID: 3}}
	for i := range groups {
		if len(groups[i].Devices) == 0 {
			groups[i].Devices = nil
		}
	}
	if diff := cmp.Diff(want, groups); diff != "" || !errors.Is(err, syscall.EACCES) {
		t.Errorf("groups, %v (-want +got):\n%s", err, diff)
	}
	if _, err := sysfs.ReadIOMMUGroups(machine.NewFiles().Machine()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
}

func TestReadAMDGPUKeepsWhatItHas(t *testing.T) {
	files := machine.NewFiles()
	const dir = "sys/devices/gpu/"
	for name, text := range map[string]string{
		"vbios_version": "113-X", "mem_info_vram_total": "x", "fw_version/smc_fw_version": "no number", "fw_version/mec_fw_version": "0x10",
		"xgmi_hive_info/xgmi_hive_id": "0",
	} {
		if err := files.AddFile(dir+name, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := files.AddError(dir+"unique_id", syscall.EIO); err != nil {
		t.Fatal(err)
	}
	names, err := files.Machine().ReadDir("sys/devices/gpu")
	if err != nil {
		t.Fatal(err)
	}
	f := &sysfs.PCIFunction{Dir: "sys/devices/gpu", Names: names}
	got, err := sysfs.ReadAMDGPU(files.Machine(), f)
	want := sysfs.AMDGPU{VBIOS: "113-X", Answers: true, Firmware: []sysfs.AMDGPUFirmware{{Component: "mec", Version: "0x10", Path: dir + "fw_version/mec_fw_version"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var parse *sysfs.ParseError
	if !errors.Is(err, syscall.EIO) || !errors.As(err, &parse) {
		t.Errorf("errors %v", err)
	}
}
