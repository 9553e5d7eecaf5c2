// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tarsia.dev/tarsia/claim"
)

// constraintClaims is the word for "its resource claims cannot be met there".
const constraintClaims = "resource claims"

// maxClaimFits bounds what is remembered of that.
const maxClaimFits = 1 << 14

// buildClaims gathers the pools of all nodes.
func (f *Fleet) buildClaims() error {
	var pools []claim.Pool
	for i := range f.nodes {
		for _, p := range f.nodes[i].Pools {
			if len(p.Nodes) == 0 {
				p.Nodes = []string{f.nodes[i].Name}
			}
			pools = append(pools, p)
		}
	}
	if len(pools) == 0 {
		return nil
	}
	inv, err := claim.NewInventory(pools)
	if err != nil {
		return fmt.Errorf("build fleet: %w", err)
	}
	f.claims = inv
	for i := range f.nodes {
		if inv.Networked(f.nodes[i].Name) {
			f.networked = append(f.networked, int32(i))
		}
	}
	return nil
}

// claimsKey is the part of a shape's key that its claims are.
func (s *Shape) claimsKey() string {
	var b strings.Builder
	for i := range s.Claims {
		b.WriteString(s.Claims[i].Key() + ";")
	}
	return b.String()
}

func checkClaims(claims []claim.Claim) error {
	for i := range claims {
		if err := claims[i].Check(); err != nil {
			return err
		}
	}
	return nil
}

// demands is what pods of shapes demand from a node.
func (f *Fleet) demands(node int, shapes ...*shape) []claim.Demand {
	var out []claim.Demand
	for _, s := range shapes {
		for _, c := range s.Claims {
			out = append(out, claim.Demand{Node: f.nodes[node].Name, Claim: c})
		}
	}
	return out
}

// besides is the demands that wait for the devices a node reaches: of its own
// pods, and of all others where it reaches devices that others reach.
func (u *Usage) besides(node int) []claim.Demand {
	if !u.reachesOthers(node) {
		return u.f.demands(node, u.claim.waiting[node]...)
	}
	var out []claim.Demand
	for _, n := range slices.Sorted(maps.Keys(u.claim.waiting)) {
		out = append(out, u.f.demands(n, u.claim.waiting[n]...)...)
	}
	return out
}

func (u *Usage) reachesOthers(node int) bool {
	_, found := slices.BinarySearch(u.f.networked, int32(node))
	return found
}

// fitClaims narrows a count by the resource claims of a shape.
func (u *Usage) fitClaims(s *shape, node int, pods int64, binds string) (int64, string) {
	if len(s.Claims) == 0 || pods == 0 {
		return pods, binds
	}
	if u.claim.use == nil {
		return 0, constraintClaims
	}
	one := u.f.demands(node, s)
	most := min(pods, int64(u.f.claims.Devices(u.f.nodes[node].Name))*claimsPerDevice)
	base := u.besides(node)
	key := ""
	if len(base) == 0 {
		state, err := u.claim.use.StateKey(one)
		if err != nil {
			return 0, constraintClaims
		}
		key = fmt.Sprintf("%d|%s|%s", most, s.key, state)
	}
	fit, known := u.claim.fits[key]
	if key == "" || !known {
		n, exact, err := u.claim.use.Count(base, one, int(most), claim.Options{})
		if err != nil {
			return 0, constraintClaims
		}
		fit = claimFit{int64(n), exact}
		if len(u.claim.fits) >= maxClaimFits {
			clear(u.claim.fits)
		}
		if key != "" {
			u.claim.fits[key] = fit
		}
	}
	if !fit.exact {
		u.claim.vague[s.key] = true
	}
	if fit.pods < pods {
		return fit.pods, constraintClaims
	}
	return pods, binds
}

// claimsPerDevice bounds how many pods are counted on shared devices.
const claimsPerDevice = 64

// vague tells whether the counts for some set of a gang are known from below
// only: nothing is proven by them then.
func (u *Usage) vague(q *query) bool {
	return slices.ContainsFunc(q.sets, func(set gangSet) bool { return u.claim.vague[set.s.key] })
}

// entangled tells whether pods of a gang on different nodes compete for devices:
// counts of single nodes do not add up then, and the gang is searched pod by pod.
func (u *Usage) entangled(q *query) bool {
	return len(u.f.networked) > 0 && slices.ContainsFunc(q.sets, func(set gangSet) bool { return len(set.s.Claims) > 0 })
}

// appendClaimKind writes what resource claims add to what decides on a node.
func (u *Usage) appendClaimKind(b []byte, q *query, node int) []byte {
	if u.reachesOthers(node) {
		return fmt.Appendf(b, "|node %d", node)
	}
	for _, set := range q.sets {
		if len(set.s.Claims) == 0 || u.claim.use == nil {
			continue
		}
		// A key that cannot be had is that of a node on which nothing fits.
		key, _ := u.claim.use.StateKey(u.f.demands(node, set.s))
		b = fmt.Appendf(b, "|%q", key)
	}
	return b
}

// settleClaims chooses the devices of all claims of a gang at once, where its
// pods have their nodes. It returns false when there is no way or none was found
// in time, which only entangled gangs and searches cut short can come to.
func (u *Usage) settleClaims(ctx context.Context, q *query, c *choice) (bool, error) {
	var demands []claim.Demand
	for _, p := range c.pods {
		demands = append(demands, u.f.demands(p.node, q.sets[p.set].s)...)
	}
	if len(demands) == 0 {
		return true, nil
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	a, err := u.claim.use.Solve(demands, claim.Options{Budget: claim.DefaultBudget + len(demands)*1000})
	if err != nil || a.Outcome != claim.Fits {
		return false, err
	}
	at := 0
	for i := range c.pods {
		n := len(q.sets[c.pods[i].set].s.Claims)
		c.pods[i].claims = a.Allocations[at : at+n]
		at += n
	}
	if a.Preference > 0 {
		c.notes = append(c.notes, fmt.Sprintf("resource claims take later alternatives, %d places down in all", a.Preference))
	}
	if !a.Optimal {
		c.exact = false
		c.notes = append(c.notes, "the search for the first alternatives of resource claims ended early: better ones may exist")
	}
	return true, nil
}

// lacksClaims says why the claims of a pod cannot be met on a node.
func (u *Usage) lacksClaims(s *shape, node int) lack {
	var names []string
	for _, c := range s.Claims {
		names = append(names, c.Name)
	}
	l := lack{constraint: constraintClaims, wanted: "devices for " + strings.Join(names, ", ")}
	if u.claim.use == nil {
		l.found = "no node lists devices for claims"
		return l
	}
	a, err := u.claim.use.Solve(append(u.besides(node), u.f.demands(node, s)...), claim.Options{AnyWay: true})
	switch {
	case err != nil:
		l.found = err.Error()
	case a.Outcome == claim.Fits:
		l.found = "they could be met for one pod more"
	default:
		l.found = a.Reason
	}
	return l
}
