// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
	"go.yaml.in/yaml/v3"

	"tarsia.dev/tarsia/internal/atomicfile"
	"tarsia.dev/tarsia/machine"
	"tarsia.dev/tarsia/report"
	"tarsia.dev/tarsia/report/schematest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"tarsia": main})
}

// TestScripts runs the sessions of testdata. Each reads like what a user types,
// in a folder that holds examples/ and, in demo/, what `tarsia demo` wrote with
// rack.snapshot beside it.
func TestScripts(t *testing.T) {
	examples, err := filepath.Abs("../../examples")
	if err != nil {
		t.Fatal(err)
	}
	demo := t.TempDir()
	if code := run(context.Background(), []string{"demo", "--dir", demo}, new(bytes.Buffer), os.Stderr); code != exitFailed {
		t.Fatalf("tarsia demo exits %d, want %d", code, exitFailed)
	}
	if err := writeRack(demo); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":     exits,
			"validates": validates,
			"same":      same,
		},
		Setup: func(env *testscript.Env) error {
			env.Setenv("COLUMNS", "100")
			env.Setenv("XDG_CACHE_HOME", filepath.Join(env.WorkDir, "cache"))
			return errors.Join(
				os.CopyFS(filepath.Join(env.WorkDir, "examples"), os.DirFS(examples)),
				os.CopyFS(filepath.Join(env.WorkDir, "demo"), os.DirFS(demo)))
		},
	})
}

// writeRack records a few machines of the demo fleet anew: most sessions need no
// more, and read them in a tenth of the time.
func writeRack(dir string) error {
	all, err := readSnapshot(filepath.Join(dir, "fleet.snapshot"))
	if err != nil {
		return err
	}
	rack := []string{"hgx-01", "hgx-02", "hgx-03", "rv-01"}
	all.Hosts = slices.DeleteFunc(all.Hosts, func(h machine.Host) bool { return !slices.Contains(rack, h.Name) })
	return atomicfile.Write(filepath.Join(dir, "rack.snapshot"), 0o644, all.Write)
}

// exits is "exits CODE PROGRAM [ARG...]": exec for a program that must end with
// that very code. "! exec" cannot tell a refusal from a wrong flag.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	if err != nil {
		ts.Fatalf("exit code %q is no number", args[0])
	}
	got := exitGood
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		ended, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v: %v", args[1:], err)
		}
		got = ended.ExitCode()
	}
	if got != want {
		ts.Fatalf("%v exits %d, want %d\n%s%s", args[1:], got, want, ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	}
}

// validates is "validates FILE KIND": FILE, or stdout, keeps the published
// schema of that kind.
func validates(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 || !slices.Contains(report.SchemaKinds(), args[1]) {
		ts.Fatalf("usage: validates FILE KIND, with KIND one of %v", report.SchemaKinds())
	}
	schema, err := report.Schema(args[1])
	ts.Check(err)
	ts.Check(schematest.Validate(schema, []byte(ts.ReadFile(args[0]))))
}

// same is "same JSON YAML": both files say the same. JSON is YAML, so one reader
// reads both.
func same(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: same JSON YAML")
	}
	var values [2]any
	for i, file := range args {
		if err := yaml.Unmarshal([]byte(ts.ReadFile(file)), &values[i]); err != nil {
			ts.Fatalf("%s: %v", file, err)
		}
	}
	if diff := cmp.Diff(values[0], values[1]); diff != "" {
		ts.Fatalf("%s and %s differ (-json +yaml):\n%s", args[0], args[1], diff)
	}
}
