// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"

	"tarsia.dev/tarsia/kfd"
	"tarsia.dev/tarsia/pci"
	"tarsia.dev/tarsia/sysfs"
	"tarsia.dev/tarsia/topology"
)

const (
	amd    = "amd"
	amdgpu = "amdgpu"
)

// kfdGPU is one device of the compute driver: a GPU, or all partitions of one.
type kfdGPU struct {
	id    topology.Ref
	nodes []*kfd.Node // by node number
}

// readAMD joins the amdgpu driver's attributes and its compute topology to the
// AMD accelerators, and adds those that only the topology shows.
func (d *devices) readAMD() {
	nodes, err := kfd.Read(d.m)
	d.kfd = nodes
	bound := false
	for i := range d.n.Accelerators {
		a := &d.n.Accelerators[i]
		if a.Vendor == amd && a.Driver == amdgpu {
			bound = true
			d.amdgpuAttributes(a)
		}
	}
	if err != nil && (bound || !errors.Is(err, fs.ErrNotExist)) {
		d.absent(topology.NodeRef, "kfd", kfd.Dir, "", err)
	}
	d.gpus = d.groupKFD()
	for order, g := range d.gpus {
		a := d.accelerator(g.id)
		if a == nil {
			a = d.addAccelerator(topology.Accelerator{
				ID: g.id, Vendor: pci.Vendor(g.nodes[0].VendorID), State: topology.DeviceOK, Source: g.nodes[0].Path,
				Model: fmt.Sprintf("%04x:%04x", uint16(g.nodes[0].VendorID), uint16(g.nodes[0].DeviceID)),
			})
			if g.nodes[0].VendorID == 0 {
				a.Vendor, a.Model = amd, "" // early drivers give no ids; the driver is AMD's
			}
		}
		a.Index = order
		d.kfdDevice(a, g)
	}
}

// amdgpuAttributes adds what the driver shows in the function's directory.
// Reading them asks the driver, not the device: they answer also when the
// device sleeps, and config space says whether it is there.
func (d *devices) amdgpuAttributes(a *topology.Accelerator) {
	f, _ := d.functionOf(a.ID)
	g, err := sysfs.ReadAMDGPU(d.m, &f.PCIFunction)
	if err != nil {
		d.absent(a.ID, "amdgpu", f.Dir, "", err)
	}
	if g.Product != "" {
		a.Model = g.Product
	}
	a.UUID, a.MemoryBytes, a.XGMIHive, a.PartitionMode = g.UniqueID, g.VRAMBytes, g.XGMIHive, g.ComputePartition
	d.addFirmware(a.ID, "vbios", g.VBIOS, f.Dir+"/vbios_version")
	for _, fw := range g.Firmware {
		d.addFirmware(a.ID, fw.Component, fw.Version, fw.Path)
	}
	for _, r := range g.RAS {
		a.ErrorCounts = append(a.ErrorCounts, topology.ErrorCount{Block: r.Block, Uncorrectable: r.Uncorrectable,
			Correctable: r.Correctable, Deferred: r.Deferred, Source: r.Path})
	}
	if g.RASErr != nil {
		d.absent(a.ID, "errorCounts", f.Dir+"/ras", "", g.RASErr)
	}
	if g.Answers && a.State == topology.DeviceUnknown {
		a.State, a.StateReason = topology.DeviceOK, ""
	}
}

// groupKFD puts the partitions of a device together, in the order of the nodes.
// Partitions share a unique id, a bus and a device number. Two devices that claim
// one address cannot both be right: the second is named by its node.
func (d *devices) groupKFD() []kfdGPU {
	type key struct {
		unique  uint64
		address pci.Address
	}
	var out []kfdGPU
	groups := map[key]int{}
	for i := range d.kfd {
		n := &d.kfd[i]
		if !n.IsGPU() {
			continue
		}
		k := key{n.UniqueID, n.Address()}
		if n.UniqueID != 0 {
			k.address.Function = 0
		}
		g, ok := groups[k]
		if !ok {
			g = len(out)
			groups[k] = g
			out = append(out, kfdGPU{})
		}
		out[g].nodes = append(out[g].nodes, n)
	}
	taken := map[topology.Ref]int{}
	for i := range out {
		first := out[i].nodes[0]
		if first.LocationID == 0 {
			out[i].id = kfdRef(first.ID)
			continue
		}
		out[i].id = topology.PCIRef(d.kfdAddress(out[i].nodes))
		if other, ok := taken[out[i].id]; ok {
			d.unknown(kfdRef(first.ID), "address", first.Path+"/properties",
				fmt.Sprintf("location_id %d, which node %d has too", first.LocationID, other))
			out[i].id = kfdRef(first.ID)
			continue
		}
		taken[out[i].id] = first.ID
	}
	return out
}

func kfdRef(id int) topology.Ref { return topology.Ref("kfd/" + strconv.Itoa(id)) }

// kfdAddress is the PCI function of a device: that of its first node, or
// function 0 where older kernels counted partitions in the function bits.
func (d *devices) kfdAddress(nodes []*kfd.Node) pci.Address {
	first := nodes[0].Address()
	zero := first
	zero.Function = 0
	_, listed := d.at[first]
	_, zeroListed := d.at[zero]
	if len(nodes) > 1 && (!listed || zeroListed) || !listed && zeroListed {
		return zero
	}
	return first
}

// kfdDevice adds what the compute topology tells of a device.
func (d *devices) kfdDevice(a *topology.Accelerator, g kfdGPU) {
	first := g.nodes[0]
	if first.UniqueID != 0 && a.UUID == "" {
		a.UUID = fmt.Sprintf("%016x", first.UniqueID)
	}
	if first.HiveID != 0 {
		a.XGMIHive = strconv.FormatUint(first.HiveID, 10)
	}
	if a.State == topology.DeviceUnknown && a.Driver == amdgpu {
		a.State, a.StateReason = topology.DeviceOK, ""
	}
	d.kfdPartitions(a, g)
	if a.MemoryBytes == nil && (a.ExpectedPartitions == nil || *a.ExpectedPartitions == len(g.nodes)) {
		var sum int64
		for _, n := range g.nodes {
			sum += min(n.LocalMemBytes, 1<<50)
		}
		if sum > 0 {
			a.MemoryBytes = &sum
		}
	}
}

// modes are the compute partition modes whose name gives the number of
// partitions (kernel Documentation/gpu/amdgpu, "compute partition"). In CPX
// every die is a partition, which is a matter of the model.
var modes = map[string]int{"SPX": 1, "DPX": 2, "TPX": 3, "QPX": 4}

// kfdPartitions lists the partitions that are there and says how many ought to
// be: as the mode says, and in CPX as many as the fullest device of the same
// model has, or as the highest partition number shows.
func (d *devices) kfdPartitions(a *topology.Accelerator, g kfdGPU) {
	if a.PartitionMode == "" && len(g.nodes) > 1 && g.nodes[0].XCCs == 1 {
		a.PartitionMode = "CPX" // one die each: no other mode of several partitions is so
	}
	want, named := modes[a.PartitionMode]
	if want == 1 || !named && a.PartitionMode == "" && len(g.nodes) == 1 {
		return
	}
	for _, n := range g.nodes {
		if !named {
			want = max(want, n.Partition()+1)
		}
		a.Partitions = append(a.Partitions, topology.Partition{ID: strconv.Itoa(n.Partition()), Profile: a.PartitionMode})
	}
	slices.SortFunc(a.Partitions, func(x, y topology.Partition) int {
		return cmp.Or(cmp.Compare(len(x.ID), len(y.ID)), cmp.Compare(x.ID, y.ID))
	})
	if !named {
		for _, peer := range d.gpus {
			if peer.nodes[0].DeviceID == g.nodes[0].DeviceID && peer.nodes[0].XCCs == g.nodes[0].XCCs {
				want = max(want, len(peer.nodes))
			}
		}
	}
	a.ExpectedPartitions = &want
}
