// SPDX-License-Identifier: Apache-2.0

// Package nvmltest builds the stand-in for libnvidia-ml that the tests use,
// testbed/nvml/standin.c, and writes the facts that it answers from.
package nvmltest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"tarsia.dev/tarsia/nvml"
)

// FactsVariable is the environment variable in which the stand-in finds its facts.
const FactsVariable = "TARSIA_NVML_FACTS"

// Compiler returns the C compiler for an architecture of Go, "" where none is
// installed.
func Compiler(goarch string) string {
	name := map[string]string{"arm64": "aarch64-linux-gnu-gcc", "riscv64": "riscv64-linux-gnu-gcc", "amd64": "x86_64-linux-gnu-gcc"}[goarch]
	if goarch == runtime.GOARCH {
		name = "gcc"
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return ""
	}
	return path
}

// Root is the folder of the repository.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}

// Build compiles the stand-in into dir, without the symbols that are missing, and
// returns the library's path.
func Build(t testing.TB, dir, compiler string, missing ...string) string {
	t.Helper()
	library := filepath.Join(dir, "libnvidia-ml.so.1")
	args := []string{"-std=gnu11", "-Wall", "-Wextra", "-Werror", "-Wno-missing-field-initializers", "-O1", "-shared", "-fPIC", "-o", library,
		filepath.Join(Root(), "testbed/nvml/standin.c")}
	if len(missing) > 0 {
		script := filepath.Join(dir, "symbols")
		text := "{ global: nvml*; local: " + strings.Join(missing, "; ") + "; };\n"
		if err := os.WriteFile(script, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		args = append(args, "-Wl,--version-script="+script)
	}
	if out, err := exec.Command(compiler, args...).CombinedOutput(); err != nil {
		t.Fatalf("compile the stand-in: %v\n%s", err, out)
	}
	return library
}

// BuildChild builds tarsia-device into dir for an architecture, as it is shipped.
func BuildChild(t testing.TB, dir, goarch string) string {
	t.Helper()
	program := filepath.Join(dir, "tarsia-device")
	interpreter, err := exec.Command("sh", filepath.Join(Root(), "scripts/interpreter"), goarch).Output()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "build", "-ldflags", strings.TrimSpace(string(interpreter)), "-o", program, "tarsia.dev/tarsia/cmd/tarsia-device")
	cmd.Dir = Root()
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+goarch)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build tarsia-device for %s: %v\n%s", goarch, err, out)
	}
	return program
}

// remoteTypes are nvmlIntNvLinkDeviceType_t.
var remoteTypes = map[string]int{"GPU": 0, "IBMNPU": 1, "SWITCH": 2, "": -1, "UNKNOWN": 255}

// Facts writes the fact file of a machine that answers as a says. A device with
// the error GPU_IS_LOST loses itself after it told its address.
func Facts(a *nvml.Answers) string {
	var b strings.Builder
	fmt.Fprintf(&b, "driver %s\nnvml %s\n", a.DriverVersion, a.NVMLVersion)
	for _, p := range a.Pairs {
		fmt.Fprintf(&b, "pair %d %d %d %d %d\n", p.A, p.B, or(p.Ancestor), or(p.NVLink), or(p.PCI))
	}
	for i := range a.Devices {
		device(&b, &a.Devices[i])
	}
	return b.String()
}

func or(v *int) int {
	if v == nil {
		return -1
	}
	return *v
}

func bit(v bool) int {
	if v {
		return 1
	}
	return 0
}

// count is 0 for what is not told: where a whole structure is told, NVML tells all
// of it.
func count[T uint64 | uint32](v *T) T {
	if v == nil {
		return 0
	}
	return *v
}

func device(b *strings.Builder, d *nvml.Device) {
	addr, _ := d.Address() // a bad one leaves the zero address
	fmt.Fprintf(b, "gpu\npci %x %x %x\n", addr.Domain, addr.Bus, addr.Device)
	if d.Error == "GPU_IS_LOST" {
		b.WriteString("lost-after 2\n")
		return
	}
	for _, t := range []struct{ key, text string }{
		{"name", d.Name}, {"uuid", d.UUID}, {"vbios", d.VBIOS}, {"gsp", d.GSPFirmware}, {"cpus", d.CPUAffinity}, {"nodes", d.MemoryAffinity},
	} {
		if t.text != "" {
			fmt.Fprintf(b, "%s %s\n", t.key, t.text)
		}
	}
	for _, n := range []struct {
		key string
		v   *int
	}{{"minor", d.Minor}, {"module", d.ModuleID}, {"numa", d.NUMANodeID}} {
		if n.v != nil {
			fmt.Fprintf(b, "%s %d\n", n.key, *n.v)
		}
	}
	if d.MemoryBytes != nil {
		fmt.Fprintf(b, "memory %d\n", *d.MemoryBytes)
	}
	if d.Persistence != nil {
		fmt.Fprintf(b, "persistence %d\n", bit(*d.Persistence))
	}
	if d.ClocksEvents != nil {
		fmt.Fprintf(b, "clocks %d\n", *d.ClocksEvents)
	}
	if p := d.PCIe; p != nil {
		fmt.Fprintf(b, "pcie %d %d %d %d %d\n", or(p.Generation), or(p.Width), or(p.MaxGeneration), or(p.MaxWidth), or(p.GPUGeneration))
		if p.Replays != nil {
			fmt.Fprintf(b, "replays %d\n", *p.Replays)
		}
	}
	if e := d.ECC; e != nil && e.Enabled != nil && e.Pending != nil {
		fmt.Fprintf(b, "ecc %d %d %d %d %d %d\n", bit(*e.Enabled), bit(*e.Pending),
			count(e.VolatileCorrected), count(e.VolatileUncorrected), count(e.AggregateCorrected), count(e.AggregateUncorrected))
	}
	if r := d.RemappedRows; r != nil {
		fmt.Fprintf(b, "remapped %d %d %d %d\n", r.Correctable, r.Uncorrectable, bit(r.Pending), bit(r.Failed))
	}
	links(b, d)
	if f := d.Fabric; f != nil {
		form, mask, summary := 1, int64(0), 0
		if f.HealthMask != nil {
			form, mask = 2, *f.HealthMask
		}
		if f.Summary != nil {
			form, summary = 3, *f.Summary
		}
		fmt.Fprintf(b, "fabric %d %d %d %d %d 0 %s\n", form, f.State, f.CliqueID, mask, summary, strings.ReplaceAll(f.ClusterUUID, "-", ""))
	}
	mig(b, d.MIG)
}

func links(b *strings.Builder, d *nvml.Device) {
	if len(d.NVLinks) > 0 {
		fmt.Fprintf(b, "field 91 -1 1 %d 0\n", len(d.NVLinks))
	}
	for _, l := range d.NVLinks {
		remote := l.RemoteBusID
		if remote == "" {
			remote = "-"
		}
		fmt.Fprintf(b, "link %d %d %d %s %d\n", l.Link, or(l.State), or(l.Version), remote, remoteTypes[l.RemoteDevice])
		if l.SpeedMBps != nil {
			fmt.Fprintf(b, "field 164 %d 1 %d 0\n", l.Link, *l.SpeedMBps)
		}
	}
	c := d.C2C
	if c == nil {
		return
	}
	fmt.Fprintf(b, "field 170 -1 1 %d 0\n", c.LinkCount)
	for i := range c.LinkCount {
		if c.LinksUp != nil {
			fmt.Fprintf(b, "field 171 %d 1 %d 0\n", i, bit(i < *c.LinksUp))
		}
		if c.MaxBandwidth != nil {
			fmt.Fprintf(b, "field 172 %d 1 %d 0\n", i, *c.MaxBandwidth)
		}
	}
}

// mig wants profile ids as the stand-in has them: 100 and up for GPU instances,
// 200 and up for compute instances.
func mig(b *strings.Builder, m *nvml.MIG) {
	if m == nil {
		return
	}
	pending := m.Enabled
	if m.Pending != nil {
		pending = *m.Pending
	}
	fmt.Fprintf(b, "mig %d %d\nmigmax 7\n", bit(m.Enabled), bit(pending))
	for _, g := range m.Instances {
		fmt.Fprintf(b, "gi %d %d %d %d %s\n", g.ID, or(g.ProfileID), g.Placement.Start, g.Placement.Size, g.Profile)
		for _, c := range g.Compute {
			fmt.Fprintf(b, "ci %d %d %d %d %d %s %s\n", g.ID, c.ID, or(c.ProfileID), c.Placement.Start, c.Placement.Size, c.Profile, c.UUID)
		}
	}
}
