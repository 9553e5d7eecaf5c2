// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"context"
	"slices"
)

// Bounds of a cell priority, which its scheduler checks.
const (
	opportunistic = -1
	maxPriority   = 1000
)

// cells answers sequences over cells that virtual clusters own. What makes a
// request wrong by itself is refused; beyond, cells are quotas: whether a pod
// may run depends on which buddies its virtual cluster still owns, on cells
// that are bad and on priorities within the cluster, and the engine places
// pods in what is free, not in what is owned.
func (c *Case) cells(context.Context) (Answer, error) {
	var a Answer
	for _, s := range c.Expected.Steps {
		if s.Schedule == "" {
			a.Steps = append(a.Steps, Step{Results: []Result{}})
			continue
		}
		at := slices.IndexFunc(c.Requests, func(r request) bool { return r.Name == s.Schedule })
		if at < 0 {
			return Answer{}, invalid("a step schedules %q, which is no request", s.Schedule)
		}
		err := c.checkCells(&c.Requests[at])
		if err == nil {
			err = unsupported("cells of a virtual cluster are a quota with buddies, bad cells and priorities of its own; the engine has no owners of what is free")
		}
		a.Steps = append(a.Steps, Step{Results: []Result{refusal(s.Schedule, err)}})
	}
	return a, nil
}

// checkCells says what makes a request for cells wrong by itself.
func (c *Case) checkCells(r *request) error {
	if c.Cluster.Cells == nil {
		return unsupported("the case lists no cells")
	}
	owner, known := c.Cluster.Cells.VirtualClusters[r.VirtualCluster]
	if !known {
		return invalid("there is no virtual cluster %q", r.VirtualCluster)
	}
	if r.PinnedCell != "" {
		pinned := false
		for _, p := range owner.PinnedCells {
			pinned = pinned || p.PinnedCellID == r.PinnedCell
		}
		if !pinned {
			return invalid("virtual cluster %q has no pinned cell %q", r.VirtualCluster, r.PinnedCell)
		}
	}
	if p := or(r.Priority, 0); p < opportunistic || p > maxPriority {
		return invalid("priority %d: want %d to %d", p, opportunistic, maxPriority)
	}
	if r.LeafCells < 1 {
		return invalid("it asks for %d leaf cells", r.LeafCells)
	}
	if len(r.Members) > 0 && !slices.ContainsFunc(r.Members, func(m member) bool { return m.LeafCells == r.LeafCells && m.Pods > 0 }) {
		return invalid("its group has no member of %d leaf cells", r.LeafCells)
	}
	return nil
}
