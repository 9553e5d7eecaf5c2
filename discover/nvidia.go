// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"tarsia.dev/tarsia/nvml"
	"tarsia.dev/tarsia/topology"
)

const nvidia = "nvidia"

// readNVIDIA joins the driver's words under /proc and the answers of NVML to
// the NVIDIA accelerators, and adds those that NVML lists and the PCI tree of a
// container does not.
func (d *devices) readNVIDIA() {
	d.nvml, d.nvmlErr = nvml.Read(d.m)
	version, _ := nvml.ReadDriverVersion(d.m)
	if d.nvml != nil && d.nvml.DriverVersion != "" {
		version = d.nvml.DriverVersion
	}
	listed := map[topology.Ref]*nvml.Device{}
	if d.nvml != nil {
		for i := range d.nvml.Devices {
			dev := &d.nvml.Devices[i]
			id := deviceRef(dev)
			listed[id] = dev
			if a := d.accelerator(id); a == nil {
				d.addAccelerator(topology.Accelerator{ID: id, Index: noIndex, Vendor: nvidia, State: topology.DeviceUnknown, Source: nvml.Path})
			}
		}
	}
	asked := false
	for i := range d.n.Accelerators {
		a := &d.n.Accelerators[i]
		if a.Vendor != nvidia {
			continue
		}
		asked = true
		if a.Driver == nvidia || a.Source == nvml.Path {
			a.DriverVersion = version
		}
		d.nvidiaProc(a)
		d.nvidiaState(a, listed[a.ID])
		if dev := listed[a.ID]; dev != nil {
			d.nvidiaDevice(a, dev)
		}
	}
	if d.nvmlErr != nil && (asked || !errors.Is(d.nvmlErr, fs.ErrNotExist)) {
		d.absent(topology.NodeRef, "nvml", nvml.Path, "", d.nvmlErr)
	}
}

// deviceRef names a device by its address, which nvml.Parse has checked.
func deviceRef(dev *nvml.Device) topology.Ref {
	addr, _ := dev.Address()
	return topology.PCIRef(addr)
}

// nvidiaProc adds what the driver shows without its library.
func (d *devices) nvidiaProc(a *topology.Accelerator) {
	addr, ok := a.ID.PCI()
	if !ok {
		return
	}
	if info, err := nvml.ReadInformation(d.m, addr); err == nil {
		if info.Model != "" {
			a.Model = info.Model
		}
		a.UUID = info.UUID
		d.addFirmware(a.ID, "vbios", info.VideoBIOS, info.Path)
		d.addFirmware(a.ID, "gsp", info.GPUFirmware, info.Path)
	}
	if id, err := nvml.ReadNUMAStatus(d.m, addr); err == nil {
		d.memoryNode(a, id)
	}
}

// errLost is NVML_ERROR_GPU_IS_LOST: "the GPU has fallen off the bus or has
// otherwise become inaccessible" (nvml.h).
const errLost = "GPU_IS_LOST"

// nvidiaState says whether the device answers. Config space that answers is not
// enough here: a GPU whose firmware hangs still has it.
func (d *devices) nvidiaState(a *topology.Accelerator, dev *nvml.Device) {
	if a.State == topology.DeviceLost {
		return
	}
	if a.Driver == "" && a.Source != nvml.Path {
		return // nobody can ask it; pciAccelerator has said so
	}
	a.State = topology.DeviceUnknown
	switch {
	case dev != nil && dev.Error == errLost:
		a.State = topology.DeviceLost
		a.StateReason = "NVML answers " + errLost + " (" + nvml.Path + ")"
	case dev != nil && dev.Error != "":
		a.StateReason = "NVML answers " + dev.Error + " (" + nvml.Path + ")"
	case dev != nil:
		a.State, a.StateReason = topology.DeviceOK, ""
	case d.nvml != nil && d.nvml.Error != "":
		a.StateReason = "NVML could not be asked: " + d.nvml.Error + " (" + nvml.Path + ")"
	case d.nvml != nil:
		a.StateReason = "NVML does not list this device (" + nvml.Path + ")"
	case errors.Is(d.nvmlErr, fs.ErrNotExist):
		a.StateReason = "NVML was not asked (" + nvml.Path + ")"
	default:
		a.StateReason = "the answers of NVML cannot be read: " + d.nvmlErr.Error()
	}
}

func (d *devices) nvidiaDevice(a *topology.Accelerator, dev *nvml.Device) {
	a.Index = dev.Index
	if dev.Name != "" {
		a.Model = dev.Name
	}
	if dev.UUID != "" {
		a.UUID = dev.UUID
	}
	a.ModuleID = dev.ModuleID
	a.MemoryBytes = dev.MemoryBytes
	if dev.NUMANodeID != nil {
		d.memoryNode(a, *dev.NUMANodeID)
	}
	if dev.Error == "" {
		d.replaceFirmware(a.ID, "vbios", dev.VBIOS)
		d.replaceFirmware(a.ID, "gsp", dev.GSPFirmware)
	}
	a.Fabric = fabricMember(dev.Fabric)
	if dev.MIG != nil && dev.MIG.Enabled {
		a.PartitionMode = "mig"
		for _, i := range dev.MIG.Instances {
			a.Partitions = append(a.Partitions, topology.Partition{ID: strconv.Itoa(i.ID), Profile: i.Profile, UUID: i.UUID})
		}
	}
}

// replaceFirmware prefers NVML's answer to the file under /proc, so that there
// is one version per component.
func (d *devices) replaceFirmware(id topology.Ref, component, version string) {
	if version == "" {
		return
	}
	for i := range d.n.Firmware {
		if f := &d.n.Firmware[i]; f.Device == id && f.Component == component {
			f.Version, f.Source = version, nvml.Path
			return
		}
	}
	d.addFirmware(id, component, version, nvml.Path)
}

// fabricStates are the names of nvmlGpuFabricState_t.
var fabricStates = [...]string{"not-supported", "not-started", "in-progress", "completed"}

// fabricMember is membership in a multi-node NVLink domain. A single HGX machine
// has a fabric too, with a cluster UUID of zeros: it is a member of nothing.
func fabricMember(f *nvml.Fabric) *topology.FabricMember {
	if f == nil || f.State == 0 || strings.Trim(f.ClusterUUID, "0-") == "" {
		return nil
	}
	return &topology.FabricMember{
		ClusterUUID: f.ClusterUUID, CliqueID: f.CliqueID, State: fabricStates[f.State], HealthMask: f.HealthMask,
	}
}

// c2cLinks adds the coherent link between each GPU and its CPU package.
func (d *devices) c2cLinks() {
	if d.nvml == nil {
		return
	}
	for i := range d.nvml.Devices {
		dev := &d.nvml.Devices[i]
		c := dev.C2C
		if c == nil || c.LinkCount == 0 {
			continue
		}
		id := deviceRef(dev)
		far := d.c2cPackage(d.accelerator(id), c)
		if far == topology.NodeRef {
			d.unknown(id, "links", nvml.Path, fmt.Sprintf("%d C2C links to a package that nobody names", c.LinkCount))
		}
		ends := makePair(far, id)
		l := topology.Link{
			Kind: topology.LinkC2C, A: ends.a, B: ends.b, Coherent: true, Source: nvml.Path,
			MaxLanes: new(c.LinkCount), Lanes: c.LinksUp, State: topology.LinkStateUnknown,
		}
		if c.LinksUp == nil {
			d.unknown(id, "link", nvml.Path, "C2C link status not answered")
		} else {
			l.State = bundleState(*c.LinksUp, c.LinkCount)
		}
		l.BytesPerSecond, l.MaxBytesPerSecond = bundleRate(c.MaxBandwidth, l.Lanes), bundleRate(c.MaxBandwidth, l.MaxLanes)
		d.n.Links = append(d.n.Links, l)
	}
}

// c2cPackage is the package at the other end: as the asker knew it, or the one
// with the CPUs of the device's NUMA node, or the node itself.
func (d *devices) c2cPackage(a *topology.Accelerator, c *nvml.C2C) topology.Ref {
	if c.CPUPackage != nil {
		return topology.PackageRef(*c.CPUPackage)
	}
	if a != nil && a.NUMANode != nil {
		if n := d.numaNode(*a.NUMANode); n != nil {
			for i := range d.n.Packages {
				if p := &d.n.Packages[i]; p.CPUs.Overlaps(n.CPUs) {
					return topology.PackageRef(p.ID)
				}
			}
		}
	}
	return topology.NodeRef
}

// bundleState is the state of a bundle of links.
func bundleState(up, all int) topology.LinkState {
	switch {
	case up == 0:
		return topology.LinkDown
	case up < all:
		return topology.LinkDegraded
	}
	return topology.LinkUp
}

// bundleRate multiplies MB/s, nil where either is not known.
func bundleRate(mbps *int64, links *int) *int64 {
	if mbps == nil || links == nil {
		return nil
	}
	return new(*mbps * 1_000_000 * int64(*links))
}
