// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"tarsia.dev/tarsia/ask"
	"tarsia.dev/tarsia/internal/jsonout"
	"tarsia.dev/tarsia/text"
	"tarsia.dev/tarsia/topology"
)

// watchInterval is how often a watched machine is read again. A reading costs
// milliseconds, and a change of the PCI tree takes the kernel longer than that.
const watchInterval = time.Second

// change is what one reading found different from the one before.
type change struct {
	APIVersion  string                `json:"apiVersion"`
	Kind        string                `json:"kind"`
	Time        string                `json:"time"` // RFC 3339, UTC
	Node        string                `json:"node"`
	Differences []topology.Difference `json:"differences"`
}

// watcher reads one machine again and again.
type watcher struct {
	read func(ctx context.Context) (*topology.Node, error)
	tick <-chan time.Time
	now  func() time.Time
	tell func(c change) error
	// failed hears of a reading that did not work; the next one may.
	failed func(err error)
}

// run tells each change until the context ends, which is how people stop it: no
// error.
func (w watcher) run(ctx context.Context, last *topology.Node) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.tick:
		}
		n, err := w.read(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			w.failed(err)
			continue
		}
		found := topology.Diff(last, n)
		last = n
		if len(found) == 0 {
			continue
		}
		c := change{topology.APIVersion, "Change", w.now().UTC().Format(time.RFC3339), n.Name, found}
		if err := w.tell(c); err != nil {
			return err
		}
	}
}

// watchTopology prints the machine, then what changes.
func watchTopology(ctx context.Context, stdout, stderr io.Writer, from source, format string, all bool) error {
	if len(from.snapshots) > 0 {
		return usageError("--watch follows a live machine; a snapshot does not change")
	}
	child := ask.New(ask.Options{})
	defer child.Close()
	from.asker = child
	read := func(ctx context.Context) (*topology.Node, error) { return from.node(ctx, "") }
	first, err := read(ctx)
	if err != nil {
		return err
	}
	tell := func(c change) error { return jsonout.Lines(stdout, c) }
	switch format {
	case "jsonl":
		if err := jsonout.Lines(stdout, first); err != nil {
			return err
		}
	case "text":
		if err := text.Node(stdout, first, text.Options{Width: width(), All: all}); err != nil {
			return err
		}
		tell = func(c change) error {
			for _, d := range c.Differences {
				if _, err := fmt.Fprintf(stdout, "%s %s %s: %s -> %s\n", c.Time, d.Object, d.Fact, d.A, d.B); err != nil {
					return err
				}
			}
			return nil
		}
		if _, err := fmt.Fprintf(stderr, "watching %s, every %v; Ctrl-C ends\n", first.Name, watchInterval); err != nil {
			return err
		}
	default:
		return usageError("output format %q with --watch: want text or jsonl", format)
	}
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	var last string
	w := watcher{read: read, tick: ticker.C, now: time.Now, tell: tell, failed: func(err error) {
		// The same trouble every second is told once.
		if text := err.Error(); text != last && !errors.Is(err, context.Canceled) {
			fmt.Fprintf(stderr, "tarsia: %v\n", err)
			last = text
		}
	}}
	return w.run(ctx, first)
}
