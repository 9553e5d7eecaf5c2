// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/nvml"
	"tarsia.dev/tarsia/nvml/nvmltest"
)

// NVIDIA's own binding reads from the same library what the child reads: structures,
// numbers of fields and versions are the library's and not a mistake shared by the
// child and the stand-in.
func TestAgreesWithGoNVML(t *testing.T) {
	r := newRig(t)
	reader := filepath.Join(t.TempDir(), "nvmlread")
	build := exec.Command("go", "build", "-o", reader, "./nvmlread")
	build.Dir = filepath.Join(nvmltest.Root(), "testbed")
	build.Env = append(os.Environ(), "CGO_ENABLED=1", "CGO_CFLAGS=-O1 -Wno-deprecated-declarations")
	if out, err := build.CombinedOutput(); err != nil {
		if strings.Contains(string(out), "dial tcp") {
			t.Skip("go-nvml is not in the module cache and the module proxy is out of reach")
		}
		t.Fatalf("build nvmlread: %v\n%s", err, out)
	}
	c := r.child(patient)
	for name, m := range machines() {
		t.Run(name, func(t *testing.T) {
			r.says(nvmltest.Facts(m))
			out, err := exec.Command(reader, r.command[2]).Output()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(out), lines(r.ask(c))); diff != "" {
				t.Errorf("(-go-nvml +tarsia-device):\n%s", diff)
			}
		})
	}
}

// lines are the answers in the form that nvmlread prints.
func lines(a *nvml.Answers) string {
	var b strings.Builder
	fmt.Fprintf(&b, "- driver %s\n", a.DriverVersion)
	for i := range a.Devices {
		d := &a.Devices[i]
		tell := func(fact string, value any) { fmt.Fprintf(&b, "%d %s %v\n", i, fact, value) }
		tell("busId", d.BusID)
		for _, f := range []struct{ fact, text string }{{"name", d.Name}, {"uuid", d.UUID}} {
			if f.text != "" {
				tell(f.fact, f.text)
			}
		}
		for _, f := range []struct {
			fact string
			n    *int
		}{{"module", d.ModuleID}, {"minor", d.Minor}, {"numa", d.NUMANodeID}} {
			if f.n != nil {
				tell(f.fact, *f.n)
			}
		}
		if d.MemoryBytes != nil {
			tell("memory", *d.MemoryBytes)
		}
		for _, f := range []struct{ fact, text string }{{"vbios", d.VBIOS}, {"gsp", d.GSPFirmware}} {
			if f.text != "" {
				tell(f.fact, f.text)
			}
		}
		if r := d.RemappedRows; r != nil {
			tell("remapped", fmt.Sprint(r.Correctable, r.Uncorrectable, r.Pending, r.Failed))
		}
		if d.ECC != nil {
			tell("ecc", *d.ECC.AggregateCorrected)
		}
		if f := d.Fabric; f != nil {
			tell("fabric", fmt.Sprintf("%s %d %d %d", strings.ReplaceAll(f.ClusterUUID, "-", ""), f.CliqueID, f.State, *f.HealthMask))
		}
		for _, l := range d.NVLinks {
			tell(fmt.Sprint("state", l.Link), *l.State)
			if l.RemoteBusID != "" {
				tell(fmt.Sprint("remote", l.Link), l.RemoteBusID)
			}
		}
		if d.MIG != nil {
			// go-nvml goes by profile, and by number within it.
			for profile := 100; profile < 120; profile++ {
				for _, g := range d.MIG.Instances {
					if *g.ProfileID == profile {
						tell(fmt.Sprint("gi", g.ID), fmt.Sprint(profile, g.Placement.Start, g.Placement.Size))
					}
				}
			}
		}
	}
	return b.String()
}
