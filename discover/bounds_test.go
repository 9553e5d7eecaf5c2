// SPDX-License-Identifier: Apache-2.0

package discover_test

import (
	"fmt"
	"strings"
	"testing"

	"tarsia.dev/tarsia/machine"
	"tarsia.dev/tarsia/pci"
	"tarsia.dev/tarsia/sysfs"
	"tarsia.dev/tarsia/topology"
)

// TestMoreThanAnyMachineHas lists more CPUs, memory nodes and PCI functions than
// a kernel can have: what is beyond is left out, and that is said.
func TestMoreThanAnyMachineHas(t *testing.T) {
	files := machine.NewFiles()
	add := func(dir string) {
		t.Helper()
		if err := files.AddDir(dir); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 3 {
		add(sysfs.CPUPath(8190 + i))
		add(sysfs.NUMAPath(1022 + i))
	}
	for i := range sysfs.MaxPCIFunctions + 1 {
		add(sysfs.PCIDevices + "/" + pci.Address{Domain: uint32(i >> 13), Bus: uint8(i >> 5), Device: uint8(i & 31)}.String())
	}
	n := node(t, files.Machine())
	if n.OnlineCPUs.String() != "8190-8191" || len(n.NUMANodes) != 2 || n.Summary.PCIFunctions != sysfs.MaxPCIFunctions {
		t.Errorf("CPUs %s, %d memory nodes, %d functions", n.OnlineCPUs, len(n.NUMANodes), n.Summary.PCIFunctions)
	}
	for fact, want := range map[string]string{"onlineCPUs": "8192", "numaNodes": "1024", "pci": fmt.Sprint(sysfs.MaxPCIFunctions)} {
		if a, ok := n.AbsenceOf(topology.NodeRef, fact); !ok || a.Kind != topology.Unreadable || !strings.Contains(a.Detail, want) {
			t.Errorf("%s: %+v", fact, a)
		}
	}
}
