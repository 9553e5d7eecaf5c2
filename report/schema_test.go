// SPDX-License-Identifier: Apache-2.0

package report_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/check"
	"tarsia.dev/tarsia/finding"
	"tarsia.dev/tarsia/placement"
	"tarsia.dev/tarsia/report"
	"tarsia.dev/tarsia/report/schematest"
	"tarsia.dev/tarsia/topology"
)

var update = flag.Bool("update", false, "rewrite the files of docs/schema and testdata")

// golden compares a file with what is made now, or rewrites it.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s is not current; go test ./report -update rewrites it (-want +got):\n%s", file, diff)
	}
}

func TestSchemaFilesAreCurrent(t *testing.T) {
	for _, kind := range report.SchemaKinds() {
		got, err := report.Schema(kind)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, filepath.Join("..", "docs", "schema", kind+".json"), got)
	}
	if _, err := report.Schema("nod"); err == nil || !strings.Contains(err.Error(), "decisions, fits, fleet, node, policy, report, simulation") {
		t.Errorf("an unknown kind: %v", err)
	}
}

func documentsOf(t *testing.T) map[string]any {
	t.Helper()
	fleet := testFleet()
	return map[string]any{
		"node":   fleet.Nodes[0],
		"fleet":  fleet,
		"report": finding.NewReport(topology.APIVersion, "fleet/test", check.Run(fleet, nil, nil)),
		"decisions": report.NewDecisions([]placement.Decision{{Gang: "default/job", Outcome: placement.Refused, Certificate: &placement.Certificate{Level: "nvlink",
			Domains: []placement.DomainBound{{Domain: "node/n1", Wanted: 8, AtMost: 4}}, Relax: &placement.Relaxation{Change: "pods 8 -> 4"}},
			Assignments: []placement.Assignment{{Node: "n1", Zone: new(1), Devices: []string{"pci/0000:10:00.0"}}, {Node: "n2"}}}}, nil),
		"fits": report.NewFits([]placement.GangFit{{Gang: "job/g", Sets: []placement.SetFit{{PodSet: "w", Pods: 2, Nodes: []placement.NodeFit{{Node: "n1", Obstacles: []placement.Refusal{{Level: "node"}}, Why: []string{"cordoned"}}},
			Needs: []placement.Need{{Toleration: &placement.Toleration{Key: "k", Operator: "Exists"}, Nodes: []string{"n2"}}}}}}}, nil),
	}
}

func TestDocumentsFollowTheirSchema(t *testing.T) {
	for kind, v := range documentsOf(t) {
		schema, err := report.Schema(kind)
		if err != nil {
			t.Fatal(err)
		}
		document, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if err := schematest.Validate(schema, document); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestSchemaRefusesWrongDocuments(t *testing.T) {
	node, err := json.Marshal(testFleet().Nodes[0])
	if err != nil {
		t.Fatal(err)
	}
	schema, err := report.Schema("node")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, old, new, want string }{
		{"other kind", `"kind":"Node"`, `"kind":"Fleet"`, "$.kind: found Fleet, want Node"},
		{"word", `"state":"ok"`, `"state":"fine"`, `$.accelerators[0].state: found "fine"`},
		{"type", `"numaNode":0`, `"numaNode":"0"`, "numaNode"},
		{"fraction", `"numaNode":0`, `"numaNode":0.5`, "numaNode"},
		{"address", `"address":"0000:10:00.0"`, `"address":"10:00.0"`, "$.pci[0].address"},
		{"set", `"onlineCPUs":"0-7"`, `"onlineCPUs":"0..7"`, "$.onlineCPUs"},
		{"missing", `"architecture":"amd64",`, ``, `want property "architecture"`},
		{"more", `"name":"n1",`, `"name":"n1","serial":"x",`, `property "serial"`},
		{"key", `"0":10`, `"zero":10`, "$.numaNodes[0].distances.zero"},
		{"null", `"name":"n1"`, `"name":null`, "$.name"},
	} {
		t.Run(c.name, func(t *testing.T) {
			broken := strings.Replace(string(node), c.old, c.new, 1)
			if broken == string(node) {
				t.Fatalf("%s is not in the document:\n%s", c.old, node)
			}
			if err := schematest.Validate(schema, []byte(broken)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q in it", err, c.want)
			}
		})
	}
	if err := schematest.Validate([]byte(`{"minLength":3}`), []byte(`"x"`)); err == nil {
		t.Error("a keyword that nobody checks was let pass")
	}
}
