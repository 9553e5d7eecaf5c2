// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tarsia.dev/tarsia/report"
	"tarsia.dev/tarsia/simulate"
	"tarsia.dev/tarsia/text"
	"tarsia.dev/tarsia/web"
)

// maxTrace bounds one trace file.
const maxTrace = 1 << 30

// simulateFlags say what is simulated.
type simulateFlags struct {
	nodes    string
	policies []string
	levels   []string
	seed     uint64
	seeds    int
	fill     float64
	speedup  float64
	fails    time.Duration
	repair   time.Duration
	timing   bool
}

func newSimulate() *cobra.Command {
	var out output
	var in simulateFlags
	cmd := &cobra.Command{
		Use:   "simulate JOBS --nodes NODES",
		Short: "replay a trace of jobs against placement policies",
		Long: `Replay a trace: jobs arrive, wait, run and end, nodes fail, and every policy
decides about the same jobs. With --fill the jobs arrive one by one instead, are
placed or dropped, and never end: how much of the fleet can a policy fill?

The policies "tarsia" and "tarsia-priced" are the engine of tarsia place; the
others are baselines. The same seed gives the same result on every machine.

Files are lines of JSON (docs/simulate.md) or the CSV files of the Alibaba GPU
trace of 2023.`,
		Example: `  tarsia simulate jobs.jsonl --nodes nodes.jsonl
  tarsia simulate jobs.jsonl --nodes nodes.jsonl --policy tarsia-priced,fgd --fill 1.3 --seeds 10
  tarsia simulate jobs.jsonl --nodes nodes.jsonl -o html >report.html`,
		Args: argCount(1, 1, "one file of jobs"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := in.check(&out); err != nil {
				return err
			}
			trace, err := readTrace(in.nodes, args[0], in.levels)
			if err != nil {
				return err
			}
			doc, err := in.run(cmd.Context(), trace)
			if err != nil {
				return err
			}
			return out.write(cmd, views{
				"text": func(w writer) error { return text.Simulation(w, doc.Fills, doc.Replays, text.Options{Width: width()}) },
				"html": func(w writer) error { return web.Simulation(w, doc.Fills, doc.Replays, "tarsia "+version) },
			}, doc)
		},
	}
	f := cmd.Flags()
	f.StringVar(&in.nodes, "nodes", "", "the nodes of the fleet, from this `file`")
	f.StringSliceVar(&in.policies, "policy", []string{simulate.Tarsia, simulate.BestFit}, "policies, side by side: "+strings.Join(simulate.Policies(), ", "))
	f.StringSliceVar(&in.levels, "levels", nil, "levels of the fleet, outermost first")
	f.Uint64Var(&in.seed, "seed", 1, "what is drawn follows from this number")
	f.IntVar(&in.seeds, "seeds", 1, "how many seeds, with --fill")
	f.Float64Var(&in.fill, "fill", 0, "fill the fleet until jobs worth this part of its GPUs have arrived, as 1.3")
	f.Float64Var(&in.speedup, "speedup", 1, "divide the time between arrivals by this number")
	f.DurationVar(&in.fails, "fail-every", 0, "mean time between failures of one node; 0 never")
	f.DurationVar(&in.repair, "repair", time.Hour, "how long a failed node is away")
	f.BoolVar(&in.timing, "timing", false, "measure how long decisions take")
	out.flag(cmd, "text", "json", "yaml", "html")
	return cmd
}

func (in *simulateFlags) check(out *output) error {
	if err := out.check(); err != nil {
		return err
	}
	for _, p := range in.policies {
		if err := simulate.CheckPolicy(p); err != nil {
			return usageError("%v", err)
		}
	}
	switch {
	case in.nodes == "":
		return usageError("--nodes names no file: the nodes of the fleet are needed")
	case in.fill < 0 || in.fill > 10 || in.seeds < 1 || in.seeds > 1000:
		return usageError("--fill %g and --seeds %d: want up to 10, and 1 to 1000", in.fill, in.seeds)
	case in.fill == 0 && in.seeds > 1:
		return usageError("--seeds is for --fill: leave one of them out, or add --fill")
	}
	return nil
}

// run lets every policy do the same.
func (in *simulateFlags) run(ctx context.Context, trace *simulate.Trace) (report.Simulation, error) {
	var now func() int64
	if in.timing {
		began := time.Now()
		now = func() int64 { return time.Since(began).Nanoseconds() }
	}
	var fills []simulate.FillSummary
	var replays []simulate.Result
	for _, p := range in.policies {
		if in.fill == 0 {
			res, err := simulate.Replay(ctx, trace, simulate.ReplayOptions{
				Policy: p, Seed: in.seed, Speedup: in.speedup, Now: now,
				MeanBetweenFailures: int64(in.fails.Seconds()), Repair: int64(in.repair.Seconds()),
			})
			if err != nil {
				return report.Simulation{}, fmt.Errorf("policy %q: %w", p, err)
			}
			replays = append(replays, res)
			continue
		}
		var results []simulate.FillResult
		percent := int(in.fill*100 + 0.5)
		at := []int{percent}
		if percent > 100 {
			at = []int{100, percent}
		}
		for seed := range uint64(in.seeds) {
			res, err := simulate.Fill(ctx, trace, simulate.FillOptions{Policy: p, Seed: in.seed + seed, Percent: percent, At: at, Now: now})
			if err != nil {
				return report.Simulation{}, fmt.Errorf("policy %q: %w", p, err)
			}
			results = append(results, res)
		}
		fills = append(fills, simulate.Summarize(results)...)
	}
	return report.NewSimulation(fills, replays), nil
}

// readTrace reads the two files of a trace.
func readTrace(nodes, jobs string, levels []string) (*simulate.Trace, error) {
	t := &simulate.Trace{Levels: levels}
	err := readTraceFile(nodes, func(r io.Reader, own bool) (err error) {
		if own {
			t.Nodes, err = simulate.ReadNodes(r, nodes)
		} else {
			t.Nodes, err = simulate.ReadOpenBNodes(r, nodes)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	err = readTraceFile(jobs, func(r io.Reader, own bool) (err error) {
		if own {
			t.Jobs, err = simulate.ReadJobs(r, jobs)
		} else {
			t.Jobs, err = simulate.ReadOpenBJobs(r, jobs)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return t, t.Check()
}

// readTraceFile opens a file and tells lines of JSON from CSV by the first
// character.
func readTraceFile(name string, read func(r io.Reader, own bool) error) error {
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("read trace: %w", err)
	}
	defer f.Close()
	if err := noFolder(f); err != nil {
		return fmt.Errorf("read trace: %w", err)
	}
	r := bufio.NewReader(io.LimitReader(f, maxTrace))
	first, err := r.Peek(1)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read trace %s: %w", name, err)
	}
	return read(r, len(first) == 1 && first[0] == '{')
}
