// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"tarsia.dev/tarsia/check"
	"tarsia.dev/tarsia/text"
	"tarsia.dev/tarsia/topology"
)

// checkDocument is one check as data.
type checkDocument struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	ID         string `json:"id"`
	Area       string `json:"area"`
	Title      string `json:"title"`
	Explain    string `json:"explain"`
}

func documentOf(c check.Check) checkDocument {
	return checkDocument{topology.APIVersion, "Check", c.ID, c.Area, c.Title, c.Explain}
}

func newExplain() *cobra.Command {
	var out output
	cmd := &cobra.Command{
		Use:   "explain [ID]",
		Short: "say what a check looks at, what it costs to ignore, and the fix",
		Long: `Without an argument, list the checks; with an area (links) or the beginning of
ids (TAR-GPU), those of it. With one id, say what that check looks at, what each
state means, what it costs to ignore, and the fix.`,
		Example: `  tarsia explain
  tarsia explain links
  tarsia explain TAR-LINK-001`,
		Args: argCount(0, 1, "one check id at most"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var ids []string
			for _, c := range check.All() {
				ids = append(ids, c.ID+"\t"+c.Title)
			}
			return ids, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			chosen, err := check.Select(args, nil)
			if err != nil {
				return withHint(&codeError{exitUsage, err}, "tarsia explain lists checks and areas")
			}
			c, ok := check.Check{}, false
			if len(args) > 0 {
				c, ok = check.Lookup(args[0])
			}
			if !ok {
				return listChecks(cmd, out, chosen)
			}
			return out.write(cmd, views{
				"text": func(w writer) error { return text.Explain(w, c, text.Options{Width: width()}) },
			}, documentOf(c))
		},
	}
	out.flag(cmd, "text", "json", "yaml")
	return cmd
}

func listChecks(cmd *cobra.Command, out output, chosen []check.Check) error {
	var list []checkDocument
	for _, c := range chosen {
		list = append(list, documentOf(c))
	}
	return out.write(cmd, views{
		"text": func(w writer) error {
			for _, c := range list {
				if _, err := fmt.Fprintf(w, "%-13s %-13s %s\n", c.ID, c.Area, c.Title); err != nil {
					return err
				}
			}
			return nil
		},
	}, map[string]any{"apiVersion": topology.APIVersion, "kind": "CheckList", "items": list})
}
