// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"

	"tarsia.dev/tarsia/finding"
	"tarsia.dev/tarsia/topology"
)

// secureBootVariable is the EFI global variable (UEFI 2.10, section 3.3).
const secureBootVariable = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

func bootChecks() []Check {
	return []Check{{
		ID: "TAR-SB-001", Area: AreaSecureBoot, Title: "Secure Boot is in one known state", Run: secureBoot,
		Explain: `
Looks at the EFI variable SecureBoot of every machine that booted by EFI.

PASS: all are on, or all are off; the summary says which. Off is a choice of
the site and no fault by itself.
WARN: it is on here and off there.
UNKNOWN: the variable is missing or cannot be read, or it is not known whether
the machine booted by EFI. Machines of one product share one finding.

A PC that booted by BIOS counts as off. Boards that know no EFI (device trees)
are not looked at.`,
		Cost: "A chain of trust is as strong as its weakest node, and an unsigned module that loads here is refused there.",
		Fix:  "Decide on one state and set it in the firmware of the machines that differ, after signing every module that they load.",
	}}
}

func secureBoot(f *topology.Fleet) []finding.Finding {
	var troubles []trouble
	var on, off []*topology.Node
	for _, n := range f.Nodes {
		b := n.Boot
		switch {
		case b.SecureBoot != nil && *b.SecureBoot:
			on = append(on, n)
		case b.SecureBoot != nil:
			off = append(off, n)
		case b.EFI != nil && !*b.EFI:
			continue
		default:
			e := absence(n, topology.NodeRef, "boot.secureBoot", secureBootVariable, "on or off")
			if b.EFI == nil {
				e = absence(n, topology.NodeRef, "boot.efi", "sys/firmware/efi", "booted by EFI, or not")
			}
			troubles = append(troubles, trouble{node: n, key: e.Source, state: finding.Unknown,
				text: "Secure Boot state not known: " + e.Found, subjects: []topology.Ref{topology.NodeRef}, evidence: []finding.Evidence{e},
				cost: "Nobody can say whether the kernel and its modules were checked at boot.",
				fix:  "Mount efivarfs (mount -t efivarfs none /sys/firmware/efi/efivars) and let the reader read the variable, then look again."})
		}
	}
	out := findings(troubles)
	all := len(on) + len(off)
	switch {
	case len(on) > 0 && len(off) > 0:
		few, word, most := off, "off", "on"
		if len(on) < len(off) {
			few, word, most = on, "on", "off"
		}
		fd := finding.Finding{State: finding.Warn}
		var names []string
		for _, n := range few {
			names = append(names, n.Name)
			fd.Subjects = append(fd.Subjects, subject(n, topology.NodeRef))
			fd.Evidence = append(fd.Evidence, finding.Evidence{Node: n.Name, Source: secureBootVariable, Found: word, Wanted: most + ", as on the others"})
		}
		fd.Evidence = capEvidence(fd.Evidence)
		fd.Summary = fmt.Sprintf("Secure Boot is %s on %d of %s: %s", word, len(few), count(all, "machine"), topology.NameRange(names))
		out = append(out, fd)
	case len(out) == 0 && all > 0:
		word := "on"
		if len(off) > 0 {
			word = "off"
		}
		where := "all " + count(all, "machine") + " that can have it"
		if all == 1 {
			where = "the one machine that can have it"
		}
		return pass(secureBootVariable, word, "Secure Boot: "+word+", on "+where)
	}
	return out
}
