// SPDX-License-Identifier: Apache-2.0

package claim

import (
	"fmt"
	"maps"
	"slices"
)

// match is which devices suit an exact request, whatever is allocated.
type match struct {
	key     string
	suits   []bool    // by device
	amounts [][]int64 // by device: what it takes of a shared device's capacities
	tainted []bool    // by device: all but its taints suit
}

// maxMatches bounds the cache of selectors.
const maxMatches = 256

// match finds the devices for an exact request, once for each.
func (u *Use) match(e *Exact) (*match, error) {
	key := e.key()
	if m := u.matches[key]; m != nil {
		return m, nil
	}
	n := len(u.inv.devices)
	m := &match{key: key, suits: make([]bool, n), amounts: make([][]int64, n), tainted: make([]bool, n)}
	for i := range u.inv.devices {
		d := &u.inv.devices[i]
		amounts, ok := e.consumption(d, u.inv.capsOf(int32(i)))
		if !ok {
			continue
		}
		selected, err := e.selects(d)
		if err != nil {
			return nil, err
		}
		m.suits[i], m.tainted[i] = selected && e.tolerates(d), selected && !e.tolerates(d)
		m.amounts[i] = amounts
	}
	if len(u.matches) >= maxMatches {
		clear(u.matches)
	}
	u.matches[key] = m
	return m, nil
}

func (e *Exact) key() string {
	b := fmt.Appendf(nil, "%q|", e.Class)
	for _, s := range e.Selectors {
		b = fmt.Appendf(b, "%q,", s.Text)
	}
	for _, name := range slices.Sorted(maps.Keys(e.Capacity)) {
		b = fmt.Appendf(b, "|%q=%d", name, e.Capacity[name])
	}
	return string(fmt.Appendf(b, "|%q", e.Tolerations))
}

func (e *Exact) selects(d *Device) (bool, error) {
	for _, s := range e.Selectors {
		ok, err := s.Match(d)
		if err != nil {
			return false, fmt.Errorf("select device %q by %q: %w", d.ID(), s.Text, err)
		}
		if !ok {
			return false, nil
		}
	}
	return true, nil
}

func (e *Exact) tolerates(d *Device) bool {
	for _, t := range d.Taints {
		bars := t.Effect == "NoSchedule" || t.Effect == "NoExecute"
		if bars && !slices.ContainsFunc(e.Tolerations, func(x Toleration) bool { return x.Tolerates(t) }) {
			return false
		}
	}
	return true
}

// consumption is what the request takes of each capacity of a shared device,
// nil for others; false where the device does not have what is asked.
func (e *Exact) consumption(d *Device, caps []namedCap) ([]int64, bool) {
	want := map[string]int64{}
	for name, v := range e.Capacity {
		full := qualify(d.Driver, name)
		if c, has := d.Capacity[full]; !has || c.Value < v {
			return nil, false
		}
		want[full] = v
	}
	if !d.Shared {
		return nil, true
	}
	amounts := make([]int64, len(caps))
	for i, c := range caps {
		v, said := want[c.name]
		amount, ok := c.consumed(v, said)
		if !ok || amount < 0 || amount > c.Value {
			return nil, false
		}
		amounts[i] = amount
	}
	return amounts, true
}

// consumed rounds a request for a capacity as its policy says, false where the
// policy has no such amount (DeviceCapacity, CapacityRequestPolicy).
func (c Capacity) consumed(v int64, said bool) (int64, bool) {
	p := c.Policy
	switch {
	case !said && p != nil && p.Default != nil:
		return *p.Default, true
	case !said:
		return c.Value, true
	case p == nil:
		return v, true
	case p.Range != nil:
		v = max(v, p.Range.Min)
		if step := p.Range.Step; step > 0 {
			if over := (v - p.Range.Min) % step; over > 0 {
				v += step - over
			}
		}
		return v, p.Range.Max == 0 || v <= p.Range.Max
	case len(p.ValidValues) > 0:
		for _, valid := range p.ValidValues {
			if valid >= v {
				return valid, true
			}
		}
		return 0, false
	}
	return v, true
}
