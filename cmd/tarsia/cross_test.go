// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestCrossArchitectures runs the binaries of the other architectures under
// QEMU's user emulation: what they print about the demo fleet must be what the
// native one prints, byte for byte.
func TestCrossArchitectures(t *testing.T) {
	if os.Getenv("TARSIA_TESTS") != "all" {
		t.Skip("TARSIA_TESTS is not all: the emulated architectures are left out")
	}
	commands := [][]string{
		{"demo", "-o", "json"},
		{"fleet", "show", "-o", "json", "--snapshot", "demo/fleet.snapshot"},
		{"topo", "rv-fusion-synthetic", "-o", "svg", "--snapshot", "demo/fleet.snapshot"},
		{"place", "-f", "demo/jobs.yaml", "--snapshot", "demo/fleet.snapshot"},
		{"status", "-o", "html", "--snapshot", "demo/fleet.snapshot"},
	}
	dir := t.TempDir()
	native := buildFor(t, dir, "")
	sh(t, dir, native, "demo", "--dir", "demo")
	want := make([][]byte, len(commands))
	for i, c := range commands {
		want[i] = sh(t, dir, native, c...)
		if len(want[i]) == 0 {
			t.Fatalf("tarsia %v prints nothing", c)
		}
	}
	recorded, err := os.ReadFile(filepath.Join(dir, "demo/fleet.snapshot"))
	if err != nil {
		t.Fatal(err)
	}
	for _, arch := range []struct{ goarch, qemu string }{
		{"arm64", "qemu-aarch64-static"}, {"riscv64", "qemu-riscv64-static"},
	} {
		t.Run(arch.goarch, func(t *testing.T) {
			qemu, err := exec.LookPath(arch.qemu)
			if err != nil {
				t.Skip("QEMU's user emulation is not installed (Debian package qemu-user-static)")
			}
			binary := buildFor(t, dir, arch.goarch)
			sh(t, dir, qemu, binary, "demo", "--dir", "demo-"+arch.goarch)
			again, err := os.ReadFile(filepath.Join(dir, "demo-"+arch.goarch, "fleet.snapshot"))
			if err != nil || sha256.Sum256(again) != sha256.Sum256(recorded) {
				t.Errorf("the demo's recording differs from the native one: %v", err)
			}
			if got := sh(t, dir, qemu, binary, "topo"); !bytes.Contains(got, []byte("EMULATED the process that read it (qemu-user)")) {
				t.Errorf("tarsia topo under %s does not say that it is emulated:\n%.600s", arch.qemu, got)
			}
			for i, c := range commands {
				got := sh(t, dir, qemu, append([]string{binary}, c...)...)
				if !bytes.Equal(got, want[i]) {
					t.Errorf("tarsia %v prints %d bytes that differ from the native %d", c, len(got), len(want[i]))
				}
			}
		})
	}
}

func buildFor(t *testing.T, dir, goarch string) string {
	t.Helper()
	binary := filepath.Join(dir, "tarsia-"+goarch)
	cmd := exec.Command("go", "build", "-o", binary, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if goarch != "" {
		cmd.Env = append(cmd.Env, "GOOS=linux", "GOARCH="+goarch)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build for %q: %v\n%s", goarch, err, out)
	}
	return binary
}

// sh runs a program in dir and returns its standard output. Exit code 8 is a
// result: faults were found.
func sh(t *testing.T, dir, program string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != exitFailed) {
		t.Fatalf("%s %v: %v", program, args, err)
	}
	return out
}
