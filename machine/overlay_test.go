// SPDX-License-Identifier: Apache-2.0

package machine_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tarsia.dev/tarsia/machine"
)

const answer = machine.AnswersDir + "/x.json"

func TestOverlay(t *testing.T) {
	bare := machine.NewFiles()
	must(t, bare.AddFile("proc/cpuinfo", []byte("cpu\n")))
	linked := machine.NewFiles()
	must(t, linked.AddFile("proc/cpuinfo", []byte("cpu\n")))
	must(t, linked.AddLink("run", "/var/run"))
	must(t, linked.AddFile("var/run/utmp", []byte("u\n")))
	must(t, linked.AddFile("var/run/tarsia/answers/x.json", []byte("old\n")))
	disk := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(disk, "proc"), 0o755))
	must(t, os.MkdirAll(filepath.Join(disk, "run"), 0o755))
	must(t, os.WriteFile(filepath.Join(disk, "proc/cpuinfo"), []byte("cpu\n"), 0o644))
	live, err := machine.Open(disk)
	must(t, err)
	for name, m := range map[string]*machine.Machine{"bare": bare.Machine(), "linked": linked.Machine(), "disk": live} {
		t.Run(name, func(t *testing.T) {
			over, err := machine.Overlay(m, answer, []byte("new\n"))
			must(t, err)
			h, err := machine.Record("h", over, func(m *machine.Machine) error {
				_, err := m.ReadFile(answer)
				_, _ = m.ReadFile("run/utmp")
				_, _ = m.ReadDir("run/tarsia")
				return err
			}, []string{"proc/cpuinfo"})
			must(t, err)
			var b bytes.Buffer
			must(t, (&machine.Snapshot{Hosts: []machine.Host{h}}).Write(&b))
			again, err := machine.ReadSnapshot(&b)
			must(t, err)
			for _, m := range []*machine.Machine{over, again.Hosts[0].Files.Machine()} {
				if got, err := m.ReadString(answer); got != "new" {
					t.Errorf("%q, %v", got, err)
				}
				if got, err := m.ReadString("proc/cpuinfo"); got != "cpu" {
					t.Errorf("%q, %v", got, err)
				}
				if names, err := m.ReadDir("run/tarsia"); !slices.Equal(names, []string{"answers"}) {
					t.Errorf("run/tarsia holds %v, %v", names, err)
				}
			}
			if got, err := m.ReadString(answer); got == "new" {
				t.Errorf("the machine itself changed: %q, %v", got, err)
			}
			if err := over.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	if got, err := linked.Machine().ReadString("run/utmp"); got != "u" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestOverlayRefuses(t *testing.T) {
	files := machine.NewFiles()
	must(t, files.AddFile("run", []byte("a file")))
	for _, c := range []struct {
		name, want string
		data       []byte
	}{
		{answer, "found no folder at", nil},
		{"../x", "without leading slash", nil},
		{"a//b", "clean path", nil},
		{"x", "want at most", make([]byte, machine.MaxFile+1)},
	} {
		if _, err := machine.Overlay(files.Machine(), c.name, c.data); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.name, err, c.want)
		}
	}
}
