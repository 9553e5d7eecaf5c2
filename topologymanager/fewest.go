// SPDX-License-Identifier: Apache-2.0

package topologymanager

import (
	"fmt"
	"slices"
)

// maxFewest is how many zones Fewest looks through: every set of them is a
// candidate.
const maxFewest = 16

// Fewest finds the zone set on which a request would lie, whatever the policy:
// the fewest zones that together have it free, of these those that list most of
// what is asked, then the nearest (an unknown distance is the farthest), then
// the lowest. A resource that no zone lists is left out; CPUs, memory and huge
// pages count for Guaranteed pods. It returns nil where no zones hold the
// request, and an empty set where none are needed. An error means a node that
// lists a zone twice, or more than 16.
func Fewest(zones []Zone, qos QoS, req Resources) ([]int, error) {
	if err := checkZones(zones); err != nil {
		return nil, fmt.Errorf("find fewest zones: %w", err)
	}
	if len(zones) > maxFewest {
		return nil, fmt.Errorf("find fewest zones: node lists %d NUMA zones, want at most %d", len(zones), maxFewest)
	}
	zones = slices.SortedFunc(slices.Values(zones), byID)
	need := alignable(zones, qos, req)
	if len(need) == 0 {
		return []int{}, nil
	}
	dist := distancesOf(zones)
	type rank struct{ zones, lacking, distance int }
	var best uint64
	var bestRank rank
	for m := uint64(1); m < 1<<len(zones); m++ {
		if best != 0 && size(m) > bestRank.zones || !holds(zones, m, need) {
			continue
		}
		r := rank{size(m), lacking(zones, m, need), dist.total(m)}
		better := best == 0 || slices.Compare([]int{r.zones, r.lacking, r.distance}, []int{bestRank.zones, bestRank.lacking, bestRank.distance}) < 0
		if better {
			best, bestRank = m, r
		}
	}
	var ids []int
	for z := range positions(best) {
		ids = append(ids, zones[z].ID)
	}
	return ids, nil
}

// alignable is the part of a request that zones can hold.
func alignable(zones []Zone, qos QoS, req Resources) Resources {
	need := Resources{}
	for name, q := range req {
		host := name == resCPU || isMemory(name)
		listed := slices.ContainsFunc(zones, func(z Zone) bool { _, has := z.Available[name]; return has })
		if q > 0 && listed && (!host || qos == QoSGuaranteed) {
			need[name] = q
		}
	}
	return need
}

func holds(zones []Zone, m uint64, need Resources) bool {
	for name, q := range need {
		for z := range positions(m) {
			q -= max(0, zones[z].Available[name])
		}
		if q > 0 {
			return false
		}
	}
	return true
}

// lacking counts the zones of a set that do not list all that is asked.
func lacking(zones []Zone, m uint64, need Resources) int {
	n := 0
	for z := range positions(m) {
		for name := range need {
			if _, has := zones[z].Available[name]; !has {
				n++
				break
			}
		}
	}
	return n
}
