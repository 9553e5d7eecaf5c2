// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"

	"tarsia.dev/tarsia/ask"
	"tarsia.dev/tarsia/machine"
	"tarsia.dev/tarsia/nvml"
)

// nvmlAsker is what answers for libnvidia-ml: *ask.Child, or a test's.
type nvmlAsker interface {
	NVML(ctx context.Context, known []string) (*nvml.Answers, error)
}

// askDevices has the libraries of this machine's devices asked and lays their
// answers over m, where discovery and recordings find them. A library is asked
// only when its driver is loaded, so that a machine without such devices starts no
// process. That nobody could answer is an answer too, and is laid over as such.
func askDevices(ctx context.Context, m *machine.Machine, asker nvmlAsker) (*machine.Machine, error) {
	if !m.Exists(nvml.ProcDir + "/version") {
		return m, nil
	}
	// A driver that lists no device under /proc is asked all the same.
	known, _ := m.ReadDir(nvml.ProcDir + "/gpus")
	answers, err := asker.NVML(ctx, known)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		answers = &nvml.Answers{Version: nvml.Version, Error: notAsked(err), Devices: []nvml.Device{}}
	}
	data, err := nvml.Write(answers)
	if err != nil {
		return nil, err
	}
	return m.WithAnswers(map[string][]byte{nvml.AnswersFile: data}), nil
}

// notAsked is what the answers say when there are none.
func notAsked(err error) string {
	if errors.Is(err, ask.ErrNoProgram) {
		return ask.ErrNoProgram.Error()
	}
	return err.Error()
}

// live opens the live root and has its devices asked, unless the flags forbid it
// or another root is read, whose devices are not here. A child is started for this
// one reading, except where a watch keeps one.
func (s *source) live(ctx context.Context) (*machine.Machine, error) {
	m, err := openRoot(s.root)
	if err != nil || s.root != "/" || s.noDevices {
		return m, err
	}
	asker := s.asker
	if asker == nil {
		child := ask.New(ask.Options{})
		defer child.Close()
		asker = child
	}
	over, err := askDevices(ctx, m, asker)
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return over, nil
}
