// SPDX-License-Identifier: Apache-2.0

package procfs

import (
	"fmt"
	"strings"

	"tarsia.dev/tarsia/machine"
)

// ReadRelease returns the kernel's release, as uname -r prints it, and the path
// that told it: proc/sys/kernel/osrelease, else the third word of proc/version.
func ReadRelease(m *machine.Machine) (release, source string, err error) {
	source = "proc/sys/kernel/osrelease"
	if release, err = m.ReadString(source); err == nil && release != "" {
		return release, source, nil
	}
	source = "proc/version"
	text, err2 := m.ReadString(source)
	if err2 != nil {
		if err == nil {
			err = err2
		}
		return "", "", err
	}
	release, err = ParseVersion(text)
	return release, source, err
}

// ParseVersion returns the release in a text like /proc/version, "Linux version
// 6.12.5-amd64 (...)".
func ParseVersion(text string) (string, error) {
	words := strings.Fields(text)
	if len(words) < 3 || words[0] != "Linux" || words[1] != "version" {
		if len(text) > 60 {
			text = text[:60] + "..."
		}
		return "", fmt.Errorf("parse proc/version: found %q, want Linux version and a release", text)
	}
	return words[2], nil
}

// Parameter is one word of the kernel's command line: "key" or "key=value".
type Parameter struct {
	Key   string
	Value string
}

// ReadParameters reads proc/cmdline, which holds only what the machine's
// redactions let through.
func ReadParameters(m *machine.Machine) ([]Parameter, error) {
	text, err := m.ReadString("proc/cmdline")
	if err != nil {
		return nil, err
	}
	return ParseParameters(text), nil
}

// ParseParameters splits a command line at white space outside of double
// quotes, as the kernel does (lib/cmdline.c, "next_arg"), up to the word "--",
// after which init's arguments begin.
func ParseParameters(text string) []Parameter {
	var out []Parameter
	quoted := false
	words := strings.FieldsFunc(text, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return !quoted && (r == ' ' || r == '\t' || r == '\n')
	})
	for _, word := range words {
		if word == "--" {
			break
		}
		word = strings.ReplaceAll(word, `"`, "")
		key, value, _ := strings.Cut(word, "=")
		if key != "" {
			out = append(out, Parameter{key, value})
		}
	}
	return out
}
