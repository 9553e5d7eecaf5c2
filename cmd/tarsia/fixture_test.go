// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestGuestRecordings reads the recordings of real kernels that the repository
// keeps, and compares what is printed whole.
func TestGuestRecordings(t *testing.T) {
	t.Setenv("COLUMNS", "100")
	files, err := filepath.Glob("testdata/guests/*.snapshot")
	if err != nil || len(files) != 3 {
		t.Fatalf("found %v, %v; want one recording per architecture", files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			golden := strings.TrimSuffix(file, ".snapshot") + ".golden"
			got := tarsia(t, "topo", "--snapshot", file)
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), string(got)); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}
