// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"tarsia.dev/tarsia/internal/jsonout"
	"tarsia.dev/tarsia/internal/yamldoc"
)

type writer = io.Writer

// output is the -o flag of one command.
type output struct {
	format  string
	choices []string
}

// views draws one result in the formats that are no plain data.
type views map[string]func(w writer) error

func (o *output) flag(cmd *cobra.Command, choices ...string) {
	o.choices = choices
	cmd.Flags().StringVarP(&o.format, "output", "o", choices[0], "output format: "+strings.Join(choices, ", "))
	// The only error is a flag that does not exist, and it was made above.
	if err := cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(choices, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err)
	}
}

// check refuses a format before any work is done.
func (o *output) check() error {
	if slices.Contains(o.choices, o.format) {
		return nil
	}
	return usageError("output format %q: want one of %s", o.format, strings.Join(o.choices, ", "))
}

// write prints data in the chosen format: json and yaml from the data itself,
// the others from a view. Nothing reaches the user before all of it was made.
func (o *output) write(cmd *cobra.Command, draw views, data any) error {
	if err := o.check(); err != nil {
		return err
	}
	var buf bytes.Buffer
	var err error
	switch o.format {
	case "json":
		err = jsonout.Write(&buf, data)
	case "yaml":
		err = yamldoc.Write(&buf, data)
	default:
		err = draw[o.format](&buf)
	}
	if err != nil {
		return err
	}
	if _, err = cmd.OutOrStdout().Write(buf.Bytes()); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}

// width is the number of columns to fill: COLUMNS where it is set, else 100, so
// that output in a file does not depend on a terminal.
func width() int {
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n >= 60 && n <= 400 {
		return n
	}
	return 100
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return strconv.Itoa(n) + " " + word + "s"
}
