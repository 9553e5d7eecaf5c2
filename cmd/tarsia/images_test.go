// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/isa"
	"tarsia.dev/tarsia/placement"
	"tarsia.dev/tarsia/topology"
)

// TestPlatforms: images get what the site says of them; one that it does not
// name, or names in words that nobody can read, stays unknown.
func TestPlatforms(t *testing.T) {
	fleet := &topology.Fleet{Images: []topology.Image{
		{Reference: "r/a:1", Platforms: []string{"linux/amd64", "linux/riscv64/rva22u64"}},
		{Reference: "r/b:1", Platforms: []string{"linux/amd64", "nonsense"}},
	}}
	gangs := []placement.Gang{{PodSets: []placement.PodSet{{Shape: placement.Shape{Images: []placement.Image{{Reference: "r/a:1"}, {Reference: "r/b:1"}, {Reference: "r/c:1"}}}}}}}
	notes := platforms(fleet, gangs)
	want := []placement.Image{
		{Reference: "r/a:1", Platforms: []isa.Platform{{OS: "linux", Architecture: "amd64"}, {OS: "linux", Architecture: "riscv64", Variant: "rva22u64"}}},
		{Reference: "r/b:1"},
		{Reference: "r/c:1"},
	}
	if diff := cmp.Diff(want, gangs[0].PodSets[0].Shape.Images); diff != "" {
		t.Errorf("images (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{`image r/b:1: platform "nonsense": want OS/ARCHITECTURE or OS/ARCHITECTURE/VARIANT, as in linux/amd64/v3; its platforms are not looked at`}, notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}
