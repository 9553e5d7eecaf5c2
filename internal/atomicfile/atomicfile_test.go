// SPDX-License-Identifier: Apache-2.0

package atomicfile_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/internal/atomicfile"
)

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error { _, err := io.WriteString(w, s); return err }
}

// folder is what a directory holds: names, and the contents of files.
func folder(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil && !errors.Is(err, syscall.EISDIR) {
			t.Fatal(err)
		}
		got[e.Name()] = string(data)
	}
	return got
}

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "out")
	for _, content := range []string{"first", "", "third, and longer"} {
		if err := atomicfile.Write(name, 0o640, text(content)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]string{"out": content}, folder(t, dir)); diff != "" {
			t.Error(diff)
		}
	}
	info, err := os.Stat(name)
	if err != nil || info.Mode() != 0o640 {
		t.Errorf("found mode %v, %v, want 0640", info.Mode(), err)
	}
}

func TestWriteFailures(t *testing.T) {
	mine := errors.New("no more data")
	for name, test := range map[string]struct {
		file  string
		write func(io.Writer) error
		want  error
	}{
		"writer":       {"out", func(w io.Writer) error { return errors.Join(text("half")(w), mine) }, mine},
		"large file":   {"out", limited(t), syscall.EFBIG},
		"no directory": {"none/out", text("x"), fs.ErrNotExist},
		"a directory":  {"dir", text("x"), fs.ErrExist},
		"device full":  {"full", text("x"), syscall.ENOSPC},
		"link loop":    {"loop", text("x"), nil},
	} {
		dir := t.TempDir()
		for _, err := range []error{
			os.WriteFile(filepath.Join(dir, "out"), []byte("old"), 0o644),
			os.Mkdir(filepath.Join(dir, "dir"), 0o755),
			os.Symlink("/dev/full", filepath.Join(dir, "full")),
			os.Symlink("loop", filepath.Join(dir, "loop")),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		err := atomicfile.Write(filepath.Join(dir, test.file), 0o600, test.write)
		if err == nil || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%s: found %v, want %v", name, err, test.want)
		}
		names, err := filepath.Glob(filepath.Join(dir, ".*"))
		if err != nil || len(names) > 0 {
			t.Errorf("%s: left %q behind, %v", name, names, err)
		}
		if data, err := os.ReadFile(filepath.Join(dir, "out")); string(data) != "old" {
			t.Errorf("%s: the old file is %q, %v", name, data, err)
		}
	}
}

// limited writes more than the kernel lets this process put into a file, which
// fails in the middle as a full disk does.
func limited(t *testing.T) func(io.Writer) error {
	return func(w io.Writer) error {
		signal.Ignore(syscall.SIGXFSZ)
		defer signal.Reset(syscall.SIGXFSZ)
		var old syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
			t.Fatal(err)
		}
		low := old
		low.Cur = 4096
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &low); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
				t.Error(err)
			}
		}()
		n, err := w.Write(bytes.Repeat([]byte("x"), 8192))
		if n != 4096 {
			t.Errorf("wrote %d bytes, want 4096", n)
		}
		return err
	}
}

func TestWriteThroughLink(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "link")
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "real"), []byte("old"), 0o644), os.Symlink("real", link)); err != nil {
		t.Fatal(err)
	}
	if err := atomicfile.Write(link, 0o644, text("new")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"link": "new", "real": "new"}, folder(t, dir)); diff != "" {
		t.Error(diff)
	}
	if target, err := os.Readlink(link); target != "real" {
		t.Errorf("the link leads to %q, %v", target, err)
	}
}

// A device stays one: as root, a rename would put a file in its place.
func TestWriteDevice(t *testing.T) {
	link := filepath.Join(t.TempDir(), "null")
	if err := os.Symlink("/dev/null", link); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{link, "/dev/null"} {
		if err := atomicfile.Write(name, 0o644, text("x")); err != nil {
			t.Error(err)
		}
	}
	if info, err := os.Stat("/dev/null"); err != nil || info.Mode()&fs.ModeCharDevice == 0 {
		t.Errorf("found %v, %v, want a device", info, err)
	}
}
