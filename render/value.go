// SPDX-License-Identifier: Apache-2.0

package render

import (
	"errors"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"tarsia.dev/tarsia/pci"
)

// Size is bytes; text form "80 GiB".
type Size int64

// UnmarshalYAML reads a number and KiB, MiB, GiB or TiB.
func (s *Size) UnmarshalYAML(n *yaml.Node) error { return scalar(n, s, parseSize) }

// maxSize bounds a size, so that sums over nodes stay far from overflow.
const maxSize = 1 << 50

func parseSize(text string) (Size, error) {
	number, unit, _ := strings.Cut(text, " ")
	shift, ok := map[string]int{"KiB": 10, "MiB": 20, "GiB": 30, "TiB": 40}[unit]
	v, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil || v < 0 || v > maxSize>>shift {
		return 0, errors.New("want a size up to 1024 TiB, as 80 GiB")
	}
	return Size(v << shift), nil
}

// IDs is a vendor and a device id; text form "10de:2330".
type IDs struct{ Vendor, Device pci.ID }

// UnmarshalYAML reads the text form.
func (i *IDs) UnmarshalYAML(n *yaml.Node) error { return scalar(n, i, parseIDs) }

func parseIDs(text string) (IDs, error) {
	vendor, device, ok := strings.Cut(text, ":")
	v, err1 := pci.ParseID(vendor)
	d, err2 := pci.ParseID(device)
	if !ok || len(vendor) != 4 || len(device) != 4 || err1 != nil || err2 != nil {
		return IDs{}, errors.New("want vendor:device, as 10de:2330")
	}
	return IDs{v, d}, nil
}

// Class is a PCI class; text form "0x030200".
type Class pci.Class

// UnmarshalYAML reads the text form.
func (c *Class) UnmarshalYAML(n *yaml.Node) error {
	return scalar(n, c, func(text string) (Class, error) {
		v, err := pci.ParseClass(text)
		if err != nil || len(text) != len("0x030200") {
			return 0, errors.New("want a class, as 0x030200")
		}
		return Class(v), nil
	})
}

// Link is what a PCIe port or device is built for; text form "32 x16".
type Link struct {
	GTPerSec float64
	Lanes    int
}

// UnmarshalYAML reads the text form.
func (l *Link) UnmarshalYAML(n *yaml.Node) error { return scalar(n, l, parseLink) }

// linkSpeeds is GT/s by the code of the link registers, from 1 (PCI Express Base
// Specification 6.0, section 7.5.3.18, Supported Link Speeds Vector).
var linkSpeeds = [...]float64{1: 2.5, 2: 5, 3: 8, 4: 16, 5: 32, 6: 64}

func parseLink(text string) (Link, error) {
	speed, width, _ := strings.Cut(text, " x")
	gt, err1 := strconv.ParseFloat(speed, 64)
	lanes, err2 := strconv.Atoi(width)
	if err1 != nil || err2 != nil || speedCode(gt) == 0 || !widthOK(lanes) {
		return Link{}, errors.New("want GT/s and lanes of a PCIe generation, as 32 x16")
	}
	return Link{gt, lanes}, nil
}

// speedCode is the code of a speed in the link registers, 0 for none.
func speedCode(gt float64) int {
	for code, s := range linkSpeeds {
		if code > 0 && s == gt {
			return code
		}
	}
	return 0
}

func widthOK(lanes int) bool {
	switch lanes {
	case 1, 2, 4, 8, 12, 16, 32:
		return true
	}
	return false
}

// scalar reads one plain value. The decoder adds file, line and what was found
// to the error of parse.
func scalar[T any](n *yaml.Node, into *T, parse func(string) (T, error)) error {
	if n.Kind != yaml.ScalarNode {
		return errors.New("want one value")
	}
	v, err := parse(n.Value)
	if err != nil {
		return err
	}
	*into = v
	return nil
}

func clip(text string) string {
	if len(text) > 40 {
		return text[:40] + "..."
	}
	return text
}
