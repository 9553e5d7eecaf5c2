// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// smallDisk mounts a file system that holds 64 KiB.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tarsia-test", dir, "tmpfs", 0, "size=64k"); errors.Is(err, syscall.EPERM) {
		t.Skip("no small file system can be mounted without root")
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	return dir
}

// TestFullDisk writes what does not fit: an error that says so, the old file
// whole where there was one, and nothing beside it.
func TestFullDisk(t *testing.T) {
	demo := t.TempDir()
	var out, problems bytes.Buffer
	if code := run(context.Background(), []string{"demo", "--dir", demo}, &out, &problems); code != exitFailed {
		t.Fatalf("tarsia demo exits %d: %s", code, problems.String())
	}
	recording := filepath.Join(demo, "fleet.snapshot")
	for _, c := range []struct {
		name   string
		before string // of the file that is to be written
		args   []string
	}{
		{"new recording", "", []string{"snapshot", "FILE", "--snapshot", recording}},
		{"recording replaced", "old", []string{"snapshot", "FILE", "--force", "--snapshot", recording}},
		{"demo", "old", []string{"demo", "--dir", "DIR"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := smallDisk(t)
			want := map[string]string{}
			if c.before != "" {
				want["index.html"] = c.before
				if err := os.WriteFile(filepath.Join(dir, "index.html"), []byte(c.before), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			var args []string
			for _, a := range c.args {
				args = append(args, strings.NewReplacer("FILE", filepath.Join(dir, "index.html"), "DIR", dir).Replace(a))
			}
			var out, problems bytes.Buffer
			if code := run(context.Background(), args, &out, &problems); code != exitCouldNot {
				t.Errorf("tarsia %v exits %d, want %d", args, code, exitCouldNot)
			}
			if text := problems.String(); !strings.Contains(text, "no space left on device") || out.Len() > 0 {
				t.Errorf("stderr says %q, stdout %q; want only that no space is left", text, out.String())
			}
			entries, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for _, e := range entries {
				data, err := os.ReadFile(filepath.Join(dir, e.Name()))
				if err != nil {
					t.Fatal(err)
				}
				got[e.Name()] = string(data)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("left on the disk (-want +got):\n%s", diff)
			}
		})
	}
}
