// SPDX-License-Identifier: Apache-2.0

package text

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/check"
	"tarsia.dev/tarsia/finding"
	"tarsia.dev/tarsia/placement"
	"tarsia.dev/tarsia/topology"
	"tarsia.dev/tarsia/topology/topologytest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares what write writes with testdata/name.golden.
func golden(t *testing.T, name string, write func(io.Writer) error) {
	t.Helper()
	var got strings.Builder
	if err := write(&got); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// faulty is an HGX box with a lost GPU, a narrow link and a link down.
func faulty() *topology.Node {
	n := topologytest.HGX("hgx-02")
	n.Accelerators[3].State, n.Accelerators[3].StateReason = topology.DeviceLost, "GPU_IS_LOST"
	for i := range n.Links {
		l := &n.Links[i]
		switch {
		case l.Kind == topology.LinkPCIe && l.B == n.Accelerators[1].ID:
			l.Lanes, l.State, l.BytesPerSecond = new(8), topology.LinkDegraded, new(*l.BytesPerSecond/2)
		case l.Kind == topology.LinkNVLink && l.B == n.Accelerators[5].ID:
			l.Lanes, l.State, l.DownLanes, l.BytesPerSecond = new(17), topology.LinkDegraded, []int{7}, new(*l.BytesPerSecond/18*17)
		}
	}
	return n
}

func fleet() *topology.Fleet {
	return topology.NewFleet("test", []*topology.Node{
		topologytest.HGX("hgx-01"), faulty(), topologytest.Tray("tray-01"), topologytest.Tray("tray-02"),
		topologytest.Board("rv-01"), topologytest.VM("vm-01"), topologytest.Hive("hive-01"),
	}, topology.Site{
		Places: map[string][]topology.Place{
			"hgx-01":  {{Tree: "rack", Path: []string{"hall-1", "r1"}}},
			"hgx-02":  {{Tree: "rack", Path: []string{"hall-1", "r2"}}},
			"tray-01": {{Tree: "rack", Path: []string{"hall-2"}}},
		},
		Images: []topology.Image{{Reference: "registry.example/infer:1", Platforms: []string{"linux/amd64"}, UsedBy: []string{"deployment/infer"}}},
	})
}

func report(f *topology.Fleet) finding.Report {
	return finding.NewReport(topology.APIVersion, "fleet/"+f.Name, check.Run(f, nil, nil))
}

func decisions() []placement.Decision {
	return []placement.Decision{
		{
			Gang: "job/train", Outcome: placement.Placed, Optimal: true,
			Objective: []placement.Score{{Name: "nvlink domains", Value: 1}, {Name: "nodes", Value: 2}},
			Assignments: []placement.Assignment{
				{PodSet: "workers", Pod: 0, Node: "tray-01", Zone: new(0), Devices: []string{"pci/0008:01:00.0", "pci/0009:01:00.0"}},
				{PodSet: "workers", Pod: 1, Node: "tray-02", Devices: []string{"pci/0008:01:00.0", "pci/0009:01:00.0"}},
			},
			Reasons:  []string{"one NVLink domain holds both pods"},
			Refusals: []placement.Refusal{{Level: "node", Domain: "hgx-01", Constraint: "architecture", Wanted: "arm64", Found: "amd64"}},
		},
		{
			Gang: "job/too-big", Outcome: placement.Refused,
			Reasons: []string{"counting shows that it does not fit"},
			Certificate: &placement.Certificate{
				Level: "nvlink", Domains: []placement.DomainBound{
					{Domain: "node/hgx-01", PodSet: "workers", Resource: "nvidia.com/gpu", Wanted: 16, AtMost: 1, Constraint: "nvidia.com/gpu"},
					{Domain: "node/hgx-02", PodSet: "workers", Resource: "nvidia.com/gpu", Wanted: 16, Constraint: "nvidia.com/gpu"},
				},
				Relax: &placement.Relaxation{Change: "pods 16 -> 1", Proof: "1 pod fits on hgx-01"},
			},
		},
		{Gang: "job/hard", Outcome: placement.Undecided},
	}
}

func TestNode(t *testing.T) {
	for name, n := range map[string]*topology.Node{
		"node-hgx": topologytest.HGX("hgx-01"), "node-faulty": faulty(), "node-tray": topologytest.Tray("tray-01"),
		"node-board": topologytest.Board("rv-01"), "node-vm": topologytest.VM("vm-01"), "node-hive": topologytest.Hive("hive-01"),
	} {
		t.Run(name, func(t *testing.T) {
			golden(t, name, func(w io.Writer) error { return Node(w, n, Options{}) })
		})
	}
}

func TestNodeOptions(t *testing.T) {
	golden(t, "node-vm-all", func(w io.Writer) error { return Node(w, topologytest.VM("vm-01"), Options{All: true}) })
	golden(t, "node-hgx-narrow-ascii", func(w io.Writer) error { return Node(w, topologytest.HGX("hgx-01"), Options{Width: 60, ASCII: true}) })
}

func TestFleetViews(t *testing.T) {
	f := fleet()
	r := report(f)
	golden(t, "status", func(w io.Writer) error { return Status(w, f, r, 8, Options{}) })
	golden(t, "findings", func(w io.Writer) error { return Findings(w, r, Options{}) })
	golden(t, "fleet", func(w io.Writer) error { return Fleet(w, f, Options{}) })
	golden(t, "decisions", func(w io.Writer) error {
		return Decisions(w, decisions(), []string{"jobs.yaml:12: ConfigMap cm ignored"}, Options{All: true})
	})
	golden(t, "differences", func(w io.Writer) error {
		return Differences(w, "hgx-01", "hgx-02", topology.Diff(f.Nodes[0], f.Nodes[1]), Options{})
	})
	golden(t, "explain", func(w io.Writer) error {
		return Explain(w, check.Check{ID: "TAR-X-001", Area: "Devices", Title: "Something holds",
			Explain: "Looks at\nthis and that.\n\nPASS: it holds.\nFAIL: it does not, and the line\ngoes on.\n"}, Options{})
	})
}

// The first screen has to stay one screen.
func TestStatusIsOneScreen(t *testing.T) {
	var b strings.Builder
	f := fleet()
	if err := Status(&b, f, report(f), 8, Options{Width: 100}); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(b.String(), "\n"); lines > 22 {
		t.Errorf("found %d lines, want at most 22", lines)
	}
	for line := range strings.Lines(b.String()) {
		if n := columns(strings.TrimSuffix(line, "\n")); n > 100 {
			t.Errorf("found a line of %d columns, want at most 100: %s", n, line)
		}
	}
}

func TestEmpty(t *testing.T) {
	var b strings.Builder
	empty := topology.NewFleet("nothing", nil, topology.Site{})
	for _, err := range []error{
		Status(&b, empty, finding.Report{}, 0, Options{}), Findings(&b, finding.Report{Subject: "fleet/nothing"}, Options{}),
		Fleet(&b, empty, Options{}), Decisions(&b, nil, nil, Options{}), Differences(&b, "a", "b", nil, Options{}),
		Node(&b, &topology.Node{Name: "n"}, Options{}),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	for _, want := range []string{"No check had anything to look at.", "No findings on fleet/nothing.", "No job to place.", "a and b do not differ"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("found %q, want %q in it", b.String(), want)
		}
	}
}

func TestColourIsExtraAndOptional(t *testing.T) {
	f := fleet()
	var plain, coloured strings.Builder
	if err := errors.Join(Findings(&plain, report(f), Options{}), Findings(&coloured, report(f), Options{Color: true})); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(plain.String(), "\x1b") || !strings.Contains(coloured.String(), "\x1b[1;31mFAIL\x1b[0m") {
		t.Error("colour: want none unless asked for, and FAIL in red when asked")
	}
	stripped := coloured.String()
	for _, code := range []string{"\x1b[32m", "\x1b[33m", "\x1b[1;31m", "\x1b[35m", "\x1b[0m"} {
		stripped = strings.ReplaceAll(stripped, code, "")
	}
	if diff := cmp.Diff(plain.String(), stripped); diff != "" {
		t.Errorf("text without its colours (-plain +stripped):\n%s", diff)
	}
}

func TestHostileNamesCannotMoveTheCursor(t *testing.T) {
	const hostile = "evil\x1b[2J\u202e\r\nname\x07"
	n := topologytest.HGX(hostile)
	n.System.Product, n.Accelerators[0].Model, n.NICs[0].Name = hostile, hostile, hostile
	n.Absences = append(n.Absences, topology.Absence{Object: topology.NodeRef, Fact: hostile, Kind: topology.Missing, Source: hostile, Detail: hostile})
	f := topology.NewFleet(hostile, []*topology.Node{n}, topology.Site{})
	r := finding.NewReport("v1", hostile, []finding.Finding{{ID: "TAR-X-001", Area: hostile, Summary: hostile, Subjects: []string{"node/" + hostile},
		Evidence: []finding.Evidence{{Node: hostile, Source: hostile, Found: hostile, Wanted: hostile}}, Cost: hostile, Fix: hostile}})
	d := placement.Decision{Gang: hostile, Outcome: placement.Placed, Reasons: []string{hostile},
		Assignments: []placement.Assignment{{PodSet: hostile, Node: hostile, Devices: []string{hostile}}},
		Refusals:    []placement.Refusal{{Level: hostile, Domain: hostile, Constraint: hostile}}}
	var b strings.Builder
	err := errors.Join(Node(&b, n, Options{}), Status(&b, f, r, 3, Options{Color: false}), Findings(&b, r, Options{}), Fleet(&b, f, Options{}),
		Decisions(&b, []placement.Decision{d}, []string{hostile}, Options{All: true}),
		Differences(&b, hostile, hostile, []topology.Difference{{Object: topology.Ref(hostile), Fact: hostile, A: hostile, B: hostile}}, Options{}))
	if err != nil {
		t.Fatal(err)
	}
	if i := strings.IndexFunc(b.String(), func(r rune) bool { return r != '\n' && hidden(r) }); i >= 0 {
		t.Errorf("found a hidden character at %q", b.String()[max(i-40, 0):min(i+40, b.Len())])
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestWriteErrorsAreTold(t *testing.T) {
	f := fleet()
	for _, err := range []error{
		Node(broken{}, f.Nodes[0], Options{}), Status(broken{}, f, report(f), 0, Options{}), Findings(broken{}, report(f), Options{}),
		Fleet(broken{}, f, Options{}), Decisions(broken{}, nil, nil, Options{}), Decision(broken{}, placement.Decision{}, Options{}),
		Differences(broken{}, "a", "b", nil, Options{}), Explain(broken{}, check.Check{}, Options{}),
	} {
		if !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("found %v, want io.ErrShortWrite", err)
		}
	}
}

func TestFits(t *testing.T) {
	gangs := []placement.GangFit{{Gang: "job/train", Sets: []placement.SetFit{{PodSet: "workers", Pods: 4, Room: 3, Nodes: []placement.NodeFit{
		{Node: "n-01", Fits: true, Now: 1, Empty: 2}, {Node: "n-02", Fits: true, Now: 1, Empty: 2}, {Node: "n-03", Empty: 12, Why: []string{"cordoned", "architecture unknown"}},
		{Node: "n-04", Fits: true, Now: 1, Empty: 2},
	}, Needs: []placement.Need{
		{Toleration: &placement.Toleration{Key: "spot", Operator: "Exists"}, Nodes: []string{"n-05"}, Text: "a toleration would open 1 node more"},
		{Term: &placement.Term{Key: "kind", Operator: "In", Values: []string{"a", "b"}}, Nodes: []string{"n-06"}, Text: "a node affinity keeps it off 1 node"},
		{Term: &placement.Term{Key: "kind", Operator: "In", Values: []string{"a"}}, Nodes: []string{"n-06"}, Text: "a node affinity keeps it off 1 node"},
	}}}}}
	var out bytes.Buffer
	if err := Fits(&out, gangs, []string{"one note"}, Options{Width: 80}); err != nil {
		t.Fatal(err)
	}
	want := `job/train workers: 3 of 4 nodes take its pods: room for 3, 4 wanted
  fits  node          now  empty  why not
  yes   n-[01-02,04]    1      2
  no    n-03            0     12  cordoned; architecture unknown
  what the pod could say
    - a toleration would open 1 node more: n-05
        tolerations: [{key: "spot", operator: Exists}]
    - a node affinity keeps it off 1 node: n-06
        affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [
          {matchExpressions: [{key: "kind", operator: In, values: ["a", "b"]}]}]}}}
    - a node affinity keeps it off 1 node: n-06
        nodeSelector: {"kind": "a"}
note  one note
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
