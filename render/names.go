// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"strconv"
	"strings"
)

// expand reads a name or a range of names: "gpu-[01-03]" is gpu-01, gpu-02 and
// gpu-03, with as many digits as the range is written with.
func expand(pattern string) ([]string, error) {
	bad := fmt.Errorf("found %q, want a name such as gpu-01 or a range such as gpu-[01-08]", clip(pattern))
	before, rest, ranged := strings.Cut(pattern, "[")
	if !ranged {
		if !isName(pattern) {
			return nil, bad
		}
		return []string{pattern}, nil
	}
	inside, after, closed := strings.Cut(rest, "]")
	low, high, dash := strings.Cut(inside, "-")
	a, err1 := strconv.ParseUint(low, 10, 16)
	b, err2 := strconv.ParseUint(high, 10, 16)
	if !closed || !dash || err1 != nil || err2 != nil || len(low) > len(high) || a > b || b-a >= maxHosts {
		return nil, bad
	}
	var names []string
	for i := a; i <= b; i++ {
		name := fmt.Sprintf("%s%0*d%s", before, len(low), i, after)
		if !isName(name) {
			return nil, bad
		}
		names = append(names, name)
	}
	return names, nil
}
