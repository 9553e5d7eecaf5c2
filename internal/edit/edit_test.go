// SPDX-License-Identifier: Apache-2.0

package edit_test

import (
	"strings"
	"testing"

	"tarsia.dev/tarsia/internal/edit"
)

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"abc", "abc", 0}, {"abc", "", 3}, {"count", "cuont", 1}, {"ab", "ba", 1}, {"abcd", "badc", 2}, {"parallelsim", "parallelism", 1},
		{"kitten", "sitting", 3}, {"replica", "replicas", 1},
		{strings.Repeat("a", 65), strings.Repeat("a", 64), 0}, // only the first 64 bytes count
	} {
		if got := edit.Distance(c.a, c.b); got != c.want {
			t.Errorf("Distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
		if got := edit.Distance(c.b, c.a); got != c.want {
			t.Errorf("Distance(%q, %q) = %d, want %d", c.b, c.a, got, c.want)
		}
	}
}
