// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra/doc"
)

var update = flag.Bool("update", false, "rewrite golden files, scripts and man pages")

// released is the date on the man pages: they must not change with the clock.
var released = time.Date(2026, time.November, 24, 0, 0, 0, 0, time.UTC)

func TestManPages(t *testing.T) {
	const dir = "../../docs/man"
	root := newRoot()
	made := t.TempDir()
	root.InitDefaultHelpCmd()
	if c, _, err := root.Find([]string{"completion"}); err == nil {
		root.RemoveCommand(c) // cobra's own words, for four shells
	}
	header := &doc.GenManHeader{Title: "TARSIA", Section: "1", Date: &released, Source: "tarsia", Manual: "Tarsia"}
	if err := doc.GenManTree(root, header, made); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(dir, os.DirFS(made)); err != nil {
			t.Fatal(err)
		}
	}
	want, got := readAll(t, made), readAll(t, dir)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("docs/man is not current (go test ./cmd/tarsia -run TestManPages -update):\n%s", d)
	}
}

func readAll(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.1"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(f)] = string(data)
	}
	return all
}

// session is one ```console block: a command line and what it prints. In the
// output a line of three dots stands for any lines.
type session struct {
	file    string
	line    int
	command string
	code    int
	want    []string
}

var consoleBlock = regexp.MustCompile("(?ms)^```console\n(.*?)^```$")

func sessions(t *testing.T, file string) []session {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []session
	for _, at := range consoleBlock.FindAllSubmatchIndex(data, -1) {
		line := 1 + bytes.Count(data[:at[2]], []byte("\n"))
		for i, text := range strings.Split(strings.TrimSuffix(string(data[at[2]:at[3]]), "\n"), "\n") {
			if command, ok := strings.CutPrefix(text, "$ "); ok {
				command, comment, _ := strings.Cut(command, "  # exit ")
				code := 0
				if comment != "" {
					if code, err = strconv.Atoi(strings.TrimSpace(comment)); err != nil {
						t.Fatalf("%s:%d: exit %q is no number", file, line+i, comment)
					}
				}
				all = append(all, session{file: file, line: line + i, command: strings.TrimSpace(command), code: code})
				continue
			}
			if len(all) == 0 {
				t.Fatalf("%s:%d: a console block begins with a command", file, line+i)
			}
			last := &all[len(all)-1]
			last.want = append(last.want, text)
		}
	}
	return all
}

// TestSessions runs what README and docs show, from the root of the repository,
// with the page and recording of the demo under demo/.
func TestSessions(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	files := []string{filepath.Join(root, "README.md")}
	more, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	var all []session
	for _, file := range append(files, more...) {
		all = append(all, sessions(t, file)...)
	}
	if len(all) < 4 {
		t.Fatalf("found %d sessions in README and docs, want at least 4", len(all))
	}
	work := t.TempDir()
	if err := os.CopyFS(filepath.Join(work, "examples"), os.DirFS(filepath.Join(root, "examples"))); err != nil {
		t.Fatal(err)
	}
	t.Chdir(work)
	t.Setenv("COLUMNS", "100")
	if code := run(context.Background(), []string{"demo", "--dir", "demo"}, new(bytes.Buffer), os.Stderr); code != exitFailed {
		t.Fatalf("tarsia demo exits %d, want %d", code, exitFailed)
	}
	for _, s := range all {
		words := strings.Fields(s.command)
		if words[0] != "tarsia" {
			t.Errorf("%s:%d: %q is no tarsia command: show it in a sh block", s.file, s.line, s.command)
			continue
		}
		var out bytes.Buffer
		if code := run(context.Background(), words[1:], &out, &out); code != s.code {
			t.Errorf("%s:%d: %s exits %d, the page says %d\n%s", s.file, s.line, s.command, code, s.code, out.String())
		}
		got := strings.Split(strings.TrimRight(out.String(), "\n"), "\n")
		if !matches(s.want, got) {
			t.Errorf("%s:%d: %s prints other than the page shows (-page +printed):\n%s", s.file, s.line, s.command, cmp.Diff(s.want, got))
		}
	}
}

// matches compares line by line; "..." stands for any number of lines.
func matches(want, got []string) bool {
	for i, w := range want {
		if w == "..." {
			for j := 0; j <= len(got); j++ {
				if matches(want[i+1:], got[j:]) {
					return true
				}
			}
			return false
		}
		if len(got) == 0 || strings.TrimRight(w, " ") != strings.TrimRight(got[0], " ") {
			return false
		}
		got = got[1:]
	}
	return len(got) == 0
}
