// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/placement"
	"tarsia.dev/tarsia/policy"
	"tarsia.dev/tarsia/topologymanager"
)

const gpu = "nvidia.com/gpu"

// site is a small mixed fleet: two HGX boxes of which one shares its cores, a box
// whose GPUs have no NVLink, and CPU machines of three architectures.
func site() []placement.Node {
	node := func(name, arch, model, domain string, gpus int64, static bool) placement.Node {
		n := placement.Node{
			Name: name, Architecture: arch, Labels: map[string]string{"cpumanager": fmt.Sprint(static)},
			Allocatable: placement.Resources{placement.CPU: 64000, placement.Memory: 512 << 30},
		}
		if gpus > 0 {
			n.Allocatable[gpu] = gpus
			n.Labels["nvidia.com/gpu.product"] = model
		}
		if domain != "" {
			n.Domains = []placement.Domain{{Level: "nvlink", ID: domain}}
		}
		return n
	}
	return []placement.Node{
		node("hgx-1", "amd64", "NVIDIA-H100-80GB-HBM3", "hgx-1", 8, true),
		node("hgx-2", "amd64", "NVIDIA-H100-80GB-HBM3", "hgx-2", 8, false),
		node("pcie-1", "amd64", "NVIDIA-H100-PCIe", "", 8, true),
		node("cpu-amd64", "amd64", "", "", 0, true),
		node("cpu-arm64", "arm64", "", "", 0, false),
		node("cpu-riscv64", "riscv64", "", "", 0, false),
	}
}

func job(name, class string, pods int, gpus, milliCPU int64) placement.Gang {
	s := placement.Shape{Requests: placement.Resources{placement.CPU: milliCPU, placement.Memory: 8 << 30}, QoS: topologymanager.QoSGuaranteed}
	if gpus > 0 {
		s.Requests[gpu] = gpus
	}
	return placement.Gang{
		Name: name, Labels: map[string]string{"tarsia.dev/class": class},
		PodSets: []placement.PodSet{{Name: "w", Count: pods, Shape: s}},
	}
}

// desk is a fleet with a policy.
type desk struct {
	t     *testing.T
	bound *policy.Bound
	use   *placement.Usage
}

func newDesk(t *testing.T, file string, nodes []placement.Node) *desk {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return deskOf(t, "policy.yaml", string(data), nodes)
}

func deskOf(t *testing.T, name, text string, nodes []placement.Node) *desk {
	t.Helper()
	p, err := policy.Load(name, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	f, err := placement.NewFleet(nodes, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &desk{t, p.Bind(nodes), placement.NewUsage(f)}
}

// answer is what a job gets: where it runs, what it pays, and the lines.
type answer struct {
	placement.Decision
	applied policy.Applied
	bill    *policy.Bill
	lines   []string
}

func (d *desk) ask(g placement.Gang, waited int64) answer {
	d.t.Helper()
	a, err := d.bound.Apply(g, waited)
	if err != nil {
		d.t.Fatal(err)
	}
	dec, err := placement.Place(context.Background(), d.use, a.Gang)
	if err != nil {
		d.t.Fatal(err)
	}
	lines, err := d.bound.Explain(context.Background(), d.use, a, dec)
	if err != nil {
		d.t.Fatal(err)
	}
	out := answer{Decision: dec, applied: a, bill: d.bound.Bill(a.Gang, dec)}
	for _, l := range lines {
		out.lines = append(out.lines, l.String())
	}
	return out
}

func (a answer) nodes() string {
	var out []string
	for _, x := range a.Assignments {
		out = append(out, x.Node)
	}
	return strings.Join(out, " ")
}

func (a answer) says(t *testing.T, want ...string) {
	t.Helper()
	all := strings.Join(a.lines, "\n")
	for _, w := range want {
		if !strings.Contains(all, w) {
			t.Errorf("found no %q in\n%s", w, all)
		}
	}
}

// A latency-sensitive pod runs only where its GPUs share an NVLink domain and its
// cores are its own; else it waits, with both reasons, however long.
func TestLatencySensitive(t *testing.T) {
	d := newDesk(t, "../examples/policy.yaml", site())
	got := d.ask(job("serve", "latency", 1, 8, 16000), 0)
	if got.nodes() != "hgx-1" {
		t.Errorf("found %s on %q, want it on hgx-1", got.Outcome, got.nodes())
	}
	got.says(t, "policy.yaml:28: nvlink is required: 4 of 6 nodes lie in no domain of it",
		"policy.yaml:29: cores of its own: 3 of 6 nodes do not give them", "policy.yaml:25: 1 of 6 nodes meet every line")

	// Without the box that has both, there is one with either: no compromise.
	d = newDesk(t, "../examples/policy.yaml", site()[1:])
	for _, waited := range []int64{0, 600, 86400} {
		got = d.ask(job("serve", "latency", 1, 8, 16000), waited)
		if got.Outcome != placement.Refused {
			t.Errorf("after %d s: found %s on %q, want refused", waited, got.Outcome, got.nodes())
		}
		got.says(t, "policy.yaml:28: nvlink is required: 4 of 5 nodes", "policy.yaml:29: cores of its own: 3 of 5 nodes", "policy.yaml:25: 0 of 5 nodes meet every line")
	}
	var refusals []string
	for _, r := range got.Refusals {
		refusals = append(refusals, r.Domain+": "+r.Constraint)
	}
	all := strings.Join(refusals, "\n")
	for _, want := range []string{"hgx-2: policy.yaml:29 exclusive cores", "cpu-amd64: has no nvlink"} {
		if !strings.Contains(all, want) {
			t.Errorf("found no refusal %q in\n%s", want, all)
		}
	}

	// A pod that gets shared cores whatever the node is told so.
	d = newDesk(t, "../examples/policy.yaml", site())
	g := job("serve", "latency", 1, 8, 1500)
	if got = d.ask(g, 0); got.Outcome != placement.Refused {
		t.Errorf("1500m: found %s", got.Outcome)
	}
	got.says(t, "policy.yaml:29: cores of its own: no node gives them to pods of w, which have 1500m of CPU, no whole cores")
	g = job("serve", "latency", 1, 8, 2000)
	g.PodSets[0].Shape.QoS = topologymanager.QoSBurstable
	if got = d.ask(g, 0); got.Outcome != placement.Refused {
		t.Errorf("Burstable: found %s", got.Outcome)
	}
	got.says(t, "which have quality of service Burstable")
}

// A batch job keeps to one NVLink domain until it has waited ten minutes; then it
// goes where there are GPUs. A latency-sensitive one never does.
func TestBatchGoesRemoteAfterTheWait(t *testing.T) {
	d := newDesk(t, "../examples/policy.yaml", site())
	for _, c := range []struct {
		waited int64
		want   placement.Outcome
		says   string
	}{
		{0, placement.Refused, "policy.yaml:40: nvlink is required: 4 of 6 nodes lie in no domain of it; the job has waited 0s of 10m"},
		{599, placement.Refused, "the job has waited 9m59s of 10m"},
		{600, placement.Placed, "policy.yaml:40: nvlink is preferred: 4 of 6 nodes lie in no domain of it; the job has waited 10m of 10m"},
	} {
		got := d.ask(job("train", "batch", 2, 8, 8000), c.waited)
		if got.Outcome != c.want {
			t.Errorf("after %d s: found %s on %q, want %s", c.waited, got.Outcome, got.nodes(), c.want)
		}
		got.says(t, c.says)
	}
	if got := d.ask(job("serve", "latency", 2, 8, 8000), 100000); got.Outcome != placement.Refused {
		t.Errorf("latency: found %s on %q, want refused", got.Outcome, got.nodes())
	}
	// What fits in a domain goes there at once.
	if got := d.ask(job("train", "batch", 2, 4, 8000), 0); got.Outcome != placement.Placed || got.Assignments[0].Node != got.Assignments[1].Node {
		t.Errorf("found %s on %q, want one box", got.Outcome, got.nodes())
	}
}

// cheap is a policy under which money alone decides.
const cheap = `apiVersion: tarsia.dev/v1alpha1
kind: PlacementPolicy
prices:
  currency: EUR
  energy: 0.25
  lines:
  - {resource: cpu, architecture: riscv64, money: 0.004, watts: 1.5}
  - {resource: cpu, architecture: arm64, money: 0.011, watts: 3.5}
  - {resource: cpu, where: node.architecture == "amd64", money: 0.014, watts: 5}
  - {resource: nvidia.com/gpu, model: "*h100*", money: 2.1, watts: 700}
classes:
- name: all
  objective: [cost]
  costs: [money, watts]
`

// The cheapest legal node wins, on all three architectures, and the bill is what
// the lines add up to.
func TestCheapestLegalNodeWins(t *testing.T) {
	d := deskOf(t, "p", cheap, site())
	for _, c := range []struct {
		architectures []string
		node          string
		money, watts  int64
		by            string
	}{
		// 4 cores: 4 x 0.004 + 6 W x 0.25 a kWh; and so on.
		{nil, "cpu-riscv64", 17500, 6000, "[p:7]"},
		{[]string{"amd64", "arm64"}, "cpu-arm64", 47500, 14000, "[p:8]"},
		{[]string{"amd64"}, "cpu-amd64", 61000, 20000, "[p:9]"},
	} {
		g := job("batch", "", 1, 0, 4000)
		g.PodSets[0].Shape.Architectures = c.architectures
		got := d.ask(g, 0)
		if got.nodes() != c.node {
			t.Errorf("%v: found %q, want %s", c.architectures, got.nodes(), c.node)
			continue
		}
		if *got.bill.Money != c.money || *got.bill.Power != c.watts || fmt.Sprint(got.bill.Pods[0].By) != c.by {
			t.Errorf("%v: found %s, %s by %v, want %d, %d by %s", c.architectures, got.bill.MoneyText(got.bill.Money), policy.PowerText(got.bill.Power), got.bill.Pods[0].By, c.money, c.watts, c.by)
		}
	}
	got := d.ask(job("batch", "", 1, 0, 4000), 0)
	got.says(t, "p:14: money: 0.0175 EUR/h here, 0.0475 EUR/h on cpu-arm64, the best on other nodes")
	// Two pods of 8 GPUs: 2 x (8 x 2.1 + 8 x 0.7 kW x 0.25 + 4 x 0.014 + 20 W x 0.25).
	got = d.ask(job("train", "", 2, 8, 4000), 0)
	if *got.bill.Money != 36522000 || *got.bill.Power != 11240000 || len(got.bill.Pods) != 2 {
		t.Errorf("found %s, %s, %+v", got.bill.MoneyText(got.bill.Money), policy.PowerText(got.bill.Power), got.bill.Pods)
	}
}

// A node without a price is dearer than any with one, and its bill is unknown,
// not less.
func TestUnknownPrice(t *testing.T) {
	nodes := site()[3:]
	nodes[2].Architecture = "" // the riscv64 board does not say what it is
	d := deskOf(t, "p", cheap, nodes)
	got := d.ask(job("batch", "", 1, 0, 4000), 0)
	if got.nodes() != "cpu-arm64" {
		t.Errorf("found %q, want cpu-arm64", got.nodes())
	}
	d = deskOf(t, "p", cheap, nodes[2:])
	got = d.ask(job("batch", "", 2, 0, 4000), 0)
	if got.Outcome != placement.Placed || got.bill.Money != nil || got.bill.Power != nil {
		t.Errorf("found %s, bill %+v, want an unknown one", got.Outcome, got.bill)
	}
	want := []string{"no line of the prices gives the money of cpu on cpu-riscv64", "no line of the prices gives the watts of cpu on cpu-riscv64"}
	if diff := cmp.Diff(want, got.bill.Unknown); diff != "" {
		t.Error(diff)
	}
	if got.bill.MoneyText(got.bill.Money) != "unknown" {
		t.Errorf("found %s", got.bill.MoneyText(got.bill.Money))
	}
}
