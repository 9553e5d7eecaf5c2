// SPDX-License-Identifier: Apache-2.0

// Package render makes up machines that nobody here has: it turns a short fact
// file into the files that a kernel of such a machine shows under /sys and
// /proc. It is the one place in the product where hardware is a fake, at the
// very edge: whatever it writes is read by the same readers as a live host, so
// that the demo fleet and the tests take no special path. The machines of the
// demo say what they are in sys_vendor or in the model of their device tree.
//
// A fact file says what a machine is made of (Facts); a fleet file says how many
// there are, where they stand and what is broken (Fleet). Begin with ParseFacts
// and Machine for one, with Demo for the embedded fleet. Equal facts give equal
// bytes.
//
// What it leaves out: attributes that no reader asks for, and anything that
// changes with time.
package render
