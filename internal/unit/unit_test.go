// SPDX-License-Identifier: Apache-2.0

package unit

import "testing"

func TestQuantities(t *testing.T) {
	tests := []struct{ name, got, want string }{
		{"nothing", Bytes(0), "0 B"},
		{"below one unit", Bytes(1023), "1023 B"},
		{"one unit", Bytes(1024), "1 KiB"},
		{"memory of a GPU", Bytes(80 << 30), "80 GiB"},
		{"memory that is no round number", Bytes(1<<40 + 1<<39 + 5), "1.5 TiB"},
		{"three digits", Bytes(503*1<<30 + 700<<20), "504 GiB"},
		{"largest", Bytes(1<<63 - 1), "8 EiB"},
		{"eighteen links", Rate(18 * 26562e6), "478 GB/s"},
		{"PCIe x16", Rate(63015384615), "63 GB/s"},
		{"slow link", Rate(249e6), "249 MB/s"},
		{"network", Megabits(400000), "400 Gb/s"},
		{"slow network", Megabits(100), "100 Mb/s"},
		{"two and a half", Megabits(2500), "2.5 Gb/s"},
		{"transfer rate", Number(2.5), "2.5"},
		{"below a minute", Seconds(45), "45s"},
		{"minutes", Seconds(185), "3m05s"},
		{"hours", Seconds(7859), "2h10m"},
		{"days", Seconds(3*86400 + 4*3600 + 59), "3d04h"},
		{"rounded up to the next power", Number(9.996), "10"},
	}
	for _, test := range tests {
		if test.got != test.want {
			t.Errorf("%s: found %q, want %q", test.name, test.got, test.want)
		}
	}
}
