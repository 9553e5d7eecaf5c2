// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"fmt"
	"slices"

	"tarsia.dev/tarsia/claim"
)

// claimUse is what pods hold by resource claims. While a gang is looked for, its
// pods wait: they have a node, but no devices yet. What waits together is
// decided together, so that no pod takes what a later one would have needed.
type claimUse struct {
	use     *claim.Use // nil where the fleet lists no pools
	waiting map[int][]*shape
	fits    map[string]claimFit
	vague   map[string]bool // by key of a shape: a search ended before it knew
}

// claimFit is how many pods of a shape fit in one state of a node's devices.
type claimFit struct {
	pods  int64
	exact bool
}

func newClaimUse(f *Fleet) claimUse {
	c := claimUse{waiting: map[int][]*shape{}, fits: map[string]claimFit{}, vague: map[string]bool{}}
	if f.claims != nil {
		c.use = claim.NewUse(f.claims)
	}
	return c
}

func (c *claimUse) clone() claimUse {
	out := claimUse{waiting: map[int][]*shape{}, fits: map[string]claimFit{}, vague: map[string]bool{}}
	if c.use != nil {
		out.use = c.use.Clone()
	}
	return out
}

// holdClaims books devices of claims, or that a pod waits for them (1), or takes
// that back (-1).
func (u *Usage) holdClaims(b *booking, sign int) {
	switch {
	case b.waits != nil && sign > 0:
		u.claim.waiting[b.node] = append(u.claim.waiting[b.node], b.waits)
	case b.waits != nil:
		here := u.claim.waiting[b.node]
		at := slices.Index(here, b.waits)
		if here = slices.Delete(here, at, at+1); len(here) == 0 {
			delete(u.claim.waiting, b.node)
		} else {
			u.claim.waiting[b.node] = here
		}
	case len(b.claims) == 0:
		return
	case sign > 0:
		// book has checked that the devices exist and are free of others.
		if err := u.claim.use.Hold(b.claims); err != nil {
			panic(fmt.Sprintf("booked claims cannot be held: %v", err))
		}
	default:
		if err := u.claim.use.Release(b.claims); err != nil {
			panic(fmt.Sprintf("held claims cannot be released: %v", err))
		}
	}
	if u.reachesOthers(b.node) {
		u.log = append(u.log, u.f.networked...)
	}
}

// bookClaims resolves the claims of a running pod.
func (u *Usage) bookClaims(b *booking, claims []claim.Allocation) error {
	for _, a := range claims {
		b.claims = append(b.claims, a.Results...)
	}
	if len(b.claims) == 0 {
		return nil
	}
	if u.claim.use == nil {
		return fmt.Errorf("it holds device %q by a claim, and no node lists a pool", b.claims[0].Device)
	}
	if err := u.claim.use.Hold(b.claims); err != nil {
		return err
	}
	return u.claim.use.Release(b.claims)
}

// admitClaims checks the claims of an assignment against what is free now.
func (u *Usage) admitClaims(s *shape, a Assignment) error {
	if len(a.Claims) != len(s.Claims) {
		return fmt.Errorf("node %q: the decision has devices for %d of %d resource claims", a.Node, len(a.Claims), len(s.Claims))
	}
	if len(a.Claims) == 0 {
		return nil
	}
	trial := u.claim.use.Clone()
	for i, c := range s.Claims {
		if err := trial.Verify(claim.Demand{Node: a.Node, Claim: c}, a.Claims[i]); err != nil {
			return fmt.Errorf("node %q: %w", a.Node, err)
		}
		if err := trial.Hold(a.Claims[i].Results); err != nil {
			return fmt.Errorf("node %q: %w", a.Node, err)
		}
	}
	return nil
}
