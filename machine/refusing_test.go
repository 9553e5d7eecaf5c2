// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// refusing is a tree for which the reader lacks permissions, which a test that
// runs as root cannot lay on disk.
type refusing struct {
	tree
	closed map[string]bool // may not be looked into
	unread map[string]bool // may not be read or listed
	broken map[string]error
}

func (t refusing) check(name string) error {
	if t.closed[path.Dir(name)] {
		return syscall.EACCES
	}
	return t.broken[name]
}

func (t refusing) kind(name string) (kind, error) {
	if err := t.check(name); err != nil {
		return 0, err
	}
	return t.tree.kind(name)
}

func (t refusing) read(name string) ([]byte, error) {
	if err := t.check(name); err != nil {
		return nil, err
	}
	if t.unread[name] {
		return nil, syscall.EACCES
	}
	return t.tree.read(name)
}

func (t refusing) direct(string) ([]byte, error) { return nil, errTryHarder }

func (t refusing) readlink(name string) (string, error) {
	if err := t.check(name); err != nil {
		return "", err
	}
	return t.tree.readlink(name)
}

func (t refusing) readdir(name string) ([]string, error) {
	if err := t.check(name); err != nil {
		return nil, err
	}
	if k, err := t.tree.kind(name); err != nil || k == kindDir && t.unread[name] {
		return nil, errors.Join(err, syscall.EACCES)
	}
	return t.tree.readdir(name)
}

func forbidden(t *testing.T) *Machine {
	t.Helper()
	f := NewFiles()
	for _, name := range []string{"closed/file", "blind/file", "blind/other", "names/file", "open/secret", "open/gone"} {
		if err := f.AddFile(name, []byte(name)); err != nil {
			t.Fatal(err)
		}
	}
	return &Machine{tree: refusing{
		tree:   filesTree{f},
		closed: map[string]bool{"closed": true, "names": true},
		unread: map[string]bool{"closed": true, "blind": true, "open/secret": true},
		broken: map[string]error{"open/gone": syscall.ENODEV},
	}}
}

// A directory may forbid its listing, looking into it, or both; the recording
// says so, too, whichever was asked first.
func TestRecordPermissions(t *testing.T) {
	names := []string{"closed", "closed/file", "blind", "blind/file", "blind/none", "names", "names/file", "open", "open/secret", "open/gone"}
	ask := func(m *Machine, listsToo bool) string {
		var b strings.Builder
		for _, name := range names {
			data, err := m.ReadFile(name)
			if listsToo {
				list, listErr := m.ReadDir(name)
				fmt.Fprintf(&b, "%q %v ", list, listErr)
			}
			_, linkErr := m.ReadLink(name)
			real, realErr := m.RealPath(name)
			fmt.Fprintf(&b, "%s: %q, %v, %v, %q, %v\n", name, data, err, linkErr, real, realErr)
		}
		return b.String()
	}
	for _, listsToo := range []bool{false, true} {
		var live string
		h, err := Record("h", forbidden(t), func(m *Machine) error { live = ask(m, listsToo); return nil }, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(live, "read closed/file: permission denied") {
			t.Fatalf("nothing was refused:\n%s", live)
		}
		m := h.Files.Machine()
		if diff := cmp.Diff(live, ask(m, listsToo)); diff != "" {
			t.Error(diff)
		}
		// What lies in a closed directory and was not asked for is not known.
		if _, err := m.ReadFile("blind/other"); !errors.Is(err, ErrNotRecorded) {
			t.Errorf("found %v, want that it was not recorded", err)
		}
	}
}

// What the format cannot keep ends the recording; it is not left out.
func TestRecordRefuses(t *testing.T) {
	odd := errors.New("an error of no kind")
	for want, m := range map[string]*Machine{
		`keep the failure of "a": found no errno: an error of no kind`: {tree: refusing{tree: filesTree{NewFiles()}, broken: map[string]error{"a": odd}}},
		`keep "b\xff": want a name in UTF-8`:                           {tree: listing{filesTree{NewFiles()}, []string{"b\xff"}}},
		"found more than 200000 entries":                               {tree: listing{filesTree{NewFiles()}, many()}},
	} {
		_, err := Record("h", m, func(m *Machine) error { m.Exists("a"); _, err := m.ReadDir("."); return err }, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("found %v, want %q", err, want)
		}
	}
}

// listing is a tree whose root lists what it is told.
type listing struct {
	tree
	names []string
}

func (l listing) readdir(string) ([]string, error) { return l.names, nil }

func many() []string {
	names := make([]string, MaxEntries)
	for i := range names {
		names[i] = fmt.Sprint(i)
	}
	return names
}

// A vanished file whose tree says so in words of its own is absent.
func TestRecordNotExist(t *testing.T) {
	m := &Machine{tree: refusing{tree: filesTree{NewFiles()}, broken: map[string]error{"a": fs.ErrNotExist}}}
	h, err := Record("h", m, func(m *Machine) error { m.Exists("a"); return nil }, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Files.Machine().ReadFile("a"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("found %v, want that it is absent", err)
	}
}
