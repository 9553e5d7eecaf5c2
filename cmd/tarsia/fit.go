// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"tarsia.dev/tarsia/placement"
	"tarsia.dev/tarsia/report"
	"tarsia.dev/tarsia/text"
)

func newFit() *cobra.Command {
	var (
		in      placeInput
		out     output
		verbose bool
	)
	cmd := &cobra.Command{
		Use:   "fit MANIFEST...",
		Short: "say for each node whether it takes the pods of a job, and why not",
		Long: `For every node: does it take a pod of the job, how many now and how many if
nothing ran there, and everything that stands in the way. Then what the pod
could say: tolerations that would open more nodes, and a selector against nodes
that a scheduler would choose and that cannot run the pod.

Nodes are looked at one by one: whether the whole job fits, and where, is what
"tarsia place" answers. MANIFEST is as for place, and so is where nodes come
from. Nothing is sent anywhere.`,
		Example: `  tarsia fit job.yaml nodes.yaml
  tarsia fit job.yaml --snapshot fleet.snapshot -o csv`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.check(); err != nil {
				return err
			}
			in.files = append(in.files, args...)
			doc, err := in.fits(cmd.Context(), cmd.InOrStdin())
			if err != nil {
				return err
			}
			err = out.write(cmd, views{
				"text": func(w writer) error {
					return text.Fits(w, doc.Gangs, doc.Notes, text.Options{Width: width(), All: verbose})
				},
				"csv": func(w writer) error { return report.FitsCSV(w, doc) },
			}, doc)
			if err != nil {
				return err
			}
			return result(codeOfFits(doc))
		},
	}
	in.inputFlags(cmd)
	out.flag(cmd, "text", "json", "yaml", "csv")
	cmd.Flags().BoolVar(&verbose, "verbose", false, "a line for each node, also where many say the same")
	return cmd
}

// fits looks at every node for every job.
func (p *placeInput) fits(ctx context.Context, stdin io.Reader) (report.Fits, error) {
	input, _, err := p.read(ctx, stdin)
	if err != nil {
		return report.Fits{}, err
	}
	usage, err := usageOf(input.Nodes, input.Running)
	if err != nil {
		return report.Fits{}, err
	}
	var gangs []placement.GangFit
	for _, g := range input.Gangs {
		fit, err := placement.Fits(usage, g)
		if err != nil {
			return report.Fits{}, err
		}
		gangs = append(gangs, fit)
	}
	return report.NewFits(gangs, input.Notes), nil
}

// codeOfFits is 8 where pods of a job fit on no node at all.
func codeOfFits(f report.Fits) int {
	for _, g := range f.Gangs {
		for _, s := range g.Sets {
			if s.Room == 0 {
				return exitFailed
			}
		}
	}
	return exitGood
}
