// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/spf13/cobra"

	"tarsia.dev/tarsia/check"
	"tarsia.dev/tarsia/finding"
	"tarsia.dev/tarsia/report"
	"tarsia.dev/tarsia/text"
	"tarsia.dev/tarsia/topology"
	"tarsia.dev/tarsia/web"
)

func newStatus() *cobra.Command {
	var (
		from       source
		out        output
		strict     bool
		findings   bool
		only, skip []string
	)
	cmd := &cobra.Command{
		Use:   "status",
		Short: "one screen: what the fleet is, and what is wrong with it",
		Long: `Read a fleet, run every check on it, and show one line for each area. UNKNOWN
is an answer of its own: nobody could look, so nothing is called good.`,
		Example: `  tarsia status --snapshot fleet.snapshot
  tarsia status --snapshot fleet.snapshot --findings
  tarsia status --snapshot fleet.snapshot --only links,TAR-GPU-001 -o json
  tarsia status -o junit > tarsia.xml`,
		Args: argCount(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.check(); err != nil {
				return err
			}
			if err := knownChecks(only, skip); err != nil {
				return err
			}
			fleet, err := from.fleet(cmd.Context())
			if err != nil {
				return err
			}
			r := finding.NewReport(topology.APIVersion, "fleet/"+fleet.Name, check.Run(fleet, only, skip))
			code := codeOf(r, strict)
			err = out.write(cmd, views{
				"text": func(w writer) error {
					if findings {
						if err := text.Findings(w, r, text.Options{Width: width()}); err != nil {
							return err
						}
					}
					return text.Status(w, fleet, r, code, text.Options{Width: width()})
				},
				"junit": func(w writer) error { return report.JUnit(w, r) },
				"html":  func(w writer) error { return web.Write(w, web.Page{Fleet: fleet, Report: r, Generator: generator()}) },
			}, r)
			if err != nil {
				return err
			}
			return result(code)
		},
	}
	from.flags(cmd)
	out.flag(cmd, "text", "json", "yaml", "junit", "html")
	cmd.Flags().BoolVar(&strict, "strict", false, "exit 4 when there are warnings only")
	cmd.Flags().BoolVar(&findings, "findings", false, "list every finding with its evidence first")
	cmd.Flags().StringSliceVar(&only, "only", nil, "run these checks alone: ids (TAR-GPU-001), their beginnings (TAR-GPU) or areas (links)")
	cmd.Flags().StringSliceVar(&skip, "skip", nil, "leave these checks out, named likewise")
	return cmd
}

// knownChecks refuses what is no check: a typing error must not turn into a
// check that passes.
func knownChecks(only, skip []string) error {
	chosen, err := check.Select(only, skip)
	if err != nil {
		return withHint(&codeError{exitUsage, err}, "tarsia explain lists checks and areas")
	}
	if len(chosen) == 0 {
		return withHint(usageError("no check is left to run"), "--skip leaves out all that --only names")
	}
	return nil
}
