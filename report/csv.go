// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"tarsia.dev/tarsia/topology"
)

// fleetColumns is the first row. Columns are only ever added, at the end.
var fleetColumns = []string{"node", "arch", "product", "gpus", "gpu model", "nvlink domain", "rack", "vbios", "driver", "kernel",
	"gpus lost", "gpus unknown", "cpus", "numa nodes", "secure boot"}

// FleetCSV writes one row per node, by name, after a row of column names (RFC
// 4180). Where the devices of a node differ, a cell lists every value, separated
// by "; ". An empty cell is not known or does not apply; a count is never empty.
// The error is the writer's.
func FleetCSV(w io.Writer, f *topology.Fleet) error {
	leaves := map[string]map[string]string{}
	for _, t := range f.Trees {
		leaves[t.Name] = t.Leaves()
	}
	c := csv.NewWriter(w)
	if err := c.Write(fleetColumns); err != nil {
		return err
	}
	for _, n := range f.Nodes {
		if err := c.Write(fleetRow(n, leaves)); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

func fleetRow(n *topology.Node, leaves map[string]map[string]string) []string {
	var models, vbios, drivers []string
	lost, unknown := 0, 0
	for _, a := range n.Accelerators {
		switch a.State {
		case topology.DeviceLost:
			lost++
		case topology.DeviceUnknown:
			unknown++
		}
		models = append(models, a.Model)
		drivers = append(drivers, strings.TrimSpace(a.Driver+" "+a.DriverVersion))
	}
	for _, fw := range n.Firmware {
		if fw.Component == "vbios" {
			vbios = append(vbios, fw.Version)
		}
	}
	secure := ""
	if n.Boot.SecureBoot != nil {
		secure = map[bool]string{true: "on", false: "off"}[*n.Boot.SecureBoot]
	}
	return []string{
		n.Name, n.Architecture, n.System.Product,
		strconv.Itoa(len(n.Accelerators)), distinct(models),
		leaves["nvlink"][n.Name], leaves["rack"][n.Name],
		distinct(vbios), distinct(drivers), n.Kernel.Release,
		strconv.Itoa(lost), strconv.Itoa(unknown),
		fmt.Sprint(n.Summary.Threads), fmt.Sprint(n.Summary.NUMANodes), secure,
	}
}

// distinct joins the different values that are known, sorted.
func distinct(values []string) string {
	values = slices.DeleteFunc(values, func(v string) bool { return v == "" })
	slices.Sort(values)
	return strings.Join(slices.Compact(values), "; ")
}
