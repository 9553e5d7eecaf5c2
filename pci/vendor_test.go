// SPDX-License-Identifier: Apache-2.0

package pci_test

import (
	"testing"

	"tarsia.dev/tarsia/pci"
)

func TestAccelerator(t *testing.T) {
	for _, tt := range []struct {
		name           string
		class          pci.Class
		vendor, device pci.ID
		want           bool
		maker          string
	}{
		{"H100", 0x030200, 0x10de, 0x2330, true, "nvidia"},
		{"MI300X", 0x120000, 0x1002, 0x74a1, true, "amd"},
		{"Arc B580", 0x030000, 0x8086, 0xe20b, true, "intel"},
		{"Ascend", 0x120000, 0x19e5, 0xd802, true, "huawei"},
		{"accelerator of nobody", 0x120000, 0x1b36, 0x0005, true, "unknown"},
		{"display of a guest", 0x030000, 0x1af4, 0x1050, true, "unknown"},
		{"ASPEED BMC", 0x030000, 0x1a03, 0x2000, false, "unknown"},
		{"Matrox in iDRAC", 0x030000, 0x102b, 0x0536, false, "unknown"},
		{"Matrox Parhelia", 0x030000, 0x102b, 0x0527, true, "unknown"},
		{"ES1000", 0x030000, 0x1002, 0x515e, false, "amd"},
		{"iBMC", 0x030000, 0x19e5, 0x1711, false, "huawei"},
		{"network card", 0x020000, 0x15b3, 0x101d, false, "unknown"},
		{"vector engine, a co-processor by class", 0x0b4000, 0x1bcf, 0x001c, false, "nec"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := pci.IsAccelerator(tt.class, tt.vendor, tt.device); got != tt.want {
				t.Errorf("accelerator: %v", got)
			}
			if got := pci.Vendor(tt.vendor); got != tt.maker {
				t.Errorf("vendor %q, want %q", got, tt.maker)
			}
		})
	}
}
