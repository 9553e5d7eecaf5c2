// SPDX-License-Identifier: Apache-2.0

package machine_test

import (
	"bytes"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/machine"
)

// FuzzReadSnapshot: a snapshot or an error but not both, no host half read, and
// what was read is written and read again as the same.
func FuzzReadSnapshot(f *testing.F) {
	whole := packed(f, &machine.Snapshot{Hosts: []machine.Host{{Name: "a", Files: small(f)}, {Name: "b", Files: machine.NewFiles()}}, Site: []byte("x: 1\n")})
	recorded, err := machine.Record("r", small(f).Machine(), func(m *machine.Machine) error { answers(m, asked); return nil }, nil)
	must(f, err)
	f.Add(whole)
	f.Add([]byte(unpacked(f, whole)))
	f.Add([]byte(unpacked(f, packed(f, &machine.Snapshot{Hosts: []machine.Host{recorded}}))))
	f.Add([]byte(head + "{\"host\":\"a\"}\n{\"x\":\"a\",\"e\":\"ENOENT\"}\n{\"f\":\"a/b\"}\n{\"u\":\"c\"}\n{\"d\":\"c/d\",\"e\":\"errno 524\"}\n{\"end\":\"snapshot\"}\n"))
	f.Add([]byte(head + "{\"host\" : \"\\u0061\" }\n{\"l\":\"l\",\"to\":\"..\\/l\"}\n{\"end\":\"snapshot\"}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := machine.ReadSnapshot(bytes.NewReader(data))
		if (s == nil) != (err != nil) {
			t.Fatalf("found %v and %v", s, err)
		}
		if err != nil {
			return
		}
		first := packed(t, s)
		again, err := machine.ReadSnapshot(bytes.NewReader(first))
		must(t, err)
		if second := packed(t, again); !bytes.Equal(first, second) {
			t.Fatal(cmp.Diff(unpacked(t, first), unpacked(t, second)))
		}
		for i, h := range s.Hosts {
			if diff := cmp.Diff(answers(h.Files.Machine(), asked), answers(again.Hosts[i].Files.Machine(), asked)); diff != "" {
				t.Fatal(diff)
			}
		}
	})
}

// FuzzResolve walks roots of hostile links: it ends, stays below the root, and
// where it ends no link is left.
func FuzzResolve(f *testing.F) {
	f.Add("a ../../b\nb /c/d\nc/d e/../e\nc/e .", "a/x/../y")
	f.Add("a b\nb a", "a")
	f.Add("a a/a", "a/a")
	f.Add("a ////../..//\nb a/b", "b/b/b")
	f.Add("x/"+strings.Repeat("y/", 60)+"z /", "x/y")
	f.Fuzz(func(t *testing.T, links, name string) {
		files := machine.NewFiles()
		for line := range strings.Lines(links) {
			link, target, _ := strings.Cut(strings.TrimSpace(line), " ")
			_ = files.AddLink(link, target) // those that it refuses are tested elsewhere
		}
		_ = files.AddFile("end", []byte("end"))
		m := files.Machine()
		real, err := m.RealPath(name)
		if err != nil {
			return
		}
		if real != path.Clean(real) || strings.HasPrefix(real, "/") || real == ".." || strings.HasPrefix(real, "../") {
			t.Errorf("RealPath(%q) = %q", name, real)
		}
		if again, err := m.RealPath(real); err != nil || again != real {
			t.Errorf("RealPath(%q) = %q, but of that it is %q, %v", name, real, again, err)
		}
		if _, err := m.ReadLink(real); err == nil && real != "." {
			t.Errorf("RealPath(%q) = %q, which is a link", name, real)
		}
	})
}
