// SPDX-License-Identifier: Apache-2.0

package expect_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/expect"
	"tarsia.dev/tarsia/finding"
	"tarsia.dev/tarsia/pci"
	"tarsia.dev/tarsia/topology"
)

const head = "apiVersion: tarsia.dev/v1alpha1\nkind: FleetExpectation\nname: t\n"

// machine is a small whole machine with two GPUs.
func machine(name string) *topology.Node {
	n := &topology.Node{Name: name, Architecture: "amd64", System: topology.System{Vendor: "Acme", Product: "Box"},
		Kernel:   topology.Kernel{Release: "6.8.0-45", Parameters: map[string]string{"iommu": "pt"}},
		ISA:      topology.ISA{Level: "x86-64-v4", Extensions: []string{"avx512f"}},
		Boot:     topology.Boot{SecureBoot: new(true)},
		Summary:  topology.Summary{Packages: 2, Cores: 64, Threads: 128, NUMANodes: 2, PCIFunctions: 4, MemoryBytes: new(int64(2048 << 30))},
		Firmware: []topology.Firmware{{Component: "bios", Version: "1.2"}},
		NICs:     []topology.NIC{{Name: "eth0", Device: "pci/0000:40:00.0", LinkUp: new(true), SpeedMbps: new(int64(400000))}},
	}
	for i := range 2 {
		id := topology.PCIRef(pci.Address{Bus: uint8(0x10 + i)})
		n.Accelerators = append(n.Accelerators, topology.Accelerator{ID: id, Index: i, Vendor: "nvidia", Model: "X100", Driver: "nvidia",
			DriverVersion: "570.86.15", State: topology.DeviceOK, MemoryBytes: new(int64(80 << 30)), UUID: name + fmt.Sprint(i)})
		n.Firmware = append(n.Firmware, topology.Firmware{Device: id, Component: "vbios", Version: "96.00.1C"})
		n.Links = append(n.Links, topology.Link{Kind: topology.LinkNVLink, A: "nvswitch/local", B: id, Lanes: new(18), MaxLanes: new(18), State: topology.LinkUp})
	}
	return n
}

// verify parses, compares and returns one line per result that is no PASS.
func verify(t *testing.T, text string, golden map[expect.Golden]*topology.Node, nodes ...*topology.Node) ([]string, *expect.Verification) {
	t.Helper()
	e, err := expect.Parse("fleet.yaml", []byte(head+text))
	if err != nil {
		t.Fatal(err)
	}
	v, err := expect.New(e, golden)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range nodes {
		if err := v.Add(n, &expect.About{Labels: map[string]string{"pool": "train"}, Domains: map[string]string{"rack": "hall-1/r1"}}); err != nil {
			t.Fatal(err)
		}
	}
	got := v.Result()
	lines := []string{}
	for _, g := range got.Groups {
		for _, r := range g.Results {
			if r.State != finding.Pass {
				line := fmt.Sprintf("%s %s %s: %s", r.State, g.Name, r.Fact, r.Summary())
				for _, b := range r.Batches {
					line += fmt.Sprintf("; %s: %s (%d)", topology.NameRange(b.Nodes), b.Text(), b.Objects)
				}
				lines = append(lines, line)
			}
		}
	}
	return lines, got
}

func TestVerify(t *testing.T) {
	for _, c := range []struct {
		name, text string
		change     func(nodes []*topology.Node)
		want       []string
		state      finding.State
	}{
		{name: "as expected", state: finding.Pass, want: []string{},
			text: "groups:\n- {name: all, nodes: 'n[1-4]', count: 4, facts: {accelerators: 2 nvidia, driver: nvidia 570.*, kernel: '>= 6.8', memory: 2 TiB, firmware/vbios: 96.00.1C, " +
				"links/nvlink: 18, numaNodes: 2, secureBoot: 'true', isa.level: '>= x86-64-v3', nic.linkUp: 'true', nics: 1..2, parameter/iommu: pt, parameter/nosmt: not set, label/pool: train, domain/rack: hall-1/*}}\n"},
		{name: "drivers differ", state: finding.Fail, want: []string{"FAIL all driver: 2 of 4 differ; n[2-3]: nvidia 550.1 (3)"},
			text: "groups:\n- {name: all, nodes: 'n[1-4]', facts: {driver: nvidia 570.*}}\n",
			change: func(nodes []*topology.Node) {
				nodes[1].Accelerators[0].DriverVersion, nodes[1].Accelerators[1].DriverVersion = "550.1", "550.1"
				nodes[2].Accelerators[1].DriverVersion = "550.1"
			}},
		{name: "not told is not known", state: finding.Unknown,
			want: []string{"UNKNOWN all secureBoot: 1 of 4 not known; n4: not known, unreadable: sys/x (EACCES) (1)"},
			text: "groups:\n- {name: all, nodes: 'n[1-4]', facts: {secureBoot: 'true'}}\n",
			change: func(nodes []*topology.Node) {
				nodes[3].Boot.SecureBoot = nil
				nodes[3].Absences = []topology.Absence{{Object: topology.NodeRef, Fact: "boot.secureBoot", Kind: topology.Unreadable, Source: "sys/x", Detail: "EACCES"}}
			}},
		{name: "links that nobody told", state: finding.Unknown, want: []string{"UNKNOWN all links/nvlink: 1 of 4 not known; n1: not known, not told (2)"},
			text: "groups:\n- {name: all, nodes: 'n[1-4]', facts: {links/nvlink: 18 lanes}}\n",
			change: func(nodes []*topology.Node) {
				nodes[0].Links = nil
				nodes[0].Absences = []topology.Absence{{Object: topology.NodeRef, Fact: "nvml", Kind: topology.Missing, Source: "run/x"}}
			}},
		{name: "links that are not there", state: finding.Fail, want: []string{"FAIL all links/nvlink: 1 of 4 differ; n1: none (2)"},
			text:   "groups:\n- {name: all, nodes: 'n[1-4]', facts: {links/nvlink: 18 lanes}}\n",
			change: func(nodes []*topology.Node) { nodes[0].Links = nil }},
		{name: "a lost device", state: finding.Fail, want: []string{"FAIL all state: 1 of 4 differ; n1: lost (1)"},
			text: "groups:\n- {name: all, nodes: 'n[1-4]', facts: {driver: nvidia *, firmware/vbios: 96.*}}\n",
			change: func(nodes []*topology.Node) {
				nodes[0].Accelerators[0].State = topology.DeviceLost
				nodes[0].Firmware = []topology.Firmware{nodes[0].Firmware[0], nodes[0].Firmware[2]}
			}},
		{name: "nodes that are not there", state: finding.Fail, want: []string{"FAIL all present: 2 of 6 not there; n[5-6]: not there (2)", "FAIL all count: 4; : 4 (0)"},
			text: "groups:\n- {name: all, nodes: 'n[1-6]', count: '>= 5'}\n"},
		{name: "selected by facts", state: finding.Fail, want: []string{"FAIL boxes kernel: 3 of 3 differ; n[2-4]: 6.8.0-45 (3)"},
			text:   "groups:\n- {name: boxes, select: {system: Acme*, memory: '> 1 TiB'}, facts: {kernel: 6.9*}}\n",
			change: func(nodes []*topology.Node) { nodes[0].Summary.MemoryBytes = new(int64(512 << 30)) }},
		{name: "selection that cannot be told", state: finding.Unknown,
			want: []string{"UNKNOWN boxes count: 3 nodes, and 1 of which it is not known; : not known, 3 nodes, and 1 of which it is not known (0)",
				"UNKNOWN boxes member: 1 of 4 not known; n1: not known, memory: not told (1)"},
			text:   "groups:\n- {name: boxes, select: {memory: '> 1 TiB'}, count: 4}\n",
			change: func(nodes []*topology.Node) { nodes[0].Summary.MemoryBytes = nil }},
		{name: "outside is told only", state: finding.Pass, want: []string{}, text: "groups:\n- {name: two, nodes: 'n[1-2]'}\n"},
		{name: "outside counts", state: finding.Fail, want: []string{}, text: "complete: true\ngroups:\n- {name: two, nodes: 'n[1-2]'}\n"},
	} {
		nodes := []*topology.Node{machine("n1"), machine("n2"), machine("n3"), machine("n4")}
		if c.change != nil {
			c.change(nodes)
		}
		lines, got := verify(t, c.text, nil, nodes...)
		if d := cmp.Diff(c.want, lines); d != "" || got.State != c.state {
			t.Errorf("%s: state %s, want %s (-want +got)\n%s", c.name, got.State, c.state, d)
		}
		// The order of the nodes does not matter.
		nodes[0], nodes[3] = nodes[3], nodes[0]
		_, again := verify(t, c.text, nil, nodes...)
		if d := cmp.Diff(got, again); d != "" {
			t.Errorf("%s: another order of nodes (-first +second)\n%s", c.name, d)
		}
	}
}

func TestGolden(t *testing.T) {
	golden := machine("gold")
	odd := machine("n2")
	odd.Kernel.Release = "6.9"
	odd.Accelerators[1].DriverVersion = "550.1"
	odd.Boot.SecureBoot = nil
	odd.NICs[0].SpeedMbps = new(int64(200000))
	text := "groups:\n- {name: g, nodes: 'n[1-2]', like: gold, from: gold.snapshot, ignore: [nic.*], facts: {kernel: '6.*'}}\n"
	lines, _ := verify(t, text, map[expect.Golden]*topology.Node{{Node: "gold", From: "gold.snapshot"}: golden}, machine("n1"), odd)
	want := []string{"FAIL g driverVersion: 1 of 2 differ; n2: 550.1 (1)", "UNKNOWN g secureBoot: 1 of 2 not known; n2: not known, not told (1)"}
	if d := cmp.Diff(want, lines); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	// What the golden node does not tell is not expected.
	golden.Boot.SecureBoot = nil
	golden.Accelerators[1].DriverVersion = ""
	lines, got := verify(t, text, map[expect.Golden]*topology.Node{{Node: "gold", From: "gold.snapshot"}: golden}, machine("n1"), odd)
	if len(lines) != 0 || got.State != finding.Pass {
		t.Errorf("a silent golden node: %v, want nothing", lines)
	}
	e, err := expect.Parse("fleet.yaml", []byte(head+text))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := expect.New(e, nil); err == nil || !strings.Contains(err.Error(), `fleet.yaml:5: group "g": found no node "gold" to be like, want one of gold.snapshot`) {
		t.Errorf("error %v, want one that names the golden node", err)
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"groups: []\n":                                                          "fleet.yaml:1: groups: found none",
		"groups:\n- {name: a}\n":                                                `fleet.yaml:5: group "a": found neither nodes nor select`,
		"groups:\n- {nodes: n1}\n":                                              "fleet.yaml:5: group 1: found no name",
		"groups:\n- name: a\n  nodes: n[\n":                                     `fleet.yaml:6: nodes: found "n["`,
		"groups:\n- {name: a, nodes: n1, facts: {drivr: x}}\n":                  `fleet.yaml:5: facts: found fact "drivr", which there is not; did you mean driver?`,
		"groups:\n- {name: a, nodes: n1, facts: {firmwre/vbios: x}}\n":          "did you mean firmware/vbios?",
		"groups:\n- {name: a, nodes: n1, facts: {links: x}}\n":                  "did you mean links/NAME?",
		"groups:\n- name: a\n  nodes: n1\n  facts:\n    memory: 4 GiB..2 GiB\n": "fleet.yaml:8: facts: memory: found \"4 GiB..2 GiB\", want a range from a lesser",
		"groups:\n- {name: a, nodes: n1, facts: {kernel: '>= x'}}\n":            "want a number or version behind >=",
		"groups:\n- {name: a, nodes: n1, from: x}\n":                            "from: found a snapshot without a node",
		"groups:\n- {name: a, nodes: n1}\n- {name: a, nodes: n2}\n":             `fleet.yaml:6: group "a": found a second one`,
		"groups:\n- {name: a, nodes: n1, count: ''}\n":                          "count",
		"grups:\n- {name: a}\n":                                                 "grups",
		"groups:\n- {name: a, select: {architecture: amd64}}\n":                 "found nothing that is expected",
	} {
		_, err := expect.Parse("fleet.yaml", []byte(head+text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

func TestWanted(t *testing.T) {
	for _, c := range []struct {
		wanted, found string
		want          bool
	}{
		{"a", "a", true}, {"a", "A", false}, {"a*", "abc", true}, {"*c", "abc", true}, {"a?c", "abc", true}, {"a*d", "abc", false}, {"*", "", true},
		{"x | a", "a", true}, {"=>= 3", ">= 3", true}, {"=a*", "ab", false},
		{">= 570.86", "570.9", false}, {">= 570.9", "570.86", true}, {">= nvidia 570", "nvidia 570.86.15", true}, {">= nvidia 570", "amdgpu 6.10", false},
		{"<= 6.8", "6.8.1", false}, {"< 6.10", "6.9.3-generic", true}, {"> 6.8", "6.8", false},
		{">= x86-64-v3", "x86-64-v4", true}, {">= x86-64-v3", "x86-64-v2", false}, {">= RVA22U64", "RVA23U64", true}, {">= RVA22U64", "x86-64-v4", false},
		{"2000 GiB..2 TiB", "2048.0 GiB", true}, {"2000 GiB..2 TiB", "1.5 TiB", false}, {"2 TiB", "2048.0 GiB", true}, {">= 16", "18 lanes", true}, {"18", "18 lanes", true},
		{">= 500", "503.5 GiB", false}, {"8..16", "12", true}, {"8..16", "none", false},
	} {
		w, err := expect.ParseWanted(c.wanted)
		if err != nil {
			t.Errorf("%q: %v", c.wanted, err)
			continue
		}
		if got := w.Matches(c.found); got != c.want {
			t.Errorf("%q matches %q: %v, want %v", c.wanted, c.found, got, c.want)
		}
	}
}

// proposedHead is how a proposal begins.
const proposedHead = "apiVersion: tarsia.dev/v1alpha1\nkind: FleetExpectation\nname: \"t\"\n"

// A proposal of any fleet that is alike is met by that fleet; one that is not
// says who differs.
func TestProposal(t *testing.T) {
	nodes := []*topology.Node{machine("n1"), machine("n2"), machine("n3")}
	nodes[1].Summary.MemoryBytes = new(int64(2047 << 30))
	propose := func() string {
		var p expect.Proposal
		for _, n := range nodes {
			p.Add(n, nil)
		}
		return string(p.YAML("t"))
	}
	text := propose()
	lines, got := verify(t, strings.TrimPrefix(text, proposedHead), nil, nodes...)
	if len(lines) > 0 || got.State != finding.Pass {
		t.Errorf("%v, want nothing\n%s", lines, text)
	}
	nodes[2].Kernel.Release = "6.9 | >= odd*"
	text = propose()
	if !strings.Contains(text, "    # 1 of 3 differ: n3\n    kernel: \"6.8.0-45\"\n") || !strings.Contains(text, "memory: \"2047.0 GiB..2048.0 GiB\"") {
		t.Errorf("the proposal does not say who differs:\n%s", text)
	}
	lines, _ = verify(t, strings.TrimPrefix(text, proposedHead), nil, nodes...)
	if d := cmp.Diff([]string{"FAIL amd64 Acme Box kernel: 1 of 3 differ; n3: 6.9 | >= odd* (1)"}, lines); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(head + "groups:\n- {name: all, nodes: 'n[1-4]', count: 4, facts: {driver: nvidia 570.*}}\n"))
	f.Add([]byte(head + "complete: true\ngroups:\n- name: g\n  select: {system: Acme*}\n  like: gold\n  from: gold.snapshot\n  ignore: [nic.*]\n"))
	f.Add([]byte(head + "groups:\n- {name: a, nodes: n1, facts: {memory: 1 GiB..2 GiB, kernel: a | b, isa.level: '>= x86-64-v3'}}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := expect.Parse("f.yaml", data)
		if err != nil {
			return
		}
		v, err := expect.New(e, map[expect.Golden]*topology.Node{})
		if err != nil {
			return
		}
		if err := v.Add(machine("n1"), nil); err != nil {
			t.Fatal(err)
		}
		if got := v.Result(); len(got.Groups) != len(e.Groups) {
			t.Errorf("%d groups, want %d", len(got.Groups), len(e.Groups))
		}
	})
}

func FuzzWanted(f *testing.F) {
	for _, s := range []string{"a*b", ">= 570.86", "1 GiB..2 GiB", "a | b", "=x", "18 lanes"} {
		f.Add(s, "570.86.15")
	}
	f.Fuzz(func(t *testing.T, wanted, found string) {
		if w, err := expect.ParseWanted(wanted); err == nil {
			w.Matches(found)
		}
	})
}
