// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"tarsia.dev/tarsia/expect"
	"tarsia.dev/tarsia/finding"
	"tarsia.dev/tarsia/internal/atomicfile"
	"tarsia.dev/tarsia/report"
	"tarsia.dev/tarsia/text"
	"tarsia.dev/tarsia/topology"
)

// maxExpectation bounds an expectation file.
const maxExpectation = 32 << 20

func newVerify() *cobra.Command {
	var (
		from    source
		out     output
		file    string
		propose string
		verbose bool
		force   bool
	)
	cmd := &cobra.Command{
		Use:   "verify {--expect FILE | --write-expect FILE}",
		Short: "say where a fleet is not as expected",
		Long: `Compare machines with a file that says what is expected of them, and tell the
differences only, by group and batch: "17 of 42 differ". What a machine does not
tell is neither as expected nor different.

The file (docs/verify.md) has groups of nodes, by name or by their facts, and
the facts that hold for each, in the words of "tarsia diff" and of the batches
of "tarsia fleet show"; a group may also name a node to be like. --write-expect
proposes such a file from what is there.

Exit code 8: something differs; 3: nothing does, but something is not known.`,
		Example: `  tarsia verify --write-expect fleet.yaml --snapshot fleet.snapshot
  tarsia verify --expect fleet.yaml --snapshot recordings/
  tarsia verify --expect fleet.yaml --snapshot fleet.snapshot -o junit`,
		Args: argCount(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.check(); err != nil {
				return err
			}
			if (file == "") == (propose == "") {
				return withHint(usageError("found %s, want one of --expect and --write-expect", map[bool]string{true: "neither", false: "both"}[file == ""]),
					"--write-expect FILE proposes a file from what is there")
			}
			if propose != "" {
				if err := mayWrite(propose, force); err != nil {
					return err
				}
				return writeExpectation(cmd, from, propose)
			}
			v, err := verify(cmd.Context(), from, file)
			if err != nil {
				return err
			}
			err = out.write(cmd, views{
				"text":  func(w writer) error { return text.Verification(w, v, text.Options{Width: width(), All: verbose}) },
				"junit": func(w writer) error { return report.JUnit(w, verificationReport(v)) },
				"csv":   func(w writer) error { return report.VerificationCSV(w, v) },
			}, v)
			if err != nil {
				return err
			}
			return result(codeOf(verificationReport(v), false))
		},
	}
	from.flags(cmd)
	out.flag(cmd, "text", "json", "yaml", "junit", "csv")
	cmd.Flags().StringVar(&file, "expect", "", "what is expected of the fleet")
	cmd.Flags().StringVar(&propose, "write-expect", "", "write what is there as an expectation into this `file`; - is standard output")
	cmd.Flags().BoolVar(&verbose, "verbose", false, "list what is as expected, too")
	cmd.Flags().BoolVar(&force, "force", false, "with --write-expect: replace the file")
	return cmd
}

func verificationReport(v *expect.Verification) finding.Report {
	return finding.NewReport(topology.APIVersion, "fleet/"+v.Name, v.Findings())
}

// verify reads the expectation, its golden nodes, then every machine once.
func verify(ctx context.Context, from source, file string) (*expect.Verification, error) {
	data, err := readExpectation(file)
	if err != nil {
		return nil, err
	}
	e, err := expect.Parse(file, data)
	if err != nil {
		return nil, err
	}
	golden := map[expect.Golden]*topology.Node{}
	for _, g := range e.Goldens() {
		where := from
		if g.From != "" {
			path := g.From
			if !filepath.IsAbs(path) {
				path = filepath.Join(filepath.Dir(file), path)
			}
			where = source{root: "/", snapshots: []string{path}}
		}
		if golden[g], err = findRecorded(ctx, where, g.Node); err != nil {
			return nil, fmt.Errorf("%s: read the node to be like: %w", file, err)
		}
	}
	v, err := expect.New(e, golden)
	if err != nil {
		return nil, err
	}
	err = from.eachNode(ctx, func(n *topology.Node, places []topology.Place) error { return v.Add(n, about(places)) })
	if err != nil {
		return nil, err
	}
	return v.Result(), nil
}

// about is what a site says of a node.
func about(places []topology.Place) *expect.About {
	a := &expect.About{Domains: map[string]string{}}
	for _, p := range places {
		a.Domains[p.Tree] = strings.Join(p.Path, "/")
	}
	return a
}

func readExpectation(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, withHint(fmt.Errorf("read expectation: %w", err), "tarsia verify --write-expect FILE proposes one")
	}
	defer f.Close()
	if err := noFolder(f); err != nil {
		return nil, fmt.Errorf("read expectation: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxExpectation+1))
	if err != nil {
		return nil, fmt.Errorf("read expectation: %w", err)
	}
	if len(data) > maxExpectation {
		return nil, fmt.Errorf("read expectation %s: longer than %d MiB", file, maxExpectation>>20)
	}
	return data, nil
}

func writeExpectation(cmd *cobra.Command, from source, file string) error {
	var p expect.Proposal
	count, name := 0, "fleet"
	err := from.eachNode(cmd.Context(), func(n *topology.Node, places []topology.Place) error {
		count++
		p.Add(n, about(places))
		return nil
	})
	if err != nil {
		return err
	}
	text := p.YAML(name)
	if file == "-" {
		_, err := cmd.OutOrStdout().Write(text)
		return err
	}
	err = atomicfile.Write(file, 0o644, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
	if err != nil {
		return fmt.Errorf("write expectation: %w", err)
	}
	_, err = fmt.Fprintf(cmd.ErrOrStderr(), "wrote %s: what %s have in common; read it before it is believed\n", file, plural(count, "machine"))
	return err
}
