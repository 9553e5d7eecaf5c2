// SPDX-License-Identifier: Apache-2.0

package report

import "tarsia.dev/tarsia/collective"

// Collective is what is expected of the accelerators of a placed gang.
type Collective struct {
	Gang      string              `json:"gang"`
	AllReduce collective.Estimate `json:"allReduce"`
}
