// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"tarsia.dev/tarsia/placement"
)

// images are the images of a pod's containers, each once, in their order. A
// manifest does not tell for which platforms they were built.
func images(spec *corev1.PodSpec) []placement.Image {
	var out []placement.Image
	for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
		same := func(i placement.Image) bool { return i.Reference == c.Image }
		if c.Image != "" && !slices.ContainsFunc(out, same) {
			out = append(out, placement.Image{Reference: c.Image})
		}
	}
	return out
}
