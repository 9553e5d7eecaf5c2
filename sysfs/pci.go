// SPDX-License-Identifier: Apache-2.0

package sysfs

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"tarsia.dev/tarsia/cpuset"
	"tarsia.dev/tarsia/machine"
	"tarsia.dev/tarsia/pci"
)

// PCIDevices is where the kernel lists every PCI function
// (Documentation/ABI/testing/sysfs-bus-pci).
const PCIDevices = "sys/bus/pci/devices"

// MaxPCIFunctions bounds the functions of a machine. A server of 16 GPUs with all
// its virtual functions has some 2,000.
const MaxPCIFunctions = 1 << 14

// Attr is one attribute: its value, its text, the path that was read, and why
// there is no value. Err is nil when Value holds one; for a file that is not there
// errors.Is(Err, fs.ErrNotExist) holds, and for one that says that the kernel
// does not know, errors.Is(Err, pci.ErrNoLink).
type Attr[T any] struct {
	Value T
	Text  string // as it was read, also when it could not be understood
	Path  string
	Err   error
}

// Ptr returns the value, or nil where there is none.
func (a Attr[T]) Ptr() *T {
	if a.Err != nil {
		return nil
	}
	return &a.Value
}

// PCIFunction is the directory of one function.
type PCIFunction struct {
	Address pci.Address
	Dir     string // without links: sys/devices/pci0000:3a/0000:3a:00.0/0000:3b:00.0
	Place   PCIPlace
	Names   []string // of the attributes, sorted

	Class          Attr[pci.Class]
	Vendor, Device Attr[pci.ID]
	SubVendor      Attr[pci.ID]
	SubDevice      Attr[pci.ID]
	Driver         string    // "" when none is bound
	NUMANode       Attr[int] // -1 is a value here: the firmware did not say
	LocalCPUs      Attr[cpuset.Set]
	IOMMUGroup     Attr[int]

	CurrentSpeed, MaxSpeed Attr[float64] // GT/s
	CurrentWidth, MaxWidth Attr[int]     // lanes

	PhysFn   *pci.Address  // the physical function of a virtual one
	VirtFns  []pci.Address // by number
	TotalVFs Attr[int]
	NumVFs   Attr[int]
}

// PCIPlace is what a function's path tells of the tree.
type PCIPlace struct {
	Root  string        // "pci0000:3a", "" for a directory that lies flat
	Above []pci.Address // from the root bus down, without the function itself
}

// PCIAddresses lists the functions, in order of address. Names that are no
// address, and those beyond MaxPCIFunctions, are left out and reported in the
// error, beside the addresses.
func PCIAddresses(m *machine.Machine) ([]pci.Address, error) {
	names, err := m.ReadDir(PCIDevices)
	if err != nil {
		return nil, err
	}
	out := make([]pci.Address, 0, len(names))
	var bad error
	for _, name := range names {
		a, err := pci.ParseAddress(name)
		if err != nil {
			bad = cmp.Or(bad, fmt.Errorf("list %s: %w", PCIDevices, err))
			continue
		}
		out = append(out, a)
	}
	slices.SortFunc(out, pci.Address.Compare)
	if len(out) > MaxPCIFunctions {
		bad = cmp.Or(bad, fmt.Errorf("list %s: found %d functions, want at most %d", PCIDevices, len(out), MaxPCIFunctions))
		out = out[:MaxPCIFunctions]
	}
	return out, bad
}

// ParsePCIPlace reads a function's real path. The last root bus counts: behind
// a VMD controller a second one stands below the controller's own address.
func ParsePCIPlace(dir string) PCIPlace {
	var place PCIPlace
	for part := range strings.SplitSeq(dir, "/") {
		if bus, ok := strings.CutPrefix(part, "pci"); ok && isRootBus(bus) {
			place = PCIPlace{Root: part}
			continue
		}
		if a, err := pci.ParseAddress(part); err == nil && place.Root != "" {
			place.Above = append(place.Above, a)
		}
	}
	if n := len(place.Above); n > 0 {
		place.Above = place.Above[:n-1]
	}
	return place
}

func isRootBus(text string) bool {
	_, err := pci.ParseAddress(text + ":00.0")
	return err == nil
}

// ReadPCIFunction reads one function. The error says that its directory cannot
// be listed; every attribute carries its own.
func ReadPCIFunction(m *machine.Machine, a pci.Address) (PCIFunction, error) {
	f := PCIFunction{Address: a, Dir: PCIDevices + "/" + a.String()}
	if real, err := m.RealPath(f.Dir); err == nil {
		f.Dir = real
	}
	names, err := m.ReadDir(f.Dir)
	if err != nil {
		return f, err
	}
	f.Names = names
	f.Place = ParsePCIPlace(f.Dir)
	r := pciReader{m, &f}

	f.Class = read(r, "class", pci.ParseClass)
	f.Vendor = read(r, "vendor", pci.ParseID)
	f.Device = read(r, "device", pci.ParseID)
	f.SubVendor = read(r, "subsystem_vendor", pci.ParseID)
	f.SubDevice = read(r, "subsystem_device", pci.ParseID)
	if r.has("driver") {
		f.Driver, _ = LinkBase(m, f.Dir+"/driver")
	}
	r.fromUevent()
	f.NUMANode = read(r, "numa_node", parseNUMANode)
	f.LocalCPUs = read(r, "local_cpus", cpuset.ParseMask)
	if f.LocalCPUs.Err != nil && r.has("local_cpulist") {
		f.LocalCPUs = read(r, "local_cpulist", cpuset.Parse)
	}
	f.IOMMUGroup = r.group()
	f.CurrentSpeed = read(r, "current_link_speed", pci.ParseLinkSpeed)
	f.MaxSpeed = read(r, "max_link_speed", pci.ParseLinkSpeed)
	f.CurrentWidth = read(r, "current_link_width", pci.ParseLinkWidth)
	f.MaxWidth = read(r, "max_link_width", pci.ParseLinkWidth)
	r.sriov()
	return f, nil
}

// HasLink tells whether the kernel gives the function link attributes, which it
// does for PCI Express functions only (drivers/pci/pci-sysfs.c,
// pcie_dev_attrs_are_visible), whatever they hold.
func (f *PCIFunction) HasLink() bool {
	for _, e := range []error{f.CurrentSpeed.Err, f.MaxSpeed.Err, f.CurrentWidth.Err, f.MaxWidth.Err} {
		if !isMissing(e) {
			return true
		}
	}
	return false
}

// pciReader reads the attributes of one function that its listing names.
type pciReader struct {
	m *machine.Machine
	f *PCIFunction
}

func (r pciReader) has(name string) bool {
	_, ok := slices.BinarySearch(r.f.Names, name)
	return ok
}

func read[T any](r pciReader, name string, parse func(string) (T, error)) Attr[T] {
	a := Attr[T]{Path: r.f.Dir + "/" + name}
	if !r.has(name) {
		a.Err = &fs.PathError{Op: "read", Path: a.Path, Err: fs.ErrNotExist}
		return a
	}
	text, err := Text(r.m, a.Path)
	if err != nil {
		a.Err = err
		return a
	}
	a.Text = text
	if a.Value, err = parse(text); err != nil {
		a.Err = fmt.Errorf("parse %s: %w", a.Path, err)
	}
	return a
}
