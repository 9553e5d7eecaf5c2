// SPDX-License-Identifier: Apache-2.0

package tarsia_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// sources yields every file of the repository that people wrote, by extension.
func sources(t *testing.T, exts ...string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); path != "." && (name == ".git" || name == "bin" || name == "dist" || name == "node_modules") {
				return filepath.SkipDir
			}
			return nil
		}
		for _, ext := range exts {
			if filepath.Ext(path) == ext || filepath.Base(path) == ext {
				files = append(files, path)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestLicenceHeaders(t *testing.T) {
	for _, file := range sources(t, ".go", ".c", ".h") {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(data), "// SPDX-License-Identifier: Apache-2.0\n") {
			t.Errorf("%s does not begin with its SPDX line", file)
		}
	}
}

func TestPackagesAndSymbolsAreDocumented(t *testing.T) {
	folders := map[string][]string{}
	for _, file := range sources(t, ".go") {
		if !strings.HasSuffix(file, "_test.go") && !strings.Contains(file, "testdata/") {
			folders[filepath.Dir(file)] = append(folders[filepath.Dir(file)], file)
		}
	}
	for dir, files := range folders {
		set := token.NewFileSet()
		var parsed []*ast.File
		for _, file := range files {
			f, err := parser.ParseFile(set, file, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			parsed = append(parsed, f)
		}
		d, err := doc.NewFromFiles(set, parsed, modulePath+"/"+dir)
		if err != nil {
			t.Fatal(err)
		}
		if d.Doc == "" {
			t.Errorf("package %s has no comment", dir)
		}
		undocumented := func(kind, name, text string) {
			if text == "" && ast.IsExported(name) {
				t.Errorf("%s: %s %s has no comment", dir, kind, name)
			}
		}
		for _, f := range d.Funcs {
			undocumented("func", f.Name, f.Doc)
		}
		for _, ty := range d.Types {
			undocumented("type", ty.Name, ty.Doc)
			for _, f := range ty.Funcs {
				undocumented("func", f.Name, f.Doc)
			}
			for _, m := range ty.Methods {
				undocumented("method", ty.Name+"."+m.Name, m.Doc)
			}
		}
	}
}

func TestRootModuleReplacesNothing(t *testing.T) {
	data, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if regexp.MustCompile(`(?m)^(replace|exclude)\b`).Match(data) {
		t.Error("the root go.mod replaces or excludes a module, which nobody who installs the command would get")
	}
}

// A skip is a promise that the thing cannot be tested here: each reason stands
// in docs/skips.txt, where people see what a run left out and why.
func TestSkipsAreListed(t *testing.T) {
	known, err := os.ReadFile("docs/skips.txt")
	if err != nil {
		t.Fatal(err)
	}
	call := regexp.MustCompile(`\b[tbf]\.Skipf?\("((?:[^"\\]|\\.)*)"`)
	anyCall := regexp.MustCompile(`\b[tbf]\.Skip(f|Now)?\(`)
	for _, file := range sources(t, ".go") {
		if !strings.HasSuffix(file, "_test.go") {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if file == "rules_test.go" {
			continue
		}
		reasons := call.FindAllStringSubmatch(string(data), -1)
		if n := len(anyCall.FindAll(data, -1)); n != len(reasons) {
			t.Errorf("%s: %d of %d skips say no literal reason", file, n-len(reasons), n)
		}
		for _, r := range reasons {
			if !strings.Contains(string(known), r[1]) {
				t.Errorf("%s skips with a reason that docs/skips.txt does not list: %s", file, r[1])
			}
		}
	}
}

// Binaries and recordings of whole fleets do not belong here: a clone pays for
// them for ever.
func TestNoLargeFiles(t *testing.T) {
	out, err := exec.Command("git", "ls-files", "-z").Output()
	if err != nil {
		t.Skip("no git checkout: which files belong to the repository is not known")
	}
	for _, file := range strings.Split(strings.TrimRight(string(out), "\x00"), "\x00") {
		info, err := os.Lstat(file)
		if err == nil && info.Size() > 500_000 {
			t.Errorf("%s has %d bytes, want at most 500,000", file, info.Size())
		}
	}
}
