// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"tarsia.dev/tarsia/policy"
	"tarsia.dev/tarsia/report"
	"tarsia.dev/tarsia/text"
)

// maxPolicy bounds a policy file; package policy refuses far less.
const maxPolicy = 4 << 20

func newPolicy() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "policy",
		Short:   "look at placement policies",
		Example: "  tarsia policy check policy.yaml",
		Args:    knownCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newPolicyCheck())
	return cmd
}

func newPolicyCheck() *cobra.Command {
	var out output
	cmd := &cobra.Command{
		Use:   "check FILE",
		Short: "say what a policy decides, or what is wrong with it",
		Long: `Read a placement policy, check the types and the cost of its expressions, and
print what each class decides. Every fault is printed with file, line and
column; exit 8 then.`,
		Example: "  tarsia policy check policy.yaml",
		Args:    argCount(1, 1, "one policy file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.check(); err != nil {
				return err
			}
			p, err := readPolicy(args[0])
			if err != nil {
				return err
			}
			return out.write(cmd, views{
				"text": func(w writer) error { return text.Policy(w, p, text.Options{Width: width()}) },
			}, report.NewPolicy(p))
		},
	}
	out.flag(cmd, "text", "json", "yaml")
	return cmd
}

// readPolicy reads a policy file. One that holds faults failed its check.
func readPolicy(name string) (*policy.Policy, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	defer f.Close()
	if err := noFolder(f); err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxPolicy))
	if err != nil {
		return nil, fmt.Errorf("read policy %s: %w", name, err)
	}
	p, err := policy.Load(name, data)
	if err != nil {
		return nil, &codeError{exitFailed, err}
	}
	return p, nil
}
