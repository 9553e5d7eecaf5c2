// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/csv"
	"io"
	"strconv"

	"tarsia.dev/tarsia/expect"
	"tarsia.dev/tarsia/topology"
)

// verificationColumns is the first row. Columns are only ever added, at the end.
var verificationColumns = []string{"group", "fact", "state", "wanted", "found", "nodes", "of", "names", "objects", "example"}

// VerificationCSV writes one row per batch that differs or is not known, and one
// per fact that is as wanted, after a row of column names (RFC 4180). In a row of
// what is not known, found says why. The error is the writer's.
func VerificationCSV(w io.Writer, v *expect.Verification) error {
	c := csv.NewWriter(w)
	if err := c.Write(verificationColumns); err != nil {
		return err
	}
	for _, g := range v.Groups {
		for _, r := range g.Results {
			rows := r.Batches
			if len(rows) == 0 {
				rows = []expect.Batch{{}}
			}
			for _, b := range rows {
				err := c.Write([]string{g.Name, r.Fact, r.State.String(), r.Wanted, b.Text(), strconv.Itoa(len(b.Nodes)), strconv.Itoa(r.Of),
					topology.NameRange(b.Nodes), strconv.Itoa(b.Objects), b.Example})
				if err != nil {
					return err
				}
			}
		}
	}
	c.Flush()
	return c.Error()
}
