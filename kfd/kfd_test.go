// SPDX-License-Identifier: Apache-2.0

package kfd_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/kfd"
	"tarsia.dev/tarsia/machine"
	"tarsia.dev/tarsia/pci"
)

func TestParseProperties(t *testing.T) {
	got, err := kfd.ParseProperties([]byte("simd_count 304\nunique_id 18446744073709551615\n\n  hive_id 7 \r\n\x00"))
	want := kfd.Properties{"simd_count": 304, "unique_id": 1<<64 - 1, "hive_id": 7}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	for text, line := range map[string]string{"a 1\nb\n": "line 2", "a -1": "line 1", "a 1 2": "line 1", "a 18446744073709551616": "line 1"} {
		if _, err := kfd.ParseProperties([]byte(text)); err == nil || !strings.HasPrefix(err.Error(), line) {
			t.Errorf("%q: %v, want an error of %s", text, err, line)
		}
	}
	var many strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&many, "p%d 0\n", i)
	}
	if _, err := kfd.ParseProperties([]byte(many.String())); err == nil {
		t.Error("2000 properties were taken")
	}
}

func FuzzParseProperties(f *testing.F) {
	f.Add([]byte("cpu_cores_count 0\nsimd_count 416\nlocation_id 25344\nhive_id 12609507387757274807\n"))
	f.Add([]byte("type 11\nnode_from 2\nnode_to 3\nmax_bandwidth 50000\nflags 1\n"))
	f.Add([]byte("simd_count\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := kfd.ParseProperties(data)
		if (p == nil) != (err != nil) || len(p) > 1024 {
			t.Errorf("%d properties, %v", len(p), err)
		}
	})
}

func TestRead(t *testing.T) {
	files := machine.NewFiles()
	file := func(name, text string) {
		t.Helper()
		if err := files.AddFile(kfd.Dir+"/nodes/"+name, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	file("0/properties", "cpu_cores_count 64\nsimd_count 0\n")
	file("10/properties", "simd_count 304\nvendor_id 4098\ndevice_id 29857\ndomain 1\nlocation_id 268436739\nunique_id 9\nnum_xcc 1\n")
	file("10/name", "ip discovery\n")
	file("10/mem_banks/0/properties", "heap_type 1\nsize_in_bytes 1000\n")
	file("10/mem_banks/1/properties", "heap_type 0\nsize_in_bytes 7\n")
	file("10/io_links/0/properties", "type 11\nnode_from 10\nnode_to 2\nweight 15\nmin_bandwidth 50000\nmax_bandwidth 100000\nflags 3\n")
	file("10/io_links/1/properties", "type x\n")
	file("2/properties", "simd_count many\n")
	file("010/properties", "simd_count 1\n")
	for name, errno := range map[string]syscall.Errno{"3/properties": syscall.EPERM, "0/name": syscall.EIO} {
		if err := files.AddError(kfd.Dir+"/nodes/"+name, errno); err != nil {
			t.Fatal(err)
		}
	}
	got, err := kfd.Read(files.Machine())
	gpu := kfd.Dir + "/nodes/10"
	want := []kfd.Node{
		{ID: 0, Path: kfd.Dir + "/nodes/0", CPUCores: 64},
		{ID: 10, Path: gpu, Name: "ip discovery", SIMDs: 304, VendorID: 0x1002, DeviceID: 0x74a1, Domain: 1, LocationID: 0x10000503,
			UniqueID: 9, XCCs: 1, LocalMemBytes: 1000,
			IOLinks: []kfd.Link{{Path: gpu + "/io_links/0/properties", Type: kfd.XGMI, From: 10, To: 2, Weight: 15, MinBandwidth: 50000, MaxBandwidth: 100000, Enabled: true}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("nodes (-want +got):\n%s", diff)
	}
	if !errors.Is(err, syscall.EPERM) || !errors.Is(err, syscall.EIO) || !strings.Contains(err.Error(), "nodes/2/properties: line 1") || !strings.Contains(err.Error(), "io_links/1/properties: line 1") {
		t.Errorf("errors %v", err)
	}
	if a, p := got[1].Address(), got[1].Partition(); a != (pci.Address{Domain: 1, Bus: 5, Function: 3}) || p != 1 {
		t.Errorf("address %s, partition %d", a, p)
	}
	if _, err := kfd.Read(machine.NewFiles().Machine()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no driver: %v", err)
	}
}
