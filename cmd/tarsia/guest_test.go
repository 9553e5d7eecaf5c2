// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/guest"
)

// TestGuestTopology looks at a live machine of each architecture with every
// kind of device, and then at its recording outside: both give the same model,
// byte for byte.
func TestGuestTopology(t *testing.T) {
	for _, arch := range []string{"arm64", "amd64", "riscv64"} {
		t.Run(arch, func(t *testing.T) {
			spec := guest.Spec{Arch: arch, NUMA: 2, Devices: true, Modules: []string{"igb", "igbvf", "nvme", "e1000e"}}
			result := guest.Run(t, spec, func(t *testing.T, g *guest.Guest) {
				makeVFs(t)
				checkTree(t, arch)
				g.Export("model.json", tarsia(t, "topo", "-o", "json"))
				tarsia(t, "snapshot", "/tmp/guest.snapshot")
				data, err := os.ReadFile("/tmp/guest.snapshot")
				if err != nil {
					t.Fatal(err)
				}
				g.Export("guest.snapshot", data)
			})
			if guest.Inside() {
				return
			}
			file := filepath.Join(t.TempDir(), "guest.snapshot")
			if err := os.WriteFile(file, result.Exports["guest.snapshot"], 0o644); err != nil {
				t.Fatal(err)
			}
			want, got := result.Exports["model.json"], tarsia(t, "topo", "-o", "json", "--snapshot", file)
			if d := cmp.Diff(string(want), string(got)); d != "" {
				t.Errorf("the recording gives another model than the live machine (-live +recorded):\n%s", d)
			}
			if *update {
				keepFixture(t, arch, result)
			}
		})
	}
}

// TestGuestHotPlug plugs a network card into a running machine and takes it out
// again, under the eyes of tarsia topo --watch.
func TestGuestHotPlug(t *testing.T) {
	guest.Run(t, guest.Spec{Arch: "arm64", HotPlug: true}, func(t *testing.T, g *guest.Guest) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		seen, out := io.Pipe()
		go func() {
			code := run(ctx, []string{"topo", "--watch", "-o", "jsonl"}, out, os.Stderr)
			if code != exitGood {
				t.Errorf("tarsia topo --watch exits %d", code)
			}
			out.Close()
		}()
		lines := newLines(seen)
		if first := lines.next(t); !strings.Contains(first, `"kind":"Node"`) {
			t.Fatalf("the first line is no node: %.80s", first)
		}
		for _, c := range []struct {
			what string
			act  func()
			want string
		}{
			{"plugged", func() { g.Plug("e1000e", "card") }, `"a":"not there","b":"8086:10d3"`},
			{"unplugged", func() { g.Unplug("card") }, `"a":"8086:10d3","b":"not there"`},
		} {
			start := time.Now()
			c.act()
			for {
				line := lines.next(t)
				if strings.Contains(line, c.want) {
					t.Logf("%s: seen after %.1f s", c.what, time.Since(start).Seconds())
					break
				}
			}
		}
	})
}

// tarsia runs a command that must succeed, or find faults, and returns its
// output.
func tarsia(t *testing.T, args ...string) []byte {
	t.Helper()
	var out, problems bytes.Buffer
	if code := run(t.Context(), args, &out, &problems); code != exitGood && code != exitFailed {
		t.Fatalf("tarsia %v exits %d: %s", args, code, problems.String())
	}
	return out.Bytes()
}

// makeVFs asks every SR-IOV card for two virtual functions.
func makeVFs(t *testing.T) {
	t.Helper()
	files, err := filepath.Glob("/sys/bus/pci/drivers/igb/*/sriov_numvfs")
	if err != nil || len(files) == 0 {
		t.Fatalf("no igb card with SR-IOV: %v", err)
	}
	for _, f := range files {
		if err := os.WriteFile(f, []byte("2"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// lines hands out the lines that another goroutine reads.
type lines struct{ c chan string }

func newLines(r io.Reader) lines {
	l := lines{make(chan string, 16)}
	go func() {
		defer close(l.c)
		var pending []byte
		buf := make([]byte, 64<<10)
		for {
			n, err := r.Read(buf)
			pending = append(pending, buf[:n]...)
			for {
				line, rest, ok := bytes.Cut(pending, []byte("\n"))
				if !ok {
					break
				}
				l.c <- string(line)
				pending = bytes.Clone(rest)
			}
			if err != nil {
				return
			}
		}
	}()
	return l
}

// next waits for a line; ten seconds without one is the failure that users
// would see.
func (l lines) next(t *testing.T) string {
	t.Helper()
	select {
	case line, ok := <-l.c:
		if !ok {
			t.Fatal("no more lines")
		}
		return line
	case <-time.After(10 * time.Second):
		t.Fatal("no line within 10 s")
	}
	return ""
}
