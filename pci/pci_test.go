// SPDX-License-Identifier: Apache-2.0

package pci_test

import (
	"errors"
	"testing"

	"tarsia.dev/tarsia/pci"
)

func TestAddress(t *testing.T) {
	for _, text := range []string{"0000:3b:00.0", "0001:00:1f.7", "10000:e1:00.0"} {
		a, err := pci.ParseAddress(text)
		if err != nil || a.String() != text {
			t.Errorf("ParseAddress(%q) = %v, %v", text, a, err)
		}
	}
	for _, text := range []string{"", "3b:00.0", "0000:3b:20.0", "0000:3b:00.8", "0000:3b:0.0", "zzzz:00:00.0", "0000:+1:00.0"} {
		if a, err := pci.ParseAddress(text); err == nil {
			t.Errorf("ParseAddress(%q) = %v, want an error", text, a)
		}
	}
	low, high := pci.Address{Bus: 2}, pci.Address{Domain: 1}
	if low.Compare(high) >= 0 || high.Compare(low) <= 0 || low.Compare(low) != 0 {
		t.Error("Compare does not order by domain first")
	}
}

func TestIDAndClass(t *testing.T) {
	if id, err := pci.ParseID("0x10de\n"); err != nil || id != pci.VendorNVIDIA || id.String() != "0x10de" {
		t.Errorf("got %v, %v", id, err)
	}
	c, err := pci.ParseClass("0x030200")
	if err != nil || c.Base() != pci.BaseDisplay || c.Sub() != pci.Sub3D || c.String() != "0x030200" {
		t.Errorf("got %v, %v", c, err)
	}
	if _, err := pci.ParseClass("0x1030200"); err == nil {
		t.Error("a class of seven digits was accepted")
	}
}

func TestLink(t *testing.T) {
	for text, want := range map[string]float64{"16.0 GT/s PCIe": 16, "2.5 GT/s": 2.5, "8 GT/s\n": 8} {
		if got, err := pci.ParseLinkSpeed(text); err != nil || got != want {
			t.Errorf("ParseLinkSpeed(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"Unknown", "Unknown speed"} {
		if _, err := pci.ParseLinkSpeed(text); !errors.Is(err, pci.ErrNoLink) {
			t.Errorf("ParseLinkSpeed(%q): %v, want ErrNoLink", text, err)
		}
	}
	for _, text := range []string{"0", "63", "255"} {
		if _, err := pci.ParseLinkWidth(text); !errors.Is(err, pci.ErrNoLink) {
			t.Errorf("ParseLinkWidth(%q): %v, want ErrNoLink", text, err)
		}
	}
	// Base Specification: 16 lanes carry about 31.5, 63.0 and 118 GB/s.
	for _, c := range []struct {
		speed float64
		want  int64
	}{{5, 8_000_000_000}, {16, 31_507_692_307}, {32, 63_015_384_615}, {64, 118_000_000_000}} {
		if got := pci.BytesPerSecond(c.speed, 16); got != c.want {
			t.Errorf("BytesPerSecond(%v, 16) = %d, want %d", c.speed, got, c.want)
		}
	}
}

func FuzzAddress(f *testing.F) {
	for _, seed := range []string{"0000:3b:00.0", "10000:e1:00.0", "0000:3b:20.0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := pci.ParseAddress(text)
		if err != nil {
			return
		}
		again, err := pci.ParseAddress(a.String())
		if err != nil || again != a {
			t.Fatalf("%q read as %v, back as %v, %v", text, a, again, err)
		}
	})
}
