// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"tarsia.dev/tarsia/cases"
)

// casesOnly refuses what does not go with --cases.
func casesOnly(cmd *cobra.Command, format string) error {
	if format != "text" && format != "jsonl" {
		return usageError("output format %q: want text or jsonl with --cases", format)
	}
	for _, other := range []string{"filename", "snapshot", "root", "verbose"} {
		if f := cmd.Flags().Lookup(other); f != nil && f.Changed {
			return usageError("--%s does not go with --cases", other)
		}
	}
	return nil
}

// answerCases answers the recorded cases of files: as lines of JSON, each
// written when it is known, or as a table at the end.
func answerCases(cmd *cobra.Command, files []string, format string) error {
	var all []cases.Answer
	lines := json.NewEncoder(cmd.OutOrStdout())
	lines.SetEscapeHTML(false)
	for _, name := range files {
		answered := 0
		err := eachCase(cmd.Context(), name, cmd.InOrStdin(), func(a cases.Answer) error {
			answered++
			if format == "text" {
				all = append(all, a)
				return nil
			}
			if err := lines.Encode(a); err != nil {
				return fmt.Errorf("write answer: %w", err)
			}
			return nil
		})
		if err != nil {
			return err
		}
		if len(files) > 1 {
			fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s\n", name, plural(answered, "case"))
		}
	}
	if format == "text" {
		if err := cases.WriteTable(cmd.OutOrStdout(), all); err != nil {
			return fmt.Errorf("write table: %w", err)
		}
	}
	return nil
}

// eachCase answers the cases of one file, in their order.
func eachCase(ctx context.Context, name string, stdin io.Reader, use func(cases.Answer) error) error {
	in := stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return fmt.Errorf("read cases: %w", err)
		}
		defer f.Close()
		if err := noFolder(f); err != nil {
			return fmt.Errorf("read cases: %w", err)
		}
		in = f
	}
	r := cases.NewReader(name, in)
	for {
		c, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read cases: %w", err)
		}
		start := time.Now()
		a, err := c.Answer(ctx)
		if err != nil {
			return err
		}
		a.ElapsedMicroseconds = max(1, time.Since(start).Microseconds())
		if err := use(a); err != nil {
			return err
		}
	}
}
