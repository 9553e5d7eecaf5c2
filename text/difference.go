// SPDX-License-Identifier: Apache-2.0

package text

import (
	"fmt"
	"io"
	"strings"

	"tarsia.dev/tarsia/topology"
)

// Differences writes in what two nodes or recordings, named a and b, differ.
// The same change of many objects is told once.
func Differences(w io.Writer, a, b string, found []topology.Difference, opt Options) error {
	p := newPrinter(opt)
	if len(found) == 0 {
		p.wrap("", 0, fmt.Sprintf("%s and %s do not differ in what was compared.", a, b))
		return p.flush(w)
	}
	p.wrap("", 0, fmt.Sprintf("%s from %s to %s", plural(len(found), "difference"), a, b))
	type change struct{ fact, a, b string }
	var order []change
	objects := map[change][]string{}
	for _, d := range found {
		k := change{d.Fact, d.A, d.B}
		if objects[k] == nil {
			order = append(order, k)
		}
		objects[k] = append(objects[k], d.Where())
	}
	for _, k := range order {
		at := objects[k]
		p.wrap("  ", 6, fmt.Sprintf("%s: %s → %s", k.fact, k.a, k.b))
		shown := at
		if len(shown) > shownSubjects && !opt.All {
			shown = shown[:shownSubjects]
		}
		text := strings.Join(shown, ", ")
		if rest := len(at) - len(shown); rest > 0 {
			text += fmt.Sprintf(" and %d more", rest)
		}
		if text != string(topology.NodeRef) {
			p.wrap("      ", 6, text)
		}
	}
	return p.flush(w)
}
