// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the answers of testdata anew")

// TestOwnCases answers the cases of testdata: each file NAME.jsonl has its
// answers in NAME.answers. How the engine words a refusal, and whether it
// proves it, is not compared.
func TestOwnCases(t *testing.T) {
	files, err := filepath.Glob("testdata/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatalf("testdata holds no cases: %v", err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got := answers(t, data, true)
			golden := strings.TrimSuffix(name, ".jsonl") + ".answers"
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// answers are the answers to the cases of a file, a line each; plain leaves out
// what the engine says about a refusal.
func answers(t *testing.T, data []byte, plain bool) []byte {
	t.Helper()
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	for r := NewReader("cases", bytes.NewReader(data)); ; {
		c, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out.Bytes()
		}
		if err != nil {
			t.Fatal(err)
		}
		a, err := c.Answer(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if plain {
			plainly(a.Results)
			for _, s := range a.Steps {
				plainly(s.Results)
			}
		}
		if err := enc.Encode(a); err != nil {
			t.Fatal(err)
		}
	}
}

// plainly takes the engine's words out of results.
func plainly(results []Result) {
	for i := range results {
		r := &results[i]
		if r.Outcome == Rejected && !strings.HasPrefix(r.Reason, "not a valid request: ") && len(r.Victims) == 0 {
			r.Reason, r.Proved = "", false
		}
	}
}
