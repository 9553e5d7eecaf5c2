// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/nvml"
	"tarsia.dev/tarsia/render"
)

// changed is the files that a fault changes, by name: what it says then.
func changed(t *testing.T, fault render.Fault) map[string]string {
	t.Helper()
	facts := parse(t, small)
	healthy := renderTree(t, facts)
	facts.Faults = []render.Fault{fault}
	broken := renderTree(t, facts)
	out := map[string]string{}
	for name, text := range broken {
		if healthy[name] != text {
			out[name] = text
		}
	}
	if len(healthy) != len(broken) {
		t.Errorf("a fault adds or removes files: %d before, %d after", len(healthy), len(broken))
	}
	return out
}

const (
	answers = "run/tarsia/answers/nvml.json"
	info    = "proc/driver/nvidia/gpus/0000:13:00.0/information"
)

func TestFaults(t *testing.T) {
	for _, c := range []struct {
		fault render.Fault
		want  map[string]string // files that change; "" is not compared
	}{
		{render.Fault{Kind: render.GPULost, Index: 0}, map[string]string{
			answers: "", info: "",
			gpuDir + "/config":             strings.Repeat("\xff", 256),
			gpuDir + "/current_link_speed": "Unknown\n",
			gpuDir + "/current_link_width": "63\n",
			gpuDir + "/max_link_speed":     "64.0 GT/s PCIe\n",
			gpuDir + "/max_link_width":     "63\n",
		}},
		{render.Fault{Kind: render.LinkWidth, Device: "gpu", Index: 0, Lanes: 8}, map[string]string{
			gpuDir + "/config": "", downDir + "/config": "",
			gpuDir + "/current_link_width":  "8\n",
			downDir + "/current_link_width": "8\n",
		}},
		{render.Fault{Kind: render.NVLinkDown, Index: 0, Link: 3}, map[string]string{answers: ""}},
		{render.Fault{Kind: render.VBIOS, Version: "9.9"}, map[string]string{
			answers: "", info: "",
			"proc/driver/nvidia/gpus/10000:01:00.0/information": "",
		}},
		{render.Fault{Kind: render.NUMAUnknown, Device: "nic"}, map[string]string{
			nicDir + "/numa_node":     "-1\n",
			nicDir + "/local_cpulist": "0-15\n",
		}},
	} {
		t.Run(c.fault.Kind, func(t *testing.T) {
			got := changed(t, c.fault)
			for name, text := range c.want {
				if text == "" && got[name] != "" {
					c.want[name] = got[name]
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("files that change (-want +got):\n%s", diff)
			}
		})
	}
}

func decodeAnswers(t *testing.T, faults ...render.Fault) nvml.Answers {
	t.Helper()
	facts := parse(t, small)
	facts.Faults = faults
	var a nvml.Answers
	if err := json.Unmarshal([]byte(renderTree(t, facts)[answers]), &a); err != nil {
		t.Fatal(err)
	}
	return a
}

func TestNVML(t *testing.T) {
	a := decodeAnswers(t)
	if len(a.Devices) != 2 {
		t.Fatalf("found %d devices, want 2", len(a.Devices))
	}
	d := a.Devices[0]
	want := nvml.Device{
		Index: 0, Name: "Small GPU", UUID: d.UUID, BusID: "00000000:13:00.0", ModuleID: new(2), NUMANodeID: new(2),
		MemoryBytes: new(int64(80 << 30)), VBIOS: "1.2", GSPFirmware: "580.1", NVLinks: d.NVLinks,
		C2C: &nvml.C2C{LinkCount: 5, LinksUp: new(5), MaxBandwidth: new(int64(44712)), CPUPackage: new(1)},
	}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Errorf("device 0 (-want +got):\n%s", diff)
	}
	if len(d.UUID) != 40 || d.UUID == a.Devices[1].UUID {
		t.Errorf("uuids %q and %q", d.UUID, a.Devices[1].UUID)
	}
	if a.Devices[1].C2C.CPUPackage != nil {
		t.Error("a GPU of unknown NUMA node knows its package")
	}
}

// TestNVLinkBothEnds shows that a link between two GPUs is down at both.
func TestNVLinkBothEnds(t *testing.T) {
	down := func(d nvml.Device) []int {
		var list []int
		for _, l := range d.NVLinks {
			if *l.State == 0 {
				list = append(list, l.Link)
			}
		}
		return list
	}
	a := decodeAnswers(t, render.Fault{Kind: render.NVLinkDown, Index: 1, Link: 2})
	if diff := cmp.Diff([][]int{{2}, {2}}, [][]int{down(a.Devices[0]), down(a.Devices[1])}); diff != "" {
		t.Errorf("links that are down (-want +got):\n%s", diff)
	}
	if l := a.Devices[0].NVLinks[2]; l.RemoteBusID != "00010000:01:00.0" || l.RemoteDevice != "GPU" {
		t.Errorf("remote end %q, %q", l.RemoteBusID, l.RemoteDevice)
	}
	a = decodeAnswers(t, render.Fault{Kind: render.GPULost, Index: 1})
	if a.Devices[1].Error != "GPU_IS_LOST" || len(down(a.Devices[0])) != 4 {
		t.Errorf("a lost peer: error %q, links down %v", a.Devices[1].Error, down(a.Devices[0]))
	}
}

func TestImpossibleFaults(t *testing.T) {
	for _, c := range []struct {
		fault render.Fault
		want  string
	}{
		{render.Fault{Kind: render.GPULost, Index: 2}, "found 2 of GPU"},
		{render.Fault{Kind: render.GPULost, Device: "nic"}, "want a GPU"},
		{render.Fault{Kind: render.LinkWidth, Device: "nic", Lanes: 8}, "wider than 8 lanes"},
		{render.Fault{Kind: render.LinkWidth, Device: "vga", Lanes: 1}, "wider than 1 lanes"},
		{render.Fault{Kind: render.NVLinkDown, Link: 4}, "no NVLink 4"},
		{render.Fault{Kind: render.NUMAUnknown, Device: "disk"}, "found 0 of disk"},
	} {
		facts := parse(t, small)
		facts.Faults = []render.Fault{c.fault}
		_, err := render.Machine("m", facts)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: found error %v, want %q in it", c.fault, err, c.want)
		}
	}
}
