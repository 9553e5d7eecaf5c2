// SPDX-License-Identifier: Apache-2.0

// Package tarsia is the map of the product; it holds no code, only the rules
// of the repository as tests.
//
// What the folders hold, from the ground up, and who may import whom:
//
//	vocabulary  cpuset pci isa            value types with one text form
//	facts       machine sysfs procfs ...  one source each, read and parsed, nothing joined
//	model       topology finding          what a node, a fleet, a finding is
//	engine      placement check           decisions: values in, a value out
//	adapters    discover render kube ...  facts to model; model to people and schedulers
//	cmd         cmd/tarsia                the command line
//
// docs/architecture.md draws the import graph from the code, and
// layering_test.go holds the table.
package tarsia
