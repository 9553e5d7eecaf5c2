// SPDX-License-Identifier: Apache-2.0

package discover_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/discover"
	"tarsia.dev/tarsia/topology"
)

const goodSite = `apiVersion: tarsia.dev/v1alpha1
kind: Site
name: demo
trees:
  rack:
    hgx-01: [hall-1, r1]
    hgx-02: [hall-1, r2]
  power:
    hgx-01: [feed-a]
images:
- reference: registry.example/infer:1.4
  platforms: [linux/riscv64, linux/amd64, linux/arm64/v8]
  usedBy: [deployment/infer]
- reference: registry.example/batch:2
`

func TestParseSite(t *testing.T) {
	got, err := discover.ParseSite("site.yaml", []byte(goodSite))
	if err != nil {
		t.Fatal(err)
	}
	want := topology.Site{
		Name: "demo",
		Places: map[string][]topology.Place{
			"hgx-01": {{Tree: "power", Path: []string{"feed-a"}}, {Tree: "rack", Path: []string{"hall-1", "r1"}}},
			"hgx-02": {{Tree: "rack", Path: []string{"hall-1", "r2"}}},
		},
		Images: []topology.Image{
			{Reference: "registry.example/infer:1.4", Platforms: []string{"linux/amd64", "linux/arm64/v8", "linux/riscv64"}, UsedBy: []string{"deployment/infer"}, Source: "site.yaml:11"},
			{Reference: "registry.example/batch:2", Source: "site.yaml:14"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseSiteRefuses(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"unknown key", "  usedBy:", "  usedby:", "site.yaml:13: "},
		{"near miss", "  usedBy:", "  usedby:", "usedBy"},
		{"wrong kind", "kind: Site", "kind: Fleet", `site.yaml:2: kind: found "Fleet", want Site`},
		{"no version", "apiVersion: tarsia.dev/v1alpha1\n", "", `apiVersion: found "", want tarsia.dev/v1alpha1`},
		{"no name", "name: demo", "name: ''", "site.yaml:3: name: found none"},
		{"discovered tree", "  power:", "  nvlink:", `site.yaml:8: trees.nvlink: found "nvlink", want another name`},
		{"no domain", "[feed-a]", "[]", "site.yaml:9: trees.power.hgx-01: found no domain"},
		{"slash", "[feed-a]", "[feed/a]", `site.yaml:9: trees.power.hgx-01.0: found "feed/a"`},
		{"platform", "linux/riscv64,", "riscv64,", `site.yaml:12: images.0.platforms.0: found "riscv64", want OS/ARCHITECTURE`},
		{"twice", "batch:2", "infer:1.4", "site.yaml:14: images.1: found \"registry.example/infer:1.4\" again, first at line 11"},
		{"no reference", "reference: registry.example/batch:2", "usedBy: [a]", "site.yaml:14: images.1: found no reference"},
		{"syntax", "name: demo", "name: [", "site.yaml:"},
		{"wrong type", "[hall-1, r1]", "hall-1", "site.yaml:6: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(goodSite, c.old) {
				t.Fatalf("%q is not in the site", c.old)
			}
			site, err := discover.ParseSite("site.yaml", []byte(strings.Replace(goodSite, c.old, c.new, 1)))
			if err == nil {
				t.Fatalf("accepted: %+v", site)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v\nwant %q in it", err, c.want)
			}
		})
	}
}

func FuzzParseSite(f *testing.F) {
	f.Add([]byte(goodSite))
	f.Add([]byte(""))
	f.Add([]byte(`{"apiVersion":"tarsia.dev/v1alpha1","kind":"Site","name":"x"}`))
	f.Add([]byte("apiVersion: tarsia.dev/v1alpha1\nkind: Site\nname: &a x\ntrees: {rack: {n: [*a, *a]}}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		site, err := discover.ParseSite("f", data)
		if err != nil {
			if site.Name != "" || site.Places != nil || site.Images != nil {
				t.Fatalf("a value and an error: %+v, %v", site, err)
			}
			if !strings.HasPrefix(err.Error(), "f:") {
				t.Fatalf("an error without its place: %v", err)
			}
			return
		}
		topology.NewFleet("f", []*topology.Node{{Name: "n"}}, site)
	})
}
