// SPDX-License-Identifier: Apache-2.0

package pci

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrNoLink is returned for what the kernel writes when a function has no
// link or cannot read it: speed "Unknown" or "Unknown speed", width 0, 63 or 255.
var ErrNoLink = errors.New("no link")

// ParseLinkSpeed reads current_link_speed or max_link_speed, "16.0 GT/s PCIe"
// or "8 GT/s", and returns gigatransfers per second and lane.
func ParseLinkSpeed(text string) (float64, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "Unknown") {
		return 0, ErrNoLink
	}
	number, unit, _ := strings.Cut(text, " ")
	v, err := strconv.ParseFloat(number, 64)
	if err != nil || !strings.HasPrefix(unit, "GT/s") || v <= 0 || v > 1024 {
		return 0, fmt.Errorf("link speed %q: want a form like 16.0 GT/s PCIe", clip(text))
	}
	return v, nil
}

// ParseLinkWidth reads current_link_width or max_link_width and returns lanes.
func ParseLinkWidth(text string) (int, error) {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || n < 0 {
		return 0, fmt.Errorf("link width %q: want a number of lanes", clip(text))
	}
	if n == 0 || n > 32 {
		return 0, ErrNoLink
	}
	return n, nil
}

// BytesPerSecond is the rate of one direction after line coding: 8b/10b up to
// 5 GT/s, 128b/130b up to 32 GT/s, flits of 236/256 from 64 GT/s (PCI Express
// Base Specification 6.0, sections 4.2.1, 4.2.2, 4.2.3). Packet headers are
// not taken off.
func BytesPerSecond(gtPerSec float64, lanes int) int64 {
	raw := gtPerSec * 1e9 / 8 * float64(lanes)
	switch {
	case gtPerSec <= 5:
		return int64(raw * 8 / 10)
	case gtPerSec < 64:
		return int64(raw * 128 / 130)
	default:
		return int64(raw * 236 / 256)
	}
}
