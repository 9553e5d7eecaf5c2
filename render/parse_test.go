// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"io/fs"
	"strings"
	"testing"

	"tarsia.dev/tarsia/machine"
	"tarsia.dev/tarsia/render"
)

// TestBadFacts changes one thing in a good file. Each error names file, line,
// what was found and what was wanted.
func TestBadFacts(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"unknown key", "  threads: 2\n", "  thread: 2\n", `small.yaml:8: cpu: found the unknown key "thread", did you mean "threads"?`},
		{"unknown key in a device", "driver: nvidia, link", "drivr: nvidia, link", `small.yaml:26: devices.gpu: found the unknown key "drivr", did you mean "driver"?`},
		{"wrong type", "cores: 4\n", "cores: many\n", `small.yaml:7: cpu.cores: found "many", want a whole number`},
		{"negative count", "cores: 4\n", "cores: -4\n", "small.yaml:7: cpu.cores: found -4, want 1 to 1024"},
		{"too many CPUs", "cores: 4\n  threads: 2", "cores: 1024\n  threads: 8", "small.yaml:7: cpu.cores: found 16384 CPUs in all, want at most 4096"},
		{"too many files", "cores: 4\n  threads: 2", "cores: 1024\n  threads: 2", "small.yaml:13: cpu.caches: found some 143360 files for 4096 CPUs"},
		{"unknown architecture", "amd64", "sparc", `small.yaml:3: architecture: found "sparc", want one of amd64, arm64, riscv64`},
		{"another architecture's block", "amd64", "arm64", "small.yaml:4: cpu: found no arm, want it on arm64"},
		{"size without unit", "perNode: 16 GiB", "perNode: 16", `small.yaml:16: memory.perNode: found "16": want a size up to 1024 TiB, as 80 GiB`},
		{"no memory", "memory: {perNode: 16 GiB, far: 21}\n", "", "small.yaml:1: memory.perNode: found none"},
		{"nodes that do not divide", "threads: 2\n", "threads: 2\n  nodesPerPackage: 3\n", "small.yaml:9: cpu.nodesPerPackage: found 3, want a divisor of 4 cores"},
		{"cache kind", "type: Data", "type: data", `small.yaml:14: cpu.caches.0.type: found "data", want one of Data, Instruction, Unified`},
		{"ids", "10de:2330", "10de-2330", `small.yaml:26: devices.gpu.id: found "10de-2330": want vendor:device, as 10de:2330`},
		{"class", "0x030200", "0x0302", `small.yaml:26: devices.gpu.class: found "0x0302": want a class, as 0x030200`},
		{"link", "16 x16", "16 x15", `small.yaml:26: devices.gpu.link: found "16 x15": want GT/s and lanes of a PCIe generation, as 32 x16`},
		{"unknown device", "switch(gpu nic)", "switch(gpu nick)", `small.yaml:38: pci.0.ports.0: found no device "nick", want one of: eth, gpu, nic, port, switch, vga`},
		{"no closing parenthesis", "switch(gpu nic)", "switch(gpu nic", "want a closing parenthesis"},
		{"closing too much", "switch(gpu nic)", "switch(gpu) nic)", "want no closing parenthesis here"},
		{"two below a port", "switch(gpu nic)", "gpu nic", "want one device or switch below a port"},
		{"count", "switch(gpu nic)", "switch(gpu*0 nic)", "want a count of 1 to 32 after *"},
		{"a device as a switch", "switch(gpu nic)", "gpu(nic)", `small.yaml:38: pci.0.ports.0: found "gpu" as a switch, want one of class 0x060400`},
		{"a switch as a device", "switch(gpu nic)", "switch", `small.yaml:38: pci.0.ports.0: found "switch" without what lies below it, want switch(...)`},
		{"a port for conventional PCI", "eth], builtin: [vga]", "vga]", `found "vga" below a port, want a device with a link`},
		{"a PCIe device on the root bus", "builtin: [vga]", "builtin: [nic]", `found "nic" with a link, want it below a port`},
		{"NUMA node out of range", "numa: 1", "numa: 2", "small.yaml:38: pci.0.numa: found 2, want 0 to 1"},
		{"two devices at one address", "domain: 0x10000, bus: 0x00", "bus: 0x13", `small.yaml:1: two devices at address 0000:13:00.0`},
		{"too many buses", "bus: 0x10, ", "bus: 0xfd, ", "found more buses below sys/devices/pci0000:fd than the domain has left"},
		{"too many virtual functions", "total: 8, on: 2", "total: 8, on: 9", "small.yaml:34: devices.nic.sriov.on: found 9, want 0 to 8"},
		{"root port of another class", "port: {id: 8086:352a, class: 0x060400", "port: {id: 8086:352a, class: 0x060000", "devices.port: found class 0x060000"},
		{"unknown GPU", "device: gpu\n", "device: gpus\n", `small.yaml:41: nvidia.device: found no device "gpus"`},
		{"lockdown", "lockdown: integrity", "lockdown: full", `small.yaml:18: boot.lockdown: found "full", want one of`},
		{"secure boot without efi", "efi: true, ", "", "small.yaml:18: boot.secureBoot: found it without efi"},
		{"module twice", "name: mlx5_core}\n", "name: nvidia}\n", `small.yaml:22: modules.1.name: found "nvidia" twice`},
		{"a name with a path in it", "name: mlx5_core}\n", "name: ../../etc}\n", `small.yaml:22: modules.1.name: found "../../etc", want a name`},
		{"text with a line break", "product: small", `product: "a\nb"`, `small.yaml:2: product: found "a\nb", want one line`},
		{"unknown fault", "nvidia:\n", "faults: [{kind: gpu-gone}]\nnvidia:\n", `small.yaml:40: faults.0.kind: found "gpu-gone", want one of gpu-lost`},
		{"impossible fault", "nvidia:\n", "faults: [{kind: gpu-lost, index: 7}]\nnvidia:\n", "small.yaml:1: apply fault"},
		{"too many functions", "switch(gpu nic)", "switch(switch(nic*32)*8)", "want at most 512 functions below one port"},
		{"too many functions of two ports", "[switch(gpu nic), eth]", "[switch(switch(nic*32)*4), switch(switch(nic*32)*4)]", "small.yaml:1: found more than 512 PCI functions"},
		{"too many switches", "switch(gpu nic)", "switch(switch(switch(switch(switch(nic)))))", "want at most 4 switches in one another"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(small, c.old) {
				t.Fatalf("%q is not in the good file", c.old)
			}
			_, err := render.ParseFacts("small.yaml", []byte(strings.Replace(small, c.old, c.new, 1)))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("found error %v\nwant in it %q", err, c.want)
			}
		})
	}
}

// TestSameInterface has eleven interfaces ib0 to ib10, and one of prefix ib1.
func TestSameInterface(t *testing.T) {
	text := strings.NewReplacer("switch(gpu nic)", "switch(gpu nic*11)", "prefix: eth", "prefix: ib1").Replace(small)
	_, err := render.ParseFacts("small.yaml", []byte(text))
	if want := `two network interfaces are named "ib10"`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("found error %v, want in it %q", err, want)
	}
}

func TestBadYAML(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"empty":         {"", "f.yaml:1: found no document"},
		"two documents": {"a: 1\n---\nb: 2\n", "f.yaml:3: found a second document"},
		"not a map":     {"- a\n", "f.yaml:1: "},
		"syntax":        {"cpu: {\n", "f.yaml:"},
		"too long":      {strings.Repeat("#", 1<<20+1), "f.yaml:1: found 1048577 bytes, want at most 1048576"},
	} {
		if _, err := render.ParseFacts("f.yaml", []byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: found error %v, want in it %q", name, err, c.want)
		}
	}
}

// TestFactsByHand shows that facts which nobody checked are refused.
func TestFactsByHand(t *testing.T) {
	if _, err := render.Machine("m", render.Facts{}); err == nil {
		t.Error("a machine without CPUs was rendered")
	}
}

// seeds are our own fact files.
func seeds(t testing.TB) map[string][]byte {
	t.Helper()
	fsys := render.DemoFiles()
	names, err := fs.Glob(fsys, "demo/*.yaml")
	if err != nil || len(names) < 10 {
		t.Fatalf("found %d files, %v", len(names), err)
	}
	out := map[string][]byte{}
	for _, name := range names {
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = data
	}
	return out
}

// FuzzParseFacts shows that no text makes the parser panic, and that what it
// lets through is rendered.
func FuzzParseFacts(f *testing.F) {
	for _, data := range seeds(f) {
		f.Add(data)
	}
	for _, text := range []string{small, arm, riscv, mi300} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		facts, err := render.ParseFacts("f.yaml", data)
		if err != nil {
			return
		}
		if facts.CPU.Packages*facts.CPU.Cores*facts.CPU.Threads > 64 {
			return // large machines take the same way, slowly
		}
		files, err := render.Machine("m", facts)
		if err != nil {
			t.Fatalf("parsed but not rendered: %v", err)
		}
		if cpuinfo, err := files.Machine().ReadFile("proc/cpuinfo"); err != nil || len(cpuinfo) > machine.MaxFile {
			t.Fatalf("cpuinfo of %d bytes, %v", len(cpuinfo), err)
		}
	})
}
