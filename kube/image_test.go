// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/placement"
)

// TestImages: init containers come first, and an image of two containers once.
func TestImages(t *testing.T) {
	in, err := Read(example(t, "nodes.yaml", "jobset.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var got [][]placement.Image
	for _, s := range in.Gangs[0].PodSets {
		got = append(got, s.Shape.Images)
	}
	want := [][]placement.Image{
		{{Reference: "registry.example/reinforce:2.0"}},
		{{Reference: "registry.example/fetch:0.3"}, {Reference: "registry.example/metrics:0.9"}, {Reference: "registry.example/reinforce:2.0"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("images (-want +got):\n%s", diff)
	}
}
