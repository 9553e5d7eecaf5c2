// SPDX-License-Identifier: Apache-2.0

package web

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"tarsia.dev/tarsia/check"
	"tarsia.dev/tarsia/finding"
	"tarsia.dev/tarsia/placement"
	"tarsia.dev/tarsia/topology"
	"tarsia.dev/tarsia/topology/topologytest"
)

func page(f *topology.Fleet) Page {
	return Page{
		Fleet: f, Report: finding.NewReport(topology.APIVersion, "fleet/"+f.Name, check.Run(f, nil, nil)), Generator: "tarsia 1.2.3",
		Decisions: []placement.Decision{
			{Gang: "job/train", Outcome: placement.Placed, Optimal: true, Objective: []placement.Score{{Name: "nodes", Value: 1}}, Reasons: []string{"it fits"},
				Assignments: []placement.Assignment{{PodSet: "w", Node: "n", Devices: []string{"pci/0000:01:00.0"}, Zone: new(1)}}},
			{Gang: "job/big", Outcome: placement.Refused, Refusals: []placement.Refusal{{Level: "node", Domain: "n", Constraint: "cpu", Wanted: "8", Found: "2"}},
				Certificate: &placement.Certificate{Level: "nvlink", Domains: []placement.DomainBound{{Domain: "node/n", Wanted: 16, AtMost: 1, Constraint: "cpu"}},
					Relax: &placement.Relaxation{Change: "pods 16 -> 1"}}},
		},
	}
}

func fleet() *topology.Fleet {
	all := []*topology.Node{faulty("hgx-09")}
	places := map[string][]topology.Place{}
	for i := range 4 {
		all = append(all, topologytest.HGX(fmt.Sprintf("hgx-%02d", i+1)))
		places[all[i].Name] = []topology.Place{{Tree: "rack", Path: []string{"hall", fmt.Sprintf("r%d", i/2)}}}
	}
	for i := range 8 {
		all = append(all, topologytest.Tray(fmt.Sprintf("tray-%02d", i+1)))
	}
	all = append(all, topologytest.Board("rv-01"), topologytest.VM("vm-01"), topologytest.Hive("hive-01"))
	return topology.NewFleet("test", all, topology.Site{Places: places,
		Images: []topology.Image{{Reference: "registry.example/infer:1", Platforms: []string{"linux/amd64"}, UsedBy: []string{"deployment/infer"}}}})
}

func written(t *testing.T, p Page) string {
	t.Helper()
	var b strings.Builder
	if err := Write(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var voidTags = map[string]bool{"meta": true, "input": true, "br": true, "link": true, "img": true, "hr": true}

// balanced checks that tags close in order.
func balanced(t *testing.T, html string) {
	t.Helper()
	for _, raw := range []string{"style", "script"} {
		html = regexp.MustCompile(`(?s)<`+raw+`>.*?</`+raw+`>`).ReplaceAllString(html, "")
	}
	var open []string
	for _, m := range regexp.MustCompile(`<(/?)([a-zA-Z][a-zA-Z0-9]*)((?:"[^"]*"|'[^']*'|[^'">])*)>`).FindAllStringSubmatch(html, -1) {
		name := strings.ToLower(m[2])
		switch {
		case voidTags[name] || strings.HasSuffix(m[3], "/"):
		case m[1] == "":
			open = append(open, name)
		case len(open) == 0 || open[len(open)-1] != name:
			t.Fatalf("found </%s> within %v", name, open)
		default:
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		t.Errorf("never closed: %v", open)
	}
}

func TestPage(t *testing.T) {
	f := fleet()
	html := written(t, page(f))
	balanced(t, html)
	if html != written(t, page(f)) {
		t.Error("two pages of one fleet differ")
	}
	for _, want := range []string{"hgx-[01-04]", "tray-[01-08]", "6c2e4fa1-3b9d-4c5e-8a77-0d1f2e3a4b5c.1", "hall/r0", "job/train", "pods 16 -&gt; 1", "registry.example/infer:1", "tarsia 1.2.3"} {
		if !strings.Contains(html, want) {
			t.Errorf("page: want %q in it", want)
		}
	}
	// Four HGX boxes share a picture, and so do eight trays.
	if got := strings.Count(html, `class="shape"`); got != 6 {
		t.Errorf("found %d pictures, want 6 for 16 machines of 6 looks", got)
	}
	ids := map[string]bool{}
	for _, m := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(html, -1) {
		if ids[m[1]] {
			t.Errorf("id %q occurs twice", m[1])
		}
		ids[m[1]] = true
	}
	for _, m := range regexp.MustCompile(` href="#([^"]+)"`).FindAllStringSubmatch(html, -1) {
		if !ids[m[1]] {
			t.Errorf("link to #%s leads nowhere", m[1])
		}
	}
}

func TestPageFetchesNothing(t *testing.T) {
	html := written(t, page(fleet()))
	if !strings.Contains(html, `content="default-src &#39;none&#39;; style-src &#39;sha256-`) {
		t.Error("no content policy that forbids everything else")
	}
	// The only address is the name of the SVG language, which nothing fetches.
	rest := strings.ReplaceAll(html, "http://www.w3.org/2000/svg", "")
	for _, bad := range []string{"http:", "https:", "//cdn", "@import", "@font-face", "url(h", "fetch(", "XMLHttpRequest", "<link", "<img", "<iframe", " style=", "onclick="} {
		if strings.Contains(rest, bad) {
			t.Errorf("page: found %q", bad)
		}
	}
}

func TestHostileNamesStayData(t *testing.T) {
	const hostile = `"><script>alert(1)</script><b onload='x'>&{{.}}` + "\x00\x1b"
	n := topologytest.HGX(hostile)
	n.System.Product, n.Kernel.Release, n.Accelerators[0].Model, n.NICs[0].Name = hostile, hostile, hostile, hostile
	n.NICs[0].RDMA.Device, n.Architecture = hostile, hostile
	n.Absences = append(n.Absences, topology.Absence{Object: topology.NodeRef, Fact: hostile, Kind: topology.Missing, Source: hostile})
	f := topology.NewFleet(hostile, []*topology.Node{n}, topology.Site{Places: map[string][]topology.Place{hostile: {{Tree: "rack", Path: []string{hostile}}}}})
	p := page(f)
	p.Decisions[0].Gang, p.Decisions[0].Reasons = hostile, []string{hostile}
	p.Report = finding.NewReport("v1", hostile, []finding.Finding{{ID: hostile, Area: hostile, Summary: hostile, Subjects: []string{"node/" + hostile},
		Evidence: []finding.Evidence{{Node: hostile, Source: hostile, Found: hostile, Wanted: hostile}}, Cost: hostile, Fix: hostile}})
	html := written(t, p)
	balanced(t, html)
	if got := strings.Count(html, "<script"); got != 1 {
		t.Errorf("found %d scripts, want ours alone", got)
	}
	if strings.Contains(html, "<b onload") {
		t.Error("a name became markup")
	}
	picture := svg(t, n)
	if strings.Contains(picture, "<script") || strings.Contains(picture, "<b onload") {
		t.Error("a name became markup in the picture")
	}
	if err := xml.Unmarshal([]byte(picture), new(any)); err != nil && !errors.Is(err, io.EOF) {
		t.Errorf("picture: %v", err)
	}
}

func TestNodePage(t *testing.T) {
	n := faulty("n")
	f := topology.NewFleet("n", []*topology.Node{n}, topology.Site{})
	var b strings.Builder
	if err := NodePage(&b, n, finding.NewReport("v1", "node/n", check.Run(f, nil, nil))); err != nil {
		t.Fatal(err)
	}
	balanced(t, b.String())
	if strings.Contains(b.String(), `id="map"`) || !strings.Contains(b.String(), `class="shape" id="shape-1" data-names=" n " open`) {
		t.Error("page of a node: want no map, and its picture open")
	}
}

// A page of forty nodes stays below a megabyte, and one of five thousand GPUs
// has few elements: marks of healthy devices are text, and like machines share
// a picture.
func TestPageStaysSmall(t *testing.T) {
	var all []*topology.Node
	for i := range 625 {
		all = append(all, topologytest.HGX(fmt.Sprintf("hgx-%03d", i+1)))
	}
	html := written(t, page(topology.NewFleet("large", all, topology.Site{})))
	if n := len(html); n > 1<<20 {
		t.Errorf("page of 5000 GPUs: found %d bytes, want at most 1 MiB", n)
	}
	if n := strings.Count(html, "<"); n > 14000 {
		t.Errorf("page of 5000 GPUs: found %d tags, want at most 14000", n)
	}
	if n := len(written(t, page(fleet()))); n > 300<<10 {
		t.Errorf("page of 16 nodes: found %d bytes, want at most 300 KiB", n)
	}
}

func TestWriteErrors(t *testing.T) {
	if err := Write(io.Discard, Page{}); err == nil || err.Error() != "write page: no fleet" {
		t.Errorf("found %v, want an error that says what is missing", err)
	}
	for _, err := range []error{Write(broken{}, page(fleet())), NodeSVG(broken{}, faulty("n")), NodePage(broken{}, faulty("n"), finding.Report{})} {
		if !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("found %v, want io.ErrShortWrite", err)
		}
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func BenchmarkPage(b *testing.B) {
	p := page(fleet())
	b.ReportAllocs()
	for b.Loop() {
		if err := Write(io.Discard, p); err != nil {
			b.Fatal(err)
		}
	}
}
