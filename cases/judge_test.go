// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// unsupportedMost is the share of recorded cases that may stay without an
// answer.
const unsupportedMost = 0.05

// failing are the verdicts that no case may get.
var failing = []string{"worse", "infeasible", "wrong-outcome", "missing", "undecided"}

// verdicts is what the judge prints.
type verdicts struct {
	Total   map[string]int            `json:"total"`
	Sources map[string]map[string]int `json:"sources"`
	Cases   []struct {
		ID, Verdict, Why string
	} `json:"cases"`
}

// TestRecordedCases answers all recorded cases and has them judged by a program
// that shares nothing with the engine.
func TestRecordedCases(t *testing.T) {
	shared := os.Getenv("TARSIA_SHARED")
	if shared == "" {
		t.Skip("TARSIA_SHARED is not set: the recorded cases are third-party data and not in this repository")
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed: the judge of recorded placement cases is written in Python")
	}
	files, err := filepath.Glob(filepath.Join(shared, "placement-cases", "*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases in %s: %v", shared, err)
	}
	var all []byte
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, answers(t, data, false)...)
	}
	answered := filepath.Join(t.TempDir(), "answers.jsonl")
	if err := os.WriteFile(answered, all, 0o644); err != nil {
		t.Fatal(err)
	}
	v := judge(t, python, filepath.Join(shared, "tools", "judge-placement.py"), files, answered)
	t.Log(v.table())
	for _, c := range v.Cases {
		if slices.Contains(failing, c.Verdict) {
			t.Errorf("%s: %s: %s", c.ID, c.Verdict, c.Why)
		}
	}
	if n := v.Total["unsupported"]; float64(n) > unsupportedMost*float64(len(v.Cases)) {
		t.Errorf("%d of %d cases are unsupported, want at most %g %%", n, len(v.Cases), 100*unsupportedMost)
	}
}

func judge(t *testing.T, python, program string, files []string, answered string) verdicts {
	t.Helper()
	args := append([]string{program, "--answers", answered, "-o", "json", "--cases"}, files...)
	out, err := exec.CommandContext(t.Context(), python, args...).Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 8) { // 8: some case fails, which is said below
		t.Fatalf("judge: %v", err)
	}
	var v verdicts
	if err := json.Unmarshal(out, &v); err != nil {
		t.Fatalf("read what the judge prints: %v", err)
	}
	return v
}

// table counts the verdicts by source.
func (v *verdicts) table() string {
	columns := slices.Sorted(maps.Keys(v.Total))
	var b strings.Builder
	fmt.Fprintf(&b, "verdicts\n%-20s", "source")
	for _, c := range columns {
		fmt.Fprintf(&b, " %13s", c)
	}
	row := func(name string, counts map[string]int) {
		fmt.Fprintf(&b, "\n%-20s", name)
		for _, c := range columns {
			fmt.Fprintf(&b, " %13d", counts[c])
		}
	}
	for _, s := range slices.Sorted(maps.Keys(v.Sources)) {
		row(s, v.Sources[s])
	}
	row("total", v.Total)
	return b.String()
}
