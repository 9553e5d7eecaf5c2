// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/spf13/cobra"

	"tarsia.dev/tarsia/check"
	"tarsia.dev/tarsia/finding"
	"tarsia.dev/tarsia/text"
	"tarsia.dev/tarsia/topology"
	"tarsia.dev/tarsia/web"
)

func newTopo() *cobra.Command {
	var (
		from source
		out  output
		all  bool
		live bool
	)
	cmd := &cobra.Command{
		Use:   "topo [NODE]",
		Short: "show the topology of one machine",
		Long: `Show what one machine is made of: packages, NUMA nodes, PCI tree, accelerators,
their links, and a matrix of how near they are to each other. What the machine
did not tell is listed with the file that was asked; nothing unknown is drawn
as known. Without flags it reads this machine.`,
		Example: `  tarsia topo
  tarsia topo hgx-02 --snapshot fleet.snapshot
  tarsia topo -o svg > host.svg
  tarsia topo -o json | jq .summary
  tarsia topo --watch`,
		Args: argCount(0, 1, "one node name at most"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.check(); err != nil {
				return err
			}
			if live {
				if len(args) > 0 {
					return usageError("--watch follows this machine: leave out the node")
				}
				return watchTopology(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), from, out.format, all)
			}
			if out.format == "jsonl" {
				return usageError("output format jsonl is for --watch: want json")
			}
			var name string
			if len(args) > 0 {
				name = args[0]
			}
			n, err := from.node(cmd.Context(), name)
			if err != nil {
				return err
			}
			return out.write(cmd, views{
				"text": func(w writer) error { return text.Node(w, n, text.Options{Width: width(), All: all}) },
				"svg":  func(w writer) error { return web.NodeSVG(w, n) },
				"html": func(w writer) error {
					alone := topology.NewFleet(n.Name, []*topology.Node{n}, topology.Site{})
					return web.NodePage(w, n, finding.NewReport(topology.APIVersion, "node/"+n.Name, check.Run(alone, nil, nil)))
				},
			}, n)
		},
	}
	cmd.ValidArgsFunction = from.complete
	from.flags(cmd)
	out.flag(cmd, "text", "json", "yaml", "svg", "html", "jsonl")
	cmd.Flags().BoolVar(&live, "watch", false, "keep reading, and print what changes (-o text or jsonl)")
	cmd.Flags().BoolVar(&all, "all", false, "list every PCI function")
	return cmd
}
