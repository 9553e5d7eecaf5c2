// SPDX-License-Identifier: Apache-2.0

package guest_test

import (
	"os"
	"runtime"
	"strings"
	"testing"

	"tarsia.dev/tarsia/guest"
)

// TestSmall boots the smallest machine of each architecture.
func TestSmall(t *testing.T) {
	for _, arch := range []string{"arm64", "amd64", "riscv64"} {
		t.Run(arch, func(t *testing.T) {
			result := guest.Run(t, guest.Spec{Arch: arch}, func(t *testing.T, g *guest.Guest) {
				if runtime.GOARCH != arch {
					t.Errorf("the test runs as %s, want %s", runtime.GOARCH, arch)
				}
				if os.Getpid() == 1 || os.Getuid() != 0 {
					t.Errorf("pid %d, uid %d: want a child of init, as root", os.Getpid(), os.Getuid())
				}
				version, err := os.ReadFile("/proc/version")
				if err != nil || !strings.Contains(string(version), "Debian") {
					t.Errorf("kernel %q, %v: want one of Debian's", version, err)
				}
				g.Export("version", version)
				g.Export("empty", nil)
			})
			if guest.Inside() {
				return
			}
			if got := string(result.Exports["version"]); !strings.HasPrefix(got, "Linux version") {
				t.Errorf("exported %q, want the kernel's version", got)
			}
			if _, ok := result.Exports["empty"]; !ok {
				t.Error("an empty export was lost")
			}
		})
	}
}
