// SPDX-License-Identifier: Apache-2.0

package sysfs

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tarsia.dev/tarsia/machine"
)

// RDMAPort is one port of an RDMA device, InfiniBand or RoCE
// (Documentation/ABI/stable/sysfs-class-infiniband).
type RDMAPort struct {
	Name      string // of the device: mlx5_0
	Port      int    // from 1
	Path      string // sys/class/infiniband/mlx5_0/ports/1
	Device    Device
	State     string // ACTIVE, DOWN, INIT, ARMED; "" when unreadable
	LinkLayer string // InfiniBand, Ethernet
	Rate      string // "400 Gb/sec (4X NDR)"
}

// RateMbps reads a port's rate as Mbit/s: the number before "Gb/sec".
func RateMbps(rate string) (int64, error) {
	number, _, ok := strings.Cut(rate, " Gb/sec")
	v, err := strconv.ParseFloat(number, 64)
	if !ok || err != nil || !(v > 0 && v < 1e6) {
		return 0, fmt.Errorf("rate %q: want a form like 400 Gb/sec (4X NDR)", clip(rate))
	}
	return int64(v * 1000), nil
}

// RDMAPorts returns every port, by device, then by number. The error joins the
// devices that could not be read.
func RDMAPorts(m *machine.Machine) ([]RDMAPort, error) {
	const class = "sys/class/infiniband"
	names, err := m.ReadDir(class)
	if err != nil {
		return nil, err
	}
	var out []RDMAPort
	var failed []error
	for _, name := range names {
		dev, err := DeviceBehind(m, class+"/"+name)
		if err != nil {
			if !isMissing(err) {
				failed = append(failed, err)
			}
			continue
		}
		numbers, err := m.ReadDir(class + "/" + name + "/ports")
		if err != nil {
			failed = append(failed, err)
			continue
		}
		var ports []RDMAPort
		for _, number := range numbers {
			n, err := strconv.Atoi(number)
			if err != nil || n < 1 {
				continue
			}
			p := RDMAPort{Name: name, Port: n, Path: class + "/" + name + "/ports/" + number, Device: dev}
			state, err := Text(m, p.Path+"/state")
			if err != nil {
				failed = append(failed, err)
			}
			p.State = stateWord(state)
			p.LinkLayer, _ = Text(m, p.Path+"/link_layer")
			p.Rate, _ = Text(m, p.Path+"/rate")
			ports = append(ports, p)
		}
		slices.SortFunc(ports, func(a, b RDMAPort) int { return a.Port - b.Port })
		out = append(out, ports...)
	}
	return out, errors.Join(failed...)
}
