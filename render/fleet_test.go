// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/render"
)

const fleet = `name: small
nodes:
- {names: "gpu-[09-11]", machine: small.yaml, places: {rack: [hall, r1], power: [feed-a]}}
- {names: board, machine: riscv.yaml}
faults:
- {node: gpu-10, kind: gpu-lost, index: 1}
images:
- {reference: "registry.example/app:1", platforms: [linux/amd64], usedBy: [job/app]}
`

func fleetFS(text string) fstest.MapFS {
	return fstest.MapFS{
		"a/fleet.yaml": {Data: []byte(text)},
		"a/small.yaml": {Data: []byte(small)},
		"a/riscv.yaml": {Data: []byte(riscv)},
		"a/bad.yaml":   {Data: []byte("cpu: {cors: 1}\n")},
	}
}

func TestFleet(t *testing.T) {
	f, err := render.ParseFleet(fleetFS(fleet), "a/fleet.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, h := range s.Hosts {
		names = append(names, h.Name)
	}
	if diff := cmp.Diff([]string{"board", "gpu-09", "gpu-10", "gpu-11"}, names); diff != "" {
		t.Errorf("hosts (-want +got):\n%s", diff)
	}
	for _, h := range s.Hosts[1:] {
		lost := strings.Contains(tree(t, h.Files)[answers], "GPU_IS_LOST")
		if lost != (h.Name == "gpu-10") {
			t.Errorf("%s: GPU lost: %v", h.Name, lost)
		}
	}
	want := `apiVersion: tarsia.dev/v1alpha1
kind: Site
name: "small"
trees:
  "power":
    "gpu-09": ["feed-a"]
    "gpu-10": ["feed-a"]
    "gpu-11": ["feed-a"]
  "rack":
    "gpu-09": ["hall", "r1"]
    "gpu-10": ["hall", "r1"]
    "gpu-11": ["hall", "r1"]
images:
- reference: "registry.example/app:1"
  platforms: ["linux/amd64"]
  usedBy: ["job/app"]
`
	if diff := cmp.Diff(want, string(s.Site)); diff != "" {
		t.Errorf("site (-want +got):\n%s", diff)
	}
	f.Faults = append(f.Faults, render.Fault{Node: "gpu-12", Kind: render.VBIOS, Version: "1"})
	if _, err := f.Snapshot(); err == nil || !strings.Contains(err.Error(), `no machine "gpu-12"`) {
		t.Errorf("a fault of no machine: %v", err)
	}
}

func TestBadFleet(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"unknown key", "usedBy", "usedby", `a/fleet.yaml:8: images[0]: found the unknown key "usedby", did you mean "usedBy"?`},
		{"no such file", "machine: riscv.yaml", "machine: none.yaml", "a/fleet.yaml:4: nodes.1.machine: open a/none.yaml"},
		{"a file elsewhere", "machine: riscv.yaml", "machine: ../riscv.yaml", `a/fleet.yaml:4: nodes.1.machine: found "../riscv.yaml", want a fact file beside this one`},
		{"a bad machine", "machine: riscv.yaml", "machine: bad.yaml", `a/bad.yaml:1: cpu: found the unknown key "cors", did you mean "cores"?`},
		{"name twice", "names: board", "names: gpu-10", `a/fleet.yaml:4: nodes.1.names: found machine "gpu-10" twice`},
		{"range backwards", "gpu-[09-11]", "gpu-[11-09]", `a/fleet.yaml:3: nodes.0.names: found "gpu-[11-09]", want a name such as gpu-01 or a range`},
		{"huge range", "gpu-[09-11]", "gpu-[1-9999]", "want a name such as gpu-01 or a range"},
		{"fault of nobody", "node: gpu-10", "node: gpu-12", `a/fleet.yaml:6: faults.0.node: found no machine "gpu-12" in this fleet`},
		{"impossible fault", "index: 1", "index: 2", `a/fleet.yaml:6: faults.0: apply fault "gpu-lost": found 2 of GPU on machine "gpu-10"`},
		{"fabric of a machine without", "machine: riscv.yaml", "machine: riscv.yaml, fabric: {cluster: 7c2b9b1e-5f0d-4e3a-9a41-d5c6f2a80b17, clique: 1}", "a/fleet.yaml:4: nodes.1.fabric: found it on"},
		{"fabric of zeros", "machine: small.yaml", "machine: small.yaml, fabric: {cluster: 00000000-0000-0000-0000-000000000000}", "a/fleet.yaml:3: nodes.0.fabric.cluster: found"},
		{"image without reference", `reference: "registry.example/app:1", `, "", "a/fleet.yaml:8: images.0: found no reference"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(fleet, c.old) {
				t.Fatalf("%q is not in the good file", c.old)
			}
			_, err := render.ParseFleet(fleetFS(strings.Replace(fleet, c.old, c.new, 1)), "a/fleet.yaml")
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("found error %v\nwant in it %q", err, c.want)
			}
		})
	}
	if _, err := render.ParseFleet(fstest.MapFS{}, "fleet.yaml"); err == nil {
		t.Error("a fleet file that is not there was read")
	}
}

func FuzzParseFleet(f *testing.F) {
	f.Add([]byte(fleet))
	f.Add(seeds(f)["demo/fleet.yaml"])
	f.Fuzz(func(t *testing.T, data []byte) {
		fl, err := render.ParseFleet(fleetFS(string(data)), "a/fleet.yaml")
		if err != nil {
			return
		}
		// Rendering hundreds of machines says no more than rendering a few.
		hosts := 0
		for _, n := range fl.Nodes {
			hosts += strings.Count(n.Names, "[")*100 + 1
		}
		if hosts > 5 {
			return
		}
		if _, err := fl.Snapshot(); err != nil {
			t.Fatalf("parsed but not rendered: %v", err)
		}
	})
}
