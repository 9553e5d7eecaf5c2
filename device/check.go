// SPDX-License-Identifier: Apache-2.0

package device

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// check refuses devices of which a table would mean nothing.
func check(devices []Device, score [][]int) error {
	seen := make(map[string]bool, len(devices))
	unique := func(id string) error {
		if seen[id] {
			return fmt.Errorf("lists device %q twice", id)
		}
		if strings.Contains(id, "#") {
			return fmt.Errorf("lists device %q, want an id without '#'", id)
		}
		seen[id] = true
		return nil
	}
	modules := map[int]string{}
	for i := range devices {
		d := &devices[i]
		if err := unique(d.ID); err != nil {
			return err
		}
		if len(d.Functions) > MaxSlots {
			return fmt.Errorf("lists %d functions of device %q, want at most %d", len(d.Functions), d.ID, MaxSlots)
		}
		for _, f := range d.Functions {
			if err := unique(f.ID); err != nil {
				return err
			}
		}
		if d.Module != nil {
			if other, dup := modules[*d.Module]; dup {
				return fmt.Errorf("gives devices %q and %q the same module %d", other, d.ID, *d.Module)
			}
			modules[*d.Module] = d.ID
		}
		for _, name := range slices.Sorted(maps.Keys(d.Capacity)) {
			if d.Capacity[name] < 0 || name == "" || strings.ContainsAny(name, "=,") {
				return fmt.Errorf("gives device %q the capacity %q %d, want a name without '=' and ',' and 0 or more", d.ID, name, d.Capacity[name])
			}
		}
		if err := d.Slots.check(); err != nil {
			return fmt.Errorf("cuts device %q: %w", d.ID, err)
		}
	}
	return checkScores(devices, score)
}

func (s *Slots) check() error {
	if s == nil {
		return nil
	}
	if s.Count < 1 || s.Count > 64 {
		return fmt.Errorf("it has %d slots, want 1 to 64", s.Count)
	}
	for i, p := range s.Profiles {
		if p.Name == "" || strings.ContainsAny(p.Name, "=") || slices.ContainsFunc(s.Profiles[:i], func(o Profile) bool { return o.Name == p.Name }) {
			return fmt.Errorf("profile %d is named %q, want names of their own without '='", i, p.Name)
		}
		if p.Size < 1 || p.Size > s.Count {
			return fmt.Errorf("profile %q has %d slots, want 1 to %d", p.Name, p.Size, s.Count)
		}
		for j, at := range p.Starts {
			if at < 0 || at+p.Size > s.Count || slices.Contains(p.Starts[:j], at) {
				return fmt.Errorf("profile %q begins at slot %d, want each start once and within %d slots", p.Name, at, s.Count)
			}
		}
	}
	return nil
}

func checkScores(devices []Device, score [][]int) error {
	if len(score) == 0 {
		return nil
	}
	if len(score) != len(devices) {
		return fmt.Errorf("has link scores of %d devices, want %d", len(score), len(devices))
	}
	for a, row := range score {
		if len(row) != len(devices) {
			return fmt.Errorf("has %d link scores for device %q, want %d", len(row), devices[a].ID, len(devices))
		}
		for b := range a {
			if row[b] != score[b][a] {
				return fmt.Errorf("scores the link of %q and %q %d one way and %d the other, want one score",
					devices[a].ID, devices[b].ID, row[b], score[b][a])
			}
			if row[b] < 0 || row[b] >= maxScore {
				return fmt.Errorf("scores the link of %q and %q %d, want 0 to %d", devices[a].ID, devices[b].ID, row[b], maxScore-1)
			}
		}
	}
	return nil
}
