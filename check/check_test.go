// SPDX-License-Identifier: Apache-2.0

package check_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/check"
	"tarsia.dev/tarsia/finding"
	"tarsia.dev/tarsia/topology"
)

func wrong(findings []finding.Finding) []finding.Finding {
	return slices.DeleteFunc(slices.Clone(findings), func(f finding.Finding) bool { return f.State == finding.Pass })
}

func TestHealthyFleetPasses(t *testing.T) {
	got := check.Run(healthy().build(), nil, nil)
	for _, f := range wrong(got) {
		t.Errorf("%s %s %s", f.State, f.ID, f.Summary)
	}
	passed := map[string]bool{}
	for _, f := range got {
		if passed[f.ID] {
			t.Errorf("%s passed twice", f.ID)
		}
		passed[f.ID] = true
		t.Logf("%s %-12s %s", f.State, f.ID, f.Summary)
	}
	for _, c := range check.All() {
		// Those say themselves why they never pass.
		if passed[c.ID] == strings.Contains(c.Explain, "PASS: is never said") {
			t.Errorf("%s gave a PASS: %v", c.ID, passed[c.ID])
		}
	}
}

func TestOneFaultOneFinding(t *testing.T) {
	tested := map[string]bool{}
	for _, c := range faults {
		tested[c.id] = true
		t.Run(c.name, func(t *testing.T) {
			f := healthy()
			c.plant(f)
			got := wrong(check.Run(f.build(), nil, nil))
			if len(got) != 1 {
				t.Fatalf("%d findings, want one: %v", len(got), summaries(got))
			}
			g := got[0]
			t.Log(g.Summary)
			if g.ID != c.id || g.State != c.state || len(g.Subjects) == 0 || g.Subjects[0] != c.subject {
				t.Errorf("got %s %s %v, want %s %s about %s", g.ID, g.State, g.Subjects, c.id, c.state, c.subject)
			}
			if !strings.Contains(g.Summary, c.summary) {
				t.Errorf("summary %q, want %q in it", g.Summary, c.summary)
			}
			lint(t, g)
		})
	}
	for _, c := range check.All() {
		if !tested[c.ID] {
			t.Errorf("%s has no planted fault", c.ID)
		}
	}
}

// lint is what every finding other than PASS must have.
func lint(t *testing.T, f finding.Finding) {
	t.Helper()
	if len(f.Evidence) == 0 || len(f.Evidence) > 16 || f.Cost == "" || f.Fix == "" || f.Area == "" || strings.Contains(f.Summary, "\n") {
		t.Errorf("%s: evidence, cost, fix, area or one-line summary is missing: %+v", f.ID, f)
	}
	for _, e := range f.Evidence {
		if e.Source == "" || e.Found == "" {
			t.Errorf("%s: evidence without source or without what was found: %+v", f.ID, e)
		}
	}
	if slices.Contains(f.Subjects, "") || len(slices.Compact(slices.Sorted(slices.Values(f.Subjects)))) != len(f.Subjects) {
		t.Errorf("%s: empty or repeated subject: %q", f.ID, f.Subjects)
	}
}

func summaries(f []finding.Finding) []string {
	var out []string
	for _, x := range f {
		out = append(out, x.State.String()+" "+x.ID+" "+x.Summary)
	}
	return out
}

func TestAllFaultsAtOnce(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	f := healthy()
	for _, i := range r.Perm(len(faults)) {
		// Faults share nodes, so indices that one removes may be gone for the next.
		func() {
			defer func() { _ = recover() }()
			faults[i].plant(f)
		}()
	}
	want := check.Run(f.build(), nil, nil)
	for _, g := range wrong(want) {
		lint(t, g)
	}
	r.Shuffle(len(f.nodes), func(i, j int) { f.nodes[i], f.nodes[j] = f.nodes[j], f.nodes[i] })
	if diff := cmp.Diff(want, check.Run(f.build(), nil, nil)); diff != "" {
		t.Errorf("the order of nodes matters (-want +got):\n%s", diff)
	}
}

func TestNothingToSay(t *testing.T) {
	empty := topology.NewFleet("none", nil, topology.Site{})
	if got := check.Run(empty, nil, nil); len(got) != 0 {
		t.Errorf("an empty fleet: %v", summaries(got))
	}
	bare := topology.NewFleet("bare", []*topology.Node{{Name: "n", Architecture: "riscv64", Boot: topology.Boot{EFI: new(false)}}}, topology.Site{})
	if got := check.Run(bare, nil, nil); len(got) != 0 {
		t.Errorf("a board that tells nothing but its name: %v", summaries(got))
	}
}

func TestOneNode(t *testing.T) {
	for _, n := range healthy().nodes {
		f := topology.NewFleet(n.Name, []*topology.Node{n}, topology.Site{})
		for _, g := range check.Run(f, nil, nil) {
			if g.State != finding.Pass {
				t.Errorf("%s: %s", n.Name, g.Summary)
			}
			if slices.Contains([]string{"TAR-FW-001", "TAR-DRV-001", "TAR-KRN-001", "TAR-GPU-002", "TAR-LINK-004"}, g.ID) {
				t.Errorf("%s: %s compared one node with nothing: %s", n.Name, g.ID, g.Summary)
			}
			if g.Subjects[0] != "node/"+n.Name {
				t.Errorf("%s: subject %q", g.ID, g.Subjects)
			}
		}
	}
	mixed := mi300("mi-01")
	mixed.Firmware[2].Version = "97.00"
	got := wrong(check.Run(topology.NewFleet("mi-01", []*topology.Node{mixed}, topology.Site{}), nil, nil))
	if len(got) != 1 || got[0].ID != "TAR-FW-001" || !strings.Contains(got[0].Summary, "devices of mi-01 differ") {
		t.Errorf("devices of one node that differ: %v", summaries(got))
	}
}

func TestEveryCheckIsWhole(t *testing.T) {
	seen := map[string]bool{}
	form := regexp.MustCompile(`^TAR-[A-Z]+-\d{3}$`)
	for _, c := range check.All() {
		if !form.MatchString(c.ID) || seen[c.ID] {
			t.Errorf("id %q is repeated or malformed", c.ID)
		}
		seen[c.ID] = true
		if !slices.Contains(check.Areas(), c.Area) || c.Title == "" || c.Cost == "" || c.Fix == "" {
			t.Errorf("%s: area, title, cost or fix is missing", c.ID)
		}
		for _, word := range []string{"\nPASS: ", "Cost of ignoring it: ", "Fix: "} {
			if !strings.Contains(c.Explain, word) {
				t.Errorf("%s: the explanation lacks %q", c.ID, word)
			}
		}
		for line := range strings.Lines(c.Explain) {
			if !strings.HasPrefix(line, "Cost") && !strings.HasPrefix(line, "Fix") && len(line) > 81 {
				t.Errorf("%s: a line of the explanation is longer than 80: %q", c.ID, line)
			}
		}
	}
}

func TestLookupNearSelect(t *testing.T) {
	if c, ok := check.Lookup("tar-gpu-001"); !ok || c.ID != "TAR-GPU-001" {
		t.Error("lookup is not case-insensitive")
	}
	if _, ok := check.Lookup("TAR-GPU-999"); ok {
		t.Error("found a check that is not there")
	}
	if got := check.Near("tar-gpu-01"); len(got) == 0 || got[0] != "TAR-GPU-001" {
		t.Errorf("near tar-gpu-01: %v", got)
	}
	if got := check.Near("nothing like it"); got != nil {
		t.Errorf("near nothing: %v", got)
	}
	ids := func(only, skip []string) []string {
		checks, err := check.Select(only, skip)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, c := range checks {
			out = append(out, c.ID)
		}
		return out
	}
	if got := ids([]string{"tar-gpu", "images"}, []string{"TAR-GPU-004", "TAR-IMG-002"}); !slices.Equal(got, []string{"TAR-GPU-001", "TAR-GPU-002", "TAR-GPU-003", "TAR-IMG-001"}) {
		t.Errorf("only and skip: %v", got)
	}
	if got := len(ids(nil, nil)); got != len(check.All()) {
		t.Errorf("%d checks of %d", got, len(check.All()))
	}
	_, err := check.Select(nil, []string{"TAR-GPU-01"})
	if err == nil || !strings.Contains(err.Error(), "did you mean TAR-GPU-001") {
		t.Errorf("a mistyped id: %v", err)
	}
	got := check.Run(healthy().build(), []string{"Images"}, nil)
	if len(got) != 2 || got[0].Area != check.AreaImages {
		t.Errorf("only one area: %v", summaries(got))
	}
}

func BenchmarkRun5000(b *testing.B) {
	var nodes []*topology.Node
	for i := range 5000 {
		nodes = append(nodes, hgx(fmt.Sprintf("n%04d", i), "amd64", "HGX", 8, ""))
	}
	f := topology.NewFleet("big", nodes, topology.Site{})
	b.ReportAllocs()
	for b.Loop() {
		if got := wrong(check.Run(f, nil, nil)); len(got) != 0 {
			b.Fatal(summaries(got))
		}
	}
}
