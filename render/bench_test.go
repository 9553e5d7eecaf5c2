// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"testing"

	"tarsia.dev/tarsia/render"
)

func BenchmarkSnapshot(b *testing.B) {
	f, err := render.Demo()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Snapshot(); err != nil {
			b.Fatal(err)
		}
	}
}
