// SPDX-License-Identifier: Apache-2.0

package web

import (
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/topology"
	"tarsia.dev/tarsia/topology/topologytest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// faulty is an HGX box with a lost GPU, a narrow link, a degraded and an
// unknown bundle.
func faulty(name string) *topology.Node {
	n := topologytest.HGX(name)
	n.Accelerators[3].State, n.Accelerators[3].StateReason = topology.DeviceLost, "GPU_IS_LOST"
	n.Accelerators[6].State = topology.DeviceUnknown
	for i := range n.Links {
		l := &n.Links[i]
		switch {
		case l.Kind == topology.LinkPCIe && l.B == n.Accelerators[1].ID:
			l.Lanes, l.State = new(8), topology.LinkDegraded
		case l.Kind == topology.LinkNVLink && l.B == n.Accelerators[5].ID:
			l.Lanes, l.State = new(17), topology.LinkDegraded
		case l.Kind == topology.LinkNVLink && l.B == n.Accelerators[4].ID:
			l.Lanes, l.State = nil, topology.LinkDown
		case l.Kind == topology.LinkNVLink && l.B == n.Accelerators[3].ID:
			l.Lanes, l.BytesPerSecond, l.State = nil, nil, topology.LinkStateUnknown
		}
	}
	return n
}

// ring is four GPUs of which neighbours are joined, so that it is no mesh.
func ring() *topology.Node {
	n := topologytest.Hive("ring")
	var kept []topology.Link
	for _, l := range n.Links {
		if l.Kind != topology.LinkXGMI || !(l.A == n.Accelerators[0].ID && l.B == n.Accelerators[2].ID || l.A == n.Accelerators[1].ID && l.B == n.Accelerators[3].ID) {
			kept = append(kept, l)
		}
	}
	n.Links = kept
	return n
}

func nodes() map[string]*topology.Node {
	platform := topologytest.Board("platform")
	platform.Accelerators[0].ID = "platform/17000000.gpu"
	platform.NICs = []topology.NIC{{Name: "end0", Device: "platform/20000000.ethernet"}}
	platform.NUMANodes = append(platform.NUMANodes, topology.NUMANode{ID: 1, MemoryBytes: new(int64(1 << 40))})
	return map[string]*topology.Node{
		"hgx": topologytest.HGX("hgx"), "faulty": faulty("faulty"), "tray": topologytest.Tray("tray"), "board": topologytest.Board("board"),
		"vm": topologytest.VM("vm"), "hive": topologytest.Hive("hive"), "ring": ring(), "platform": platform, "empty": {Name: "empty"},
	}
}

func svg(t *testing.T, n *topology.Node) string {
	t.Helper()
	var b strings.Builder
	if err := NodeSVG(&b, n); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestNodeSVGIsWellFormed(t *testing.T) {
	for name, n := range nodes() {
		t.Run(name, func(t *testing.T) {
			picture := svg(t, n)
			dec := xml.NewDecoder(strings.NewReader(picture))
			for {
				if _, err := dec.Token(); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatal(err)
				}
			}
			if picture != svg(t, n) {
				t.Error("two pictures of one node differ")
			}
			if !strings.Contains(picture, "<title>topology of "+n.Name+"</title>") || !strings.Contains(picture, `role="img"`) {
				t.Error("no title or role for screen readers")
			}
		})
	}
}

// Every box and every text starts within the picture, and cut texts fit their
// boxes by construction: fit is tested on its own.
func TestNodeSVGStaysInItsFrame(t *testing.T) {
	number := regexp.MustCompile(`<(?:rect|text)[^>]* x="(\d+)" y="(\d+)"(?: width="(\d+)" height="(\d+)")?`)
	for name, n := range nodes() {
		picture := svg(t, n)
		var w, h int
		if _, err := fmt.Sscanf(regexp.MustCompile(`viewBox="0 0 \d+ \d+`).FindString(picture), `viewBox="0 0 %d %d`, &w, &h); err != nil {
			t.Fatal(err)
		}
		for _, m := range number.FindAllStringSubmatch(picture, -1) {
			var v [4]int
			for i, text := range m[1:] {
				_, _ = fmt.Sscan(text, &v[i])
			}
			if v[0]+v[2] > w || v[1]+v[3] > h {
				t.Errorf("%s: %s reaches beyond %d x %d", name, m[0], w, h)
			}
		}
	}
}

func TestNodeSVGSaysWhatIsWrongInWords(t *testing.T) {
	picture := svg(t, faulty("n"))
	for _, want := range []string{"✕ LOST", "? state", "▲ x8 of x16", "▲ NV17 of 18", "✕ down", "? unknown", "device lost", "NVSwitch", "tn-hatch"} {
		if !strings.Contains(picture, want) {
			t.Errorf("picture of a faulty node: want %q in it", want)
		}
	}
	well := svg(t, topologytest.HGX("n"))
	for _, not := range []string{"LOST", "▲", "✕", "?"} {
		if strings.Contains(strings.ReplaceAll(well, "<?", ""), not) {
			t.Errorf("picture of a healthy node: found %q", not)
		}
	}
	if got := svg(t, topologytest.Hive("n")); !strings.Contains(got, "XGMI, all 4 joined to one another, 64 GB/s a pair") || !strings.Contains(got, "? NUMA node unknown") {
		t.Error("hive: want its mesh and its device of unknown NUMA node")
	}
	if got := svg(t, ring()); strings.Contains(got, "all 4 joined") || strings.Count(got, "XG4 64 GB/s</text>") != 4 {
		t.Error("ring: want four single links")
	}
}

func TestNodeSVGGolden(t *testing.T) {
	got := svg(t, topologytest.Board("rv-01"))
	path := filepath.Join("testdata", "board.svg")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("picture (-want +got):\n%s", diff)
	}
}

func TestFit(t *testing.T) {
	for _, text := range []string{"GPU0", "NVIDIA H100 80GB HBM3 with a name that goes on", "WWWWWWWWWWWWWWWWWWWW", "名前がとても長い装置", ""} {
		for _, room := range []int{10, 60, 130} {
			got := fit(text, 12, room)
			if got != text && measure(got, 12) > room && got != "…" {
				t.Errorf("%q in %d: found %q of %d", text, room, got, measure(got, 12))
			}
		}
	}
}
