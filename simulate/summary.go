// SPDX-License-Identifier: Apache-2.0

package simulate

// Spread is a figure over several seeds, in thousandths of a percent of the
// fleet's GPUs.
type Spread struct {
	Mean  int64 `json:"mean"`
	Least int64 `json:"least"`
	Most  int64 `json:"most"`
}

// FillSummary is what several seeds of one policy reached at one point.
type FillSummary struct {
	Policy     string `json:"policy"`
	Percent    int    `json:"percent"`
	Seeds      int    `json:"seeds"`
	Allocated  Spread `json:"allocatedMilliPercent"`
	Fragmented Spread `json:"fragmentedMilliPercent"`
	Bound      Spread `json:"boundMilliPercent"`
	// DecisionsPerSecond is 0 where no clock was given.
	DecisionsPerSecond int64 `json:"decisionsPerSecond"`
}

// Summarize joins the results of one policy and several seeds, a summary for each
// point.
func Summarize(results []FillResult) []FillSummary {
	if len(results) == 0 {
		return nil
	}
	var out []FillSummary
	for i, p := range results[0].Points {
		s := FillSummary{Policy: results[0].Policy, Percent: p.Percent, Seeds: len(results)}
		var decisions, nanoseconds int64
		var allocated, fragmented, bound []int64
		for _, r := range results {
			if i >= len(r.Points) {
				continue
			}
			share := func(v int64) int64 { return v * 100000 / max(1, r.Capacity) }
			allocated = append(allocated, share(r.Points[i].Allocated))
			fragmented = append(fragmented, share(r.Points[i].Fragmented))
			bound = append(bound, share(r.Points[i].Bound))
			decisions, nanoseconds = decisions+int64(r.Decisions), nanoseconds+r.Nanoseconds
		}
		s.Allocated, s.Fragmented, s.Bound = spreadOf(allocated), spreadOf(fragmented), spreadOf(bound)
		if nanoseconds > 0 {
			s.DecisionsPerSecond = int64(float64(decisions) * 1e9 / float64(nanoseconds))
		}
		out = append(out, s)
	}
	return out
}

func spreadOf(values []int64) Spread {
	s := Spread{Least: values[0], Most: values[0]}
	var sum int64
	for _, v := range values {
		sum += v
		s.Least, s.Most = min(s.Least, v), max(s.Most, v)
	}
	s.Mean = sum / int64(len(values))
	return s
}
