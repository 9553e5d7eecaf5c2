// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/internal/yamldoc"
	"tarsia.dev/tarsia/machine"
	"tarsia.dev/tarsia/nvml"
	"tarsia.dev/tarsia/render"
)

func demo(t testing.TB) (*render.Fleet, *machine.Snapshot) {
	t.Helper()
	f, err := render.Demo()
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	return f, s
}

func TestDemo(t *testing.T) {
	f, s := demo(t)
	got := map[string]int{}
	for _, h := range s.Hosts {
		got[strings.TrimRight(h.Name, "0123456789")]++
		m := h.Files.Machine()
		for _, name := range []string{"proc/cpuinfo", "proc/meminfo", "sys/devices/system/cpu/online", "sys/devices/system/node/node0/cpulist"} {
			if text, err := m.ReadString(name); err != nil || text == "" {
				t.Errorf("%s: %s: %q, %v", h.Name, name, text, err)
			}
		}
		if name, err := m.ReadString("proc/sys/kernel/hostname"); err != nil || name != h.Name {
			t.Errorf("%s calls itself %q, %v", h.Name, name, err)
		}
	}
	want := map[string]int{
		"hgx-": 4, "gb200-r1-": 8, "mi300x-": 2, "orin-": 4, "rv-gpu-": 3, "rv-fusion-synthetic": 1, "rv-": 6, "arm-": 6, "amd-": 6,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("machines (-want +got):\n%s", diff)
	}
	if len(f.Faults) != 5 {
		t.Errorf("found %d faults beside the image, want 5", len(f.Faults))
	}
	lacking := 0
	for _, image := range f.Images {
		if !strings.Contains(strings.Join(image.Platforms, " "), "linux/riscv64") {
			lacking++
		}
	}
	if lacking != 1 {
		t.Errorf("found %d images without riscv64, want 1", lacking)
	}
}

// TestMarked holds that nobody can take a machine of the demo for a real one,
// nor the synthetic host for one that exists.
func TestMarked(t *testing.T) {
	_, s := demo(t)
	for _, h := range s.Hosts {
		m := h.Files.Machine()
		name := "sys/class/dmi/id/sys_vendor"
		if m.Exists("proc/device-tree/model") {
			name = "proc/device-tree/model"
		}
		if text, err := m.ReadString(name); err != nil || !strings.Contains(text, "Tarsia demo") {
			t.Errorf("%s: %s says %q, %v", h.Name, name, text, err)
		}
		fusion := strings.Contains(h.Name, "fusion")
		product, err := m.ReadString("sys/class/dmi/id/product_name")
		if fusion && (err != nil || !strings.HasPrefix(product, "Synthetic ") || !strings.Contains(h.Name, "synthetic")) {
			t.Errorf("%s: product %q, %v", h.Name, product, err)
		}
	}
}

func TestSameBytes(t *testing.T) {
	var texts [2]bytes.Buffer
	for i := range texts {
		_, s := demo(t)
		if err := s.Write(&texts[i]); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(texts[0].Bytes(), texts[1].Bytes()) {
		t.Error("rendering twice gives other bytes")
	}
}

// TestPeersNumberTheirEnds shows with four GPUs that the two ends of a link
// between peers are numbered each by its own GPU.
func TestPeersNumberTheirEnds(t *testing.T) {
	f, _ := demo(t)
	f.Faults = []render.Fault{{Node: "rv-fusion-synthetic", Kind: render.NVLinkDown, Index: 3, Link: 8}}
	s, err := f.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	got := map[int][]int{}
	for _, h := range s.Hosts {
		if h.Name != "rv-fusion-synthetic" {
			continue
		}
		data, err := h.Files.Machine().ReadFile(answers)
		if err != nil {
			t.Fatal(err)
		}
		var a nvml.Answers
		if err := json.Unmarshal(data, &a); err != nil {
			t.Fatal(err)
		}
		for _, d := range a.Devices {
			for _, l := range d.NVLinks {
				if *l.State == 0 {
					got[d.Index] = append(got[d.Index], l.Link)
				}
			}
		}
	}
	// GPU 3 has links 6-11 to GPU 1, for which they are links 12-17.
	if diff := cmp.Diff(map[int][]int{1: {14}, 3: {8}}, got); diff != "" {
		t.Errorf("links that are down by GPU (-want +got):\n%s", diff)
	}
}

func TestDemoJobs(t *testing.T) {
	docs, err := yamldoc.Split("jobs.yaml", render.DemoJobs())
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, d := range docs {
		kind, _ := d.String("kind")
		kinds[kind]++
	}
	if diff := cmp.Diff(map[string]int{"PodGroup": 1, "Pod": 6, "Job": 2, "JobSet": 1}, kinds); diff != "" {
		t.Errorf("kinds (-want +got):\n%s", diff)
	}
}
