// SPDX-License-Identifier: Apache-2.0

package claim

import (
	"fmt"
	"slices"
)

// verify checks an answer from the pools and demands alone.
func verify(pools []Pool, demands []Demand, a Answer) error {
	device, pool := map[string]*Device{}, map[string]*Pool{}
	for i := range pools {
		for j := range pools[i].Devices {
			d := pools[i].Devices[j]
			d.Driver, d.Pool = pools[i].Driver, pools[i].Name
			attributes := map[string]Value{}
			for name, v := range d.Attributes {
				attributes[qualify(d.Driver, name)] = v
			}
			d.Attributes = attributes
			device[d.ID()], pool[d.ID()] = &d, &pools[i]
		}
	}
	taken, drawn, consumed := map[string]int{}, map[string]int64{}, map[string]int64{}
	sum := 0
	for i, d := range demands {
		got := a.Allocations[i]
		sum += got.Preference
		if len(got.Results) > maxResults {
			return fmt.Errorf("demand %d has %d devices", i, len(got.Results))
		}
		preference := 0
		used := 0
		for _, r := range d.Claim.Requests {
			at := slices.IndexFunc(r.Alternatives, func(e Exact) bool {
				return slices.ContainsFunc(got.Results, func(x Result) bool { return x.Request == nameOf(r, e) })
			})
			if at < 0 {
				return fmt.Errorf("demand %d: request %q has no device", i, r.Name)
			}
			preference += at
			e := r.Alternatives[at]
			n := 0
			for _, x := range got.Results {
				if x.Request != nameOf(r, e) {
					continue
				}
				n++
				dev := device[x.Device]
				if reach := cmpReach(pool[x.Device], dev); len(reach) > 0 && !slices.Contains(reach, d.Node) {
					return fmt.Errorf("demand %d: device %s is not reached", i, x.Device)
				}
				for _, s := range e.Selectors {
					if ok, _ := s.Match(dev); !ok {
						return fmt.Errorf("demand %d: device %s does not match", i, x.Device)
					}
				}
				taken[x.Device]++
				for name, v := range x.Consumed {
					consumed[x.Device+name] += v
					if consumed[x.Device+name] > dev.Capacity[name[len(dev.Driver)+1:]].Value {
						return fmt.Errorf("device %s is overdrawn", x.Device)
					}
				}
				if taken[x.Device] > 1 && !dev.Shared {
					return fmt.Errorf("device %s is given twice", x.Device)
				}
				if taken[x.Device] == 1 {
					for _, c := range dev.Consumes {
						for name, v := range c.Counters {
							drawn[dev.Pool+c.CounterSet+name] += v
						}
					}
				}
			}
			if want := max(1, e.Count); n != want && !e.All {
				return fmt.Errorf("demand %d: request %q has %d devices, want %d", i, r.Name, n, want)
			}
			used += n
		}
		if used != len(got.Results) || preference != got.Preference {
			return fmt.Errorf("demand %d: %d of %d devices are for no request, or preference %d is not %d", i, used, len(got.Results), preference, got.Preference)
		}
		for _, k := range d.Claim.Constraints {
			if err := verifyConstraint(k, got.Results, device); err != nil {
				return fmt.Errorf("demand %d: %w", i, err)
			}
		}
	}
	for i := range pools {
		for _, set := range pools[i].Counters {
			for name, v := range set.Counters {
				if drawn[pools[i].Name+set.Name+name] > v {
					return fmt.Errorf("counter %s/%s is overdrawn", set.Name, name)
				}
			}
		}
	}
	if sum != a.Preference {
		return fmt.Errorf("preference %d, allocations add up to %d", a.Preference, sum)
	}
	return nil
}

func nameOf(r Request, e Exact) string {
	if len(r.Alternatives) > 1 || e.Name != "" {
		return r.Name + "/" + e.Name
	}
	return r.Name
}

func cmpReach(p *Pool, d *Device) []string {
	if len(d.Nodes) > 0 {
		return d.Nodes
	}
	return p.Nodes
}

func verifyConstraint(k Constraint, results []Result, device map[string]*Device) error {
	counts := map[string]int{}
	n := 0
	for _, x := range results {
		covered := len(k.Requests) == 0
		for _, name := range k.Requests {
			covered = covered || x.Request == name || len(x.Request) > len(name) && x.Request[:len(name)+1] == name+"/"
		}
		if !covered {
			continue
		}
		n++
		d := device[x.Device]
		for _, item := range d.Attribute(k.MatchAttribute + k.DistinctAttribute).Items {
			counts[item]++
		}
		if d.Attribute(k.MatchAttribute + k.DistinctAttribute).absent() {
			return fmt.Errorf("device %s lacks the attribute", x.Device)
		}
	}
	shared := n == 0
	for _, c := range counts {
		shared = shared || c == n
		if k.DistinctAttribute != "" && c > 1 {
			return fmt.Errorf("%s is not distinct", k.DistinctAttribute)
		}
	}
	if k.MatchAttribute != "" && !shared {
		return fmt.Errorf("%s is not shared", k.MatchAttribute)
	}
	return nil
}
