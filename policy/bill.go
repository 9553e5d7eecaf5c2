// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"slices"

	"tarsia.dev/tarsia/placement"
)

// Bill is what a placement costs while it runs. A sum of which a part is not
// known is nil, never less than it is.
type Bill struct {
	Currency string `json:"currency"` // "" where the policy states no money
	// Money is in millionths of the currency an hour: resources, and their energy
	// where the policy prices it.
	Money *int64 `json:"moneyMillionthsPerHour"`
	Power *int64 `json:"milliwatts"`
	// Pods are the parts, like ones together, in the order of the decision. Spare
	// places count: nobody else can use them.
	Pods    []BillLine `json:"pods"`
	Unknown []string   `json:"unknown"` // why a sum is not known, each reason once
}

// BillLine is what one pod costs on one node, for each of some pods.
type BillLine struct {
	PodSet string     `json:"podSet"`
	Node   string     `json:"node"`
	Pods   int        `json:"pods"`
	Spare  bool       `json:"spare"`
	Money  *int64     `json:"moneyMillionthsPerHour"` // of one pod
	Power  *int64     `json:"milliwatts"`             // of one pod
	By     []Position `json:"by"`                     // the price lines, in the order of the file
}

// Bill prices a decision. It returns nil where nothing runs, or where the policy
// has no prices.
func (b *Bound) Bill(g placement.Gang, d placement.Decision) *Bill {
	if d.Outcome != placement.Placed || len(b.policy.prices) == 0 {
		return nil
	}
	bill := &Bill{Currency: b.policy.Currency, Pods: []BillLine{}, Unknown: []string{}}
	sets := map[string]placement.Resources{}
	for _, s := range g.PodSets {
		sets[s.Name] = s.Shape.Requests
	}
	for _, a := range d.Assignments {
		if last := len(bill.Pods) - 1; last >= 0 && bill.Pods[last].like(a) {
			bill.Pods[last].Pods++
			continue
		}
		bill.Pods = append(bill.Pods, b.line(bill, sets[a.PodSet], a))
	}
	bill.Money = total(bill.Pods, func(l *BillLine) *int64 { return l.Money })
	bill.Power = total(bill.Pods, func(l *BillLine) *int64 { return l.Power })
	return bill
}

func (l *BillLine) like(a placement.Assignment) bool {
	return l.PodSet == a.PodSet && l.Node == a.Node && l.Spare == a.Spare
}

func (b *Bound) line(bill *Bill, requests placement.Resources, a placement.Assignment) BillLine {
	l := BillLine{PodSet: a.PodSet, Node: a.Node, Pods: 1, Spare: a.Spare, By: []Position{}}
	at, ok := b.at[a.Node]
	if !ok {
		return l
	}
	p := b.podOn(requests, at)
	states := map[string]bool{costMoney: b.policy.has(costMoney) || b.policy.energy != nil, costWatts: b.policy.has(costWatts)}
	for _, part := range []struct {
		name string
		sum  sum
		into **int64
	}{{costMoney, p.total(b.policy.energy != nil), &l.Money}, {costWatts, p.watts, &l.Power}} {
		switch {
		case !states[part.name]:
		case part.sum.why == "":
			*part.into = new(part.sum.value)
			for _, x := range part.sum.lines {
				l.By = append(l.By, x.at)
			}
		case !slices.Contains(bill.Unknown, part.sum.why):
			bill.Unknown = append(bill.Unknown, part.sum.why)
		}
	}
	slices.SortFunc(l.By, comparePositions)
	l.By = slices.Compact(l.By)
	return l
}

func comparePositions(a, b Position) int {
	return slices.Compare([]int{a.Line, a.Column}, []int{b.Line, b.Column})
}

// total adds up what all pods cost; nil where one is not known.
func total(lines []BillLine, of func(*BillLine) *int64) *int64 {
	var sum int64
	for i := range lines {
		v := of(&lines[i])
		if v == nil {
			return nil
		}
		sum = plus(sum, times(*v, int64(lines[i].Pods)))
	}
	return &sum
}

// MoneyText writes an amount of the bill with its unit: "2.10 EUR/h"; "unknown"
// for nil.
func (b *Bill) MoneyText(v *int64) string {
	if v == nil {
		return "unknown"
	}
	return written(*v, millionth) + " " + b.Currency + "/h"
}

// PowerText writes watts: "700 W"; "unknown" for nil.
func PowerText(v *int64) string {
	if v == nil {
		return "unknown"
	}
	return written(*v, 1000) + " W"
}
