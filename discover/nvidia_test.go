// SPDX-License-Identifier: Apache-2.0

package discover_test

import (
	"fmt"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/nvml"
	"tarsia.dev/tarsia/topology"
)

// answers adds what NVML said.
func (b board) answers(a nvml.Answers) {
	b.t.Helper()
	a.Version = nvml.Version
	data, err := nvml.Write(&a)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := b.AddFile(nvml.Path, data); err != nil {
		b.t.Fatal(err)
	}
}

// gpus adds n GPUs at 0000:10:00.0, 0000:11:00.0, ... and returns their answers.
func (b board) gpus(n int) []nvml.Device {
	var out []nvml.Device
	for i := range n {
		b.pci(fmt.Sprintf("pci0000:00/0000:%x:00.0", 0x10+i), h100)
		out = append(out, nvml.Device{Index: n - 1 - i, Name: "NVIDIA H100 80GB HBM3", BusID: fmt.Sprintf("00000000:%X:00.0", 0x10+i)})
	}
	return out
}

func nvlink(index, state int, remote, kind string) nvml.Link {
	return nvml.Link{Link: index, State: &state, SpeedMBps: new(int64(26562)), RemoteBusID: remote, RemoteDevice: kind}
}

const hidden = "FFFFFFFF:FF:FF.0"

func TestNVIDIAState(t *testing.T) {
	for _, c := range []struct {
		name    string
		answers *nvml.Answers
		device  attrs
		want    topology.DeviceState
		reason  string
	}{
		{"answers", &nvml.Answers{Devices: []nvml.Device{{BusID: "00000000:10:00.0"}}}, h100, topology.DeviceOK, ""},
		{"lost", &nvml.Answers{Devices: []nvml.Device{{BusID: "00000000:10:00.0", Error: "GPU_IS_LOST"}}}, h100,
			topology.DeviceLost, "NVML answers GPU_IS_LOST (run/tarsia/answers/nvml.json)"},
		{"gone from the bus", nil, h100.with(attrs{"config": allOnes()}), topology.DeviceLost,
			"config space reads all ones: nothing answers at this address (sys/devices/pci0000:00/0000:10:00.0/config)"},
		{"another error", &nvml.Answers{Devices: []nvml.Device{{BusID: "00000000:10:00.0", Error: "NO_PERMISSION"}}}, h100,
			topology.DeviceUnknown, "NVML answers NO_PERMISSION (run/tarsia/answers/nvml.json)"},
		{"no library", &nvml.Answers{Error: "LIBRARY_NOT_FOUND"}, h100, topology.DeviceUnknown,
			"NVML could not be asked: LIBRARY_NOT_FOUND (run/tarsia/answers/nvml.json)"},
		{"not listed", &nvml.Answers{}, h100, topology.DeviceUnknown, "NVML does not list this device (run/tarsia/answers/nvml.json)"},
		{"nobody asked", nil, h100, topology.DeviceUnknown, "NVML was not asked (run/tarsia/answers/nvml.json)"},
		{"no driver", nil, attrs{"class": "0x030200", "vendor": "0x10de"}, topology.DeviceUnknown, "no driver is bound"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBoard(t)
			b.pci("pci0000:00/0000:10:00.0", c.device)
			if c.answers != nil {
				b.answers(*c.answers)
			}
			a := accelerator(t, b.read(), "pci/0000:10:00.0")
			if a.State != c.want || a.StateReason != c.reason {
				t.Errorf("got %s %q, want %s %q", a.State, a.StateReason, c.want, c.reason)
			}
		})
	}
}

func TestNVIDIADevice(t *testing.T) {
	b := newBoard(t)
	b.node(2, "", "12 30 10")
	b.pci("pci0000:00/0000:10:00.0", h100.with(attrs{"numa_node": "-1"}))
	b.file("proc/driver/nvidia/version", "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build")
	b.file("proc/driver/nvidia/gpus/0000:10:00.0/information", "Model: \t\t NVIDIA H100 80GB HBM3\nGPU UUID: \t GPU-1\nVideo BIOS: \t 96.00.00.00.01\nGPU Firmware: \t 580.95.05")
	b.answers(nvml.Answers{Devices: []nvml.Device{{
		Index: 3, BusID: "00000000:10:00.0", UUID: "GPU-1", ModuleID: new(5), NUMANodeID: new(2), MemoryBytes: new(int64(85520809984)),
		VBIOS:  "96.00.89.00.01",
		Fabric: &nvml.Fabric{State: 3, ClusterUUID: "7d1fbe2c-0000-4000-8000-000000000001", CliqueID: 7, HealthMask: new(int64(0x1aa))},
		MIG:    &nvml.MIG{Enabled: true, Instances: []nvml.MIGInstance{{ID: 1, Profile: "3g.40gb", UUID: "MIG-1"}, {ID: 2, Profile: "3g.40gb"}}},
	}}})
	n := b.read()
	want := topology.Accelerator{
		ID: "pci/0000:10:00.0", Index: 3, Vendor: "nvidia", Model: "NVIDIA H100 80GB HBM3", UUID: "GPU-1", ModuleID: new(5),
		// The kernel says -1; the memory's own node is nearest to node 0.
		NUMANode: new(0), MemoryBytes: new(int64(85520809984)), MemoryNodes: []int{2},
		Driver: "nvidia", DriverVersion: "580.95.05", State: topology.DeviceOK,
		Fabric:        &topology.FabricMember{ClusterUUID: "7d1fbe2c-0000-4000-8000-000000000001", CliqueID: 7, State: "completed", HealthMask: new(int64(0x1aa))},
		PartitionMode: "mig",
		Partitions:    []topology.Partition{{ID: "1", Profile: "3g.40gb", UUID: "MIG-1"}, {ID: "2", Profile: "3g.40gb"}},
		Source:        "sys/devices/pci0000:00/0000:10:00.0",
	}
	got := accelerator(t, n, want.ID)
	want.LocalCPUs = got.LocalCPUs
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("accelerator (-want +got):\n%s", diff)
	}
	if i := slices.IndexFunc(n.NUMANodes, func(x topology.NUMANode) bool { return x.ID == 2 }); n.NUMANodes[i].Accelerator != want.ID {
		t.Errorf("NUMA node 2 is memory of %q", n.NUMANodes[i].Accelerator)
	}
	var firmware []string
	for _, f := range n.Firmware {
		if f.Device == want.ID {
			firmware = append(firmware, f.Component+" "+f.Version+" "+f.Source)
		}
	}
	if diff := gocmp.Diff([]string{
		"gsp 580.95.05 proc/driver/nvidia/gpus/0000:10:00.0/information",
		"vbios 96.00.89.00.01 run/tarsia/answers/nvml.json", // one version per component: NVML's
	}, firmware); diff != "" {
		t.Errorf("firmware (-want +got):\n%s", diff)
	}
}

func TestFabricOfOneMachineIsNone(t *testing.T) {
	b := newBoard(t)
	d := b.gpus(1)
	d[0].Fabric = &nvml.Fabric{State: 3, ClusterUUID: "00000000-0000-0000-0000-000000000000"}
	b.answers(nvml.Answers{Devices: d})
	if f := b.read().Accelerators[0].Fabric; f != nil {
		t.Errorf("fabric %+v", f)
	}
}

func TestNVMLWithoutPCITree(t *testing.T) {
	b := newBoard(t)
	b.answers(nvml.Answers{DriverVersion: "580.95.05", Devices: []nvml.Device{{Name: "NVIDIA B200", BusID: "00000000:1B:00.0"}}})
	n := b.read()
	a := accelerator(t, n, "pci/0000:1b:00.0")
	if a.State != topology.DeviceOK || a.Vendor != "nvidia" || a.DriverVersion != "580.95.05" || a.NUMANode != nil {
		t.Errorf("%+v", a)
	}
	if got := absence(t, n, a.ID, "numaNode").Kind; got != topology.Missing {
		t.Errorf("numaNode %s", got)
	}
}

func TestBrokenAnswers(t *testing.T) {
	b := newBoard(t)
	b.file(nvml.Path, `{"version":1,"devices":[{"index":0,"busId":"10:00.0"}]}`)
	a := absence(t, b.read(), topology.NodeRef, "nvml")
	if a.Kind != topology.Unreadable || a.Source != nvml.Path {
		t.Errorf("%+v", a)
	}
}

func TestNVLink(t *testing.T) {
	type row struct {
		A, B        topology.Ref
		Lanes, Most int // -1 for nil
		Rate        int64
		State       topology.LinkState
		Down        []int
	}
	const speed = 26562 * 1_000_000
	for _, c := range []struct {
		name    string
		links   func(d []nvml.Device)
		want    []row
		absents int
	}{
		{"hidden switch", func(d []nvml.Device) {
			for i := range d {
				d[i].NVLinks = []nvml.Link{nvlink(0, 1, hidden, "SWITCH"), nvlink(1, 1, hidden, "SWITCH")}
			}
		}, []row{
			{"nvswitch/local", "pci/0000:10:00.0", 2, 2, 2 * speed, topology.LinkUp, nil},
			{"nvswitch/local", "pci/0000:11:00.0", 2, 2, 2 * speed, topology.LinkUp, nil},
		}, 0},
		{"visible switch, one down", func(d []nvml.Device) {
			d[0].NVLinks = []nvml.Link{nvlink(0, 1, "00000000:05:00.0", "SWITCH"), nvlink(1, 0, "00000000:05:00.0", "SWITCH"), nvlink(2, 1, "00000000:06:00.0", "SWITCH")}
		}, []row{
			{"pci/0000:05:00.0", "pci/0000:10:00.0", 1, 2, speed, topology.LinkDegraded, []int{1}},
			{"pci/0000:06:00.0", "pci/0000:10:00.0", 1, 1, speed, topology.LinkUp, nil},
		}, 0},
		{"both sides are one link, the worse counts", func(d []nvml.Device) {
			d[0].NVLinks = []nvml.Link{nvlink(4, 1, "00000000:11:00.0", "GPU"), nvlink(5, 1, "00000000:11:00.0", "GPU")}
			d[1].NVLinks = []nvml.Link{nvlink(0, 1, "00000000:10:00.0", "GPU"), nvlink(1, 0, "00000000:10:00.0", "GPU")}
		}, []row{{"pci/0000:10:00.0", "pci/0000:11:00.0", 1, 2, speed, topology.LinkDegraded, nil}}, 0},
		{"down links tell no far end", func(d []nvml.Device) {
			d[0].NVLinks = []nvml.Link{nvlink(0, 1, hidden, "SWITCH"), nvlink(1, 0, "", "")}
			d[1].NVLinks = []nvml.Link{nvlink(0, 0, "", ""), nvlink(1, 0, "", "")}
		}, []row{
			{"nvswitch/local", "pci/0000:10:00.0", 1, 2, speed, topology.LinkDegraded, []int{1}},
			{"nvswitch/local", "pci/0000:11:00.0", 0, 2, 0, topology.LinkDown, []int{0, 1}},
		}, 0},
		{"state not told", func(d []nvml.Device) {
			d[0].NVLinks = []nvml.Link{nvlink(0, 1, hidden, "SWITCH"), {Link: 1, RemoteBusID: hidden, SpeedMBps: new(int64(26562))}}
		}, []row{{"nvswitch/local", "pci/0000:10:00.0", -1, 2, -1, topology.LinkStateUnknown, nil}}, 1},
		{"far end nobody knows", func(d []nvml.Device) { d[0].NVLinks = []nvml.Link{nvlink(0, 0, "", "")} }, nil, 1},
		{"a lost GPU is seen from the other side", func(d []nvml.Device) {
			d[0] = nvml.Device{Index: d[0].Index, BusID: d[0].BusID, Error: "GPU_IS_LOST"}
			d[1].NVLinks = []nvml.Link{nvlink(0, 0, "00000000:10:00.0", "GPU"), nvlink(1, 0, "00000000:10:00.0", "GPU")}
		}, []row{{"pci/0000:10:00.0", "pci/0000:11:00.0", 0, 2, 0, topology.LinkDown, []int{0, 1}}}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBoard(t)
			d := b.gpus(2)
			c.links(d)
			b.answers(nvml.Answers{Devices: d})
			n := b.read()
			var got []row
			for _, l := range n.Links {
				r := row{l.A, l.B, -1, -1, -1, l.State, l.DownLanes}
				if l.Lanes != nil {
					r.Lanes = *l.Lanes
				}
				if l.MaxLanes != nil {
					r.Most = *l.MaxLanes
				}
				if l.BytesPerSecond != nil {
					r.Rate = *l.BytesPerSecond
				}
				if l.Coherent || l.Kind != topology.LinkNVLink {
					t.Errorf("%+v", l)
				}
				got = append(got, r)
			}
			if diff := gocmp.Diff(c.want, got); diff != "" {
				t.Errorf("links (-want +got):\n%s", diff)
			}
			absents := 0
			for _, a := range n.Absences {
				if a.Source == nvml.Path {
					absents++
				}
			}
			if absents != c.absents {
				t.Errorf("%d absences of NVML, want %d: %+v", absents, c.absents, n.Absences)
			}
		})
	}
}

func TestC2C(t *testing.T) {
	b := newBoard(t)
	d := b.gpus(4)
	d[0].C2C = &nvml.C2C{LinkCount: 10, LinksUp: new(10), MaxBandwidth: new(int64(45000)), CPUPackage: new(1)}
	d[1].C2C = &nvml.C2C{LinkCount: 10, LinksUp: new(9), MaxBandwidth: new(int64(45000))} // package of its NUMA node
	d[2].C2C = &nvml.C2C{LinkCount: 10}
	d[3].C2C = &nvml.C2C{}
	b.answers(nvml.Answers{Devices: d})
	n := b.read()
	want := []topology.Link{
		{A: "package/0", B: "pci/0000:11:00.0", Lanes: new(9), MaxLanes: new(10), BytesPerSecond: new(int64(405e9)), MaxBytesPerSecond: new(int64(450e9)), State: topology.LinkDegraded},
		{A: "package/0", B: "pci/0000:12:00.0", MaxLanes: new(10), State: topology.LinkStateUnknown},
		{A: "package/1", B: "pci/0000:10:00.0", Lanes: new(10), MaxLanes: new(10), BytesPerSecond: new(int64(450e9)), MaxBytesPerSecond: new(int64(450e9)), State: topology.LinkUp},
	}
	for i := range want {
		want[i].Kind, want[i].Coherent, want[i].Source = topology.LinkC2C, true, nvml.Path
	}
	if diff := gocmp.Diff(want, n.Links); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
}
