// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"
)

// engineCalls are the functions of the engine that a translation may call: they
// build a fleet, book, decide. Their answer is the only source of places.
var engineCalls = []string{"NewFleet", "NewUsage", "NewPrices", "Place", "PodName"}

// TestNoSolverHere keeps decisions in the engine: a place in an answer is made
// from an assignment of a decision and nowhere else, an outcome from that of a
// decision, and of the engine only its entry points are called.
func TestNoSolverHere(t *testing.T) {
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			for _, problem := range decides(fn) {
				t.Errorf("%s: %s %s", f.Name(), fn.Name.Name, problem)
			}
		}
	}
}

// decides says what in a function is a decision.
func decides(fn *ast.FuncDecl) []string {
	var out []string
	ast.Inspect(fn, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit:
			if name, ok := n.Type.(*ast.Ident); ok && name.Name == "Spot" && fn.Name.Name != "spots" {
				out = append(out, "makes a place; only spots does, from a decision")
			}
		case *ast.CallExpr:
			sel, ok := n.Fun.(*ast.SelectorExpr)
			if !ok {
				break
			}
			if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == "placement" && !slices.Contains(engineCalls, sel.Sel.Name) && !engineType(sel.Sel.Name) {
				out = append(out, "calls placement."+sel.Sel.Name)
			}
		case *ast.Ident:
			if n.Name == "Placed" && !slices.Contains([]string{"outcomeOf", "Outcome", "WriteTable", "distribute"}, fn.Name.Name) && !qualified(fn, n) {
				out = append(out, "says placed; only outcomeOf does, from a decision")
			}
		}
		return true
	})
	return out
}

// engineType tells whether a name is a conversion to a type of the engine.
func engineType(name string) bool {
	return slices.Contains([]string{"Taint", "Toleration", "Term"}, name)
}

// qualified tells whether an identifier stands behind a package name.
func qualified(fn *ast.FuncDecl, id *ast.Ident) bool {
	found := false
	ast.Inspect(fn, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel == id {
			found = true
		}
		return !found
	})
	return found
}

func TestDecidesFinds(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "x.go", `package cases
func best() Result {
	for _, n := range nodes {
		if placement.Fits(n) { return Result{Outcome: Placed, Placements: []Spot{Spot{Node: n}}} }
	}
	return Result{}
}`, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := decides(file.Decls[0].(*ast.FuncDecl)); len(got) != 3 {
		t.Errorf("found %q, want a call, a place and an outcome", got)
	}
}
