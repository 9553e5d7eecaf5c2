// SPDX-License-Identifier: Apache-2.0

package nvml_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/machine"
	"tarsia.dev/tarsia/nvml"
	"tarsia.dev/tarsia/pci"
)

func sample() *nvml.Answers {
	return &nvml.Answers{Version: 1, DriverVersion: "580.95.05", Devices: []nvml.Device{
		{Index: 0, Name: "NVIDIA GB200", BusID: "00000008:01:00.0", MemoryBytes: new(int64(1 << 37)), NUMANodeID: new(2),
			NVLinks: []nvml.Link{
				{Link: 0, State: new(1), SpeedMBps: new(int64(50000)), RemoteBusID: "FFFFFFFF:FF:FF.0", RemoteDevice: "SWITCH"},
				{Link: 1, State: new(0)},
			},
			C2C:    &nvml.C2C{LinkCount: 10, LinksUp: new(10), MaxBandwidth: new(int64(45000)), CPUPackage: new(0)},
			Fabric: &nvml.Fabric{State: 3, ClusterUUID: "7d1fbe2c-0000-4000-8000-000000000001", CliqueID: 1},
			MIG:    &nvml.MIG{Enabled: true, Instances: []nvml.MIGInstance{{ID: 1, Profile: "1g.10gb"}}}},
		{Index: 1, BusID: "00000009:01:00.0", Error: "GPU_IS_LOST"},
	}}
}

func TestParseUndoesWrite(t *testing.T) {
	data, err := nvml.Write(sample())
	if err != nil {
		t.Fatal(err)
	}
	got, err := nvml.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sample(), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if strings.Count(string(data), "\n") != 1 {
		t.Errorf("more than one line: %s", data)
	}
}

func TestParseRefuses(t *testing.T) {
	device := func(fields string) string {
		return `{"version":1,"devices":[{"index":0,"busId":"00000000:1B:00.0"` + fields + `}]}`
	}
	for _, c := range []struct{ text, want string }{
		{"", "line 1"},
		{"{\"version\":1,\n\"devces\":[]}", `line 2: json: unknown field "devces"`},
		{"{\"version\":1,\n\"devices\":[{\"index\":\"0\"}]}", "line 2"},
		{`{"version":1,"devices":[]} {}`, "more after the document"},
		{`{"devices":[]}`, "version: found 0"},
		{`{"version":2,"devices":[]}`, "version: found 2"},
		{`{"version":1,"devices":[{"index":0,"busId":"1B:00.0"}]}`, `devices[0]: busId: found "1B:00.0"`},
		{`{"version":1,"devices":[{"index":-1,"busId":"00000000:1B:00.0"}]}`, "devices[0]: index: found -1"},
		{`{"version":1,"devices":[{"index":0,"busId":"00000000:1B:00.0"},{"index":0,"busId":"00000000:1C:00.0"}]}`, "devices[1]: index: found 0"},
		{`{"version":1,"devices":[{"index":0,"busId":"00000000:1B:00.0"},{"index":1,"busId":"0000:1b:00.0"}]}`, "a second time"},
		{device(`,"memoryTotal":-1`), "memoryTotal: found -1"},
		{device(`,"nvlinks":[{"link":0},{"link":0}]`), "nvlinks: link: found 0"},
		{device(`,"nvlinks":[{"link":64}]`), "nvlinks: link: found 64"},
		{device(`,"nvlinks":[{"link":0,"state":2}]`), "state: found 2"},
		{device(`,"nvlinks":[{"link":0,"speedMBps":9223372036854775807}]`), "speedMBps: found"},
		{device(`,"nvlinks":[{"link":0,"remoteBusId":"x"}]`), `remoteBusId: found "x"`},
		{device(`,"c2c":{"linkCount":-1}`), "linkCount: found -1"},
		{device(`,"c2c":{"linkCount":2,"linksUp":3}`), "linksUp: found 3"},
		{device(`,"c2c":{"linkCount":2,"linkMaxBwMBps":-5}`), "linkMaxBwMBps: found -5"},
		{device(`,"c2c":{"linkCount":2,"cpuPackage":-1}`), "cpuPackage: found -1"},
		{device(`,"fabric":{"state":4,"clusterUuid":"","cliqueId":0}`), "fabric: state: found 4"},
		{device(`,"mig":{"enabled":true,"instances":[` + strings.Repeat(`{"id":1,"profile":""},`, 64) + `{"id":1,"profile":""}]}`), "instances: found 65"},
		{device(`,"nvlinks":[` + strings.Repeat(`{"link":1},`, 64) + `{"link":1}]`), "nvlinks: found 65"},
		{`{"version":1,"devices":[` + strings.Repeat(`{"index":0,"busId":""},`, 256) + `{"index":0,"busId":""}]}`, "devices: found 257"},
		{strings.Repeat(" ", 4<<20+1), "want at most"},
	} {
		if a, err := nvml.Parse([]byte(c.text)); err == nil || a != nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.60q: %v, want %q", c.text, err, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	seed, err := nvml.Write(sample())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte(`{"version":1,"error":"LIBRARY_NOT_FOUND","devices":[]}`))
	f.Add([]byte(`{"version":1,"devices":[{"index":0,"busId":"00000000:1B:00.0","nvlinks":[{"link":0,"state":1}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := nvml.Parse(data)
		if (a == nil) == (err == nil) {
			t.Fatalf("%v, %v", a, err)
		}
		if err != nil {
			return
		}
		out, err := nvml.Write(a)
		if err != nil {
			t.Fatal(err)
		}
		again, err := nvml.Parse(out)
		if err != nil {
			t.Fatalf("written and refused: %v", err)
		}
		if once, _ := nvml.Write(again); string(once) != string(out) {
			t.Fatalf("written twice: %s, %s", out, once)
		}
	})
}

func TestParseInformation(t *testing.T) {
	got := nvml.ParseInformation([]byte("Model: \t\t NVIDIA H100 80GB HBM3\nIRQ:   \t\t 0\nGPU UUID: \t GPU-????????-????-????-????-????????????\n" +
		"Video BIOS: \t ??.??.??.??.??\nBus Location: \t 0000:1b:00.0\nDevice Minor: \t 3\nGPU Firmware: \t N/A\n"))
	if diff := cmp.Diff(nvml.Information{Model: "NVIDIA H100 80GB HBM3", DeviceMinor: new(3)}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseDriverVersion(t *testing.T) {
	for line, want := range map[string]string{
		"NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12 19:39:15 UTC 2024\nGCC version: 12":                           "535.183.01",
		"NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  580.95.05  Release Build  (dvs-builder@U22-I3-AM24-24-1)  Tue Sep 23 2025": "580.95.05",
	} {
		if got, err := nvml.ParseDriverVersion([]byte(line)); err != nil || got != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
	for _, line := range []string{"", "NVRM version:", "GCC version: 12.2.0"} {
		if got, err := nvml.ParseDriverVersion([]byte(line)); err == nil {
			t.Errorf("%q: %q", line, got)
		}
	}
}

func TestParseNUMAStatus(t *testing.T) {
	if n, err := nvml.ParseNUMAStatus([]byte("Node:   255\nStatus: online\nAddress: 0x1\n")); err != nil || n != 255 {
		t.Errorf("%d, %v", n, err)
	}
	for _, text := range []string{"", "Node: x\nStatus: online", "Node: 255\nStatus: offline", "Node: -1\nStatus: online"} {
		if n, err := nvml.ParseNUMAStatus([]byte(text)); err == nil {
			t.Errorf("%q: %d", text, n)
		}
	}
}

func FuzzProc(f *testing.F) {
	f.Add([]byte("NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12\n"))
	f.Add([]byte("Model: \t NVIDIA H100\nDevice Minor: \t 3\n"))
	f.Add([]byte("Node:   255\nStatus: online\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		nvml.ParseInformation(data)
		if v, err := nvml.ParseDriverVersion(data); (v == "") == (err == nil) {
			t.Errorf("%q, %v", v, err)
		}
		if n, err := nvml.ParseNUMAStatus(data); n < 0 || err != nil && n != 0 {
			t.Errorf("%d, %v", n, err)
		}
	})
}

func TestRead(t *testing.T) {
	if _, err := nvml.Read(machine.NewFiles().Machine()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nobody asked: %v", err)
	}
	files := machine.NewFiles()
	if err := files.AddFile(nvml.Path, []byte("{")); err != nil {
		t.Fatal(err)
	}
	if _, err := nvml.Read(files.Machine()); err == nil || !strings.HasPrefix(err.Error(), "parse "+nvml.Path) {
		t.Errorf("error %v", err)
	}
	a, err := nvml.ParseBusID("0000000A:1B:00.0")
	if want := (pci.Address{Domain: 10, Bus: 0x1b}); err != nil || a != want {
		t.Errorf("%s, %v, want %s", a, err, fmt.Sprint(want))
	}
}
