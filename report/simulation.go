// SPDX-License-Identifier: Apache-2.0

package report

import (
	"tarsia.dev/tarsia/simulate"
	"tarsia.dev/tarsia/topology"
)

// KindSimulation is the kind of Simulation.
const KindSimulation = "Simulation"

// Simulation is what policies made of one trace: how full they got the fleet, or
// how it went through time.
type Simulation struct {
	APIVersion string                 `json:"apiVersion"`
	Kind       string                 `json:"kind"`
	Fills      []simulate.FillSummary `json:"fills"`   // by policy, then by point
	Replays    []simulate.Result      `json:"replays"` // by policy
}

// NewSimulation makes the document of a simulation.
func NewSimulation(fills []simulate.FillSummary, replays []simulate.Result) Simulation {
	return Simulation{topology.APIVersion, KindSimulation, append([]simulate.FillSummary{}, fills...), append([]simulate.Result{}, replays...)}
}
