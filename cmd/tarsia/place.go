// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"tarsia.dev/tarsia/kube"
	"tarsia.dev/tarsia/placement"
	"tarsia.dev/tarsia/report"
	"tarsia.dev/tarsia/text"
	"tarsia.dev/tarsia/topology"
)

// maxManifest bounds one manifest: a list of 5,000 nodes with all that their
// kubelets report is about 100 MiB.
const maxManifest = 512 << 20

// placeInput is where a placement's nodes and jobs come from.
type placeInput struct {
	from  source
	files []string
	band  bandwidth
	rules policyFlags
	at    string
	// preempt lets every job have running pods of lower priority give way.
	preempt bool
}

func (p *placeInput) flags(cmd *cobra.Command) {
	p.inputFlags(cmd)
	p.band.flags(cmd)
	p.rules.flags(cmd)
	cmd.Flags().BoolVar(&p.preempt, "preempt", false, "let running pods of lower priority give way to a job that does not fit otherwise; whole gangs of them")
	cmd.Flags().StringVar(&p.at, "at", "", "the time that it is, as in 2026-03-02T08:00:00Z, from which deadlines of running pods are counted; default now")
}

// inputFlags are those that say where nodes and jobs come from.
func (p *placeInput) inputFlags(cmd *cobra.Command) {
	p.from.flags(cmd)
	cmd.Flags().StringArrayVarP(&p.files, "filename", "f", nil, "Kubernetes manifests: nodes, running pods, jobs; - is standard input; may be repeated")
}

func newPlace() *cobra.Command {
	var (
		in       placeInput
		out      output
		verbose  bool
		recorded []string
	)
	cmd := &cobra.Command{
		Use:   "place {-f FILE... | --cases FILE...}",
		Short: "say where jobs would run, offline, and why",
		Long: `Decide where jobs would run, from plain manifests: what "kubectl get nodes -o
yaml" prints, and Pods, Jobs, JobSets, PodGroups. Without nodes in the files
the machines of --snapshot or this host are used, down to single devices. A
gang is placed whole or not at all; jobs are decided in the order of the files,
each seeing what the earlier ones took. Nothing is sent anywhere.

With --policy each job is put under the class of the policy that takes it
(docs/policy.md): its bill and the lines of the policy that decided are printed,
and with --pareto the alternatives. --waited says how long jobs have waited.

Where the nodes are machines, the expected time of an all-reduce among a gang's
accelerators is told with what holds it up (docs/bandwidth.md).

With --cases the questions are recorded placement cases, one JSON object a line
(docs/cases.md): each is decided by itself, by the same engine, and answered as
a line of JSON (-o jsonl) or counted in a table.`,
		Example: `  kubectl get nodes -o yaml > nodes.yaml
  tarsia place -f nodes.yaml -f job.yaml
  tarsia place --snapshot fleet.snapshot -f job.yaml -o json
  tarsia place -f nodes.yaml -f job.yaml --policy policy.yaml --waited 10m
  tarsia place --cases gangs.jsonl -o jsonl`,
		Args: argCount(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.check(); err != nil {
				return err
			}
			if len(recorded) > 0 {
				if err := casesOnly(cmd, out.format); err != nil {
					return err
				}
				return answerCases(cmd, recorded, out.format)
			}
			if out.format == "jsonl" {
				return usageError("output format \"jsonl\" is for --cases")
			}
			doc, err := in.decide(cmd.Context(), cmd.InOrStdin())
			if err != nil {
				return err
			}
			err = out.write(cmd, views{
				"text": func(w writer) error {
					return text.Decisions(w, doc.Decisions, doc.Notes, text.Options{Width: width(), All: verbose, Expected: sentences(doc.Collectives), Rulings: rulings(doc.Policies)})
				},
			}, doc)
			if err != nil {
				return err
			}
			return result(codeOfDecisions(doc.Decisions))
		},
	}
	in.flags(cmd)
	in.rules.paretoFlag(cmd)
	out.flag(cmd, "text", "json", "yaml", "jsonl")
	cmd.Flags().StringArrayVar(&recorded, "cases", nil, "recorded placement cases, one a line; - is standard input; may be repeated; output is text or jsonl")
	cmd.Flags().BoolVar(&verbose, "verbose", false, "list every reason and refusal")
	return cmd
}

// decide reads the input and places gang after gang.
func (p *placeInput) decide(ctx context.Context, stdin io.Reader) (*report.Decisions, error) {
	size, declared, err := p.band.read()
	if err != nil {
		return nil, err
	}
	input, fleet, err := p.read(ctx, stdin)
	if err != nil {
		return nil, err
	}
	if fleet == nil && len(p.band.tiers) > 0 {
		return nil, usageError("--oversubscription is about machines, and the nodes of manifests tell no links: use --snapshot")
	}
	if err := p.prepare(input); err != nil {
		return nil, err
	}
	judge, err := p.rules.read(input)
	if err != nil {
		return nil, err
	}
	found, err := placeAll(ctx, input.Nodes, input.Running, input.Gangs, judge)
	if err != nil {
		return nil, err
	}
	doc := report.NewDecisions(found, input.Notes)
	doc.Policies = judge.policed()
	if fleet != nil {
		if doc.Collectives, err = collectives(fleet, found, size, declared); err != nil {
			return nil, err
		}
	}
	return &doc, nil
}

// read returns what the manifests say, at least one gang, with the nodes of the
// machines where the manifests have none: fleet is those machines, otherwise nil.
func (p *placeInput) read(ctx context.Context, stdin io.Reader) (input *kube.Input, fleet *topology.Fleet, err error) {
	if len(p.files) == 0 {
		return nil, nil, withHint(usageError("no manifest"), "name the jobs with -f job.yaml", "kubectl get nodes -o yaml prints the nodes")
	}
	if input, err = readManifests(p.files, stdin); err != nil {
		return nil, nil, err
	}
	if len(input.Gangs) == 0 {
		return nil, nil, withHint(errors.New("the manifests hold no pod, job or gang to place"),
			"add one with -f job.yaml; a pod that has its node already counts as running")
	}
	if len(input.Nodes) == 0 {
		if fleet, err = p.from.fleet(ctx); err != nil {
			return nil, nil, err
		}
		input.Nodes = placement.FromTopology(fleet)
		input.Notes = append(input.Notes, platforms(fleet, input.Gangs)...)
	} else if len(p.from.snapshots) > 0 || p.from.root != "/" {
		return nil, nil, usageError("the manifests hold nodes, and --snapshot or --root brings others: leave one of them out")
	}
	return input, fleet, nil
}

// prepare does to the input what the flags say.
func (p *placeInput) prepare(input *kube.Input) error {
	now := time.Now()
	if p.at != "" {
		var err error
		if now, err = time.Parse(time.RFC3339, p.at); err != nil {
			return usageError("--at %q: want a time such as 2026-03-02T08:00:00Z", p.at)
		}
	}
	input.EndsFrom(now)
	if p.preempt {
		for i := range input.Gangs {
			input.Gangs[i].Preempt = true
		}
	}
	return nil
}

// usageOf is the fleet of some nodes with what runs on them.
func usageOf(nodes []placement.Node, running []placement.Running) (*placement.Usage, error) {
	fleet, err := placement.NewFleet(nodes, nil)
	if err != nil {
		return nil, err
	}
	usage := placement.NewUsage(fleet)
	for _, r := range running {
		if err := usage.Add(r); err != nil {
			return nil, err
		}
	}
	return usage, nil
}

// placeAll places gang after gang; judge is the policy that each is put under,
// nil is none.
func placeAll(ctx context.Context, nodes []placement.Node, running []placement.Running, gangs []placement.Gang, judge *judge) ([]placement.Decision, error) {
	usage, err := usageOf(nodes, running)
	if err != nil {
		return nil, err
	}
	found := make([]placement.Decision, 0, len(gangs))
	for _, g := range gangs {
		g, d, err := judge.place(ctx, usage, g)
		if err != nil {
			return nil, err
		}
		if d.Outcome == placement.Placed {
			if err := usage.Commit(g, d); err != nil {
				return nil, err
			}
		}
		found = append(found, d)
	}
	return found, nil
}

func readManifests(names []string, stdin io.Reader) (*kube.Input, error) {
	files := make([]kube.File, len(names))
	for i, name := range names {
		data, err := readManifest(name, stdin)
		if err != nil {
			return nil, err
		}
		files[i] = kube.File{Name: name, Data: data}
	}
	return kube.Read(files)
}

func readManifest(name string, stdin io.Reader) ([]byte, error) {
	in := stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("read manifest: %w", err)
		}
		defer f.Close()
		if err := noFolder(f); err != nil {
			return nil, withHint(fmt.Errorf("read manifest: %w", err), "name each file of it with -f")
		}
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, maxManifest+1))
	if err != nil {
		return nil, fmt.Errorf("read manifest %s: %w", name, err)
	}
	if len(data) > maxManifest {
		return nil, fmt.Errorf("read manifest %s: longer than %d MiB", name, maxManifest>>20)
	}
	return data, nil
}

func codeOfDecisions(all []placement.Decision) int {
	code := exitGood
	for _, d := range all {
		switch d.Outcome {
		case placement.Refused:
			return exitFailed
		case placement.Undecided:
			code = exitCannotTell
		}
	}
	return code
}
