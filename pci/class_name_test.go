// SPDX-License-Identifier: Apache-2.0

package pci

import "testing"

func TestClassName(t *testing.T) {
	for class, want := range map[Class]string{0x010802: "NVMe", 0x020700: "InfiniBand", 0x088000: "system peripheral", 0x560000: "class 0x560000"} {
		if got := class.Name(); got != want {
			t.Errorf("%s: found %q, want %q", class, got, want)
		}
	}
}
