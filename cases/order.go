// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"iter"
	"maps"
	"slices"
)

// sorted walks through the keys of a map in their order.
func sorted[V any](m map[string]V) iter.Seq[string] {
	return slices.Values(slices.Sorted(maps.Keys(m)))
}

// compact drops what is said again.
func compact(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// or is what a pointer holds, or a default.
func or[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}
