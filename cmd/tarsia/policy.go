// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
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
	var (
		out   output
		try   policyFlags
		files []string
	)
	cmd := &cobra.Command{
		Use:   "check FILE",
		Short: "say what a policy decides, or what is wrong with it",
		Long: `Read a placement policy, check the types and the cost of its expressions, and
print what each class decides. Every fault is printed with file, line and
column; exit 8 then. With manifests of nodes and jobs, say which class takes
each job and what its lines leave of the nodes; nothing is placed.`,
		Example: `  tarsia policy check policy.yaml
  tarsia policy check policy.yaml -f nodes.yaml -f jobs.yaml --waited 10m`,
		Args: argCount(1, 1, "one policy file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.check(); err != nil {
				return err
			}
			p, err := readPolicy(args[0])
			if err != nil {
				return err
			}
			samples, err := try.samples(p, files, cmd.InOrStdin())
			if err != nil {
				return err
			}
			return out.write(cmd, views{
				"text": func(w writer) error { return text.Policy(w, p, samples, text.Options{Width: width()}) },
			}, report.NewPolicy(p, samples))
		},
	}
	cmd.Flags().StringArrayVarP(&files, "filename", "f", nil, "Kubernetes manifests of nodes and jobs to try the policy on; - is standard input; may be repeated")
	try.waitedFlag(cmd)
	out.flag(cmd, "text", "json", "yaml")
	return cmd
}

// samples says which class takes each job of the manifests and what its lines
// ask for; nil without manifests.
func (p *policyFlags) samples(loaded *policy.Policy, files []string, stdin io.Reader) ([]policy.Ruling, error) {
	if len(files) == 0 {
		if len(p.waited) > 0 {
			return nil, withHint(usageError("--waited is about jobs, and there are none"), "name them with -f job.yaml")
		}
		return nil, nil
	}
	input, err := readManifests(files, stdin)
	if err != nil {
		return nil, err
	}
	if len(input.Gangs) == 0 || len(input.Nodes) == 0 {
		return nil, withHint(errors.New("try the policy: the manifests hold no job, or no node"), "add both with -f")
	}
	waited, err := p.waits(input.Gangs)
	if err != nil {
		return nil, err
	}
	bound := loaded.Bind(loaded.Nodes(input.Nodes))
	var out []policy.Ruling
	for _, g := range input.Gangs {
		a, err := bound.Apply(g, waited[g.Name])
		if err != nil {
			return nil, err
		}
		out = append(out, policy.Ruling{Gang: g.Name, Class: a.Class, Lines: append([]policy.Line{}, a.Lines...)})
	}
	return out, nil
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
