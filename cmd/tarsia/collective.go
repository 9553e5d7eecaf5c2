// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"tarsia.dev/tarsia/collective"
	"tarsia.dev/tarsia/device"
	"tarsia.dev/tarsia/placement"
	"tarsia.dev/tarsia/report"
	"tarsia.dev/tarsia/topology"
)

// bandwidth is what a user says of messages and network.
type bandwidth struct {
	message string
	tiers   []string
}

func (b *bandwidth) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&b.message, "message-size", "1GiB", "size of the all-reduce whose time is told where the nodes are machines")
	cmd.Flags().StringArrayVar(&b.tiers, "oversubscription", nil, "LEVEL=RATIO: what the uplinks of a level of the network cannot carry, as in rack=2; 1 is none; may be repeated")
}

// read checks the flags. Without any level the network stays undeclared.
func (b *bandwidth) read() (size int64, d collective.Declared, err error) {
	if size, err = parseSize(b.message); err != nil {
		return 0, d, err
	}
	for _, t := range b.tiers {
		level, ratio, ok := strings.Cut(t, "=")
		r, err := strconv.ParseFloat(ratio, 64)
		if !ok || level == "" || err != nil || !(r >= 1) || math.IsInf(r, 0) {
			return 0, d, usageError("--oversubscription %q: want LEVEL=RATIO with a ratio of 1 or more, as in rack=2", t)
		}
		d.Tiers = append(d.Tiers, collective.Tier{Tree: level, Oversubscription: r})
	}
	return size, d, nil
}

// parseSize reads 8M, 8MiB or 8388608, as nccl-tests does: units are binary.
func parseSize(text string) (int64, error) {
	digits := strings.TrimRight(text, "KMGTiB")
	shift := map[string]uint{"": 0, "B": 0, "K": 10, "KiB": 10, "M": 20, "MiB": 20, "G": 30, "GiB": 30, "T": 40, "TiB": 40}
	by, ok := shift[text[len(digits):]]
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || !ok || n < 1 || n > math.MaxInt64>>by {
		return 0, usageError("--message-size %q: want a whole number of bytes or of KiB, MiB, GiB, TiB", text)
	}
	return n << by, nil
}

// collectives expects an all-reduce of each placed gang with several
// accelerators. Machines that the placement knows and the fleet does not, and
// devices that are no accelerators, are left out; spares send nothing.
func collectives(fleet *topology.Fleet, found []placement.Decision, size int64, d collective.Declared) ([]report.Collective, error) {
	for _, t := range d.Tiers {
		tree, _, _ := strings.Cut(t.Tree, "/")
		if _, ok := fleet.Tree(tree); !ok {
			var names []string
			for _, t := range fleet.Trees {
				names = append(names, t.Name)
			}
			return nil, withHint(usageError("--oversubscription: no level %q", t.Tree), "the fleet has "+strings.Join(slices.Sorted(slices.Values(names)), ", "))
		}
	}
	var out []report.Collective
	for _, decision := range found {
		if decision.Outcome != placement.Placed {
			continue
		}
		var parts []collective.Part
		for _, a := range decision.Assignments {
			node, ok := fleet.Node(a.Node)
			if !ok || a.Spare {
				continue
			}
			p := collective.Part{Node: node}
			for _, text := range a.Devices {
				part, err := device.ParsePart(text)
				if err != nil {
					return nil, fmt.Errorf("expect collectives of %s: %w", decision.Gang, err)
				}
				p.Accelerators = append(p.Accelerators, topology.Ref(part.ID))
			}
			parts = append(parts, p)
		}
		if f := collective.FromTopology(parts, fleet.Trees, d); f.Ranks() > 1 {
			out = append(out, report.Collective{Gang: decision.Gang, AllReduce: f.Expect(collective.AllReduce, size)})
		}
	}
	return out, nil
}

// sentences are the expectations by gang, as text shows them.
func sentences(all []report.Collective) map[string]string {
	out := make(map[string]string, len(all))
	for _, c := range all {
		out[c.Gang] = c.AllReduce.String()
	}
	return out
}
