// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/ask"
	"tarsia.dev/tarsia/discover"
	"tarsia.dev/tarsia/machine"
	"tarsia.dev/tarsia/nvml"
	"tarsia.dev/tarsia/nvml/nvmltest"
	"tarsia.dev/tarsia/render"
	"tarsia.dev/tarsia/topology"
)

// askerFunc is an asker that is a function.
type askerFunc func() (*nvml.Answers, error)

func (f askerFunc) NVML(context.Context, []string) (*nvml.Answers, error) { return f() }

// Every machine of the demo is the same whether its recorded answers are read or a
// library that says the same is asked, and a recording of the asked one is too.
func TestAskedAsRecorded(t *testing.T) {
	compiler := nvmltest.Compiler(runtime.GOARCH)
	if compiler == "" {
		t.Skip("gcc is not installed: the stand-in for NVML is written in C")
	}
	dir := t.TempDir()
	facts := filepath.Join(dir, "facts")
	t.Setenv(nvmltest.FactsVariable, facts)
	child := ask.New(ask.Options{Timeout: time.Minute,
		Command: []string{nvmltest.BuildChild(t, dir, runtime.GOARCH), "-nvml", nvmltest.Build(t, dir, compiler)}})
	defer child.Close()
	fleet, err := render.Demo()
	if err != nil {
		t.Fatal(err)
	}
	snapshot, err := fleet.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, h := range snapshot.Hosts {
		recorded := h.Files.Machine()
		answers, err := nvml.Read(recorded)
		if err != nil {
			continue
		}
		asked++
		t.Run(h.Name, func(t *testing.T) {
			if err := os.WriteFile(facts, []byte(nvmltest.Facts(answers)), 0o644); err != nil {
				t.Fatal(err)
			}
			over, err := askDevices(t.Context(), recorded, child)
			if err != nil {
				t.Fatal(err)
			}
			fresh, err := nvml.Read(over)
			if err != nil || len(fresh.Devices) == 0 || len(fresh.Devices[0].Unanswered) == 0 {
				t.Fatalf("the answers are not the library's: %v", err)
			}
			want := read(t, h.Name, recorded)
			if diff := cmp.Diff(want, read(t, h.Name, over)); diff != "" {
				t.Errorf("(-recorded +asked):\n%s", diff)
			}
			if diff := cmp.Diff(want, read(t, h.Name, recordedAgain(t, h.Name, over))); diff != "" {
				t.Errorf("(-recorded +asked and recorded):\n%s", diff)
			}
		})
	}
	if asked < 4 {
		t.Errorf("only %d machines of the demo have answers", asked)
	}
}

func read(t *testing.T, name string, m *machine.Machine) *topology.Node {
	t.Helper()
	n, err := discover.Node(name, m)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// recordedAgain is m as a snapshot of it has it.
func recordedAgain(t *testing.T, name string, m *machine.Machine) *machine.Machine {
	t.Helper()
	h, err := discover.Record(name, m)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := (&machine.Snapshot{Hosts: []machine.Host{h}}).Write(&b); err != nil {
		t.Fatal(err)
	}
	again, err := machine.ReadSnapshot(&b)
	if err != nil {
		t.Fatal(err)
	}
	return again.Hosts[0].Files.Machine()
}

// A device that nobody could ask is unknown, and says why; one without a driver
// is not asked at all.
func TestAskedInVain(t *testing.T) {
	driver := machine.NewFiles()
	if err := driver.AddFile(nvml.ProcDir+"/version", []byte("NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.95.05  Tue\n")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{ask.ErrNoProgram, "tarsia-device is neither beside tarsia nor on PATH"},
		{fmt.Errorf("%w: %w", ask.ErrResting, errors.New("read from tarsia-device: EOF")), "tarsia-device failed a moment ago and rests: read from tarsia-device: EOF"},
	} {
		over, err := askDevices(t.Context(), driver.Machine(), askerFunc(func() (*nvml.Answers, error) { return nil, c.err }))
		if err != nil {
			t.Fatal(err)
		}
		a, err := nvml.Read(over)
		if err != nil || a.Error != c.want {
			t.Errorf("got %+v, %v, want %q", a, err, c.want)
		}
	}
	m := machine.NewFiles().Machine()
	over, err := askDevices(t.Context(), m, askerFunc(func() (*nvml.Answers, error) { panic("no driver, and asked") }))
	if err != nil || over != m {
		t.Errorf("no driver: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := askDevices(ctx, driver.Machine(), askerFunc(func() (*nvml.Answers, error) { return nil, ctx.Err() })); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

// The live machine is asked unless the flag forbids it, another root never.
func TestWhoIsAsked(t *testing.T) {
	asker := askerFunc(func() (*nvml.Answers, error) { return nil, errors.New("asked") })
	dir := t.TempDir()
	version := filepath.Join(dir, nvml.ProcDir, "version")
	if err := os.MkdirAll(filepath.Dir(version), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(version, []byte("NVRM version: x 1.2\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s := source{root: dir, asker: asker}
	m, err := s.live(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if _, err := nvml.Read(m); err == nil || strings.Contains(err.Error(), "asked") {
		t.Errorf("another root was asked: %v", err)
	}
}
