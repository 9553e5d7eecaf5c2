// SPDX-License-Identifier: Apache-2.0

package sysfs

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"

	"tarsia.dev/tarsia/pci"
)

// maxVFs is what the 16-bit TotalVFs register of the SR-IOV capability can say
// (PCI Express Base Specification 6.0, section 9.3.3.5).
const maxVFs = 1<<16 - 1

func isMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }

func parseNUMANode(text string) (int, error) {
	v, err := strconv.ParseInt(text, 10, 32)
	if err != nil || v < -1 {
		return 0, fmt.Errorf("found %q, want -1 or a node number", clip(text))
	}
	return int(v), nil
}

func parseVFs(text string) (int, error) {
	v, err := strconv.ParseUint(text, 10, 32)
	if err != nil || v > maxVFs {
		return 0, fmt.Errorf("found %q, want a number of virtual functions", clip(text))
	}
	return int(v), nil
}

// group reads the number that the link iommu_group ends in.
func (r pciReader) group() Attr[int] {
	a := Attr[int]{Path: r.f.Dir + "/iommu_group"}
	if !r.has("iommu_group") {
		a.Err = &fs.PathError{Op: "readlink", Path: a.Path, Err: fs.ErrNotExist}
		return a
	}
	base, err := LinkBase(r.m, a.Path)
	if err != nil {
		a.Err = err
		return a
	}
	if a.Value, err = strconv.Atoi(base); err != nil || a.Value < 0 {
		a.Err = &ParseError{a.Path, clip(base), "a link to a group number"}
	}
	return a
}

// sriov reads the virtual functions. The links virtfnN are taken from the
// listing, so that the work is that of the links which exist, whatever
// sriov_totalvfs says.
func (r pciReader) sriov() {
	f := r.f
	f.TotalVFs = read(r, "sriov_totalvfs", parseVFs)
	f.NumVFs = read(r, "sriov_numvfs", parseVFs)
	if r.has("physfn") {
		if base, err := LinkBase(r.m, f.Dir+"/physfn"); err == nil {
			if a, err := pci.ParseAddress(base); err == nil {
				f.PhysFn = &a
			}
		}
	}
	byNumber := map[int]pci.Address{}
	for _, name := range f.Names {
		number, ok := strings.CutPrefix(name, "virtfn")
		if !ok {
			continue
		}
		n, err := strconv.Atoi(number)
		if err != nil || n < 0 || n > maxVFs {
			continue
		}
		base, err := LinkBase(r.m, f.Dir+"/"+name)
		if err != nil {
			continue
		}
		if a, err := pci.ParseAddress(base); err == nil {
			byNumber[n] = a
		}
	}
	for _, n := range slices.Sorted(maps.Keys(byNumber)) {
		f.VirtFns = append(f.VirtFns, byNumber[n])
	}
}

// fromUevent fills what has no file of its own from the file uevent, which says
// the same: captures often hold only that one.
func (r pciReader) fromUevent() {
	f := r.f
	if f.Class.Err == nil && f.Vendor.Err == nil && f.Device.Err == nil && f.SubVendor.Err == nil && f.Driver != "" {
		return
	}
	if !r.has("uevent") {
		return
	}
	name := f.Dir + "/uevent"
	data, err := r.m.ReadFile(name)
	if err != nil {
		return
	}
	u := ParseUevent(data)
	fill(&f.Class, name, u["PCI_CLASS"], pci.ParseClass)
	vendor, device, _ := strings.Cut(u["PCI_ID"], ":")
	fill(&f.Vendor, name, vendor, pci.ParseID)
	fill(&f.Device, name, device, pci.ParseID)
	vendor, device, _ = strings.Cut(u["PCI_SUBSYS_ID"], ":")
	fill(&f.SubVendor, name, vendor, pci.ParseID)
	fill(&f.SubDevice, name, device, pci.ParseID)
	if f.Driver == "" {
		f.Driver = u["DRIVER"]
	}
}

// fill sets an attribute whose own file is not there.
func fill[T any](a *Attr[T], name, text string, parse func(string) (T, error)) {
	if !isMissing(a.Err) || text == "" {
		return
	}
	if v, err := parse(text); err == nil {
		*a = Attr[T]{Value: v, Path: name}
	}
}

// maxUevent bounds the variables of one uevent file; the kernel writes at most
// UEVENT_NUM_ENVP, 64.
const maxUevent = 256

// ParseUevent reads the lines KEY=value of a uevent file. What is no such line
// is left out, and the first of two equal keys counts.
func ParseUevent(data []byte) map[string]string {
	out := map[string]string{}
	for line := range strings.SplitSeq(string(data), "\n") {
		key, value, ok := strings.Cut(strings.Trim(line, " \t\r\x00"), "=")
		if !ok || key == "" || len(out) >= maxUevent {
			continue
		}
		if _, twice := out[key]; !twice {
			out[key] = value
		}
	}
	return out
}
