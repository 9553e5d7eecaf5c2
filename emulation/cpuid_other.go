// SPDX-License-Identifier: Apache-2.0

//go:build !amd64

package emulation

// hypervisor returns "": no other architecture has an instruction that a program
// may ask.
func hypervisor() string { return "" }
