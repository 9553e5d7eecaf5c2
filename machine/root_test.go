// SPDX-License-Identifier: Apache-2.0

package machine_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"tarsia.dev/tarsia/machine"
)

func open(t *testing.T, dir string) *machine.Machine {
	t.Helper()
	m, err := machine.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func TestRootLinks(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(dir, "secret")
	root := filepath.Join(dir, "root")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.MkdirAll(filepath.Join(root, "sys/firmware/devicetree/base"), 0o755))
	must(os.MkdirAll(filepath.Join(root, "proc"), 0o755))
	must(os.WriteFile(outside, []byte("outside"), 0o644))
	must(os.WriteFile(filepath.Join(root, "sys/firmware/devicetree/base/model"), []byte("board\x00"), 0o644))
	must(os.Symlink("/sys/firmware/devicetree/base", filepath.Join(root, "proc/device-tree")))
	must(os.Symlink("../../secret", filepath.Join(root, "proc/up")))
	must(os.Symlink(outside, filepath.Join(root, "proc/abs")))
	must(os.Symlink("loop", filepath.Join(root, "proc/loop")))
	m := open(t, root)

	if got, err := m.ReadString("proc/device-tree/model"); err != nil || got != "board" {
		t.Errorf("through an absolute link: got %q, %v", got, err)
	}
	if got, err := m.RealPath("proc/device-tree/model"); err != nil || got != "sys/firmware/devicetree/base/model" {
		t.Errorf("real path: got %q, %v", got, err)
	}
	for _, name := range []string{"proc/up", "proc/abs", "proc/loop", "../secret", "/etc/passwd", ""} {
		if data, err := m.ReadFile(name); err == nil {
			t.Errorf("ReadFile(%q) left the root: %q", name, data)
		}
	}
	if _, err := m.ReadFile("proc/none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	if m.Exists("proc/none") || !m.Exists("proc/device-tree") {
		t.Error("Exists is wrong")
	}
	if target, err := m.ReadLink("proc/up"); err != nil || target != "../../secret" {
		t.Errorf("ReadLink: %q, %v", target, err)
	}
}

func TestRootIsNoDirectory(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]error{"fifo": syscall.ENOTDIR, "file": syscall.ENOTDIR, "none": fs.ErrNotExist} {
		if m, err := machine.Open(filepath.Join(dir, name)); !errors.Is(err, want) {
			t.Errorf("%s: %v, %v, want %v", name, m, err, want)
		}
	}
}

func TestLiveProc(t *testing.T) {
	m := open(t, "/")
	data, err := m.ReadFile("proc/self/status")
	if err != nil || len(data) == 0 {
		t.Fatalf("read of a file whose size stat gives as 0: %d bytes, %v", len(data), err)
	}
}
