// SPDX-License-Identifier: Apache-2.0

package discover_test

import (
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/discover"
	"tarsia.dev/tarsia/machine"
	"tarsia.dev/tarsia/sysfs"
	"tarsia.dev/tarsia/topology"
)

func discoverFiles(t testing.TB, files *machine.Files) *topology.Node {
	t.Helper()
	n, err := discover.Node("capture", files.Machine())
	if err != nil {
		t.Fatal(err)
	}
	coherent(t, n)
	return n
}

// TestDeviceCaptures checks the devices of whole roots against what the
// captures' own description says of them.
func TestDeviceCaptures(t *testing.T) {
	dir := shared(t)
	for _, c := range []struct {
		file         string
		pci          int
		accelerators map[string]int
		pcie         int
	}{
		// Neither link attributes nor config space in the ghw roots: a link is
		// known by the driver pcieport of the port above it, its width is not.
		{"ghw/i7-1270p.tar.gz", 23, map[string]int{"intel": 1}, 1},
		{"ghw/vm-accel-class12.tar.gz", 26, map[string]int{"unknown": 2}, 6}, // virtio-gpu and 1b36:0005
		{"ghw/vm-offline-cpus.tar.gz", 0, map[string]int{}, 0},
		{"ghw/vm-tesla-p100.tar.gz", 29, map[string]int{"nvidia": 1, "unknown": 1}, 6},
		{"ghw/xeon-l5640-2numa-sriov.tar.gz", 82, map[string]int{}, 4},            // the Matrox is the board's management display
		{"hwloc/2pa-pcidomain32bits.tar.bz2", 9, map[string]int{"unknown": 1}, 0}, // the Cirrus display of a guest
		{"hwloc/32intel64-2p8co2t+8ve.tar.bz2", 28, map[string]int{}, 14},         // vector engines have class 0x0b40
		{"hwloc/40intel64-2g2n4c+pcilocality.tar.bz2", 37, map[string]int{}, -1},
		{"hwloc/40intel64-4n10c+pci-conflicts.tar.bz2", 3, map[string]int{}, -1},
	} {
		t.Run(path.Base(c.file), func(t *testing.T) {
			n := discoverFiles(t, unpack(t, filepath.Join(dir, c.file)))
			if n.Summary.PCIFunctions != c.pci || !gocmp.Equal(n.Summary.Accelerators, c.accelerators) {
				t.Errorf("%d functions, accelerators %v, want %d, %v", n.Summary.PCIFunctions, n.Summary.Accelerators, c.pci, c.accelerators)
			}
			if got := n.Summary.Links["pcie"]; c.pcie >= 0 && got != c.pcie {
				t.Errorf("%d PCIe links, want %d", got, c.pcie)
			}
			for _, l := range n.Links {
				if l.State == topology.LinkDegraded {
					t.Errorf("alarm for %+v", l)
				}
			}
		})
	}
}

func TestCapturedFunctions(t *testing.T) {
	dir := shared(t)
	n := discoverFiles(t, unpack(t, filepath.Join(dir, "ghw/vm-tesla-p100.tar.gz")))
	gpu := accelerator(t, n, "pci/0000:06:00.0")
	if gpu.Driver != "nvidia" || gpu.NUMANode != nil || gpu.State != topology.DeviceUnknown {
		t.Errorf("%+v", gpu)
	}
	if l := linkOf(t, n, topology.LinkPCIe, "0000:06:00.0"); l.A != "pci/0000:00:01.5" || l.State != topology.LinkStateUnknown {
		t.Errorf("%+v", l)
	}
	n = discoverFiles(t, unpack(t, filepath.Join(dir, "ghw/xeon-l5640-2numa-sriov.tar.gz")))
	nodes := map[string]int{}
	for _, f := range n.PCI {
		if f.Driver == "igb" || f.Driver == "igbvf" {
			nodes[f.Driver]++
			if f.NUMANode == nil || *f.NUMANode != int(f.Address.Function&1) {
				t.Errorf("%s: NUMA node %v, want that of its function", f.Address, f.NUMANode)
			}
		}
	}
	if diff := gocmp.Diff(map[string]int{"igb": 2, "igbvf": 8}, nodes); diff != "" {
		t.Errorf("igb (-want +got):\n%s", diff)
	}
	n = discoverFiles(t, unpack(t, filepath.Join(dir, "hwloc/2pa-pcidomain32bits.tar.bz2")))
	if a := n.PCI[len(n.PCI)-1].Address; a.Domain != 0x10000 || n.PCI[len(n.PCI)-1].RootComplex != "pci10000:00" {
		t.Errorf("last function %s", a)
	}
	for _, f := range n.PCI { // each domain stands at a processor of its own, as lstopo shows it
		if want := []string{"0", "1"}[f.Address.Domain>>16]; f.LocalCPUs.String() != want {
			t.Errorf("%s: local CPUs %s, want %s", f.Address, f.LocalCPUs, want)
		}
	}
}

// moved puts the files below one directory of an archive under another name.
func moved(t *testing.T, file, from, to string, files *machine.Files) {
	t.Helper()
	entries, err := readArchive(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		_, rest, ok := strings.Cut("/"+e.name+"/", "/"+from+"/")
		if rest = strings.TrimSuffix(rest, "/"); !ok || rest == "" {
			continue
		}
		var err error
		switch {
		case e.link != "":
			err = files.AddLink(to+"/"+rest, e.link)
		case e.dir:
			err = files.AddDir(to + "/" + rest)
		default:
			err = files.AddFile(to+"/"+rest, e.data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestKFDCaptures(t *testing.T) {
	dir := filepath.Join(shared(t), "kfd")
	for _, c := range []struct {
		file                      string
		gpus, hives, xgmi, host   int
		partitions, want, lacking int
	}{
		{"topo-mi210-xgmi-pcie.tar.xz", 8, 2, 12, 8, 0, 0, 0},
		{"topo-mi300-cpx.tar.xz", 8, 1, 28, 8, 63, 64, 1},
		{"topology-parsing.tar.xz", 2, 0, 0, 2, 0, 0, 0}, // node 2 is a copy of node 1
	} {
		t.Run(c.file, func(t *testing.T) {
			files := machine.NewFiles()
			moved(t, filepath.Join(dir, c.file), "nodes", "sys/class/kfd/kfd/topology/nodes", files)
			n := discoverFiles(t, files)
			hives := map[string]bool{}
			partitions, want, lacking := 0, 0, 0
			for _, a := range n.Accelerators {
				if a.XGMIHive != "" {
					hives[a.XGMIHive] = true
				}
				partitions += len(a.Partitions)
				if a.ExpectedPartitions != nil {
					want += *a.ExpectedPartitions
					if *a.ExpectedPartitions > len(a.Partitions) {
						lacking++
					}
				}
			}
			type row struct{ gpus, hives, xgmi, host, partitions, want, lacking int }
			got := row{len(n.Accelerators), len(hives), n.Summary.Links["xgmi"], n.Summary.Links["pcie"], partitions, want, lacking}
			if w := (row{c.gpus, c.hives, c.xgmi, c.host, c.partitions, c.want, c.lacking}); got != w {
				t.Errorf("got %+v, want %+v", got, w)
			}
			for _, l := range n.Links {
				if l.Kind == topology.LinkXGMI && l.State != topology.LinkUp {
					t.Errorf("%+v", l)
				}
			}
		})
	}
}

// TestDRMCaptures reads one PCI device directory each, laid flat: no bridge
// above it is known.
func TestDRMCaptures(t *testing.T) {
	dir := filepath.Join(shared(t), "drm")
	none := topology.LinkState("none")
	want := map[string]struct {
		address string
		vendor  string
		link    topology.LinkState
		lanes   int
	}{
		"amd-phoenix":     {"0000:64:00.0", "amd", topology.LinkUp, 16},
		"amd-r7-240":      {"0000:01:00.0", "amd", topology.LinkDegraded, 4},
		"amd-r9-280":      {"0000:01:00.0", "amd", topology.LinkStateUnknown, 8}, // no max_link_width
		"amd-rx5700xt":    {"0000:28:00.0", "amd", topology.LinkStateUnknown, 16},
		"amd-rx580":       {"0000:09:00.0", "amd", topology.LinkStateUnknown, 0}, // no current_link_width
		"amd-rx6600":      {"0000:12:00.0", "amd", topology.LinkStateUnknown, 16},
		"amd-rx6900xt":    {"0000:0c:00.0", "amd", topology.LinkUp, 16}, // files padded to 4096 bytes
		"amd-rx7700s":     {"0000:03:00.0", "amd", topology.LinkStateUnknown, 8},
		"amd-rx7900xtx":   {"0000:03:00.0", "amd", topology.LinkStateUnknown, 16},
		"amd-rx9070xt":    {"0000:0f:00.0", "amd", topology.LinkStateUnknown, 16},
		"amd-strixpoint":  {"0000:c1:00.0", "amd", topology.LinkUp, 16},
		"amd-vega56":      {"0000:0b:00.0", "amd", topology.LinkUp, 16},
		"intel-a380-i915": {"0000:0b:00.0", "intel", topology.LinkStateUnknown, 0}, // 2.5 GT/s x1 is no fact
		"intel-a380-xe":   {"0000:08:00.0", "intel", topology.LinkStateUnknown, 0},
		"intel-b580":      {"0000:09:00.0", "intel", topology.LinkStateUnknown, 0},
		"intel-cometlake": {"0000:00:02.0", "intel", none, 0}, // integrated: no link at all
		"intel-tigerlake": {"0000:00:02.0", "intel", none, 0},
		"nvidia-rtx4080":  {"0000:09:00.0", "nvidia", topology.LinkStateUnknown, 16}, // idle speed, no maximum told
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.tar.xz"))
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".tar.xz")
		w, ok := want[name]
		if !ok {
			t.Logf("%s: no expectation recorded", name)
			continue
		}
		count++
		root := machine.NewFiles()
		moved(t, file, "device", sysfs.PCIDevices+"/"+w.address, root)
		moved(t, file, "kfd/topology", "sys/class/kfd/kfd/topology", root)
		n := discoverFiles(t, root)
		if len(n.Accelerators) != 1 || n.Accelerators[0].Vendor != w.vendor {
			t.Errorf("%s: accelerators %+v", name, n.Accelerators)
			continue
		}
		got, lanes := none, 0
		for _, l := range n.Links {
			if l.Kind == topology.LinkPCIe {
				got = l.State
				if l.Lanes != nil {
					lanes = *l.Lanes
				}
			}
		}
		if got != w.link || lanes != w.lanes {
			t.Errorf("%s: link %s x%d, want %s x%d", name, got, lanes, w.link, w.lanes)
		}
	}
	t.Logf("captures read %d/%d", count, len(files))
	if missing := len(want) - count; missing != 0 {
		t.Errorf("%d of %v not found", missing, slices.Sorted(maps.Keys(want)))
	}
}
