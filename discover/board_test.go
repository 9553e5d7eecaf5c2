// SPDX-License-Identifier: Apache-2.0

package discover_test

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"tarsia.dev/tarsia/discover"
	"tarsia.dev/tarsia/machine"
	"tarsia.dev/tarsia/pci"
	"tarsia.dev/tarsia/topology"
)

// board is a root made by hand, device by device.
type board struct {
	t testing.TB
	*machine.Files
}

// newBoard returns a board with two packages of two CPUs, each a NUMA node.
func newBoard(t testing.TB) board {
	t.Helper()
	b := board{t, machine.NewFiles()}
	b.file("sys/devices/system/cpu/online", "0-3")
	b.file("sys/devices/system/node/online", "0-1")
	for cpu := range 4 {
		top := fmt.Sprintf("sys/devices/system/cpu/cpu%d/topology/", cpu)
		b.file(top+"physical_package_id", strconv.Itoa(cpu/2))
		b.file(top+"core_id", strconv.Itoa(cpu%2))
		b.file(top+"core_cpus_list", strconv.Itoa(cpu))
		b.file(top+"package_cpus_list", fmt.Sprintf("%d-%d", cpu/2*2, cpu/2*2+1))
	}
	b.node(0, "0-1", "10 21")
	b.node(1, "2-3", "21 10")
	return b
}

func (b board) node(id int, cpus, distances string) {
	dir := fmt.Sprintf("sys/devices/system/node/node%d/", id)
	b.file(dir+"cpulist", cpus)
	b.file(dir+"distance", distances)
	b.file(dir+"meminfo", fmt.Sprintf("Node %d MemTotal:       1048576 kB", id))
}

func (b board) file(name, text string) {
	b.t.Helper()
	if err := b.AddFile(name, []byte(text+"\n")); err != nil {
		b.t.Fatal(err)
	}
}

func (b board) link(name, target string) {
	b.t.Helper()
	if err := b.AddLink(name, target); err != nil {
		b.t.Fatal(err)
	}
}

func (b board) fail(name string, errno syscall.Errno) {
	b.t.Helper()
	if err := b.AddError(name, errno); err != nil {
		b.t.Fatal(err)
	}
}

// attrs are files of a device; "driver" is a link.
type attrs map[string]string

// pci adds a function: "pci0000:00/0000:00:01.0" below sys/devices. A value
// "EINVAL" or "EIO" makes the read fail so.
func (b board) pci(where string, a attrs) string {
	b.t.Helper()
	dir := "sys/devices/" + where
	for _, name := range slices.Sorted(maps.Keys(a)) {
		switch v := a[name]; {
		case name == "driver":
			b.link(dir+"/driver", "/sys/bus/pci/drivers/"+v)
		case name == "config":
			if err := b.AddFile(dir+"/config", []byte(v)); err != nil {
				b.t.Fatal(err)
			}
		case v == "EINVAL":
			b.fail(dir+"/"+name, syscall.EINVAL)
		case v == "EIO":
			b.fail(dir+"/"+name, syscall.EIO)
		default:
			b.file(dir+"/"+name, v)
		}
	}
	b.link("sys/bus/pci/devices/"+path.Base(where), "../../../devices/"+where)
	return dir
}

// with returns a and more attributes; a later one wins.
func (a attrs) with(more ...attrs) attrs {
	out := maps.Clone(a)
	for _, m := range more {
		maps.Copy(out, m)
	}
	return out
}

// width gives link attributes of 16 GT/s with so many lanes of so many.
func width(now, most int) attrs {
	return attrs{
		"current_link_speed": "16.0 GT/s PCIe", "max_link_speed": "16.0 GT/s PCIe",
		"current_link_width": strconv.Itoa(now), "max_link_width": strconv.Itoa(most),
	}
}

// config is configuration space with a PCI Express capability of that type.
func config(portType byte) string {
	c := make([]byte, 256)
	c[0x06], c[0x34] = 0x10, 0x40
	c[0x40], c[0x42] = 0x10, portType<<4|2
	return string(c)
}

var (
	bridge = attrs{"class": "0x060400", "vendor": "0x8086", "device": "0x352a", "numa_node": "0", "driver": "pcieport"}
	h100   = attrs{"class": "0x030200", "vendor": "0x10de", "device": "0x2330", "numa_node": "0",
		"local_cpulist": "0-1", "driver": "nvidia", "config": config(0)}
	mi300x = attrs{"class": "0x120000", "vendor": "0x1002", "device": "0x74a1", "numa_node": "0", "driver": "amdgpu", "config": config(0)}
	nic    = attrs{"class": "0x020000", "vendor": "0x15b3", "device": "0x1021", "numa_node": "1", "driver": "mlx5_core"}
)

// read discovers the board and checks what holds for every node.
func (b board) read() *topology.Node {
	b.t.Helper()
	n, err := discover.Node("board", b.Machine())
	if err != nil {
		b.t.Fatal(err)
	}
	coherent(b.t, n)
	return n
}

// coherent checks what holds for the devices of every node: parents and link
// ends are there, A is before B, no end pair has two links of a kind, and what
// is unknown has its reason.
func coherent(t testing.TB, n *topology.Node) {
	t.Helper()
	at := map[pci.Address]bool{}
	for _, f := range n.PCI {
		at[f.Address] = true
	}
	for _, f := range n.PCI {
		if f.Parent != nil && !at[*f.Parent] {
			t.Errorf("%s: parent %s is not in the tree", f.Address, f.Parent)
		}
	}
	ids := map[topology.Ref]bool{}
	for _, a := range n.Accelerators {
		if ids[a.ID] {
			t.Errorf("accelerator %s twice", a.ID)
		}
		ids[a.ID] = true
		if a.State != topology.DeviceOK && a.StateReason == "" {
			t.Errorf("%s: state %s without a reason", a.ID, a.State)
		}
	}
	seen := map[string]bool{}
	for _, l := range n.Links {
		key := fmt.Sprint(l.Kind, l.A, l.B)
		if seen[key] || topology.CompareRefs(l.A, l.B) >= 0 || l.Source == "" {
			t.Errorf("link %s: twice, out of order, or without source", key)
		}
		seen[key] = true
		if l.State == topology.LinkStateUnknown && !slices.ContainsFunc(n.Absences, func(a topology.Absence) bool {
			return (a.Object == l.A || a.Object == l.B) && strings.HasPrefix(a.Fact, "link")
		}) {
			t.Errorf("link %s: unknown without an absence", key)
		}
		for _, lanes := range []*int{l.Lanes, l.MaxLanes} {
			if lanes != nil && *lanes < 0 || l.Kind == topology.LinkPCIe && lanes != nil && *lanes == 0 {
				t.Errorf("link %s: %d lanes", key, *lanes)
			}
		}
	}
}

// linkOf returns the only link of a kind that ends at a PCI function.
func linkOf(t testing.TB, n *topology.Node, kind topology.LinkKind, address string) topology.Link {
	t.Helper()
	var found []topology.Link
	for _, l := range n.Links {
		if l.Kind == kind && (l.A == topology.Ref("pci/"+address) || l.B == topology.Ref("pci/"+address)) {
			found = append(found, l)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%s has %d links of kind %s, want 1: %+v", address, len(found), kind, found)
	}
	return found[0]
}

func accelerator(t testing.TB, n *topology.Node, id topology.Ref) topology.Accelerator {
	t.Helper()
	i := slices.IndexFunc(n.Accelerators, func(a topology.Accelerator) bool { return a.ID == id })
	if i < 0 {
		t.Fatalf("no accelerator %s in %d", id, len(n.Accelerators))
	}
	return n.Accelerators[i]
}

func absence(t testing.TB, n *topology.Node, object topology.Ref, fact string) topology.Absence {
	t.Helper()
	a, ok := n.AbsenceOf(object, fact)
	if !ok {
		t.Fatalf("no absence of %s %s", object, fact)
	}
	return a
}
