// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const commandLine = `BOOT_IMAGE=/boot/vmlinuz-6.12 root=UUID=0b5c8a58-3f0e-4d2b-9a7e-1f2d3c4b5a69 ro ` +
	`rd.luks.name=9d1f=alice-laptop iommu=pt intel_iommu=on token=s3cret ip=10.0.0.7::10.0.0.1 hostname=alice ` +
	`nvidia-drm.modeset=1 nvidia.NVreg_OpenRmEnableUnsupportedGpus=1 amdgpu.ppfeaturemask=0xffff7fff ` +
	`isolcpus=managed_irq,2-5 nohz-full=2-5 user.note="words iommu=off in quotes" module.sig_enforce=1 -- nosmt init-secret` + "\n"

const keptLine = "iommu=pt intel_iommu=on nvidia-drm.modeset=1 nvidia.NVreg_OpenRmEnableUnsupportedGpus=1 " +
	"amdgpu.ppfeaturemask=0xffff7fff isolcpus=managed_irq,2-5 nohz-full=2-5 module.sig_enforce=1\n"

// A machine on disk, one in memory and a recording withhold the same.
func TestNothingPersonal(t *testing.T) {
	f := NewFiles()
	withheldFiles := []string{
		"sys/devices/virtual/dmi/id/product_serial", "sys/devices/virtual/dmi/id/product_uuid", "sys/devices/virtual/dmi/id/chassis_asset_tag",
		"sys/devices/pci0000:00/0000:00:1f.6/net/eth0/address", "sys/devices/pci0000:00/0000:00:1f.6/vpd",
		"sys/devices/pci0000:00/0000:00:04.0/nvme/nvme0/serial", "sys/devices/pci0000:00/0000:00:04.0/nvme/nvme0/nvme0n1/wwid",
		"sys/devices/pci0000:00/0000:00:04.0/nvme/nvme0/nvme0n1/uuid", "sys/firmware/devicetree/base/serial-number",
		"proc/sys/kernel/random/boot_id", "proc/1/environ", "proc/1/cmdline", "etc/machine-id",
		"sys/devices/virtual/block/dm-0/dm/uuid",
	}
	kept := []string{
		"sys/devices/virtual/dmi/id/product_name", "sys/devices/pci0000:00/0000:00:1f.6/net/eth0/speed",
		"sys/kernel/iommu_groups/0/devices/address", "sys/class/infiniband/mlx5_0/node_guid", "sys/devices/gpu/unique_id",
		"sys/class/accel/accel0/device/uuid",
	}
	for _, name := range append(withheldFiles, kept...) {
		if err := f.AddFile(name, []byte("personal\n")); err != nil {
			t.Fatal(err)
		}
	}
	for _, err := range []error{
		f.AddFile("proc/cmdline", []byte(commandLine)),
		f.AddLink("sys/class/dmi/id", "../../devices/virtual/dmi/id"),
		f.AddLink("sys/class/net/eth0", "../../devices/pci0000:00/0000:00:1f.6/net/eth0"),
		f.AddLink("alias", "proc/cmdline"),
		f.AddLink("named", "etc/machine-id"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	dir := filepath.Join(t.TempDir(), "root")
	if err := f.Lay(dir); err != nil {
		t.Fatal(err)
	}
	disk, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	h, err := Record("h", disk, func(m *Machine) error {
		for _, name := range append(withheldFiles, kept...) {
			_, _ = m.ReadFile(name)
		}
		return nil
	}, []string{"sys/class/*/*/*", "proc/cmdline", "alias", "named"})
	if err != nil {
		t.Fatal(err)
	}
	for where, m := range map[string]*Machine{"disk": disk, "memory": f.Machine(), "recording": h.Files.Machine()} {
		for _, name := range append(withheldFiles, "sys/class/dmi/id/board_serial", "sys/class/net/eth0/address") {
			if data, err := m.ReadFile(name); !errors.Is(err, ErrWithheld) || data != nil {
				t.Errorf("%s: %s: found %q, %v", where, name, data, err)
			}
		}
		for _, name := range kept {
			if _, err := m.ReadFile(name); err != nil {
				t.Errorf("%s: %v", where, err)
			}
		}
		data, err := m.ReadFile("proc/cmdline")
		if diff := cmp.Diff(keptLine, string(data)); diff != "" || err != nil {
			t.Errorf("%s: command line: %v\n%s", where, err, diff)
		}
	}
	var b bytes.Buffer
	if err := (&Snapshot{Hosts: []Host{h}}).writePlain(&b); err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"alice", "s3cret", "0b5c8a58", "10.0.0.7", "init-secret", "quotes"} {
		if bytes.Contains(b.Bytes(), []byte(word)) {
			t.Errorf("the snapshot holds %q", word)
		}
	}
	for _, name := range withheldFiles {
		if e := h.Files.entries[name]; e != nil && e.text != "" {
			t.Errorf("the snapshot holds %s", name)
		}
	}
}

// A link to such a file is no way into a recording.
func TestWithheldBehindLink(t *testing.T) {
	f := NewFiles()
	for _, err := range []error{f.AddFile("etc/machine-id", []byte("x")), f.AddLink("proc/name", "../etc/machine-id")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	dir := filepath.Join(t.TempDir(), "root")
	if err := f.Lay(dir); err != nil {
		t.Fatal(err)
	}
	disk, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	h, err := Record("h", disk, func(m *Machine) error { _, _ = m.ReadFile("proc/name"); return nil }, nil)
	if err != nil {
		t.Fatal(err)
	}
	for where, m := range map[string]*Machine{"recording": h.Files.Machine(), "memory": f.Machine()} {
		if data, err := m.ReadFile("proc/name"); !errors.Is(err, ErrWithheld) {
			t.Errorf("%s: found %q, %v", where, data, err)
		}
	}
}

func TestBlankSerial(t *testing.T) {
	config := make([]byte, 4096)
	copy(config[0x100:], []byte{0x01, 0, 0x01, 0x14})                              // error reporting, next at 0x140
	copy(config[0x140:], []byte{0x03, 0, 0x01, 0x10, 1, 2, 3, 4, 5, 6, 7, 8, 'k'}) // serial number, next at 0x100: back
	plain := bytes.Clone(config)
	want := bytes.Clone(config)
	clear(want[0x144:0x14c])
	if diff := cmp.Diff(want, redact("sys/devices/pci0000:00/0000:00:00.0/config", config)); diff != "" {
		t.Error(diff)
	}
	// Another file of that name is not touched.
	if diff := cmp.Diff(plain, redact("sys/module/x/config", bytes.Clone(plain))); diff != "" {
		t.Error(diff)
	}
}

func FuzzKeepParameters(f *testing.F) {
	f.Add([]byte(commandLine))
	f.Add([]byte("\"a b\"=\"c iommu=pt\" iommu=\"x y\" -- pci=nomsi"))
	f.Fuzz(func(t *testing.T, line []byte) {
		once := keepParameters(line)
		if twice := keepParameters(once); !bytes.Equal(once, twice) {
			t.Errorf("found %q, then %q of %q", once, twice, line)
		}
	})
}

func FuzzBlankSerial(f *testing.F) {
	f.Add([]byte{0x03, 0, 0x01, 0x10, 1, 2, 3, 4, 5, 6, 7, 8})
	f.Add([]byte{0x01, 0, 0x01, 0x00})
	f.Fuzz(func(t *testing.T, extended []byte) {
		blankSerial(append(make([]byte, 256), extended...))
	})
}

// The kernel's own table of names agrees with ours on this machine.
func TestErrnoNames(t *testing.T) {
	for _, e := range errnoNames {
		got, err := parseErrno(errnoName(e.errno))
		if err != nil || got != e.errno {
			t.Errorf("%s: found %d, %v, want %d", e.name, got, err, e.errno)
		}
	}
	for _, text := range []string{"", "einval", "errno", "errno 0", "errno -1", "errno 4096", "errno 0524", "errno 99999999999", "EINVAL "} {
		if got, err := parseErrno(text); err == nil {
			t.Errorf("%q: found %d, want an error", text, got)
		}
	}
	if got, err := parseErrno("errno 524"); got != 524 || err != nil {
		t.Errorf("errno 524: found %d, %v", got, err)
	}
	if _, err := os.Stat("/nonexistent"); err != nil && !errors.Is(err, errnoNames[1].errno) {
		t.Errorf("ENOENT is %v here", err)
	}
}
