// SPDX-License-Identifier: Apache-2.0

package devicetree_test

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/devicetree"
	"tarsia.dev/tarsia/machine"
)

func TestModelAndCPUs(t *testing.T) {
	f := machine.NewFiles()
	if _, _, err := devicetree.Model(f.Machine()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a tree: %v", err)
	}
	const base = "sys/firmware/devicetree/base"
	for name, data := range map[string]string{
		base + "/model": "Board 9\x00",
		base + "/cpus/cpu@1/riscv,isa-extensions": "m\x00i\x00zba\x00", base + "/cpus/cpu@1/riscv,isa-base": "rv64i\x00",
		base + "/cpus/cpu@1/status":    "okay\x00",
		base + "/cpus/cpu@0/riscv,isa": "rv64imac\x00", base + "/cpus/cpu@0/status": "disabled\x00",
		base + "/cpus/cpu@2/riscv,isa": "rv64imac\x00", base + "/cpus/cpu-map/x": "",
	} {
		if err := f.AddFile(name, []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.AddLink("proc/device-tree", "/sys/firmware/devicetree/base"); err != nil {
		t.Fatal(err)
	}
	m := f.Machine()
	model, source, err := devicetree.Model(m)
	if err != nil || model != "Board 9" || source != "proc/device-tree/model" {
		t.Errorf("model %q of %q, %v", model, source, err)
	}
	got, err := devicetree.CPUs(m)
	if err != nil {
		t.Fatal(err)
	}
	want := []devicetree.CPU{
		{Name: "cpu@1", ISABase: "rv64i", ISAExtensions: []string{"i", "m", "zba"}},
		{Name: "cpu@2", ISA: "rv64imac"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func FuzzProperties(f *testing.F) {
	for _, seed := range []string{"rv64imac\x00", "a\x00b\x00", "\x00\x00\x00\x01", "\x1b[31mred\x00", ""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, s := range devicetree.Strings(data) {
			if s == "" {
				t.Error("an empty string")
			}
			for _, r := range s {
				if r < ' ' || r > '~' {
					t.Errorf("%q has what a terminal would obey", s)
				}
			}
		}
	})
}
