// SPDX-License-Identifier: Apache-2.0

// Package device chooses the devices of one node for the pods that come to it:
// whole devices by the links between them or by the partitions that a fabric
// manager can make, slots of a device that is cut by a placement table (MIG,
// XCP), virtual functions, shares of a device, and devices of several kinds that
// must lie near one another.
//
// A Table is everything about a node's devices that does not change and holds
// no name, so that nodes that are alike share one with all it has computed. A
// State is what is free. An Ask is what one pod asks for, resolved against a
// Table: how many such pods fit (Fit), what 0, 1, 2, ... of them cost (Costs),
// and which devices they get (Choose). Answers depend on their arguments alone;
// ties go to the lowest positions. Which nodes to use is package placement's
// question.
package device
