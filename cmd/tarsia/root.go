// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
)

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "tarsia",
		Short: "one legible picture of a mixed fleet",
		Long: `Tarsia reads the true topology of every node, checks a fleet, and explains
where jobs may run. It needs no root, no network and no cluster; a command that
only looks changes nothing.

Exit codes: 0 good, 1 could not do it, 2 wrong usage, 3 cannot tell, 4 warnings
only (with --strict), 8 a check failed or a placement was refused.`,
		Example: `  tarsia demo                         a fleet with six planted faults
  tarsia topo                         this machine
  tarsia status --snapshot FILE       a recorded fleet
  tarsia place -f nodes.yaml -f job.yaml`,
		Version:           versionText(),
		SilenceErrors:     true,
		SilenceUsage:      true,
		DisableAutoGenTag: true,
		Args:              knownCommand,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return withHint(&codeError{exitUsage, err}, cmd.CommandPath()+" --help lists the flags")
	})
	root.AddGroup(
		&cobra.Group{ID: "look", Title: "Look:"},
		&cobra.Group{ID: "will", Title: "Will it run:"},
	)
	for _, c := range []*cobra.Command{newDemo(), newTopo(), newStatus(), newFleet(), newVerify(), newDiff(), newWhy(), newExplain(), newSnapshot()} {
		c.GroupID = "look"
		root.AddCommand(c)
	}
	for _, c := range []*cobra.Command{newPlace(), newFit(), newPolicy(), newSimulate()} {
		c.GroupID = "will"
		root.AddCommand(c)
	}
	root.AddCommand(newVersion())
	root.SetHelpCommand(newHelp())
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() == "completion" {
			c.Args = knownCommand
			c.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
			c.Example = "  source <(tarsia completion bash)"
			for _, shell := range c.Commands() {
				shell.Args = argCount(0, 0, "")
			}
		}
	}
	return root
}

// newHelp is cobra's, but a command that does not exist is a usage error.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND]",
		Short:   "show the help of a command",
		Example: "  tarsia help topo",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, rest, err := cmd.Root().Find(args)
			if err != nil {
				return &codeError{exitUsage, err}
			}
			if len(rest) > 0 {
				return knownCommand(c, rest)
			}
			return c.Help()
		},
	}
}

// knownCommand refuses what a command that only holds others does not know.
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	cmd.SuggestionsMinimumDistance = 2
	err := usageError("unknown command %q", cmd.CommandPath()+" "+args[0])
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return withHint(err, "did you mean: "+strings.Join(near, ", "))
	}
	return withHint(err, cmd.CommandPath()+" --help lists the commands")
}

// argCount is like cobra's, but a wrong number is a usage error.
func argCount(low, high int, names string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) >= low && len(args) <= high {
			return nil
		}
		want := names
		if names == "" {
			want = "none"
		}
		return withHint(&codeError{exitUsage, errors.New("found " + plural(len(args), "argument") + ", want " + want)},
			cmd.CommandPath()+" --help shows examples")
	}
}
