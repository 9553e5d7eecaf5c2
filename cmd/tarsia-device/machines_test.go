// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/nvml"
)

func same(t *testing.T, want, got *nvml.Answers) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

const hidden = "FFFFFFFF:FF:FF.0"

// machines are what the stand-in plays, by name.
func machines() map[string]*nvml.Answers {
	return map[string]*nvml.Answers{"hgx": hgx(), "tray": tray(), "peers": peers(), "mig": mig(), "none": {
		Version: 1, DriverVersion: "550.54.15", NVMLVersion: "12.550.54.15", Devices: []nvml.Device{},
	}}
}

// hgx has eight GPUs, each with eighteen links to switches that hide their address.
func hgx() *nvml.Answers {
	a := &nvml.Answers{Version: 1, DriverVersion: "580.95.05", NVMLVersion: "13.580.95.05"}
	for i := range 8 {
		d := nvml.Device{
			Index: i, Name: "NVIDIA H100 80GB HBM3", UUID: fmt.Sprintf("GPU-00000000-0000-4000-8000-%012x", i),
			BusID: fmt.Sprintf("00000000:%02X:00.0", 0x1b+i), Minor: new(i), ModuleID: new(8 - i),
			MemoryBytes: new(int64(85520809984)), VBIOS: "96.00.89.00.01", GSPFirmware: "580.95.05",
			CPUAffinity: "0-55,112-167", MemoryAffinity: "0", Persistence: new(true), ClocksEvents: new(uint64(1)),
			PCIe: &nvml.PCIe{Generation: new(1), Width: new(16), MaxGeneration: new(5), MaxWidth: new(16), GPUGeneration: new(5), Replays: new(uint32(i))},
			ECC: &nvml.ECC{Enabled: new(true), Pending: new(false), VolatileCorrected: new(uint64(i)), VolatileUncorrected: new(uint64(0)),
				AggregateCorrected: new(uint64(1) << 40), AggregateUncorrected: new(uint64(2))},
			RemappedRows: &nvml.Remapped{Correctable: 3, Uncorrectable: 1, Pending: i == 2, Failed: i == 3},
			Fabric: &nvml.Fabric{State: 3, ClusterUUID: "00000000-0000-0000-0000-000000000000", HealthMask: new(int64(0x1aa)),
				Summary: new(1)},
			MIG: &nvml.MIG{},
		}
		for l := range 18 {
			d.NVLinks = append(d.NVLinks, nvml.Link{Link: l, State: new(1), Version: new(4), SpeedMBps: new(int64(26562)),
				RemoteBusID: hidden, RemoteDevice: "SWITCH"})
		}
		a.Devices = append(a.Devices, d)
		for j := range i {
			a.Pairs = append(a.Pairs, nvml.Pair{A: j, B: i, Ancestor: new(50), NVLink: new(0), PCI: new(1)})
		}
	}
	return sortedPairs(a)
}

func sortedPairs(a *nvml.Answers) *nvml.Answers {
	var pairs []nvml.Pair
	for i := range a.Devices {
		for _, p := range a.Pairs {
			if p.A == i {
				pairs = append(pairs, p)
			}
		}
	}
	a.Pairs = pairs
	return a
}

// tray has four GPUs whose memory is NUMA nodes, C2C links and a clique of a rack.
func tray() *nvml.Answers {
	a := &nvml.Answers{Version: 1, DriverVersion: "570.124.06", NVMLVersion: "12.570.124.06"}
	for i := range 4 {
		d := nvml.Device{
			Index: i, Name: "NVIDIA GB200", UUID: fmt.Sprintf("GPU-00000000-0000-4000-8000-%012x", 100+i),
			BusID: fmt.Sprintf("%08X:01:00.0", 8+i), NUMANodeID: new(2 + 8*i), MemoryBytes: new(int64(198642237440)),
			CPUAffinity: "0-71", MemoryAffinity: "0,2-9",
			C2C: &nvml.C2C{LinkCount: 10, LinksUp: new(10 - i), MaxBandwidth: new(int64(44712))},
			Fabric: &nvml.Fabric{State: 3, ClusterUUID: "7d1fbe2c-9a0b-4c1d-8e2f-a03b14c25d36", CliqueID: 32766,
				HealthMask: new(int64(0x11aa))},
		}
		for l := range 18 {
			link := nvml.Link{Link: l, State: new(1), Version: new(5), SpeedMBps: new(int64(50000)), RemoteBusID: hidden, RemoteDevice: "SWITCH"}
			if i == 1 && l == 7 {
				link = nvml.Link{Link: l, State: new(0), Version: new(5)}
			}
			d.NVLinks = append(d.NVLinks, link)
		}
		a.Devices = append(a.Devices, d)
	}
	return a
}

// peers are two GPUs linked to each other, in a domain of more than four digits.
func peers() *nvml.Answers {
	a := &nvml.Answers{Version: 1, DriverVersion: "535.183.01", NVMLVersion: "12.535.183.01"}
	for i := range 2 {
		a.Devices = append(a.Devices, nvml.Device{Index: i, Name: "NVIDIA A40", BusID: fmt.Sprintf("00010000:%02X:00.0", 0x21+i),
			NVLinks: []nvml.Link{{Link: 0, State: new(1), Version: new(3), SpeedMBps: new(int64(14062)),
				RemoteBusID: fmt.Sprintf("00010000:%02X:00.0", 0x22-i), RemoteDevice: "GPU"}}})
	}
	a.Pairs = []nvml.Pair{{A: 0, B: 1, Ancestor: new(40), NVLink: new(0)}}
	return a
}

// mig is one GPU with three instances, one of which holds two compute instances.
func mig() *nvml.Answers {
	compute := func(id, profile, start, size int, name, uuid string) nvml.ComputeInstance {
		return nvml.ComputeInstance{ID: id, Profile: name, ProfileID: new(profile), Placement: &nvml.Placement{Start: start, Size: size}, UUID: uuid}
	}
	return &nvml.Answers{Version: 1, DriverVersion: "580.95.05", NVMLVersion: "13.580", Devices: []nvml.Device{{
		Index: 0, Name: "NVIDIA A100-SXM4-40GB", BusID: "00000000:0F:00.0", UUID: "GPU-1",
		MIG: &nvml.MIG{Enabled: true, Pending: new(false), Instances: []nvml.MIGInstance{
			{ID: 1, Profile: "3g.20gb", ProfileID: new(102), Placement: &nvml.Placement{Start: 4, Size: 4},
				Compute: []nvml.ComputeInstance{compute(0, 200, 0, 1, "1c.3g.20gb", "MIG-a"), compute(1, 201, 1, 2, "2c.3g.20gb", "MIG-b")}},
			{ID: 7, Profile: "1g.5gb", ProfileID: new(100), Placement: &nvml.Placement{Start: 0, Size: 1}, UUID: "MIG-c",
				Compute: []nvml.ComputeInstance{compute(0, 200, 0, 1, "1g.5gb", "MIG-c")}},
			{ID: 8, Profile: "1g.5gb", ProfileID: new(100), Placement: &nvml.Placement{Start: 1, Size: 1}},
		}},
	}}}
}
