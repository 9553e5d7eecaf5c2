// SPDX-License-Identifier: Apache-2.0

// Package guest boots real Debian kernels of three architectures under QEMU for
// tests, and runs a test's own function inside:
//
//	func TestTopology(t *testing.T) {
//		guest.Run(t, guest.Spec{Arch: "riscv64", NUMA: 2}, func(t *testing.T, g *guest.Guest) {
//			// here the test runs as root, in the guest, on its /sys and /proc
//		})
//	}
//
// On the host, Run builds the test's package for the guest's architecture, packs
// it with a small init into an initramfs, boots, streams what the test prints,
// and ends with the guest's verdict. In the guest the same call runs the
// function. What it leaves out: disks, networks and users; a guest lives in
// memory and is gone when the test ends.
//
// Kernels, QEMU and firmware are Debian packages, resolved by suite and least
// version when a test runs, checked against Debian's archive keys by apt, and
// unpacked into a cache of our own: nothing is installed, and no root is needed.
// Every run prints what was resolved. Guests are emulated (TCG): /dev/kvm may be
// there without being usable, and emulation is the same everywhere.
//
// Nothing but tests imports this package.
package guest
