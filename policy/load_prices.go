// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/google/cel-go/cel"

	"tarsia.dev/tarsia/internal/yamldoc"
	"tarsia.dev/tarsia/placement"
)

// resourceNode is the resource of a price for a whole node, of which a pod pays
// the largest share that it takes of any of the node's resources.
const resourceNode = "node"

// priceLine is the price of one unit of a resource on some nodes: a core, a GiB,
// a device, a node. Of the lines that fit a node, the first for a resource that
// states money gives its money, and the first that states watts its watts.
type priceLine struct {
	at           Position
	resource     string
	architecture string
	model        string
	labels       map[string]string
	where        *expression
	money        *int64 // millionths of the currency an hour
	watts        *int64 // milliwatts
}

// unit is how much of a resource one price is for.
func unit(resource string) int64 {
	switch resource {
	case placement.CPU:
		return 1000
	case placement.Memory:
		return 1 << 30
	}
	return 1
}

// has tells whether any line states money or watts.
func (p *Policy) has(name string) bool {
	return slices.ContainsFunc(p.prices, func(x priceLine) bool {
		return name == costMoney && x.money != nil || name == costWatts && x.watts != nil
	})
}

func (l *loader) prices(p *Policy, doc *pricesDoc) {
	p.Currency = doc.Currency.Value
	if !doc.Energy.IsZero() {
		p.energy, p.energyAt = l.quantity(doc.Energy, "prices.energy", millionth, maxMoney), l.at(doc.Energy)
	}
	states := p.energy != nil
	for i := range doc.Lines[:min(len(doc.Lines), maxLines)] {
		d := &doc.Lines[i]
		path := fmt.Sprintf("prices.lines[%d]", i)
		x := priceLine{
			at: l.at(d.Resource), resource: l.word(d.Resource, path+".resource"),
			architecture: d.Architecture.Value, model: d.Model.Value,
			money: l.quantity(d.Money, path+".money", millionth, maxMoney),
			watts: l.quantity(d.Watts, path+".watts", 1000, maxWatts),
		}
		for _, name := range slices.Sorted(maps.Keys(d.Labels)) {
			if x.labels == nil {
				x.labels = map[string]string{}
			}
			x.labels[name] = d.Labels[name].Value
		}
		if !d.Where.IsZero() {
			x.where = l.compile(d.Where, path+".where", cel.BoolType, ofNode)
		}
		if d.Money.IsZero() && d.Watts.IsZero() {
			l.failf(d.Resource, path, "found neither money nor watts, want at least one")
		}
		states = states || x.money != nil
		p.prices = append(p.prices, x)
	}
	if len(doc.Lines) > maxLines {
		l.failf(doc.Lines[maxLines].Resource, "prices.lines", "found %d lines, want at most %d", len(doc.Lines), maxLines)
	}
	if states && p.Currency == "" {
		l.failf(doc.Currency, "prices.currency", "found nothing, want the currency that the prices are in")
	}
}

// quantity reads a number of parts; nothing is nil.
func (l *loader) quantity(t yamldoc.Text, path string, parts, most int64) *int64 {
	if t.IsZero() {
		return nil
	}
	n, err := decimal(t.Value, parts, most)
	if err != nil {
		l.failf(t, path, "found %s, want %v", found(t), err)
		return nil
	}
	return &n
}

// demand reads the mix of jobs that the site expects.
func (l *loader) demand(p *Policy, docs []demandDoc) {
	if len(docs) > maxLines {
		l.failf(docs[maxLines].Name, "demand", "found %d shapes, want at most %d", len(docs), maxLines)
		return
	}
	for i, d := range docs {
		path := fmt.Sprintf("demand[%d]", i)
		l.word(d.Name, path+".name")
		demand := placement.Demand{
			Shape:  placement.Shape{Requests: placement.Resources{}},
			Weight: l.count(d.Weight, path+".weight", 1, math.MaxInt32),
			Pods:   int(l.count(d.Pods, path+".pods", 1, 1<<20)),
			Level:  d.Level.Value,
		}
		for _, name := range slices.Sorted(maps.Keys(d.Requests)) {
			n, err := amount(name, d.Requests[name].Value)
			if err != nil {
				l.failf(d.Requests[name], path+".requests."+name, "found %s, want %v", found(d.Requests[name]), err)
			}
			demand.Shape.Requests[name] = n
		}
		if len(d.Requests) == 0 {
			l.failf(d.Name, path+".requests", "found nothing, want what one pod asks for")
		}
		p.demand = append(p.demand, demand)
	}
}
