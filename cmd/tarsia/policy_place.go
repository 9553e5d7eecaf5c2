// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tarsia.dev/tarsia/kube"
	"tarsia.dev/tarsia/placement"
	"tarsia.dev/tarsia/policy"
)

// policyFlags say which policy jobs are placed under.
type policyFlags struct {
	file   string
	waited []string
	pareto bool
}

func (p *policyFlags) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&p.file, "policy", "", "placement policy: a class for each job, prices (docs/policy.md)")
	p.waitedFlag(cmd)
}

func (p *policyFlags) waitedFlag(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&p.waited, "waited", nil, "how long jobs have waited, as the policy sees it: 10m for all, job/NAME=10m for one; may be repeated")
}

func (p *policyFlags) paretoFlag(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&p.pareto, "pareto", false, "with --policy: list placements that trade locality, money and watts")
}

// read reads the policy and binds it to the nodes, which get its levels; nil
// without one.
func (p *policyFlags) read(input *kube.Input) (*judge, error) {
	if p.file == "" {
		if len(p.waited) > 0 || p.pareto {
			return nil, withHint(usageError("--waited and --pareto are about a policy, and there is none"), "name it with --policy FILE")
		}
		return nil, nil
	}
	waited, err := p.waits(input.Gangs)
	if err != nil {
		return nil, err
	}
	loaded, err := readPolicy(p.file)
	if err != nil {
		return nil, err
	}
	input.Nodes = loaded.Nodes(input.Nodes)
	return &judge{bound: loaded.Bind(input.Nodes), demand: loaded.Demand(), waited: waited, pareto: p.pareto}, nil
}

// waits says how long each gang has waited, in seconds; a later flag wins.
func (p *policyFlags) waits(gangs []placement.Gang) (map[string]int64, error) {
	out := map[string]int64{}
	for _, w := range p.waited {
		name, text, one := strings.Cut(w, "=")
		if !one {
			name, text = "", w
		}
		d, err := time.ParseDuration(text)
		if err != nil || d < 0 {
			return nil, usageError("--waited %q: want a duration such as 10m, or JOB=10m", w)
		}
		if one && !slices.ContainsFunc(gangs, func(g placement.Gang) bool { return g.Name == name }) {
			return nil, usageError("--waited %q: the manifests hold no job %q", w, name)
		}
		for _, g := range gangs {
			if !one || g.Name == name {
				out[g.Name] = int64(d / time.Second)
			}
		}
	}
	return out, nil
}

// judge places gangs under a policy and keeps what it did.
type judge struct {
	bound  *policy.Bound
	demand []placement.Demand
	waited map[string]int64
	pareto bool
	done   []policy.Ruling
}

// place places a gang as its class asks, and returns it as it was placed. A nil
// judge has no policy.
func (j *judge) place(ctx context.Context, u *placement.Usage, g placement.Gang) (placement.Gang, placement.Decision, error) {
	if j == nil {
		d, err := placement.Place(ctx, u, g)
		return g, d, err
	}
	a, err := j.bound.Apply(g, j.waited[g.Name])
	if err != nil {
		return g, placement.Decision{}, err
	}
	if err := j.price(u); err != nil {
		return g, placement.Decision{}, err
	}
	d, err := placement.Place(ctx, u, a.Gang)
	if err != nil {
		return g, d, err
	}
	done, err := j.bound.Rule(ctx, u, a, d, j.pareto)
	if err != nil {
		return g, d, err
	}
	j.done = append(j.done, done)
	return a.Gang, d, nil
}

// demandSeed draws the sample of the demand mix; any would do, and the same one
// gives the same answer to everybody.
const demandSeed = 1

// price prices what is free under the policy's demand mix, as it is before each
// job.
func (j *judge) price(u *placement.Usage) error {
	if len(j.demand) == 0 {
		return nil
	}
	p, err := placement.NewPrices(u, j.demand, demandSeed)
	if err != nil {
		return err
	}
	return u.SetPrices(p)
}

// policed is what the policy did, in the order of the gangs.
func (j *judge) policed() []policy.Ruling {
	if j == nil {
		return nil
	}
	return j.done
}

// rulings sorts rulings by their gangs.
func rulings(all []policy.Ruling) map[string]policy.Ruling {
	out := make(map[string]policy.Ruling, len(all))
	for _, r := range all {
		out[r.Gang] = r
	}
	return out
}
