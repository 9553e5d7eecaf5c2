// SPDX-License-Identifier: Apache-2.0

package finding

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAreas(t *testing.T) {
	r := NewReport("v1", "fleet/x", []Finding{
		{ID: "TAR-B-001", Area: "Links", State: Fail, Summary: "a link", Subjects: []string{"node/n1/pci/0000:01:00.0", "node/n1"}},
		{ID: "TAR-B-002", Area: "Links", State: Pass, Summary: "others"},
		{ID: "TAR-B-003", Area: "Links", State: Fail, Summary: "another link", Subjects: []string{"node/n2", "node/n1"}},
		{ID: "TAR-A-001", Area: "Devices", State: Pass, Summary: "all there"},
		{ID: "TAR-A-002", Area: "Devices", State: Pass, Summary: "all alike"},
		{ID: "TAR-Z-001", Area: "Added later", State: Unknown, Summary: "not read", Subjects: []string{"image/i"}},
	})
	type row struct{ Name, Worst, Summary, Next string }
	var got []row
	for _, a := range r.Areas([]string{"Devices", "Links"}) {
		got = append(got, row{a.Name, a.Worst.String(), a.Summary(), a.Findings[0].Next()})
	}
	want := []row{
		{"Devices", "PASS", "all there; all alike", "tarsia explain TAR-A-001"},
		{"Links", "FAIL", "a link (+1 more)", "tarsia why node/n1"},
		{"Added later", "UNKNOWN", "not read", "tarsia explain TAR-Z-001"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("areas (-want +got):\n%s", diff)
	}
	if got, want := r.Tally(), "2 failed, 1 unknown, 3 passed"; got != want {
		t.Errorf("tally: found %q, want %q", got, want)
	}
	if got, want := (Report{}).Tally(), "nothing checked"; got != want {
		t.Errorf("tally of nothing: found %q, want %q", got, want)
	}
}

func TestCountedEvidence(t *testing.T) {
	e := Evidence{Node: "n1", Source: "nvml", Found: "A", Wanted: "B"}
	f := Finding{Evidence: []Evidence{e, {Node: "n2", Source: "nvml", Found: "C"}, e}}
	var got []string
	for _, c := range f.CountedEvidence() {
		got = append(got, c.Node+" "+c.String())
	}
	if diff := cmp.Diff([]string{"n1 found A, wanted B (2 times)", "n2 found C"}, got); diff != "" {
		t.Errorf("evidence (-want +got):\n%s", diff)
	}
}
