// SPDX-License-Identifier: Apache-2.0

package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"tarsia.dev/tarsia/cpuset"
	"tarsia.dev/tarsia/finding"
	"tarsia.dev/tarsia/pci"
	"tarsia.dev/tarsia/report"
	"tarsia.dev/tarsia/topology"
)

// testFleet has a GPU node, one whose GPUs differ, and one that tells nothing.
func testFleet() *topology.Fleet {
	gpu := pci.Address{Bus: 0x10}
	node := func(name string) *topology.Node {
		return &topology.Node{APIVersion: topology.APIVersion, Kind: topology.KindNode, Name: name, Architecture: "amd64",
			System:     topology.System{Vendor: "Acme", Product: `HGX, 8-way "X"`},
			Summary:    topology.Summary{Threads: 8, NUMANodes: 2, Accelerators: map[string]int{"nvidia": 1}},
			OnlineCPUs: cpuset.Range(0, 7),
			NUMANodes:  []topology.NUMANode{{ID: 0, CPUs: cpuset.Range(0, 7), Distances: map[int]int{0: 10}}},
			PCI:        []topology.PCIFunction{{Address: gpu, Class: 0x030200, Vendor: pci.VendorNVIDIA, Device: 0x2330, NUMANode: new(0), Port: topology.Endpoint, Link: &topology.PCILink{Lanes: new(16)}}},
			Accelerators: []topology.Accelerator{{ID: topology.PCIRef(gpu), Vendor: "nvidia", Model: "NVIDIA X100", State: topology.DeviceOK, NUMANode: new(0),
				Driver: "nvidia", DriverVersion: "570.1", Fabric: &topology.FabricMember{ClusterUUID: "4b3c", CliqueID: 1, State: topology.FabricCompleted}}},
			Links:    []topology.Link{{Kind: topology.LinkNVLink, A: "nvswitch/local", B: topology.PCIRef(gpu), Lanes: new(18), MaxLanes: new(18), State: topology.LinkUp, Source: "nvml"}},
			Firmware: []topology.Firmware{{Device: topology.PCIRef(gpu), Component: "vbios", Version: "96"}},
			Kernel:   topology.Kernel{Release: "6.12"},
			Boot:     topology.Boot{SecureBoot: new(true)},
		}
	}
	mixed := node("n2")
	mixed.Accelerators = append(mixed.Accelerators, topology.Accelerator{ID: "pci/0000:11:00.0", Vendor: "nvidia", State: topology.DeviceLost})
	mixed.Firmware = append(mixed.Firmware, topology.Firmware{Device: "pci/0000:12:00.0", Component: "vbios", Version: "97"})
	bare := &topology.Node{APIVersion: topology.APIVersion, Kind: topology.KindNode, Name: "n3", Architecture: "unknown",
		Absences: []topology.Absence{{Object: topology.NodeRef, Fact: "onlineCPUs", Kind: topology.Missing, Source: "sys/devices/system/cpu"}}}
	return topology.NewFleet("test", []*topology.Node{mixed, bare, node("n1")}, topology.Site{Name: "dc",
		Places: map[string][]topology.Place{"n1": {{Tree: "rack", Path: []string{"hall", "r1"}}}},
		Images: []topology.Image{{Reference: "a:1", Platforms: []string{"linux/amd64"}}}})
}

func testReport() finding.Report {
	evidence := []finding.Evidence{{Node: "n1", Source: "sys/x", Found: "x8", Wanted: "x16"}, {Source: "y", Found: "-1"}}
	return finding.NewReport(topology.APIVersion, "fleet/test", []finding.Finding{
		{ID: "TAR-LINK-001", Area: "Links", State: finding.Fail, Summary: `n1: link "a" < b & c`, Subjects: []string{"node/n1/pci/0000:10:00.0"}, Evidence: evidence, Cost: "slow", Fix: "reseat"},
		{ID: "TAR-FW-001", Area: "Homogeneity", State: finding.Warn, Summary: "2 of 3 differ", Subjects: []string{"node/n1"}, Evidence: evidence},
		{ID: "TAR-FW-001", Area: "Homogeneity", State: finding.Warn, Summary: "another component", Subjects: []string{"node/n1"}},
		{ID: "TAR-SB-001", Area: "Secure Boot", State: finding.Unknown, Summary: "n2: not known", Subjects: []string{"node/n2"}, Evidence: evidence[1:]},
		{ID: "TAR-TOPO-001", Area: "Topology", State: finding.Pass, Summary: "all known\x00\x1b", Subjects: []string{"fleet/test"}},
	})
}

func TestJUnit(t *testing.T) {
	var b bytes.Buffer
	if err := report.JUnit(&b, testReport()); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/report.xml", b.Bytes())
	for d := xml.NewDecoder(&b); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("not well-formed: %v", err)
		}
	}
}

func TestFleetCSV(t *testing.T) {
	var b bytes.Buffer
	if err := report.FleetCSV(&b, testFleet()); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/fleet.csv", b.Bytes())
	rows, err := csv.NewReader(strings.NewReader(b.String())).ReadAll()
	if err != nil || len(rows) != 4 {
		t.Errorf("%d rows, %v; want a head and three nodes", len(rows), err)
	}
}

// full is a writer on a full disk.
type full struct{}

var errFull = errors.New("no space left on device")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestFullDisk(t *testing.T) {
	if err := report.JUnit(full{}, testReport()); !errors.Is(err, errFull) {
		t.Errorf("JUnit on a full disk: %v", err)
	}
	if err := report.FleetCSV(full{}, testFleet()); !errors.Is(err, errFull) {
		t.Errorf("CSV on a full disk: %v", err)
	}
}
