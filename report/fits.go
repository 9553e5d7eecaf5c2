// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"

	"tarsia.dev/tarsia/placement"
	"tarsia.dev/tarsia/topology"
)

// KindFits is the kind of Fits.
const KindFits = "Fits"

// Fits is which nodes take the pods of some jobs, as data.
type Fits struct {
	APIVersion string              `json:"apiVersion"`
	Kind       string              `json:"kind"`
	Gangs      []placement.GangFit `json:"gangs"` // in the order of the manifests
	Notes      []string            `json:"notes"` // what was in the manifests and was not used
}

// NewFits completes the document; its lists are empty where nothing was given,
// never null.
func NewFits(gangs []placement.GangFit, notes []string) Fits {
	return Fits{topology.APIVersion, KindFits, append([]placement.GangFit{}, gangs...), append([]string{}, notes...)}
}

// FitsCSV writes one row per gang, set and node after a row of column names (RFC
// 4180). Columns are only ever added, at the end. The error is the writer's.
func FitsCSV(w io.Writer, f Fits) error {
	c := csv.NewWriter(w)
	if err := c.Write([]string{"gang", "pod set", "node", "fits", "pods now", "pods when empty", "why not"}); err != nil {
		return err
	}
	for _, g := range f.Gangs {
		for _, s := range g.Sets {
			for _, n := range s.Nodes {
				fits := "no"
				if n.Fits {
					fits = "yes"
				}
				err := c.Write([]string{g.Gang, s.PodSet, n.Node, fits, strconv.FormatInt(n.Now, 10), strconv.FormatInt(n.Empty, 10), strings.Join(n.Why, "; ")})
				if err != nil {
					return err
				}
			}
		}
	}
	c.Flush()
	return c.Error()
}
