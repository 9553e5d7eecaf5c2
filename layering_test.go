// SPDX-License-Identifier: Apache-2.0

package tarsia_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const modulePath = "tarsia.dev/tarsia"

// layer is one row of the table of who may import whom. In an ordered row a
// package may also import those to its left; a subpackage may import its
// parent.
type layer struct {
	name     string
	packages []string
	below    []string // layers that it may import
	ordered  bool
}

// layers is the table. A package that is not in it fails the test: say where it
// belongs before writing it.
var layers = []layer{
	{name: "words", packages: []string{"internal/edit", "internal/unit", "internal/yamldoc"}, ordered: true}, // pure, and nobody's subject
	{name: "internal", packages: []string{"internal/atomicfile", "internal/jsonout"}, below: []string{"words"}},
	{name: "vocabulary", packages: []string{"cpuset", "pci", "isa"}, ordered: true},
	{name: "facts", packages: []string{"machine", "procfs", "sysfs", "devicetree", "uefi", "nvml", "kfd", "elfinfo", "emulation"},
		below: []string{"vocabulary"}, ordered: true},
	// The two sides of the pipe to tarsia-device; they share the answers, no code.
	{name: "children", packages: []string{"ask", "vendorlib"}, below: []string{"vocabulary", "facts"}},
	{name: "model", packages: []string{"finding", "topology"}, below: []string{"vocabulary"}, ordered: true},
	{name: "engine", packages: []string{"collective", "claim", "topologymanager", "device", "placement", "simulate", "policy", "expect", "check"}, below: []string{"words", "vocabulary", "model"}, ordered: true},
	{name: "readers", packages: []string{"discover", "render"},
		below: []string{"words", "internal", "vocabulary", "facts", "model", "engine"}},
	{name: "adapters", packages: []string{"kube", "report", "text", "web", "cases"},
		below: []string{"words", "internal", "vocabulary", "model", "engine"}},
	{name: "guest", packages: []string{"guest"}},     // boots kernels for tests; nothing imports it
	{name: "testbed", packages: []string{"testbed"}}, // a module of its own: readers that share no code with ours
	{name: "cmd", packages: []string{"cmd/tarsia", "cmd/tarsia-device"},
		below: []string{"words", "internal", "vocabulary", "facts", "children", "model", "engine", "readers", "adapters"}},
}

// enginePure names what would make a decision depend on something other than
// its arguments.
var enginePure = []string{"os", "os/exec", "net", "net/http", "time", "log", "log/slog", "math/rand", "math/rand/v2", "crypto/rand", "syscall"}

// vendored keeps whole graphs of other projects behind one room.
var vendored = []struct {
	prefix string
	only   []string
}{
	{"k8s.io/", []string{"kube"}},
	{"sigs.k8s.io/", []string{"kube"}},
	{"go.yaml.in/", []string{"internal/yamldoc", "kube", "render"}}, // documents are walked as trees, for their lines
	{"github.com/spf13/", []string{"cmd/tarsia"}},
	{"github.com/google/cel-go/", []string{"policy"}},
	{"github.com/ebitengine/purego", []string{"vendorlib"}}, // it makes a program dynamic
}

type goPackage struct {
	ImportPath string
	Imports    []string
	Module     struct{ Path string }
}

func listPackages(t *testing.T, dir string) []goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,Module", "./...")
	cmd.Dir = dir
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list in %s: %v", dir, err)
	}
	var packages []goPackage
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var p goPackage
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
	return packages
}

// modules returns the folders that hold a go.mod.
func modules(t *testing.T) []string {
	t.Helper()
	var dirs []string
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != "." || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if d.Name() == "go.mod" {
			dirs = append(dirs, filepath.Dir(path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return dirs
}

// place finds the row and the position of a package; a subpackage stands where
// its parent stands.
func place(rel string) (layer, int, bool) {
	for _, l := range layers {
		for i, p := range l.packages {
			if rel == p || strings.HasPrefix(rel, p+"/") {
				return l, i, true
			}
		}
	}
	return layer{}, 0, false
}

func TestLayers(t *testing.T) {
	for _, dir := range modules(t) {
		for _, p := range listPackages(t, dir) {
			rel := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, modulePath), "/")
			if rel == "" {
				continue
			}
			from, at, ok := place(rel)
			if !ok {
				t.Errorf("%s is in no layer: add it to the table", p.ImportPath)
				continue
			}
			for _, imported := range p.Imports {
				if err := mayImport(rel, from, at, imported); err != nil {
					t.Errorf("%s (%s) imports %s: %v", rel, from.name, imported, err)
				}
			}
		}
	}
}

func mayImport(rel string, from layer, at int, imported string) error {
	for _, v := range vendored {
		if strings.HasPrefix(imported, v.prefix) && !slices.ContainsFunc(v.only, func(p string) bool { return rel == p || strings.HasPrefix(rel, p+"/") }) {
			return fmt.Errorf("only %s may", strings.Join(v.only, ", "))
		}
	}
	if from.name == "engine" && slices.Contains(enginePure, imported) {
		return fmt.Errorf("an engine decides from its arguments alone")
	}
	to, ours := strings.CutPrefix(imported, modulePath+"/")
	if !ours {
		return nil
	}
	target, pos, ok := place(to)
	switch {
	case !ok:
		return fmt.Errorf("it is in no layer")
	case target.name == from.name && (strings.HasPrefix(rel, to+"/") || from.ordered && pos < at):
		return nil
	case slices.Contains(from.below, target.name):
		return nil
	case target.name == from.name:
		return fmt.Errorf("packages of this row do not import one another from left to right")
	}
	return fmt.Errorf("%s may import %s", from.name, strings.Join(from.below, ", "))
}

// A program that can load libraries is linked against the C library: tarsia runs
// where there is none, so it reaches such code through another process only.
func TestStaticStaysStatic(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "./cmd/tarsia").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, dep := range strings.Fields(string(out)) {
		if dep == modulePath+"/vendorlib" || strings.HasPrefix(dep, "github.com/ebitengine/purego") {
			t.Errorf("cmd/tarsia is linked against %s", dep)
		}
	}
}

func TestMayImportRefuses(t *testing.T) {
	for _, c := range []struct {
		from, imported string
		ok             bool
	}{
		{"topology", modulePath + "/pci", true},
		{"topology", modulePath + "/machine", false},
		{"machine", modulePath + "/sysfs", false},
		{"sysfs", modulePath + "/machine", true},
		{"placement", "os", false},
		{"text", modulePath + "/web", false},
		{"web", modulePath + "/sysfs", false},
		{"text", "k8s.io/api/core/v1", false},
		{"placement", "github.com/google/cel-go/cel", false},
		{"policy", "github.com/google/cel-go/cel", true},
		{"policy", modulePath + "/internal/yamldoc", true},
		{"placement", modulePath + "/internal/atomicfile", false},
		{"kube", "k8s.io/api/core/v1", true},
	} {
		l, at, _ := place(c.from)
		if err := mayImport(c.from, l, at, c.imported); (err == nil) != c.ok {
			t.Errorf("%s -> %s: %v, want allowed %v", c.from, c.imported, err, c.ok)
		}
	}
}
