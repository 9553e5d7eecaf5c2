// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestDeadline boots a guest that never ends: the harness ends it, says so, and
// leaves no process behind.
func TestDeadline(t *testing.T) {
	if Inside() {
		// Waits in the kernel: the runtime would find a deadlock in select {}.
		if err := syscall.Pause(); err != nil {
			t.Fatal(err)
		}
	}
	if os.Getenv("TARSIA_TESTS") != "all" {
		t.Skip("TARSIA_TESTS is not all: guests are left out, as they fetch kernels and take minutes")
	}
	_, err := boot(t, Spec{Arch: "arm64", TPM: true, Timeout: 15 * time.Second})
	if err != nil && strings.Contains(err.Error(), errNoApt.Error()) {
		t.Log(err)
		t.Skip("no guest: QEMU or a kernel cannot be had from Debian's archive")
	}
	if err == nil || !strings.Contains(err.Error(), "gave no verdict within 15s") {
		t.Errorf("boot: %v, want a deadline", err)
	}
	if left := processesOf(t, t.Name()); len(left) > 1 || len(left) == 1 && !strings.Contains(left[0], "swtpm") {
		t.Errorf("left running: %v", left)
	}
}

// TestFailureInside fails in the guest, and the host hears of it.
func TestFailureInside(t *testing.T) {
	if Inside() {
		t.Fatal("as planned")
	}
	if os.Getenv("TARSIA_TESTS") != "all" {
		t.Skip("TARSIA_TESTS is not all: guests are left out, as they fetch kernels and take minutes")
	}
	_, err := boot(t, Spec{Arch: "arm64"})
	if err != nil && strings.Contains(err.Error(), errNoApt.Error()) {
		t.Log(err)
		t.Skip("no guest: QEMU or a kernel cannot be had from Debian's archive")
	}
	if err == nil || !strings.Contains(err.Error(), "the test failed in the arm64 guest (exit 1") {
		t.Errorf("boot: %v, want the guest's failure", err)
	}
}

func TestUnknownArchitecture(t *testing.T) {
	if _, err := boot(t, Spec{Arch: "vax"}); err == nil || !strings.Contains(err.Error(), `architecture "vax"`) {
		t.Errorf("boot: %v, want it to name the architecture", err)
	}
}

// processesOf lists processes whose command line names the text.
func processesOf(t *testing.T, text string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err == nil && strings.Contains(string(data), text) && (strings.Contains(string(data), "qemu-system") || strings.Contains(string(data), "swtpm")) {
			found = append(found, strings.ReplaceAll(string(data), "\x00", " "))
		}
	}
	return found
}
