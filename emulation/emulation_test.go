// SPDX-License-Identifier: Apache-2.0

package emulation_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/emulation"
	"tarsia.dev/tarsia/machine"
)

func TestEmulator(t *testing.T) {
	for file, want := range map[string]string{
		"/usr/bin/qemu-aarch64-static":              "qemu-user",
		"/usr/libexec/qemu-binfmt/riscv64-binfmt-P": "",
		"/usr/bin/qemu-riscv64 (deleted)":           "qemu-user",
		"/usr/bin/qemu-system-x86_64":               "",
		"/usr/bin/qemu-ga":                          "",
		"/usr/bin/FEXInterpreter":                   "fex",
		"/usr/local/bin/box64":                      "box64",
		"/run/rosetta/rosetta":                      "rosetta",
		"/usr/bin/python3":                          "",
		"/home/somebody/qemu-with spaces":           "",
		"/x/qemu-" + strings.Repeat("a", 100):       "",
	} {
		if got := emulation.Emulator(file); got != want {
			t.Errorf("%s: %q, want %q", file, got, want)
		}
	}
}

// procRoot is a live /proc as the kernel shows it to a reader under QEMU.
func procRoot(t *testing.T) *machine.Machine {
	t.Helper()
	files := machine.NewFiles()
	for name, target := range map[string]string{
		"proc/self": "30", "proc/thread-self": "30/task/31", "proc/30/exe": "/usr/bin/qemu-riscv64-static",
		"proc/30/task/31/exe": "/usr/bin/qemu-riscv64-static",
		"proc/7/exe":          "/usr/bin/bash", "proc/112/exe": "/usr/bin/qemu-aarch64-static (deleted)",
		"proc/9/exe": "/usr/bin/qemu-aarch64-static",
	} {
		if err := files.AddLink(name, target); err != nil {
			t.Fatal(err)
		}
	}
	return files.Machine()
}

func TestAsk(t *testing.T) {
	got := emulation.Ask(procRoot(t))
	got.Hypervisor = "" // this machine's
	want := emulation.Answer{Version: 1, GOARCH: runtime.GOARCH, Executable: "qemu-riscv64-static",
		Processes: []emulation.Process{{PID: 9, Image: "qemu-aarch64-static"}, {PID: 112, Image: "qemu-aarch64-static"}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// TestAskLive wants a document that its own reader takes.
func TestAskLive(t *testing.T) {
	m, err := machine.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	want := emulation.Ask(m)
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := emulation.Read(m.WithAnswers(map[string][]byte{emulation.AnswersFile: data}))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(&want, got); d != "" {
		t.Errorf("-asked +read:\n%s", d)
	}
}

func TestParseErrors(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":             ``,
		"another version":     `{"version":2,"goarch":"arm64","processes":[],"leftOut":0,"unreadable":0}`,
		"an unknown key":      `{"version":1,"goarch":"arm64","path":"/home/x"}`,
		"more than one":       `{"version":1,"goarch":"arm64"} {}`,
		"no architecture":     `{"version":1}`,
		"a path":              `{"version":1,"goarch":"arm64","executable":"/usr/bin/tarsia"}`,
		"ids that fall":       `{"version":1,"goarch":"arm64","processes":[{"pid":9,"image":"qemu-arm"},{"pid":8,"image":"qemu-arm"}]}`,
		"a program as image":  `{"version":1,"goarch":"arm64","processes":[{"pid":9,"image":"bash"}]}`,
		"a negative number":   `{"version":1,"goarch":"arm64","leftOut":-1}`,
		"a long hypervisor":   `{"version":1,"goarch":"arm64","hypervisor":"0123456789abc"}`,
		"too many processes":  `{"version":1,"goarch":"arm64","processes":[` + strings.Repeat(`{"pid":1,"image":"qemu-arm"},`, 64) + `{"pid":1,"image":"qemu-arm"}]}`,
		"longer than allowed": strings.Repeat(" ", 70000),
	} {
		if a, err := emulation.Parse([]byte(text)); err == nil {
			t.Errorf("%s: read as %+v, want an error", name, a)
		}
	}
}

func TestReadInterpreters(t *testing.T) {
	files := machine.NewFiles()
	for name, text := range map[string]string{
		"status": "enabled\n", "register": "",
		"qemu-riscv64": "enabled\ninterpreter /usr/bin/qemu-riscv64-static\nflags: OCF\noffset 0\nmagic 7f45\n",
		"qemu-arm":     "disabled\ninterpreter /usr/bin/qemu-arm-static\n",
		"python3":      "enabled\ninterpreter /usr/bin/python3\nflags:\n",
	} {
		if err := files.AddFile(emulation.BinfmtDir+"/"+name, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := emulation.ReadInterpreters(files.Machine())
	if err != nil {
		t.Fatal(err)
	}
	want := []emulation.Interpreter{
		{Name: "qemu-arm", Image: "qemu-arm-static"}, {Name: "qemu-riscv64", Image: "qemu-riscv64-static", Enabled: true},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if _, err := emulation.ReadInterpreters(machine.NewFiles().Machine()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without binfmt_misc: %v", err)
	}
	if err := files.AddError(emulation.BinfmtDir+"/broken", syscall.EIO); err != nil {
		t.Fatal(err)
	}
	if _, err := emulation.ReadInterpreters(files.Machine()); !errors.Is(err, syscall.EIO) {
		t.Errorf("with one that cannot be read: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"version":1,"goarch":"riscv64","executable":"qemu-riscv64-static","hypervisor":"TCGTCGTCGTCG","processes":[{"pid":9,"image":"qemu-arm"}],"leftOut":1,"unreadable":2}`))
	f.Add([]byte("enabled\ninterpreter /usr/bin/qemu-riscv64-static\nflags: OCF\noffset 0\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if a, err := emulation.Parse(data); err == nil && len(a.Processes) > emulation.MaxProcesses {
			t.Errorf("%d processes", len(a.Processes))
		}
		if file, _, err := emulation.ParseInterpreter(data); err != nil && file != "" {
			t.Errorf("both %q and %v", file, err)
		}
	})
}
