// SPDX-License-Identifier: Apache-2.0

package vendorlib

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"sync"
	"unsafe"

	"tarsia.dev/tarsia/nvml"
)

// NVMLPaths are where drivers put libnvidia-ml.so.1, most particular first: the
// driver containers of the GPU operator, node images that keep the driver apart,
// then the distributions' folders.
func NVMLPaths() []string {
	triple := map[string]string{"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu", "riscv64": "riscv64-linux-gnu"}[runtime.GOARCH]
	var paths []string
	for _, dir := range []string{
		"/run/nvidia/driver/usr/lib/" + triple, "/run/nvidia/driver/usr/lib64", "/usr/local/nvidia/lib64",
		"/home/kubernetes/bin/nvidia/lib64", "/run/opengl-driver/lib", "/usr/lib/wsl/lib",
		"/usr/lib/" + triple, "/usr/lib64", "/usr/lib",
	} {
		paths = append(paths, dir+"/libnvidia-ml.so.1")
	}
	return paths
}

// Words of our own beside those of nvmlReturn_t.
const (
	Timeout  = "TIMEOUT"   // the call did not come back in time
	NotAsked = "NOT_ASKED" // an earlier device kept the asker
)

// maxGPUs is NVML_MAX_PHYSICAL_GPUS and headroom.
const maxGPUs = 256

// NVML asks one libnvidia-ml. It stays initialized from the first ask on, as
// nvmlInit can take a second for each GPU whose driver keeps no state.
type NVML struct {
	paths   []string
	lib     *Library
	started bool
}

// NewNVML returns what asks the first of the libraries that is there.
func NewNVML(paths ...string) *NVML { return &NVML{paths: paths} }

// Progress is what one ask has found so far: when a call does not come back, the
// devices before it are told all the same.
type Progress struct {
	mu sync.Mutex
	a  nvml.Answers
}

// NewProgress returns what is known before anything was asked: nothing, for want
// of time.
func NewProgress() *Progress {
	return &Progress{a: nvml.Answers{Version: nvml.Version, Error: Timeout, Devices: []nvml.Device{}}}
}

// Answers returns what is known now. A device that is being asked has the error
// Timeout, one whose turn has not come NotAsked.
func (p *Progress) Answers() *nvml.Answers {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.a
	a.Devices = append([]nvml.Device{}, p.a.Devices...)
	return &a
}

func (p *Progress) change(f func(a *nvml.Answers)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(&p.a)
}

// Ask asks everything once and leaves the answers in p, which is new. known are the addresses
// that the driver lists under /proc, which name a device that is lost before it
// can tell its own. It blocks as long as the library does, and is to be called
// from one locked OS thread. The result is false where the library can be of no
// more use to this process: it is missing, or another one than the driver's.
func (n *NVML) Ask(p *Progress, known []string) bool {
	if failed := n.start(); failed != "" {
		p.change(func(a *nvml.Answers) { a.Error = failed })
		return n.lib != nil && failed != nvml.ReturnName(libRMVersionMismatch)
	}
	var count uint32
	failed := n.call([]string{"nvmlDeviceGetCount_v2", "nvmlDeviceGetCount"}, uintptr(unsafe.Pointer(&count)))
	driver, version := n.text("nvmlSystemGetDriverVersion"), n.text("nvmlSystemGetNVMLVersion")
	if failed != "" {
		p.change(func(a *nvml.Answers) { a.DriverVersion, a.NVMLVersion, a.Error = driver, version, failed })
		n.stop()
		return true
	}
	handles, devices, unnamed := n.identify(min(int(count), maxGPUs), known)
	p.change(func(a *nvml.Answers) {
		*a = nvml.Answers{Version: nvml.Version, DriverVersion: driver, NVMLVersion: version, Devices: devices, Unnamed: unnamed}
	})
	for i, h := range handles {
		if h == 0 {
			continue
		}
		asked := devices[i]
		p.change(func(a *nvml.Answers) { a.Devices[i].Error = Timeout })
		asked.Error = ""
		n.device(h, &asked)
		p.change(func(a *nvml.Answers) { a.Devices[i] = asked })
	}
	pairs := n.pairs(handles, p.Answers().Devices)
	p.change(func(a *nvml.Answers) { a.Pairs = pairs })
	return true
}

// Values of nvmlReturn_t that the asker acts on (nvml.h).
const (
	gpuIsLost            = 15
	resetRequired        = 16
	libRMVersionMismatch = 18
)

// start loads and initializes the library; the result is "" or why not.
func (n *NVML) start() string {
	if n.lib == nil {
		lib, err := Open(n.paths...)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return "LIBRARY_NOT_FOUND"
		case err != nil:
			return "LIBRARY_NOT_LOADED: " + err.Error()
		}
		n.lib = lib
	}
	if n.started {
		return ""
	}
	if failed := n.call([]string{"nvmlInit_v2", "nvmlInit"}); failed != "" {
		return failed
	}
	n.started = true
	return ""
}

// stop lets go of the driver, so that the next ask begins anew.
func (n *NVML) stop() {
	n.call([]string{"nvmlShutdown"})
	n.started = false
}

// call returns "" for NVML_SUCCESS, else the name of what came instead.
//
//go:uintptrescapes
func (n *NVML) call(symbols []string, args ...uintptr) string {
	code, err := n.lib.Call(symbols, args...)
	switch {
	case err != nil:
		return "FUNCTION_NOT_FOUND"
	case code != 0:
		return nvml.ReturnName(code)
	}
	return ""
}

// text asks a function of the form f(char *out, unsigned length); "" is none.
func (n *NVML) text(symbol string) string {
	var buf [256]byte
	if n.call([]string{symbol}, uintptr(unsafe.Pointer(&buf)), uintptr(len(buf))) != "" {
		return ""
	}
	return cString(buf[:])
}

// cString is the text before the first NUL, as valid UTF-8.
func cString(b []byte) string {
	text, _, _ := strings.Cut(string(b), "\x00")
	return strings.TrimSpace(strings.ToValidUTF8(text, "?"))
}

// pciInfo is nvmlPciInfo_t. Before _v3 the last field was not there, or reserved.
type pciInfo struct {
	legacy                                 [16]byte
	domain, bus, device, pciDevice, subsys uint32
	busID                                  [32]byte
}

// address is NVML's spelling. Older libraries leave busID alone, so the numbers
// speak where it does not.
func (i *pciInfo) address() string {
	if text := cString(i.busID[:]); text != "" {
		if _, err := nvml.ParseBusID(text); err == nil || strings.HasPrefix(text, "FFFFFFFF") {
			return strings.ToUpper(text)
		}
	}
	return fmt.Sprintf("%08X:%02X:%02X.0", i.domain, i.bus&0xff, i.device&0xff)
}

// identify takes the handle and the address of every device. Its handle is 0
// where it answers neither; known then names it if there is only one way to.
func (n *NVML) identify(count int, known []string) (handles []uintptr, devices []nvml.Device, unnamed []nvml.Unnamed) {
	devices = []nvml.Device{}
	for i := range count {
		var h uintptr
		failed := n.call([]string{"nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetHandleByIndex"}, uintptr(i), uintptr(unsafe.Pointer(&h)))
		var info pciInfo
		if failed == "" {
			failed = n.call([]string{"nvmlDeviceGetPciInfo_v3", "nvmlDeviceGetPciInfo_v2", "nvmlDeviceGetPciInfo"}, h, uintptr(unsafe.Pointer(&info)))
		}
		if failed != "" {
			unnamed = append(unnamed, nvml.Unnamed{Index: i, Error: failed})
			continue
		}
		handles = append(handles, h)
		devices = append(devices, nvml.Device{Index: i, BusID: info.address(), Error: NotAsked})
	}
	missing := missingAddresses(known, devices)
	if len(missing) != len(unnamed) {
		return handles, devices, unnamed
	}
	// NVML counts in the order of addresses.
	for i, u := range unnamed {
		handles = append(handles, 0)
		devices = append(devices, nvml.Device{Index: u.Index, BusID: missing[i], Error: u.Error})
	}
	return handles, devices, nil
}

// missingAddresses are those known that no device has, in NVML's spelling, sorted.
func missingAddresses(known []string, devices []nvml.Device) []string {
	var missing []string
	for _, text := range known {
		a, err := nvml.ParseBusID(text)
		if err != nil {
			continue
		}
		has := slices.ContainsFunc(devices, func(d nvml.Device) bool {
			b, err := d.Address()
			return err == nil && a == b
		})
		if !has {
			missing = append(missing, fmt.Sprintf("%08X:%02X:%02X.%X", a.Domain, a.Bus, a.Device, a.Function))
		}
	}
	slices.Sort(missing)
	return slices.Compact(missing)
}
