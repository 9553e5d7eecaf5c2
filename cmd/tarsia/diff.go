// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"tarsia.dev/tarsia/text"
	"tarsia.dev/tarsia/topology"
)

// differences is the result of a diff as data.
type differences struct {
	APIVersion  string                `json:"apiVersion"`
	Kind        string                `json:"kind"`
	A           string                `json:"a"`
	B           string                `json:"b"`
	Differences []topology.Difference `json:"differences"`
}

func newDiff() *cobra.Command {
	var (
		from source
		out  output
	)
	cmd := &cobra.Command{
		Use:   "diff A B",
		Short: "say in what two nodes, or two recordings, differ",
		Long: `With --snapshot, A and B are nodes of that recording. Without it they are
snapshot files: two recordings of one machine show what changed, two of a
fleet what changed in which nodes. Exit code 8 says that they differ.`,
		Example: `  tarsia diff hgx-01 hgx-02 --snapshot fleet.snapshot
  tarsia diff monday.snapshot friday.snapshot`,
		Args: argCount(2, 2, "two nodes or two snapshot files"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.check(); err != nil {
				return err
			}
			found, err := diff(cmd.Context(), from, args[0], args[1])
			if err != nil {
				return err
			}
			doc := differences{topology.APIVersion, "Differences", args[0], args[1], found}
			err = out.write(cmd, views{
				"text": func(w writer) error {
					return text.Differences(w, args[0], args[1], found, text.Options{Width: width()})
				},
			}, doc)
			if err != nil {
				return err
			}
			if len(found) > 0 {
				return result(exitFailed)
			}
			return nil
		},
	}
	// Without a snapshot the arguments are files, which shells complete themselves.
	cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, part string) ([]string, cobra.ShellCompDirective) {
		if len(from.snapshots) == 0 {
			return nil, cobra.ShellCompDirectiveDefault
		}
		return from.complete(cmd, args, part)
	}
	cmd.Flags().StringArrayVar(&from.snapshots, "snapshot", nil, "read recorded machines from this `file`; may be repeated")
	out.flag(cmd, "text", "json", "yaml")
	return cmd
}

func diff(ctx context.Context, from source, a, b string) ([]topology.Difference, error) {
	if len(from.snapshots) > 0 {
		fleet, err := from.fleet(ctx)
		if err != nil {
			return nil, err
		}
		x, err := findNode(fleet, a)
		if err != nil {
			return nil, err
		}
		y, err := findNode(fleet, b)
		if err != nil {
			return nil, err
		}
		return topology.Diff(x, y), nil
	}
	x, err := recorded(ctx, a)
	if err != nil {
		return nil, err
	}
	y, err := recorded(ctx, b)
	if err != nil {
		return nil, err
	}
	if len(x.Nodes) == 1 && len(y.Nodes) == 1 {
		return topology.Diff(x.Nodes[0], y.Nodes[0]), nil
	}
	return topology.DiffFleets(x, y), nil
}

// recorded reads the fleet of one snapshot file.
func recorded(ctx context.Context, file string) (*topology.Fleet, error) {
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return nil, withHint(usageError("no snapshot file %s", file), "to compare two nodes, name their recording with --snapshot FILE")
	}
	return (&source{snapshots: []string{file}}).fleet(ctx)
}
