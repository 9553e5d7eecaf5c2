// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"strings"
)

// secureBootVar is the variable of UEFI 2.10, section 3.3, under the global
// vendor GUID.
const secureBootVar = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

// writeBoot writes the trust state and the modules.
func (h *host) writeBoot(o *out) {
	b := h.facts.Boot
	if b.EFI {
		o.dir("sys/firmware/efi/efivars")
	}
	if b.SecureBoot != nil {
		// Four bytes of attributes (boot service and runtime access), one of value.
		value := []byte{6, 0, 0, 0, 0}
		if *b.SecureBoot {
			value[4] = 1
		}
		o.data(secureBootVar, value)
	}
	if b.Lockdown != "" {
		list := "none integrity confidentiality"
		o.file("sys/kernel/security/lockdown", strings.Replace(list, b.Lockdown, "["+b.Lockdown+"]", 1))
	}
	if b.SigEnforce != nil {
		o.file("sys/module/module/parameters/sig_enforce", map[bool]string{true: "Y", false: "N"}[*b.SigEnforce])
	}
	var list strings.Builder
	for _, m := range h.facts.Modules {
		dir := "sys/module/" + m.Name + "/"
		o.file(dir+"taint", m.Taint)
		o.file(dir+"initstate", "live")
		o.fact(dir+"version", m.Version)
		taint := ""
		if m.Taint != "" {
			taint = " (" + m.Taint + ")"
		}
		// Sizes and addresses are hidden from users, and change with each boot.
		fmt.Fprintf(&list, "%s 16384 0 - Live 0x0000000000000000%s\n", m.Name, taint)
	}
	o.data("proc/modules", []byte(list.String()))
}
