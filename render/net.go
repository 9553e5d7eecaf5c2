// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"strconv"
	"strings"
)

// netDevice is a network interface of a device.
type netDevice struct {
	name   string
	device string // path under sys
	net    Net
	rdma   bool
}

// layNets names the interfaces: prefix and a running number per prefix.
func (h *host) layNets() error {
	numbers := map[string]int{}
	seen := map[string]bool{}
	add := func(device string, n *Net, layer string) {
		if n != nil {
			h.nets = append(h.nets, netDevice{n.Prefix + strconv.Itoa(numbers[n.Prefix]), device, *n, layer == "InfiniBand"})
			numbers[n.Prefix]++
		}
	}
	for _, fn := range h.functions {
		layer := ""
		if fn.device.RDMA != nil {
			layer = fn.device.RDMA.Layer
		}
		add(fn.path, fn.device.Net, layer)
	}
	for _, d := range h.facts.Platform {
		add(platformPath(d), d.Net, "")
	}
	for _, n := range h.nets {
		if seen[n.name] {
			return fmt.Errorf("two network interfaces are named %q, want prefixes without digits", n.name)
		}
		seen[n.name] = true
	}
	return nil
}

// writeNetwork writes interfaces and RDMA ports (kernel, Documentation/ABI/
// testing/sysfs-class-net, Documentation/ABI/stable/sysfs-class-infiniband).
func (h *host) writeNetwork(o *out) {
	const lo = "sys/devices/virtual/net/lo"
	o.link("sys/class/net/lo", relative("sys/class/net", lo))
	o.file(lo+"/operstate", "unknown")
	o.file(lo+"/type", "772")
	for _, n := range h.nets {
		dir := n.device + "/net/" + n.name
		o.link("sys/class/net/"+n.name, relative("sys/class/net", dir))
		o.link(dir+"/device", "../../../"+base(n.device))
		o.file(dir+"/type", map[bool]string{true: "32", false: "1"}[n.rdma])
		state, carrier, speed := "up", "1", strconv.Itoa(n.net.Mbps)
		if n.net.Mbps == 0 {
			state, carrier, speed = "down", "0", "-1"
		}
		o.file(dir+"/operstate", state)
		o.file(dir+"/carrier", carrier)
		o.file(dir+"/speed", speed)
	}
	number := 0
	for _, fn := range h.functions {
		r := fn.device.RDMA
		if r == nil {
			continue
		}
		name := "mlx5_" + strconv.Itoa(number)
		number++
		dir := fn.path + "/infiniband/" + name
		o.link("sys/class/infiniband/"+name, relative("sys/class/infiniband", dir))
		o.link(dir+"/device", "../../../"+fn.address.String())
		o.file(dir+"/node_type", "1: CA")
		port := dir + "/ports/1/"
		o.file(port+"state", "4: ACTIVE")
		o.file(port+"phys_state", "5: LinkUp")
		o.file(port+"rate", r.Rate)
		o.file(port+"link_layer", r.Layer)
	}
}

func base(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }
