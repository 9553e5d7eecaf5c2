// SPDX-License-Identifier: Apache-2.0

package discover_test

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/discover"
	"tarsia.dev/tarsia/machine"
	"tarsia.dev/tarsia/topology"
)

// node reads a machine and fails the test when it cannot.
func node(t testing.TB, m *machine.Machine) *topology.Node {
	t.Helper()
	n, err := discover.Node("n1", m)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func text(t testing.TB, n *topology.Node) string {
	t.Helper()
	data, err := json.MarshalIndent(n, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestLiveHost(t *testing.T) {
	m, err := machine.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var n *topology.Node
	// The node and the recording come from one reading: memory may be plugged
	// in between two.
	host, err := machine.Record("n1", m, func(m *machine.Machine) error {
		n = node(t, m)
		return nil
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	invariants(t, n)
	if n.Summary.Threads == 0 || n.Architecture == "unknown" || n.Kernel.Release == "" {
		t.Errorf("this host: %+v, architecture %q, kernel %q", n.Summary, n.Architecture, n.Kernel.Release)
	}
	if d := cmp.Diff(text(t, n), text(t, node(t, host.Files.Machine()))); d != "" {
		t.Errorf("-live +recording:\n%s", d)
	}
}

// TestSameNodeFromEveryForm reads each capture from memory, from a directory
// and from a recording.
func TestSameNodeFromEveryForm(t *testing.T) {
	dir := shared(t)
	for _, name := range []string{
		"ghw/xeon-l5640-2numa-sriov.tar.gz",
		"hwloc/32amd64-4s2n4c-cgroup2.tar.bz2",
		"hwloc/nvidia-dgx-gb10.tar.bz2",
		"riscv/rv64-linux.tar.gz",
	} {
		t.Run(name, func(t *testing.T) {
			files := unpack(t, filepath.Join(dir, name))
			want := text(t, node(t, files.Machine()))
			host, err := discover.Record("n1", files.Machine())
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, text(t, node(t, host.Files.Machine()))); d != "" {
				t.Errorf("-capture +recording:\n%s", d)
			}
			root := filepath.Join(t.TempDir(), "root")
			if err := files.Lay(root); err != nil {
				t.Fatal(err)
			}
			m, err := machine.Open(root)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			if d := cmp.Diff(want, text(t, node(t, m))); d != "" {
				t.Errorf("-capture +directory:\n%s", d)
			}
		})
	}
}

func BenchmarkNodeLive(b *testing.B) {
	m, err := machine.Open("/")
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close()
	benchmark(b, m)
}

// BenchmarkNodeCapture reads 96 CPUs and 8 NUMA nodes of 2x EPYC 7451.
func BenchmarkNodeCapture(b *testing.B) {
	benchmark(b, unpack(b, filepath.Join(shared(b), "lscpu/x86_64-epyc_7451.tar.gz")).Machine())
}

func benchmark(b *testing.B, m *machine.Machine) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := discover.Node("n1", m); err != nil {
			b.Fatal(err)
		}
	}
}
