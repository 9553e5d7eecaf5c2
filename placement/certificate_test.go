// SPDX-License-Identifier: Apache-2.0

package placement_test

import (
	"slices"
	"strings"
	"testing"

	"tarsia.dev/tarsia/placement"
)

// checkCertificate verifies a proof of infeasibility from the plain nodes and
// what runs on them, with none of the engine's code: the domains are all there
// are of the required levels, each bound is what counting gives, and each is
// below the demand. Nodes outside of every domain cannot help: the rule forbids
// them.
func checkCertificate(t testing.TB, w world, d placement.Decision) {
	t.Helper()
	tr, cert := newTruth(w), d.Certificate
	var levels []string
	if cert.Level != "fleet" {
		levels = strings.Split(cert.Level, "+")
	}
	for _, l := range levels {
		if !slices.ContainsFunc(w.gang.Rules, func(r placement.LevelRule) bool { return r.Level == l && r.Mode == placement.Required }) {
			t.Fatalf("the certificate speaks of level %q, which no rule requires\n%s", l, describe(w))
		}
	}
	cells := map[string][]*placement.Node{}
	for i := range tr.nodes {
		var key []string
		for _, l := range levels {
			key = append(key, domain(&tr.nodes[i], l))
		}
		if !slices.Contains(key, "") {
			name := strings.Join(key, "+")
			if len(levels) == 0 {
				name = "fleet"
			}
			cells[name] = append(cells[name], &tr.nodes[i])
		}
	}
	if len(cells) != len(cert.Domains) {
		t.Fatalf("the certificate lists %d domains of %d\n%s", len(cert.Domains), len(cells), describe(w))
	}
	seen := map[string]bool{}
	for _, b := range cert.Domains {
		nodes, ok := cells[b.Domain]
		if !ok || seen[b.Domain] {
			t.Fatalf("domain %q is listed twice or does not exist\n%s", b.Domain, describe(w))
		}
		seen[b.Domain] = true
		wanted, atMost := tr.bound(w, b, nodes)
		if wanted != b.Wanted || atMost != b.AtMost || atMost >= wanted {
			t.Fatalf("bound %+v, counting gives wanted %d, at most %d\n%s", b, wanted, atMost, describe(w))
		}
	}
}

// bound recomputes one bound.
func (t *truth) bound(w world, b placement.DomainBound, nodes []*placement.Node) (wanted, atMost int64) {
	if b.Resource == "" {
		set := w.gang.PodSets[slices.IndexFunc(w.gang.PodSets, func(s placement.PodSet) bool { return s.Name == b.PodSet })]
		for _, n := range nodes {
			atMost += t.fits(n, set.Shape)
		}
		return int64(set.Count), atMost
	}
	uses := func(s placement.PodSet) int64 {
		if b.Resource == placement.Pods {
			return 1
		}
		return s.Shape.Requests[b.Resource]
	}
	for _, s := range w.gang.PodSets {
		wanted += int64(s.Count) * uses(s)
	}
	for _, n := range nodes {
		if slices.ContainsFunc(w.gang.PodSets, func(s placement.PodSet) bool { return uses(s) > 0 && t.fits(n, s.Shape) > 0 }) {
			atMost += t.free(n, b.Resource)
		}
	}
	return wanted, atMost
}
