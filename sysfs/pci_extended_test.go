// SPDX-License-Identifier: Apache-2.0

package sysfs_test

import (
	"encoding/binary"
	"testing"

	"tarsia.dev/tarsia/sysfs"
)

// extended is a configuration space with an AER capability and, after it, ACS.
func extended() []byte {
	data := make([]byte, 4096)
	binary.LittleEndian.PutUint32(data[0x100:], 0x0001|2<<16|0x148<<20)
	binary.LittleEndian.PutUint32(data[0x148:], 0x000d|1<<16)
	binary.LittleEndian.PutUint16(data[0x14c:], 0x5f)
	binary.LittleEndian.PutUint16(data[0x14e:], 0x1d)
	return data
}

func TestParsePCIExtended(t *testing.T) {
	loop := extended()
	binary.LittleEndian.PutUint32(loop[0x148:], 0x000d|1<<16|0x100<<20)
	for _, c := range []struct {
		name string
		data []byte
		want sysfs.PCIExtended
	}{
		{"acs", extended(), sysfs.PCIExtended{Seen: true, ACSCapability: 0x5f, ACSControl: 0x1d}},
		{"a list that loops", loop, sysfs.PCIExtended{Seen: true, ACSCapability: 0x5f, ACSControl: 0x1d}},
		{"no extended part", extended()[:256], sysfs.PCIExtended{}},
		{"empty extended part", make([]byte, 4096), sysfs.PCIExtended{Seen: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := sysfs.ParsePCIExtended(c.data); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func FuzzParsePCIExtended(f *testing.F) {
	f.Add(extended())
	f.Fuzz(func(t *testing.T, data []byte) {
		if e := sysfs.ParsePCIExtended(data); e.Seen != (len(data) >= 4096) {
			t.Fatalf("%d bytes: %+v", len(data), e)
		}
	})
}
