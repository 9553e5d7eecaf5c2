// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tarsia.dev/tarsia/ask"
	"tarsia.dev/tarsia/nvml"
)

// errorsOf lists the devices' errors, "" for one that answers.
func errorsOf(a *nvml.Answers) string {
	var words []string
	for _, d := range a.Devices {
		if d.Error == "" {
			words = append(words, "ok")
			continue
		}
		words = append(words, d.Error)
	}
	return strings.Join(words, " ")
}

const (
	two      = "driver 1.2\nnvml 3.1.2\ngpu\npci 0 1b 0\nname A\nmemory 5\nmodule 1\n"
	secondly = "gpu\npci 0 1c 0\nname B\nmemory 6\nmodule 2\n"
)

// What fails in one device is told of that device; the child goes on.
func TestFailures(t *testing.T) {
	r := newRig(t)
	c := r.child(patient)
	for _, s := range []struct{ name, facts, want, errors string }{
		{"lost between two calls", two + "lost-after 4\n" + secondly, "A ", "GPU_IS_LOST ok"},
		{"lost at once, address known", two + "lost-after 0\n" + secondly, "", "ok GPU_IS_LOST"},
		{"a reset is due", two + secondly + "fail nvmlDeviceGetModuleId 16\n", "A B", "ok RESET_REQUIRED"},
		{"an unknown error ends nothing", two + secondly + "fail nvmlDeviceGetModuleId 999\n", "A B", "ok ok"},
		{"nothing is supported", "gpu\npci 0 1b 0\n", " ", "ok"},
		{"no device can be counted", "fail nvmlDeviceGetCount_v2 17\n" + two, "", ""},
	} {
		t.Run(s.name, func(t *testing.T) {
			r.says(s.facts)
			a := r.ask(c, "0000:1b:00.0", "0000:1c:00.0")
			if got := errorsOf(a); got != s.errors {
				t.Errorf("devices: got %q, want %q", got, s.errors)
			}
			if s.name == "no device can be counted" && a.Error != "OPERATING_SYSTEM" {
				t.Errorf("error %q", a.Error)
			}
			if s.name == "an unknown error ends nothing" && a.Devices[1].Unanswered["nvmlDeviceGetModuleId"] != "UNKNOWN" {
				t.Errorf("unanswered: %v", a.Devices[1].Unanswered)
			}
			if s.name == "lost at once, address known" && a.Devices[1].BusID != "00000000:1B:00.0" {
				t.Errorf("lost: %q", a.Devices[1].BusID)
			}
		})
	}
}

// Two lost devices that /proc does not tell apart from others stay nameless.
func TestUnnamed(t *testing.T) {
	r := newRig(t)
	c := r.child(patient)
	r.says(two + "lost-after 0\n" + secondly)
	a := r.ask(c)
	if errorsOf(a) != "ok" || len(a.Unnamed) != 1 || a.Unnamed[0] != (nvml.Unnamed{Index: 0, Error: "GPU_IS_LOST"}) {
		t.Errorf("devices %q, unnamed %v", errorsOf(a), a.Unnamed)
	}
}

// A device that comes and goes between two questions.
func TestLostAndBack(t *testing.T) {
	r := newRig(t)
	c := r.child(patient)
	for _, s := range []struct{ facts, errors string }{
		{two + secondly, "ok ok"}, {two + secondly + "lost-after 2\n", "ok GPU_IS_LOST"}, {two, "ok"}, {two + secondly, "ok ok"},
	} {
		r.says(s.facts)
		if got := errorsOf(r.ask(c)); got != s.errors {
			t.Errorf("got %q, want %q", got, s.errors)
		}
	}
}

// A call that never comes back costs the devices after it, not those before; the
// child is given up, and the next one starts after its rest.
func TestHang(t *testing.T) {
	r := newRig(t)
	now := time.Unix(0, 0)
	c := r.child(ask.Options{Timeout: 2 * time.Second, Now: func() time.Time { return now }})
	third := strings.ReplaceAll(secondly, "1c", "1d")
	r.says(two + secondly + "hang nvmlDeviceGetModuleId\n" + third)
	if got, want := errorsOf(r.ask(c)), "ok TIMEOUT NOT_ASKED"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if _, err := c.NVML(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "rests") {
		t.Errorf("while it rests: %v", err)
	}
	r.says(two + secondly)
	now = now.Add(time.Hour)
	if got := errorsOf(r.ask(c)); got != "ok ok" {
		t.Errorf("after its rest: %q", got)
	}
	r.says("hang nvmlDeviceGetCount_v2\n" + two)
	if a := r.ask(c); a.Error != "TIMEOUT" || len(a.Devices) != 0 {
		t.Errorf("a hang before any device: %q, %d devices", a.Error, len(a.Devices))
	}
}

// A library that crashes takes the child along, and nobody else.
func TestCrash(t *testing.T) {
	r := newRig(t)
	now := time.Unix(0, 0)
	c := r.child(ask.Options{Timeout: time.Minute, Now: func() time.Time { return now }})
	r.says(two + "crash nvmlDeviceGetName\n")
	if _, err := c.NVML(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "read from tarsia-device") {
		t.Errorf("crash: %v", err)
	}
	r.says(two)
	now = now.Add(time.Hour)
	if got := errorsOf(r.ask(c)); got != "ok" {
		t.Errorf("after it: %q", got)
	}
}

// An old library lacks functions, and has older forms of others.
func TestMissingSymbols(t *testing.T) {
	r := newRig(t, "nvmlInit_v2", "nvmlDeviceGetCount_v2", "nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetPciInfo_v3", "nvmlDeviceGetMemoryInfo_v2",
		"nvmlDeviceGetModuleId", "nvmlDeviceGetGpuFabricInfoV", "nvmlDeviceGetCpuAffinityWithinScope", "nvmlDeviceGetGpuInstanceProfileInfoV",
		"nvmlDeviceGetFieldValues", "nvmlDeviceGetCurrentClocksEventReasons")
	r.says("driver 1.2\ngpu\npci 0 1b 0\nmodule 4\nmemory 77\nclocks 8\ncpus 1,3\nfabric 1 3 5 0 0 0 00112233445566778899aabbccddeeff\n" +
		"link 0 1 3 00000000:1C:00.0 0\nlink 1 0 3 - 0\nmig 1 1\ngi 3 101 0 2 2g.10gb\n")
	a := r.ask(r.child(patient))
	for symbol, want := range map[string]string{
		"nvmlDeviceGetModuleId": "FUNCTION_NOT_FOUND", "nvmlDeviceGetMemoryInfo_v2": "FUNCTION_NOT_FOUND", "nvmlDeviceGetFieldValues(91)": "FUNCTION_NOT_FOUND",
	} {
		if got := a.Devices[0].Unanswered[symbol]; got != want {
			t.Errorf("%s: %q, want %q", symbol, got, want)
		}
	}
	same(t, &nvml.Answers{Version: 1, DriverVersion: "1.2", Devices: []nvml.Device{{
		BusID: "00000000:1B:00.0", MemoryBytes: new(int64(77)), CPUAffinity: "1,3", ClocksEvents: new(uint64(8)),
		Fabric: &nvml.Fabric{State: 3, CliqueID: 5, ClusterUUID: "00112233-4455-6677-8899-aabbccddeeff"},
		NVLinks: []nvml.Link{{Link: 0, State: new(1), Version: new(3), RemoteBusID: "00000000:1C:00.0", RemoteDevice: "GPU"},
			{Link: 1, State: new(0), Version: new(3), RemoteDevice: "GPU"}},
		MIG: &nvml.MIG{Enabled: true, Instances: []nvml.MIGInstance{{ID: 3, ProfileID: new(101), Placement: &nvml.Placement{Size: 2}}}},
	}}}, told(a))
}

// Counters wrap, and values come in several types.
func TestValues(t *testing.T) {
	r := newRig(t)
	c := r.child(patient)
	r.says("gpu\npci 0 1b 0\nreplays 4294967295\nreplaystep 4\nfield 91 -1 6 1 0\nlink 0 1 4 - 2\nfield 164 0 3 26562 0\n")
	d := r.ask(c).Devices[0]
	if d.PCIe == nil || d.PCIe.Replays == nil || *d.PCIe.Replays != 3 {
		t.Errorf("wrapped counter: %+v", d.PCIe)
	}
	if len(d.NVLinks) != 1 || d.NVLinks[0].SpeedMBps == nil || *d.NVLinks[0].SpeedMBps != 26562 {
		t.Errorf("links %+v", d.NVLinks)
	}
	for kind, value := range map[string]string{"0": "1", "4": "18446744073709551615", "5": "4294967295", "9": "1"} {
		r.says("gpu\npci 0 1b 0\nfield 170 -1 " + kind + " " + value + " 0\n")
		if d := r.ask(c).Devices[0]; d.C2C != nil || !strings.HasPrefix(d.Unanswered["nvmlDeviceGetFieldValues(170)"], "value type") {
			t.Errorf("type %s: %+v, %v", kind, d.C2C, d.Unanswered)
		}
	}
	// One C2C link that does not tell leaves the number of those up unknown.
	r.says("gpu\npci 0 1b 0\nfield 170 -1 1 2 0\nfield 171 0 1 1 0\n")
	if d := r.ask(c).Devices[0]; d.C2C == nil || d.C2C.LinkCount != 2 || d.C2C.LinksUp != nil {
		t.Errorf("half told: %+v", d.C2C)
	}
}

func TestNoLibrary(t *testing.T) {
	r := newRig(t)
	if a := r.ask(r.child(patient)); a.Error != "DRIVER_NOT_LOADED" { // the facts are not there
		t.Errorf("no driver: %q", a.Error)
	}
	r.says("fail nvmlInit_v2 18\n" + two)
	if a := r.ask(r.child(patient)); a.Error != "LIB_RM_VERSION_MISMATCH" {
		t.Errorf("another driver: %q", a.Error)
	}
	library := r.command[2]
	if err := os.WriteFile(library, []byte("no library"), 0o644); err != nil {
		t.Fatal(err)
	}
	if a := r.ask(r.child(patient)); !strings.HasPrefix(a.Error, "LIBRARY_NOT_LOADED: ") {
		t.Errorf("a broken library: %q", a.Error)
	}
	if err := os.Remove(library); err != nil {
		t.Fatal(err)
	}
	if a := r.ask(r.child(patient)); a.Error != "LIBRARY_NOT_FOUND" {
		t.Errorf("no library: %q", a.Error)
	}
}

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		args         []string
		input        string
		code         int
		out, message string
	}{
		{[]string{"-nvml", "libnvidia-ml.so.1"}, "", 2, "", "want an absolute path"},
		{[]string{"x"}, "", 2, "", `found argument "x"`},
		{[]string{"-x"}, "", 2, "", "not defined"},
		{[]string{"-version"}, "", 0, "tarsia-device", ""},
		{nil, "", 0, "", ""},
		{nil, "{\n", 0, `"error":"parse request`, ""},
		{nil, `{"tarsia":2,"id":3,"ask":"nvml"}` + "\n", 0, `"id":3,"error":"parse request: found protocol 2, want 1"`, ""},
		{nil, `{"tarsia":1,"id":3,"ask":"rm"}` + "\n", 0, `"error":"found question \"rm\"`, ""},
		{nil, "half a line", 1, "", "unexpected EOF"},
		{nil, strings.Repeat("x", ask.MaxRequest+1), 1, "", "too long"},
		{[]string{"-nvml", filepath.Join(t.TempDir(), "none.so")}, `{"tarsia":1,"id":1,"ask":"nvml","timeoutMillis":60000}` + "\n", 1,
			`"answer":{"version":1,"error":"LIBRARY_NOT_FOUND","devices":[]},"last":true}`, "no more use"},
	} {
		var out, errs bytes.Buffer
		code := run(c.args, strings.NewReader(c.input), &out, &errs)
		if code != c.code || !strings.Contains(out.String(), c.out) || !strings.Contains(errs.String(), c.message) {
			t.Errorf("%v %.40q: code %d, %s, %s", c.args, c.input, code, out.String(), errs.String())
		}
	}
}

// Nothing of a device's serial number is asked for.
func TestSerialIsNotAsked(t *testing.T) {
	data, err := os.ReadFile(childProgram(t))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(data, []byte("nvmlDeviceGetSerial")) {
		t.Error("the program names nvmlDeviceGetSerial")
	}
}
