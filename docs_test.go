// SPDX-License-Identifier: Apache-2.0

package tarsia_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the drawn parts of docs/")

const (
	graphBegin = "<!-- the import graph: go test -run TestImportGraph -update . -->\n"
	graphEnd   = "<!-- end of the import graph -->\n"
)

// TestImportGraph holds docs/architecture.md to the imports that the code has.
func TestImportGraph(t *testing.T) {
	const file = "docs/architecture.md"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(data), graphBegin)
	_, after, ok2 := strings.Cut(rest, graphEnd)
	if !ok || !ok2 {
		t.Fatalf("%s has lost the marks around its import graph", file)
	}
	want := before + graphBegin + importGraph(t) + graphEnd + after
	if want == string(data) {
		return
	}
	if !*update {
		t.Fatalf("%s draws other imports than the code has: go test -run TestImportGraph -update .", file)
	}
	if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// importGraph is a Mermaid picture: a box per layer, an arrow per import that no
// other import implies.
func importGraph(t *testing.T) string {
	imports := map[string][]string{}
	for _, p := range listPackages(t, ".") {
		rel := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, modulePath), "/")
		if rel == "" {
			continue
		}
		imports[rel] = nil
		for _, i := range p.Imports {
			if to, ours := strings.CutPrefix(i, modulePath+"/"); ours {
				imports[rel] = append(imports[rel], to)
			}
		}
	}
	var b strings.Builder
	b.WriteString("```mermaid\nflowchart BT\n")
	for _, l := range layers {
		fmt.Fprintf(&b, "  subgraph %s\n", l.name)
		for _, p := range sortedKeys(imports) {
			if in, _, _ := place(p); in.name == l.name {
				fmt.Fprintf(&b, "    %s[%s]\n", strings.ReplaceAll(p, "/", "_"), p)
			}
		}
		b.WriteString("  end\n")
	}
	for _, from := range sortedKeys(imports) {
		for _, to := range slices.Sorted(slices.Values(imports[from])) {
			if !implied(imports, from, to) {
				fmt.Fprintf(&b, "  %s --> %s\n", strings.ReplaceAll(from, "/", "_"), strings.ReplaceAll(to, "/", "_"))
			}
		}
	}
	b.WriteString("```\n")
	return b.String()
}

// implied tells whether from reaches to through another of its imports.
func implied(imports map[string][]string, from, to string) bool {
	seen := map[string]bool{}
	var reaches func(p string) bool
	reaches = func(p string) bool {
		if p == to {
			return true
		}
		if seen[p] {
			return false
		}
		seen[p] = true
		return slices.ContainsFunc(imports[p], reaches)
	}
	return slices.ContainsFunc(imports[from], func(p string) bool { return p != to && reaches(p) })
}

func sortedKeys(m map[string][]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
