// SPDX-License-Identifier: Apache-2.0

package machine_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/machine"
)

// replay writes a host into a snapshot and reads it again.
func replay(t testing.TB, h machine.Host) *machine.Machine {
	t.Helper()
	s, err := machine.ReadSnapshot(bytes.NewReader(packed(t, &machine.Snapshot{Hosts: []machine.Host{h}})))
	must(t, err)
	return s.Hosts[0].Files.Machine()
}

// answers asks a machine for many things in every way and writes down what it
// says, errors by what a caller can test of them.
func answers(m *machine.Machine, names []string) string {
	var b strings.Builder
	for _, name := range names {
		data, err := m.ReadFile(name)
		fmt.Fprintf(&b, "%s: read %q %s\n", name, data, kindOfError(err))
		list, err := m.ReadDir(name)
		fmt.Fprintf(&b, "%s: list %q %s\n", name, list, kindOfError(err))
		target, err := m.ReadLink(name)
		fmt.Fprintf(&b, "%s: link %q %s\n", name, target, kindOfError(err))
		real, err := m.RealPath(name)
		fmt.Fprintf(&b, "%s: path %q %s\n", name, real, kindOfError(err))
	}
	return b.String()
}

func kindOfError(err error) string {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno.Error()
	}
	for _, known := range []error{machine.ErrNotRecorded, machine.ErrWithheld, fs.ErrInvalid} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	if err != nil {
		return "unknown: " + err.Error()
	}
	return "ok"
}

var asked = []string{
	".", "sys", "sys/class", "sys/class/drm", "sys/bus/pci/devices", "sys/bus/pci/devices/0000:00:01.0",
	"sys/bus/pci/devices/0000:00:01.0/class", "sys/bus/pci/devices/0000:00:01.0/current_link_speed",
	"sys/bus/pci/devices/0000:00:01.0/config", "sys/bus/pci/devices/0000:00:01.0/none",
	"sys/bus/pci/devices/0000:00:02.0/class", "proc/device-tree/model", "proc/device-tree", "proc/version/x",
	"proc/version", "proc/empty", "proc/none", "nothing/at/all", "sys/loop", "sys/loop/x", "../x", "proc/cmdline",
}

// What readers were told live they are told by the recording, errors included.
func TestRecordSaysTheSame(t *testing.T) {
	f := small(t)
	must(t, f.AddFile("proc/cmdline", []byte("root=/dev/sda1 iommu=pt\n")))
	disk := filepath.Join(t.TempDir(), "root")
	must(t, f.Lay(disk))
	for name, m := range map[string]*machine.Machine{"memory": f.Machine(), "disk": open(t, disk)} {
		var live string
		h, err := machine.Record("h", m, func(m *machine.Machine) error { live = answers(m, asked); return nil }, nil)
		must(t, err)
		if diff := cmp.Diff(answers(m, asked), live); diff != "" {
			t.Errorf("%s: recording changes what is read:\n%s", name, diff)
		}
		if diff := cmp.Diff(live, answers(replay(t, h), asked)); diff != "" {
			t.Errorf("%s: live and recorded differ:\n%s", name, diff)
		}
	}
}

// Whichever part of the questions is asked, and in whichever order, the answers
// to that part are the same, and others are right or said to be unknown.
func TestRecordPart(t *testing.T) {
	f := small(t)
	whole := f.Machine()
	for i := range asked {
		part := append(append([]string{}, asked[i:]...), asked[:i/2]...)
		h, err := machine.Record("h", f.Machine(), func(m *machine.Machine) error { answers(m, part); return nil }, nil)
		must(t, err)
		m := replay(t, h)
		if diff := cmp.Diff(answers(whole, part), answers(m, part)); diff != "" {
			t.Errorf("from %q: live and recorded differ:\n%s", asked[i], diff)
		}
		for _, name := range asked {
			want, got := answers(whole, []string{name}), answers(m, []string{name})
			for line := range strings.Lines(got) {
				if !strings.Contains(want, line) && !strings.HasSuffix(line, machine.ErrNotRecorded.Error()+"\n") {
					t.Errorf("from %q: found %s want one of\n%s", asked[i], line, want)
				}
			}
		}
	}
}

func TestRecordUnknownIsNotAbsent(t *testing.T) {
	h, err := machine.Record("h", small(t).Machine(), func(m *machine.Machine) error {
		_, err := m.ReadDir("sys/bus/pci/devices")
		m.Exists("proc/version")
		m.Exists("proc/none")
		return err
	}, nil)
	must(t, err)
	m := replay(t, h)
	names, err := m.ReadDir("sys/bus/pci/devices")
	if diff := cmp.Diff([]string{"0000:00:01.0"}, names); err != nil || diff != "" {
		t.Errorf("a listing: %v\n%s", err, diff)
	}
	for _, name := range []string{"sys/bus/pci/devices/0000:00:01.0/class", "proc/version", "proc/empty", "etc/hosts"} {
		if _, err := m.ReadFile(name); !errors.Is(err, machine.ErrNotRecorded) || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("ReadFile(%q): found %v, want that it was not recorded", name, err)
		}
	}
	if _, err := m.ReadDir("sys"); !errors.Is(err, machine.ErrNotRecorded) {
		t.Errorf("a directory that was only passed: %v", err)
	}
	if _, err := m.ReadFile("proc/none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what was looked for in vain: %v", err)
	}
	if !m.Exists("proc/version") {
		t.Error("a file that was there is not")
	}
}

func TestRecordGlobs(t *testing.T) {
	nothing := func(*machine.Machine) error { return nil }
	h, err := machine.Record("h", small(t).Machine(), nothing,
		[]string{"sys/bus/pci/devices/*/c[lo]*", "sys/class/*", "proc/version", "no/*/where"})
	must(t, err)
	m := replay(t, h)
	for _, name := range []string{"sys/bus/pci/devices/0000:00:01.0/class", "sys/bus/pci/devices/0000:00:01.0/config", "proc/version"} {
		if _, err := m.ReadFile(name); err != nil {
			t.Error(err)
		}
	}
	if names, err := m.ReadDir("sys/class/drm"); err != nil || len(names) != 0 {
		t.Errorf("a directory that a glob matches: %q, %v", names, err)
	}
	if _, err := machine.Record("h", small(t).Machine(), nothing, []string{"a/[b"}); err == nil || !strings.Contains(err.Error(), `glob "a/[b"`) {
		t.Errorf("a bad glob: %v", err)
	}
	want := errors.New("no machine")
	if _, err := machine.Record("h", small(t).Machine(), func(*machine.Machine) error { return want }, nil); !errors.Is(err, want) {
		t.Errorf("a reader's error: %v", err)
	}
}

// A recording of a recording says what the first said.
func TestRecordAgain(t *testing.T) {
	read := func(m *machine.Machine) error { answers(m, asked[3:9]); return nil }
	first, err := machine.Record("h", small(t).Machine(), read, nil)
	must(t, err)
	second, err := machine.Record("h", replay(t, first), func(m *machine.Machine) error { answers(m, asked); return nil }, nil)
	must(t, err)
	if diff := cmp.Diff(answers(replay(t, first), asked), answers(replay(t, second), asked)); diff != "" {
		t.Error(diff)
	}
}

// What children answered is added to a recording after it was made.
func TestRecordThenAdd(t *testing.T) {
	name := machine.AnswersDir + "/nvml.json"
	h, err := machine.Record("h", small(t).Machine(), func(m *machine.Machine) error { m.Exists(name); return nil }, nil)
	must(t, err, h.Files.AddFile(name, []byte("{}")))
	m := replay(t, h)
	if data, err := m.ReadFile(name); err != nil || string(data) != "{}" {
		t.Errorf("found %q, %v", data, err)
	}
	if names, err := m.ReadDir(machine.AnswersDir); err != nil || len(names) != 1 {
		t.Errorf("found %q, %v", names, err)
	}
}

func TestRecordLive(t *testing.T) {
	var live []byte
	h, err := machine.Record("h", open(t, "/"), func(m *machine.Machine) (err error) {
		live, err = m.ReadFile("proc/cpuinfo")
		return err
	}, []string{"sys/devices/system/cpu/cpu*/topology/*", "proc/sys/kernel/osrelease"})
	must(t, err)
	got, err := replay(t, h).ReadFile("proc/cpuinfo")
	if diff := cmp.Diff(string(live), string(got)); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}

// Readers may ask from many goroutines.
func TestRecordConcurrently(t *testing.T) {
	f := small(t)
	h, err := machine.Record("h", f.Machine(), func(m *machine.Machine) error {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() { answers(m, asked) })
		}
		wg.Wait()
		return nil
	}, nil)
	must(t, err)
	if diff := cmp.Diff(answers(f.Machine(), asked), answers(replay(t, h), asked)); diff != "" {
		t.Error(diff)
	}
}
