// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/pci"
	"tarsia.dev/tarsia/topology"
)

func TestWatcher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		card := topology.PCIFunction{Address: pci.Address{Bus: 5}, Vendor: pci.VendorNVIDIA, Device: 0x2330}
		bare := &topology.Node{Name: "n"}
		full := &topology.Node{Name: "n", PCI: []topology.PCIFunction{card}}
		readings := []*topology.Node{bare, full, nil, full, bare}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ticker := time.NewTicker(watchInterval)
		defer ticker.Stop()
		var got, failures []string
		w := watcher{
			read: func(context.Context) (*topology.Node, error) {
				n := readings[0]
				if readings = readings[1:]; len(readings) == 0 {
					defer cancel()
				}
				if n == nil {
					return nil, errors.New("root is gone")
				}
				return n, nil
			},
			tick: ticker.C,
			now:  time.Now,
			tell: func(c change) error {
				for _, d := range c.Differences {
					got = append(got, string(d.Object)+" "+d.A+" -> "+d.B)
				}
				return nil
			},
			failed: func(err error) { failures = append(failures, err.Error()) },
		}
		if err := w.run(ctx, bare); err != nil {
			t.Fatal(err)
		}
		want := []string{"pci/0000:05:00.0 not there -> 10de:2330", "pci/0000:05:00.0 10de:2330 -> not there"}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("changes (-want +got):\n%s", d)
		}
		if d := cmp.Diff([]string{"root is gone"}, failures); d != "" {
			t.Errorf("failures (-want +got):\n%s", d)
		}
	})
}
