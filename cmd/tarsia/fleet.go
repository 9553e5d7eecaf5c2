// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/spf13/cobra"

	"tarsia.dev/tarsia/report"
	"tarsia.dev/tarsia/text"
)

func newFleet() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "fleet",
		Short:   "show the machines of a fleet",
		Example: "  tarsia fleet show --snapshot fleet.snapshot",
		Args:    knownCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newFleetShow())
	return cmd
}

func newFleetShow() *cobra.Command {
	var (
		from source
		out  output
	)
	cmd := &cobra.Command{
		Use:   "show",
		Short: "list nodes, accelerators, domains and firmware batches",
		Long: `List the nodes of a fleet with their accelerators, the domains that join them
(NVLink, racks), and the batches in which like devices agree or differ.`,
		Example: `  tarsia fleet show --snapshot fleet.snapshot
  tarsia fleet show --snapshot fleet.snapshot -o csv > fleet.csv`,
		Args: argCount(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.check(); err != nil {
				return err
			}
			fleet, err := from.fleet(cmd.Context())
			if err != nil {
				return err
			}
			return out.write(cmd, views{
				"text": func(w writer) error { return text.Fleet(w, fleet, text.Options{Width: width()}) },
				"csv":  func(w writer) error { return report.FleetCSV(w, fleet) },
			}, fleet)
		},
	}
	from.flags(cmd)
	out.flag(cmd, "text", "json", "yaml", "csv")
	return cmd
}
