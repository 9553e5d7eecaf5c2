// SPDX-License-Identifier: Apache-2.0

// Package unit writes quantities for people: memory in binary units, rates in
// decimal ones, all by one rounding rule; times by their two largest units. JSON keeps the exact numbers.
package unit

import (
	"fmt"
	"math"
	"strconv"
)

// Bytes writes memory: "80 GiB", "1.5 TiB", "512 MiB".
func Bytes(n int64) string {
	return scaled(n, 1024, []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"})
}

// Rate writes bytes per second of one direction: "478 GB/s".
func Rate(n int64) string {
	return scaled(n, 1000, []string{"B/s", "kB/s", "MB/s", "GB/s", "TB/s", "PB/s", "EB/s"})
}

// Megabits writes a network speed: "400 Gb/s".
func Megabits(n int64) string {
	return scaled(n, 1000, []string{"Mb/s", "Gb/s", "Tb/s", "Pb/s", "Eb/s"})
}

// scaled takes the largest unit that leaves at least one.
func scaled(n, base int64, units []string) string {
	v, i := float64(n), 0
	for i < len(units)-1 && math.Abs(v) >= float64(base) {
		v, i = v/float64(base), i+1
	}
	return Number(v) + " " + units[i]
}

// Number writes three significant digits without trailing zeros, and never
// fewer than the whole part has: 478.116 is "478", 63.015 is "63", 1.5 is
// "1.5", 1023 is "1023".
func Number(v float64) string {
	digits := 2
	for limit := 10.0; digits > 0 && math.Abs(v) >= limit; limit *= 10 {
		digits--
	}
	p := math.Pow10(digits)
	return strconv.FormatFloat(math.Round(v*p)/p, 'f', -1, 64)
}

// Seconds writes a time: "45s", "3m05s", "2h10m", "3d04h".
func Seconds(s int64) string {
	switch {
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	case s < 86400:
		return fmt.Sprintf("%dh%02dm", s/3600, s%3600/60)
	}
	return fmt.Sprintf("%dd%02dh", s/86400, s%86400/3600)
}
