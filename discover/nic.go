// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"tarsia.dev/tarsia/sysfs"
	"tarsia.dev/tarsia/topology"
)

// readNICs fills the network interfaces and RDMA ports with hardware behind
// them. An RDMA port and the interface over it are one NIC; a port without one,
// as of an InfiniBand fabric without IP, is named by its device.
func (d *devices) readNICs() {
	nets, err := sysfs.NetInterfaces(d.m)
	if err != nil {
		d.absent(topology.NodeRef, "nics", "sys/class/net", "", err)
	}
	ports, err := sysfs.RDMAPorts(d.m)
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // most machines have no such class
		d.absent(topology.NodeRef, "nics.rdma", "sys/class/infiniband", "", err)
	}
	type seat struct {
		device topology.Ref
		port   int
	}
	first := map[seat]int{} // index in NICs of the first interface of a port
	for _, n := range nets {
		nic := d.netNIC(n)
		if s := (seat{nic.Device, n.Port}); n.Port >= 0 {
			if _, ok := first[s]; !ok {
				first[s] = len(d.n.NICs)
			}
		}
		d.n.NICs = append(d.n.NICs, nic)
	}
	for _, p := range ports {
		rdma := &topology.RDMAPort{Device: p.Name, Port: p.Port, State: p.State, LinkLayer: p.LinkLayer, Rate: p.Rate}
		if i, ok := first[seat{deviceName(p.Device), p.Port - 1}]; ok && d.n.NICs[i].RDMA == nil {
			d.n.NICs[i].RDMA = rdma
			fillRate(&d.n.NICs[i])
			continue
		}
		nic := topology.NIC{Name: p.Name, Device: deviceName(p.Device), NUMANode: d.deviceNode(p.Device), RDMA: rdma, Source: p.Path}
		if p.Port > 1 {
			nic.Name = fmt.Sprintf("%s/%d", p.Name, p.Port)
		}
		if p.State != "" {
			nic.LinkUp = new(p.State == rdmaActive)
		}
		fillRate(&nic)
		d.n.NICs = append(d.n.NICs, nic)
	}
	slices.SortFunc(d.n.NICs, func(a, b topology.NIC) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), topology.CompareRefs(a.Device, b.Device))
	})
}

// rdmaActive is IB_PORT_ACTIVE in the kernel's words.
const rdmaActive = "ACTIVE"

// fillRate takes the port's rate where the interface tells none. A port that is
// not active shows a rate that it does not have.
func fillRate(n *topology.NIC) {
	if n.SpeedMbps != nil || n.RDMA.State != rdmaActive {
		return
	}
	if v, err := sysfs.RateMbps(n.RDMA.Rate); err == nil {
		n.SpeedMbps = &v
	}
}

func (d *devices) netNIC(n sysfs.NetInterface) topology.NIC {
	nic := topology.NIC{Name: n.Name, Device: deviceName(n.Device), NUMANode: d.deviceNode(n.Device), Source: n.Path}
	// carrier answers EINVAL while the interface is administratively down;
	// operstate tells then (RFC 2863 states, kernel operstates.rst).
	switch {
	case n.Carrier.Err == nil:
		nic.LinkUp = new(n.Carrier.Value)
	case n.State == "up":
		nic.LinkUp = new(true)
	case slices.Contains([]string{"down", "lowerlayerdown", "notpresent"}, n.State):
		nic.LinkUp = new(false)
	default:
		d.absent(nic.Device, "nic.linkUp", n.Carrier.Path, n.Carrier.Text, n.Carrier.Err)
	}
	if nic.LinkUp != nil && *nic.LinkUp {
		nic.SpeedMbps = n.Speed.Ptr()
		d.absent(nic.Device, "nic.speedMbps", n.Speed.Path, n.Speed.Text, n.Speed.Err)
	}
	return nic
}

func deviceName(dev sysfs.Device) topology.Ref {
	if dev.PCI != nil {
		return topology.PCIRef(*dev.PCI)
	}
	return topology.Ref("platform/" + dev.Platform)
}

// deviceNode is the NUMA node of the hardware behind a class entry.
func (d *devices) deviceNode(dev sysfs.Device) *int {
	if _, f := d.functionOf(deviceName(dev)); f != nil {
		return f.NUMANode
	}
	if v, err := sysfs.Int(d.m, dev.Dir+"/numa_node"); err == nil && v >= 0 {
		return &v
	}
	return nil
}
