// SPDX-License-Identifier: Apache-2.0

package machine_test

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/machine"
)

// TestWithAnswers lays a document over a machine that has another one of the
// same name, one beside it, and none at all.
func TestWithAnswers(t *testing.T) {
	with := machine.NewFiles()
	for name, text := range map[string]string{"a.json": "old", "b.json": "kept"} {
		if err := with.AddFile(machine.AnswersDir+"/"+name, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		files *machine.Files
		names []string
	}{
		"beside others":  {with, []string{"a.json", "b.json"}},
		"in a bare root": {machine.NewFiles(), []string{"a.json"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := c.files.Machine().WithAnswers(map[string][]byte{"a.json": []byte("new")})
			read := func(m *machine.Machine) error {
				names, err := m.ReadDir(machine.AnswersDir)
				if err != nil {
					return err
				}
				if d := cmp.Diff(c.names, names); d != "" {
					t.Errorf("names (-want +got):\n%s", d)
				}
				for _, n := range names {
					want := "kept"
					if n == "a.json" {
						want = "new"
					}
					if got, err := m.ReadString(machine.AnswersDir + "/" + n); err != nil || got != want {
						t.Errorf("%s: %q, %v, want %q", n, got, err, want)
					}
				}
				if _, err := m.ReadFile("run/other"); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("run/other: %v, want that it does not exist", err)
				}
				return nil
			}
			if err := read(m); err != nil {
				t.Fatal(err)
			}
			host, err := machine.Record("n1", m, read, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := read(host.Files.Machine()); err != nil {
				t.Errorf("the recording: %v", err)
			}
		})
	}
}
