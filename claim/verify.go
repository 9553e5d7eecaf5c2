// SPDX-License-Identifier: Apache-2.0

package claim

import (
	"fmt"
	"slices"
)

// Verify tells what is wrong with an allocation for a demand, as things stand:
// a request without its devices, a device that does not suit, is not reached or
// is taken, a counter or capacity that does not last, a constraint that does not
// hold. Nothing is booked.
func (u *Use) Verify(d Demand, a Allocation) error {
	if err := d.Claim.Check(); err != nil {
		return err
	}
	seen := u.inv.seenBy(d.Node)
	given := map[string][]int32{}
	trial := u.Clone()
	for _, r := range a.Results {
		dev, ok := u.inv.index[r.Device]
		if !ok || !slices.Contains(seen, dev) {
			return fmt.Errorf("device %q is not one that node %q reaches", r.Device, d.Node)
		}
		if !trial.available(dev, u.amounts(r)) {
			return fmt.Errorf("device %q is not free", r.Device)
		}
		if err := trial.Hold([]Result{r}); err != nil {
			return err
		}
		given[r.Request] = append(given[r.Request], dev)
	}
	matched := 0
	for _, r := range d.Claim.Requests {
		n, err := u.verifyRequest(&r, seen, given, a.Results)
		if err != nil {
			return fmt.Errorf("claim %q: request %q: %w", d.Claim.Name, r.Name, err)
		}
		matched += n
	}
	if matched != len(a.Results) {
		return fmt.Errorf("claim %q: %d of its %d devices are for no request", d.Claim.Name, len(a.Results)-matched, len(a.Results))
	}
	return u.verifyConstraints(&d.Claim, given)
}

// verifyRequest finds the alternative that was taken and checks its devices.
func (u *Use) verifyRequest(r *Request, seen []int32, given map[string][]int32, results []Result) (int, error) {
	for i := range r.Alternatives {
		a, ok, err := u.alternative(r, i, seen)
		if err != nil {
			return 0, err
		}
		devices := given[a.name]
		if !ok || len(devices) == 0 {
			continue
		}
		if len(devices) != a.count {
			return 0, fmt.Errorf("it has %d devices, wants %d", len(devices), a.count)
		}
		for _, dev := range devices {
			if !a.m.suits[dev] {
				return 0, fmt.Errorf("device %q does not match", u.inv.devices[dev].ID())
			}
		}
		for _, x := range results {
			if x.Request == a.name && !slices.Equal(u.amounts(x), a.m.amounts[u.inv.index[x.Device]]) {
				return 0, fmt.Errorf("it takes %v of device %q, which is not what it asks for", x.Consumed, x.Device)
			}
		}
		return len(devices), nil
	}
	return 0, fmt.Errorf("none of its alternatives has devices")
}

func (u *Use) verifyConstraints(c *Claim, given map[string][]int32) error {
	for _, k := range c.Constraints {
		var common Value
		seen := map[string]bool{}
		first := true
		for _, r := range c.Requests {
			for _, e := range r.Alternatives {
				name := r.Name
				if len(r.Alternatives) > 1 || e.Name != "" {
					name += "/" + e.Name
				}
				if len(k.Requests) > 0 && !slices.Contains(k.Requests, r.Name) && !slices.Contains(k.Requests, name) {
					continue
				}
				for _, dev := range given[name] {
					v := u.inv.devices[dev].Attributes[k.MatchAttribute+k.DistinctAttribute]
					if !first && k.MatchAttribute != "" {
						v = common.common(v)
					}
					twice := k.DistinctAttribute != "" && slices.ContainsFunc(v.Items, func(i string) bool { return seen[string(v.Kind)+i] })
					if v.absent() || twice {
						return fmt.Errorf("claim %q: device %q breaks the constraint on %s", c.Name, u.inv.devices[dev].ID(), k.MatchAttribute+k.DistinctAttribute)
					}
					for _, i := range v.Items {
						seen[string(v.Kind)+i] = true
					}
					common, first = v, false
				}
			}
		}
	}
	return nil
}
