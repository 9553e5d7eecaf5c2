// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"tarsia.dev/tarsia/machine"
	"tarsia.dev/tarsia/procfs"
	"tarsia.dev/tarsia/topology"
	"tarsia.dev/tarsia/uefi"
)

// readKernel fills the release and the parameters of the command line: package
// machine lets through only those that change topology, isolation or trust. A
// parameter that comes several times has
// its values joined by commas, in order.
func readKernel(m *machine.Machine, n *topology.Node) {
	release, _, err := procfs.ReadRelease(m)
	absent(n, topology.NodeRef, "kernel.release", "proc/sys/kernel/osrelease", err)
	n.Kernel = topology.Kernel{Release: release, Parameters: map[string]string{}}
	parameters, err := procfs.ReadParameters(m)
	absent(n, topology.NodeRef, "kernel.parameters", "proc/cmdline", err)
	for _, p := range parameters {
		if before, ok := n.Kernel.Parameters[p.Key]; ok {
			p.Value = before + "," + p.Value
		}
		n.Kernel.Parameters[p.Key] = p.Value
	}
}

const (
	lockdownFile   = "sys/kernel/security/lockdown"
	sigEnforceFile = "sys/module/module/parameters/sig_enforce"
)

// readBoot fills the trust state at boot.
func readBoot(m *machine.Machine, n *topology.Node) {
	switch {
	case m.Exists(uefi.Dir):
		n.Boot.EFI = new(true)
		secure, err := uefi.ReadSecureBoot(m)
		absent(n, topology.NodeRef, "boot.secureBoot", uefi.SecureBootPath, err)
		if err == nil {
			n.Boot.SecureBoot = &secure
		}
	case m.Exists("sys/firmware"):
		// Every kernel makes sys/firmware, and efi below it when it came
		// through EFI.
		n.Boot.EFI = new(false)
		if n.Architecture == "amd64" || n.Architecture == "386" {
			n.Boot.SecureBoot = new(false) // a PC BIOS has no such thing
		} else {
			// Boards that boot without UEFI may verify what they boot in ways
			// of their own.
			absent(n, topology.NodeRef, "boot.secureBoot", uefi.SecureBootPath, fs.ErrNotExist)
		}
	default:
		absent(n, topology.NodeRef, "boot.efi", "sys/firmware", fs.ErrNotExist)
		absent(n, topology.NodeRef, "boot.secureBoot", uefi.SecureBootPath, fs.ErrNotExist)
	}
	text, err := m.ReadString(lockdownFile)
	if err == nil {
		n.Boot.Lockdown, err = lockdown(text)
	}
	absent(n, topology.NodeRef, "boot.lockdown", lockdownFile, err)
	text, err = m.ReadString(sigEnforceFile)
	switch {
	case err != nil:
	case text == "Y" || text == "N":
		n.Boot.SigEnforce = new(text == "Y")
	default:
		err = fmt.Errorf("found %q, want Y or N", clipText(text))
	}
	absent(n, topology.NodeRef, "boot.sigEnforce", sigEnforceFile, err)
}

// lockdown returns the word in brackets of "none [integrity] confidentiality"
// (kernel security/lockdown/lockdown.c).
func lockdown(text string) (string, error) {
	_, rest, ok := strings.Cut(text, "[")
	word, _, closed := strings.Cut(rest, "]")
	if !ok || !closed || !slices.Contains([]string{"none", "integrity", "confidentiality"}, word) {
		return "", fmt.Errorf("found %q, want a form like none [integrity] confidentiality", clipText(text))
	}
	return word, nil
}

func clipText(text string) string {
	if len(text) > 40 {
		return text[:40] + "..."
	}
	return text
}

// readModules lists the loaded modules by name.
func readModules(m *machine.Machine, n *topology.Node) {
	modules, err := procfs.ReadModules(m)
	if err != nil {
		absent(n, topology.NodeRef, "modules", "proc/modules", err)
		return
	}
	for _, mod := range modules {
		dir := "sys/module/" + mod.Name
		version, err := m.ReadString(dir + "/version")
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			absent(n, topology.NodeRef, "modules."+mod.Name+".version", dir+"/version", err)
		}
		taint, err := m.ReadString(dir + "/taint")
		if err != nil {
			taint = mod.Taint
		}
		n.Modules = append(n.Modules, topology.Module{Name: mod.Name, Version: version, Taint: taint})
	}
	slices.SortFunc(n.Modules, func(a, b topology.Module) int { return cmp.Compare(a.Name, b.Name) })
}
