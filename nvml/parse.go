// SPDX-License-Identifier: Apache-2.0

package nvml

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"tarsia.dev/tarsia/cpuset"
	"tarsia.dev/tarsia/machine"
	"tarsia.dev/tarsia/pci"
)

// MaxDocument bounds a document, in bytes.
const MaxDocument = 4 << 20

// Bounds of what a document holds. NVML itself knows 64 devices with 36 links and
// 8 instances each (nvml.h, NVML_NVLINK_MAX_LINKS); the rest is headroom.
const (
	maxUnanswered = 512
	maxDevices    = 256
	maxLinks      = 64
	maxInstances  = 64
)

// Path is where the answers of a machine lie.
const Path = machine.AnswersDir + "/" + AnswersFile

// Read returns the answers of a machine. Nobody asked where the error is
// fs.ErrNotExist.
func Read(m *machine.Machine) (*Answers, error) {
	data, err := m.ReadFile(Path)
	if err != nil {
		return nil, err
	}
	a, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("parse %s: %w", Path, err)
	}
	return a, nil
}

// Parse reads one document, strictly: an unknown key, a second document, another
// version, a device twice, or a number out of range is an error that says where.
func Parse(data []byte) (*Answers, error) {
	if len(data) > MaxDocument {
		return nil, fmt.Errorf("found %d bytes, want at most %d", len(data), MaxDocument)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var a Answers
	if err := dec.Decode(&a); err != nil {
		return nil, where(data, dec.InputOffset(), err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, where(data, dec.InputOffset(), errors.New("found more after the document"))
	}
	if a.Version != Version {
		return nil, fmt.Errorf("version: found %d, this reader knows %d", a.Version, Version)
	}
	if err := a.check(); err != nil {
		return nil, err
	}
	return &a, nil
}

// where adds the line to an error of the decoder.
func where(data []byte, offset int64, err error) error {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = syntax.Offset
	} else if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		offset = kind.Offset
	}
	offset = min(max(offset, 0), int64(len(data)))
	return fmt.Errorf("line %d: %w", 1+bytes.Count(data[:offset], []byte("\n")), err)
}

func (a *Answers) check() error {
	if len(a.Devices) > maxDevices {
		return fmt.Errorf("devices: found %d, want at most %d", len(a.Devices), maxDevices)
	}
	if len(a.Unnamed) > maxDevices {
		return fmt.Errorf("unnamed: found %d, want at most %d", len(a.Unnamed), maxDevices)
	}
	indices, addresses := map[int]bool{}, map[pci.Address]bool{}
	for i := range a.Devices {
		d := &a.Devices[i]
		at := fmt.Sprintf("devices[%d]", i)
		if d.Index < 0 || indices[d.Index] {
			return fmt.Errorf("%s: index: found %d, want each number from 0 once", at, d.Index)
		}
		indices[d.Index] = true
		addr, err := d.Address()
		if err != nil {
			return fmt.Errorf("%s: busId: %w", at, err)
		}
		if addresses[addr] {
			return fmt.Errorf("%s: busId: found %q a second time", at, d.BusID)
		}
		addresses[addr] = true
		if err := d.check(); err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
	}
	return a.checkPairs(indices)
}

// checkPairs wants each pair of listed devices once.
func (a *Answers) checkPairs(indices map[int]bool) error {
	seen := map[[2]int]bool{}
	for i, p := range a.Pairs {
		key := [2]int{p.A, p.B}
		if p.A >= p.B || !indices[p.A] || !indices[p.B] || seen[key] {
			return fmt.Errorf("pairs[%d]: found %d and %d, want two listed devices, the lower first, once", i, p.A, p.B)
		}
		seen[key] = true
	}
	return nil
}

func (d *Device) check() error {
	if d.MemoryBytes != nil && *d.MemoryBytes < 0 {
		return fmt.Errorf("memoryTotal: found %d, want bytes", *d.MemoryBytes)
	}
	if len(d.NVLinks) > maxLinks {
		return fmt.Errorf("nvlinks: found %d, want at most %d", len(d.NVLinks), maxLinks)
	}
	seen := map[int]bool{}
	for _, l := range d.NVLinks {
		switch {
		case l.Link < 0 || l.Link >= maxLinks || seen[l.Link]:
			return fmt.Errorf("nvlinks: link: found %d, want each number from 0 to %d once", l.Link, maxLinks-1)
		case l.State != nil && *l.State != 0 && *l.State != 1:
			return fmt.Errorf("nvlinks: link %d: state: found %d, want 0 or 1", l.Link, *l.State)
		case l.SpeedMBps != nil && (*l.SpeedMBps < 0 || *l.SpeedMBps > maxMBps):
			return fmt.Errorf("nvlinks: link %d: speedMBps: found %d, want 0 to %d", l.Link, *l.SpeedMBps, maxMBps)
		}
		if l.RemoteBusID != "" && !l.Hidden() {
			if _, err := ParseBusID(l.RemoteBusID); err != nil {
				return fmt.Errorf("nvlinks: link %d: remoteBusId: %w", l.Link, err)
			}
		}
		seen[l.Link] = true
	}
	if c := d.C2C; c != nil {
		switch {
		case c.LinkCount < 0 || c.LinkCount > maxLinks:
			return fmt.Errorf("c2c: linkCount: found %d, want 0 to %d", c.LinkCount, maxLinks)
		case c.LinksUp != nil && (*c.LinksUp < 0 || *c.LinksUp > c.LinkCount):
			return fmt.Errorf("c2c: linksUp: found %d, want 0 to linkCount %d", *c.LinksUp, c.LinkCount)
		case c.MaxBandwidth != nil && (*c.MaxBandwidth < 0 || *c.MaxBandwidth > maxMBps):
			return fmt.Errorf("c2c: linkMaxBwMBps: found %d, want 0 to %d", *c.MaxBandwidth, maxMBps)
		case c.CPUPackage != nil && *c.CPUPackage < 0:
			return fmt.Errorf("c2c: cpuPackage: found %d, want a package id", *c.CPUPackage)
		}
	}
	if d.Fabric != nil && (d.Fabric.State < 0 || d.Fabric.State > 3) {
		return fmt.Errorf("fabric: state: found %d, want 0 to 3", d.Fabric.State)
	}
	if len(d.Unanswered) > maxUnanswered {
		return fmt.Errorf("unanswered: found %d, want at most %d", len(d.Unanswered), maxUnanswered)
	}
	for _, list := range []struct{ name, text string }{{"cpuAffinity", d.CPUAffinity}, {"memoryAffinity", d.MemoryAffinity}} {
		if list.text == "" {
			continue
		}
		if _, err := cpuset.Parse(list.text); err != nil {
			return fmt.Errorf("%s: %w", list.name, err)
		}
	}
	return d.MIG.check()
}

func (m *MIG) check() error {
	if m == nil {
		return nil
	}
	if len(m.Instances) > maxInstances {
		return fmt.Errorf("mig: instances: found %d, want at most %d", len(m.Instances), maxInstances)
	}
	for _, i := range m.Instances {
		if len(i.Compute) > maxInstances {
			return fmt.Errorf("mig: instance %d: compute: found %d, want at most %d", i.ID, len(i.Compute), maxInstances)
		}
	}
	return nil
}

// maxMBps keeps products of links and speed within int64.
const maxMBps = 1 << 30

// hiddenBusID is what NVML gives for the far end of a link to an NVSwitch that
// this machine, or this container, does not see.
const hiddenBusID = "FFFFFFFF:FF:FF.0"

// Hidden tells whether the far end has no address here.
func (l *Link) Hidden() bool {
	return l.RemoteBusID == "" || strings.EqualFold(l.RemoteBusID, hiddenBusID)
}

// Address is the device's PCI address.
func (d *Device) Address() (pci.Address, error) { return ParseBusID(d.BusID) }

// ParseBusID reads NVML's busId, "00000000:1B:00.0": the kernel's form with
// eight domain digits and in upper case.
func ParseBusID(text string) (pci.Address, error) {
	a, err := pci.ParseAddress(strings.ToLower(text))
	if err != nil {
		return pci.Address{}, fmt.Errorf("found %s, want a form like 00000000:1B:00.0", strconv.Quote(clip(text)))
	}
	return a, nil
}

func clip(text string) string {
	if len(text) > 40 {
		return text[:40] + "..."
	}
	return text
}

// Write returns the document as the child that asks writes it: one line.
func Write(a *Answers) ([]byte, error) {
	data, err := json.Marshal(a)
	if err != nil {
		return nil, fmt.Errorf("write nvml answers: %w", err)
	}
	return append(data, '\n'), nil
}
