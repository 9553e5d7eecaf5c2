// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"context"
	"fmt"
)

// Prepared is a gang that was read once, so that many like it can be booked
// fast. It belongs to one Usage and is as good as long as its prices stay; Book
// reads it again when they changed.
type Prepared struct {
	u        *Usage
	mix      *Prices
	gang     Gang
	q        *query
	attempts []attempt
	all      bool
}

// Prepare reads a gang. The error is that of Place for a gang that is not valid.
func (u *Usage) Prepare(g Gang) (*Prepared, error) {
	p := &Prepared{u: u, gang: g}
	return p, p.read()
}

func (p *Prepared) read() error {
	q, err := p.u.newQuery(p.gang)
	if err != nil {
		return err
	}
	p.q, p.mix = q, p.u.mix
	p.attempts, p.all = p.u.attempts(q)
	return nil
}

// simple tells whether the gang is pods of one set that come new: what else there
// is goes through Place and Commit.
func (p *Prepared) simple() bool {
	g := &p.gang
	return len(p.q.sets) == 1 && len(g.PodSets) == 1 && len(g.PodSets[0].Held) == 0 && g.PodSets[0].Spares <= 0 &&
		len(g.PodSets[0].Shape.Claims) == 0 && len(g.Groups) == 0 && !g.Preempt && !p.q.elastic() && len(p.q.strangeRequired) == 0
}

// Book is Place and Commit in one, without a word about why: it places a gang
// like the prepared one under a name, books it, and returns where its pods went.
// It returns nil where the gang does not fit, or a bounded search did not tell.
// The choice is that of Place.
func (p *Prepared) Book(ctx context.Context, name string) ([]Assignment, error) {
	u := p.u
	if p.mix != u.mix {
		if err := p.read(); err != nil {
			return nil, err
		}
	}
	if !p.simple() {
		return p.bookAny(ctx, name)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c, _, _, err := u.best(ctx, p.q, p.attempts, p.all)
	if err != nil {
		return nil, fmt.Errorf("place gang %q: %w", name, err)
	}
	if c == nil {
		return nil, nil
	}
	set := &p.gang.PodSets[0]
	names := make([]string, len(c.pods))
	for i := range c.pods {
		names[i] = PodName(name, set.Name, i)
		if _, runs := u.running[names[i]]; runs {
			return nil, fmt.Errorf("book gang %q: pod %q runs already", name, names[i])
		}
	}
	out := make([]Assignment, len(c.pods))
	for i, place := range c.pods {
		out[i] = u.assignment(place)
		out[i].PodSet, out[i].Pod = set.Name, i
		b := u.bookingOf(p.q.sets[0].s, place)
		b.priority, b.gang = p.gang.Priority, name
		u.running[names[i]] = b
		u.hold(b)
	}
	return out, nil
}

func (p *Prepared) bookAny(ctx context.Context, name string) ([]Assignment, error) {
	g := p.gang
	g.Name = name
	d, err := Place(ctx, p.u, g)
	if err != nil || d.Outcome != Placed {
		return nil, err
	}
	return d.Assignments, p.u.Commit(g, d)
}
