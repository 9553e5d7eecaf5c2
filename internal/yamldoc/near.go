// SPDX-License-Identifier: Apache-2.0

package yamldoc

import (
	"fmt"
	"strings"

	"tarsia.dev/tarsia/internal/edit"
)

// wanted names the key that was probably meant, or else all keys. Of two that
// are equally near it is the first in the order of the struct.
func wanted(key string, names []string) string {
	best, bestAway := "", 1+max(1, len(key)/3)
	for _, name := range names {
		if away := edit.Distance(strings.ToLower(key), strings.ToLower(name)); away < bestAway {
			best, bestAway = name, away
		}
	}
	switch {
	case best != "":
		return fmt.Sprintf("did you mean %q?", best)
	case len(names) == 0:
		return "want none"
	}
	return "want one of " + strings.Join(names, ", ")
}
