// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"path/filepath"

	"tarsia.dev/tarsia/emulation"
	"tarsia.dev/tarsia/internal/jsonout"
	"tarsia.dev/tarsia/machine"
)

// openRoot opens the machine below dir. Of the machine that this process runs
// on, it adds what only a process can find out there.
func openRoot(dir string) (*machine.Machine, error) {
	m, err := machine.Open(dir)
	if err != nil || filepath.Clean(dir) != "/" {
		return m, err
	}
	answers := map[string][]byte{}
	var buf bytes.Buffer
	if err := jsonout.Lines(&buf, emulation.Ask(m)); err != nil {
		return nil, fmt.Errorf("write %s: %w", emulation.AnswersFile, err)
	}
	answers[emulation.AnswersFile] = buf.Bytes()
	return m.WithAnswers(answers), nil
}
