// SPDX-License-Identifier: Apache-2.0

package machine_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/machine"
)

// must ends the test on an error.
func must(t testing.TB, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// small is a root with one of each kind of entry.
func small(t testing.TB) *machine.Files {
	t.Helper()
	f := machine.NewFiles()
	must(t,
		f.AddFile("sys/devices/pci0000:00/0000:00:01.0/class", []byte("0x060400\n")),
		f.AddError("sys/devices/pci0000:00/0000:00:01.0/current_link_speed", syscall.EINVAL),
		f.AddFile("sys/devices/pci0000:00/0000:00:01.0/config", []byte{0x86, 0x80, 0xff, 0}),
		f.AddLink("sys/bus/pci/devices/0000:00:01.0", "../../../devices/pci0000:00/0000:00:01.0"),
		f.AddLink("proc/device-tree", "/sys/firmware/devicetree/base"),
		f.AddFile("sys/firmware/devicetree/base/model", []byte("board\x00")),
		f.AddDir("sys/class/drm"),
		f.AddLink("sys/loop", "loop"),
		f.AddFile("proc/version", []byte("Linux version 6.12 \"x\\y\"\n")),
		f.AddFile("proc/empty", nil),
	)
	return f
}

func TestFilesRead(t *testing.T) {
	m := small(t).Machine()
	for name, want := range map[string]string{
		"sys/bus/pci/devices/0000:00:01.0/class":       "0x060400\n",
		"proc/device-tree/model":                       "board\x00",
		"proc/../proc/empty":                           "",
		"sys/bus/pci/devices/../../../../proc/version": "Linux version 6.12 \"x\\y\"\n",
	} {
		if got, err := m.ReadFile(name); err != nil || string(got) != want {
			t.Errorf("ReadFile(%q) = %q, %v, want %q", name, got, err, want)
		}
	}
	for name, want := range map[string]error{
		"sys/bus/pci/devices/0000:00:01.0/current_link_speed": syscall.EINVAL,
		"proc/none":           fs.ErrNotExist,
		"nothing/at/all":      fs.ErrNotExist,
		"proc/version/below":  syscall.ENOTDIR,
		"proc/version/b/elow": syscall.ENOTDIR,
		"sys/class":           syscall.EISDIR,
		"sys/loop":            syscall.ELOOP,
		"../etc/passwd":       fs.ErrInvalid,
	} {
		data, err := m.ReadFile(name)
		if !errors.Is(err, want) || data != nil {
			t.Errorf("ReadFile(%q) = %q, %v, want %v", name, data, err, want)
		}
		if _, ok := errors.AsType[*fs.PathError](err); !ok {
			t.Errorf("ReadFile(%q): found %T, want *fs.PathError", name, err)
		}
	}
	names, err := m.ReadDir("sys")
	if diff := cmp.Diff([]string{"bus", "class", "devices", "firmware", "loop"}, names); diff != "" || err != nil {
		t.Errorf("ReadDir(sys): %v\n%s", err, diff)
	}
	if names, err := m.ReadDir("sys/class/drm"); err != nil || len(names) != 0 {
		t.Errorf("ReadDir of an empty directory: %q, %v", names, err)
	}
	if _, err := m.ReadDir("proc/version"); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("ReadDir of a file: %v", err)
	}
	if _, err := m.ReadLink("proc/version"); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("ReadLink of a file: %v", err)
	}
}

// A caller may do with what it read as it likes.
func TestFilesAreNotShared(t *testing.T) {
	data := []byte("abc")
	f := machine.NewFiles()
	must(t, f.AddFile("a", data))
	data[0] = 'x'
	got, err := f.Machine().ReadFile("a")
	must(t, err)
	got[1] = 'x'
	if again, _ := f.Machine().ReadFile("a"); string(again) != "abc" {
		t.Errorf("found %q after the caller wrote into its own buffers, want %q", again, "abc")
	}
}

func TestFilesRefuse(t *testing.T) {
	f := small(t)
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"other content":   {f.AddFile("proc/version", []byte("x")), "found a file there already"},
		"file over dir":   {f.AddFile("sys", nil), "found a directory there already"},
		"dir over file":   {f.AddDir("proc/version"), "found a file there already"},
		"below a file":    {f.AddFile("proc/version/x", nil), `found a file at "proc/version", want a directory`},
		"through a link":  {f.AddFile("proc/device-tree/x", nil), `found a link at "proc/device-tree", want a directory`},
		"other link":      {f.AddLink("proc/device-tree", "/x"), "found a link there already"},
		"absolute":        {f.AddFile("/proc/x", nil), "want a path below the root"},
		"escape":          {f.AddFile("../x", nil), "want a path below the root"},
		"unclean":         {f.AddFile("proc//x", nil), `want the clean path "proc/x"`},
		"empty":           {f.AddFile("", nil), "want a path below the root"},
		"no UTF-8":        {f.AddFile("a\xff", nil), "want a name in UTF-8"},
		"long":            {f.AddFile(strings.Repeat("a/", 2048)+"a", nil), "want at most 4096"},
		"too big":         {f.AddFile("big", make([]byte, machine.MaxFile+1)), "want at most 8388608"},
		"empty target":    {f.AddLink("l", ""), "want a path"},
		"no error":        {f.AddError("e", 0), "found error number 0"},
		"root is no file": {f.AddFile(".", nil), "found a directory there already"},
	} {
		if test.err == nil || !strings.Contains(test.err.Error(), test.want) {
			t.Errorf("%s: found error %v, want %q", name, test.err, test.want)
		}
	}
	must(t, // what says the same again is no error
		f.AddFile("proc/empty", []byte{}),
		f.AddDir("sys"), f.AddDir("."), f.AddDir("sys/class/drm"),
		f.AddLink("sys/loop", "loop"),
		f.AddError("sys/devices/pci0000:00/0000:00:01.0/current_link_speed", syscall.EINVAL),
	)
}

func TestFilesBounded(t *testing.T) {
	f := machine.NewFiles()
	var err error
	for i := 0; err == nil && i < machine.MaxEntries; i++ {
		err = f.AddDir(fmt.Sprintf("%d/b", i)) // two entries
	}
	if err == nil || !strings.Contains(err.Error(), "more than 200000 entries") {
		t.Errorf("found %v, want an error about the number of entries", err)
	}
}

func TestLay(t *testing.T) {
	f := small(t)
	dir := filepath.Join(t.TempDir(), "root")
	must(t, f.Lay(dir))
	disk := open(t, dir)
	memory := f.Machine()
	for _, name := range []string{"sys/bus/pci/devices/0000:00:01.0/class", "sys/bus/pci/devices/0000:00:01.0/config",
		"proc/device-tree/model", "proc/version", "proc/empty", "proc/none", "sys/loop"} {
		want, wantErr := memory.ReadFile(name)
		got, err := disk.ReadFile(name)
		if diff := cmp.Diff(want, got); diff != "" || (err == nil) != (wantErr == nil) {
			t.Errorf("%s: on disk %v, in memory %v\n%s", name, err, wantErr, diff)
		}
	}
	if diff := cmp.Diff([]string{"sys/devices/pci0000:00/0000:00:01.0/current_link_speed"}, f.Failures()); diff != "" {
		t.Errorf("Failures: %s", diff)
	}
	info, err := os.Lstat(filepath.Join(dir, "sys/devices/pci0000:00/0000:00:01.0/current_link_speed"))
	if err != nil || info.Mode() != 0 {
		t.Errorf("a failing file: %v, %v, want mode 0", info, err)
	}
	if err := f.Lay(dir); err == nil || !strings.Contains(err.Error(), "want an empty directory") {
		t.Errorf("into a directory that is in use: %v", err)
	}
	if err := f.Lay(filepath.Join(dir, "no", "parent")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("into a directory without a parent: %v", err)
	}
}
