// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"tarsia.dev/tarsia/ask"
	"tarsia.dev/tarsia/nvml"
	"tarsia.dev/tarsia/nvml/nvmltest"
)

// rig is a child beside a stand-in of the same architecture.
type rig struct {
	t       *testing.T
	command []string
	facts   string // path
}

// newRig builds both for this machine.
func newRig(t *testing.T, missing ...string) *rig {
	t.Helper()
	compiler := nvmltest.Compiler(runtime.GOARCH)
	if compiler == "" {
		t.Skip("gcc is not installed: the stand-in for NVML is written in C")
	}
	return rigFor(t, childProgram(t), compiler, missing...)
}

// built is the child for this machine, built once for all tests.
var built struct {
	once sync.Once
	dir  string
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built.dir != "" {
		if err := os.RemoveAll(built.dir); err != nil {
			panic(err)
		}
	}
	os.Exit(code)
}

func childProgram(t *testing.T) string {
	t.Helper()
	built.once.Do(func() {
		dir, err := os.MkdirTemp("", "tarsia-device")
		if err != nil {
			t.Fatal(err)
		}
		built.dir = dir
		nvmltest.BuildChild(t, dir, runtime.GOARCH)
	})
	return filepath.Join(built.dir, ask.Name)
}

func rigFor(t *testing.T, program, compiler string, missing ...string) *rig {
	t.Helper()
	dir := t.TempDir()
	library := nvmltest.Build(t, dir, compiler, missing...)
	r := &rig{t: t, facts: filepath.Join(dir, "facts")}
	r.command = []string{program, "-nvml", library}
	t.Setenv(nvmltest.FactsVariable, r.facts)
	return r
}

// says writes what the library answers from now on.
func (r *rig) says(facts string) {
	r.t.Helper()
	if err := os.WriteFile(r.facts, []byte(facts), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

// child starts with the first question and ends with the test.
func (r *rig) child(o ask.Options) *ask.Child {
	o.Command = r.command
	c := ask.New(o)
	r.t.Cleanup(c.Close)
	return c
}

func (r *rig) ask(c *ask.Child, known ...string) *nvml.Answers {
	r.t.Helper()
	a, err := c.NVML(context.Background(), known)
	if err != nil {
		r.t.Fatal(err)
	}
	return a
}

// told is a without the list of what was not answered.
func told(a *nvml.Answers) *nvml.Answers {
	for i := range a.Devices {
		a.Devices[i].Unanswered = nil
	}
	return a
}

// patient waits long enough for a busy machine and an emulator.
var patient = ask.Options{Timeout: time.Minute}

func TestReads(t *testing.T) {
	r := newRig(t)
	c := r.child(patient)
	for name, want := range machines() {
		t.Run(name, func(t *testing.T) {
			r.says(nvmltest.Facts(want))
			same(t, want, told(r.ask(c)))
		})
	}
}

// The structures of the library have the same layout on all three architectures,
// and their calls the same registers: the same answers come back.
func TestReadsElsewhere(t *testing.T) {
	if os.Getenv("TARSIA_TESTS") != "all" {
		t.Skip("TARSIA_TESTS is not all: the emulated architectures are left out")
	}
	for _, arch := range []struct{ goarch, qemu, libraries string }{
		{"arm64", "qemu-aarch64-static", "/usr/aarch64-linux-gnu"}, {"riscv64", "qemu-riscv64-static", "/usr/riscv64-linux-gnu"},
	} {
		t.Run(arch.goarch, func(t *testing.T) {
			qemu, err := exec.LookPath(arch.qemu)
			if err != nil {
				t.Skip("QEMU's user emulation is not installed (Debian package qemu-user-static)")
			}
			compiler := nvmltest.Compiler(arch.goarch)
			if compiler == "" {
				t.Skip("no cross compiler: the stand-in for NVML is written in C")
			}
			r := rigFor(t, nvmltest.BuildChild(t, t.TempDir(), arch.goarch), compiler)
			r.command = append([]string{qemu, "-L", arch.libraries}, r.command...)
			c := r.child(patient)
			for name, want := range machines() {
				t.Run(name, func(t *testing.T) {
					r.says(nvmltest.Facts(want))
					same(t, want, told(r.ask(c)))
				})
			}
		})
	}
}
