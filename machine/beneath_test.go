// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// both opens a directory by openat2 and by os.Root alone; by os.Root twice where
// the kernel or a sandbox refuses openat2, so that the rules for links are tested
// there too.
func both(t *testing.T, dir string) (fast, slow *Machine) {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	tree := newInRoot(root)
	slow = &Machine{tree: rootTree{root}}
	if tree == nil {
		t.Log("openat2 is refused here: only os.Root is tested")
		return slow, slow
	}
	t.Cleanup(func() { tree.dir.Close() })
	return &Machine{tree: tree}, slow
}

// awkward lays a root with every kind of entry and of link, and a file beside it
// that nothing in the root may lead to.
func awkward(t *testing.T) (root string) {
	t.Helper()
	top := t.TempDir()
	root = filepath.Join(top, "root")
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	do(os.MkdirAll(filepath.Join(root, "sys/devices/pci0000:00/0000:00:01.0"), 0o755))
	do(os.MkdirAll(filepath.Join(root, "sys/bus/pci/devices"), 0o755))
	do(os.WriteFile(filepath.Join(top, "secret"), []byte("outside"), 0o644))
	do(os.WriteFile(filepath.Join(root, "secret"), []byte("inside"), 0o644))
	do(os.WriteFile(filepath.Join(root, "sys/devices/pci0000:00/0000:00:01.0/vendor"), []byte("0x10de\n"), 0o644))
	do(os.WriteFile(filepath.Join(root, "sys/long"), []byte(strings.Repeat("x", 3*4096+1)), 0o644))
	do(syscall.Mkfifo(filepath.Join(root, "sys/fifo"), 0o600))
	for name, target := range map[string]string{
		"sys/bus/pci/devices/0000:00:01.0": "../../../devices/pci0000:00/0000:00:01.0",
		"sys/absolute":                     "/sys/devices/pci0000:00",
		"sys/up":                           "../../secret",
		"sys/farup":                        "../../../../../../../../secret",
		"sys/outside":                      filepath.Join(top, "secret"),
		"sys/top":                          "/",
		"sys/dangling":                     "none",
		"sys/loop":                         "loop",
		"sys/a":                            "b",
		"sys/b":                            "a",
		"sys/throughfile":                  "long/../long",
		"sys/odd":                          "a\xffb",
	} {
		do(os.Symlink(target, filepath.Join(root, name)))
	}
	return root
}

// TestBothWaysAnswerAlike asks the same of openat2 and of os.Root: the kernel's
// rules for links and ours are the same, and none leads out of the root.
func TestBothWaysAnswerAlike(t *testing.T) {
	fast, slow := both(t, awkward(t))
	const fn = "sys/bus/pci/devices/0000:00:01.0"
	for _, name := range []string{
		"sys", "sys/long", "sys/fifo", "sys/none", "sys/long/x", fn, fn + "/vendor", fn + "/none", "sys/devices",
		"sys/absolute", "sys/absolute/0000:00:01.0/vendor", "sys/up", "sys/farup", "sys/outside", "sys/top/secret", "sys/top/sys/top/secret",
		"sys/dangling", "sys/loop", "sys/a", "sys/a/x", "sys/throughfile", "sys/odd", "sys/" + strings.Repeat("y", 300),
	} {
		for what, ask := range map[string]func(*Machine) (string, error){
			"read":     func(m *Machine) (string, error) { data, err := m.ReadFile(name); return string(data), err },
			"list":     func(m *Machine) (string, error) { names, err := m.ReadDir(name); return strings.Join(names, "\n"), err },
			"readlink": func(m *Machine) (string, error) { return m.ReadLink(name) },
			"realpath": func(m *Machine) (string, error) { return m.RealPath(name) },
		} {
			got, gotErr := ask(fast)
			want, wantErr := ask(slow)
			if got != want || text(gotErr) != text(wantErr) {
				t.Errorf("%s %s: %.40q, %v by openat2; %.40q, %v by os.Root", what, name, got, gotErr, want, wantErr)
			}
			if strings.Contains(got, "outside") && what == "read" {
				t.Errorf("%s %s left the root", what, name)
			}
		}
	}
	if got, err := fast.ReadString("sys/farup"); err != nil || got != "inside" {
		t.Errorf("a link above the top stops there: %q, %v", got, err)
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestLiveBothWays(t *testing.T) {
	fast, slow := both(t, "/")
	for _, name := range []string{"sys/devices/system/cpu/online", "proc/self/cgroup", "proc/cpuinfo/x", "sys/class/net"} {
		if a, b := fast.Exists(name), slow.Exists(name); a != b {
			t.Errorf("%s exists: %v by openat2, %v by os.Root", name, a, b)
		}
	}
	a, errA := fast.ReadDir("sys/class")
	b, errB := slow.ReadDir("sys/class")
	if !slices.Equal(a, b) || text(errA) != text(errB) {
		t.Errorf("%v, %v by openat2; %v, %v by os.Root", a, errA, b, errB)
	}
}

func TestClosedRoot(t *testing.T) {
	m, err := Open(awkward(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if data, err := m.ReadFile("sys/long"); err == nil || errors.Is(err, errTryHarder) {
		t.Errorf("read after close: %d bytes, %v", len(data), err)
	}
}

func BenchmarkRead(b *testing.B) {
	dir := b.TempDir()
	const name = "sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0/0000:02:00.0/0000:03:00.0/vendor"
	if err := errors.Join(os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755), os.WriteFile(filepath.Join(dir, name), []byte("0x10de\n"), 0o644)); err != nil {
		b.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		b.Fatal(err)
	}
	defer root.Close()
	trees := map[string]tree{"root": rootTree{root}}
	if t := newInRoot(root); t != nil {
		defer t.dir.Close()
		trees["openat2"] = t
	}
	for way, tree := range trees {
		b.Run(way, func(b *testing.B) {
			for b.Loop() {
				if _, err := tree.direct(name); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
