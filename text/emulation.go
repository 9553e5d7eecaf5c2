// SPDX-License-Identifier: Apache-2.0

package text

import (
	"fmt"

	"tarsia.dev/tarsia/check"
	"tarsia.dev/tarsia/topology"
)

// emulation stamps what was read of one emulated machine.
func (p *printer) emulation(n *topology.Node) {
	const hang = 9
	e := n.Emulation
	switch {
	case n.EmulationKind() != "":
		p.wrap("EMULATED ", hang, check.EmulationText(e)+"; what is measured here is the emulator's, not the hardware's")
	case e != nil && len(e.Processes) > 0:
		p.wrap("emulated ", hang, plural(len(e.Processes)+e.ProcessesLeftOut, "other process")+" under a user-mode emulator")
	}
}

// emulated stamps a fleet of which machines are emulated.
func (p *printer) emulated(f *topology.Fleet) {
	var names []string
	kinds := map[string]int{}
	for _, n := range f.Nodes {
		if k := n.EmulationKind(); k != "" {
			names = append(names, n.Name)
			kinds[k]++
		}
	}
	if len(names) == 0 {
		return
	}
	var parts []string
	for _, k := range byCount(kinds) {
		parts = append(parts, fmt.Sprintf("%s %d", k, kinds[k]))
	}
	p.wrap("EMULATED ", 9, join(" · ", append([]string{topology.NameRange(names)}, parts...)...))
}
