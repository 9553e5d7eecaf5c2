// SPDX-License-Identifier: Apache-2.0

package sysfs

import (
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"tarsia.dev/tarsia/machine"
	"tarsia.dev/tarsia/pci"
)

// NetInterface is one interface of sys/class/net with hardware behind it
// (Documentation/ABI/testing/sysfs-class-net).
type NetInterface struct {
	Name    string
	Path    string // sys/class/net/eth0
	Device  Device
	Port    int         // dev_port, from 0; 0 where the driver does not say
	Carrier Attr[bool]  // EINVAL while the interface is down by configuration
	State   string      // operstate: up, down, unknown, ...
	Speed   Attr[int64] // Mbit/s; EINVAL or -1 while there is no link
}

// Device is the hardware behind an entry of a device class: the nearest PCI
// function above it, or else its own name on the platform bus.
type Device struct {
	PCI      *pci.Address
	Platform string // "" for a PCI function
	Dir      string
}

// DeviceBehind follows a class entry's link "device". Its error is
// fs.ErrNotExist for an entry that only software made.
func DeviceBehind(m *machine.Machine, entry string) (Device, error) {
	dir, err := m.RealPath(entry + "/device")
	if err != nil {
		return Device{}, err
	}
	d := Device{Dir: dir}
	for p := dir; p != "." && p != "/"; p = path.Dir(p) {
		if a, err := pci.ParseAddress(path.Base(p)); err == nil {
			d.PCI, d.Dir = &a, p
			return d, nil
		}
	}
	d.Platform = path.Base(dir)
	return d, nil
}

// NetInterfaces returns the interfaces with hardware behind them, by name. The
// error joins those whose device could not be found out.
func NetInterfaces(m *machine.Machine) ([]NetInterface, error) {
	const class = "sys/class/net"
	names, err := m.ReadDir(class)
	if err != nil {
		return nil, err
	}
	var out []NetInterface
	var failed []error
	for _, name := range names {
		n := NetInterface{Name: name, Path: class + "/" + name}
		if n.Device, err = DeviceBehind(m, n.Path); err != nil {
			if !isMissing(err) {
				failed = append(failed, err)
			}
			continue
		}
		n.State, _ = Text(m, n.Path+"/operstate")
		n.Port, _ = Int(m, n.Path+"/dev_port")
		n.Carrier = textAttr(m, n.Path+"/carrier", parseBool)
		n.Speed = textAttr(m, n.Path+"/speed", parseSpeed)
		out = append(out, n)
	}
	return out, errors.Join(failed...)
}

// errNoSpeed is what a driver means by -1 or SPEED_UNKNOWN.
var errNoSpeed = fmt.Errorf("speed: %w", pci.ErrNoLink)

func parseSpeed(text string) (int64, error) {
	v, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil:
		return 0, fmt.Errorf("found %q, want Mbit/s", clip(text))
	case v <= 0 || v == 1<<32-1: // SPEED_UNKNOWN is -1, which old kernels print without sign
		return 0, errNoSpeed
	}
	return v, nil
}

func parseBool(text string) (bool, error) {
	switch text {
	case "0":
		return false, nil
	case "1":
		return true, nil
	}
	return false, fmt.Errorf("found %q, want 0 or 1", clip(text))
}

// textAttr reads and parses one attribute by its path.
func textAttr[T any](m *machine.Machine, name string, parse func(string) (T, error)) Attr[T] {
	a := Attr[T]{Path: name}
	text, err := Text(m, name)
	if err != nil {
		a.Err = err
		return a
	}
	a.Text = text
	if a.Value, err = parse(text); err != nil {
		a.Err = fmt.Errorf("parse %s: %w", name, err)
	}
	return a
}

// stateWord reads "4: ACTIVE" as ACTIVE.
func stateWord(text string) string {
	if _, word, ok := strings.Cut(text, ":"); ok {
		text = word
	}
	return strings.TrimSpace(text)
}
